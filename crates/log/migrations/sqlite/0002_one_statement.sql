-- The head follows each row by itself, so that an append is one statement and so one transaction.
CREATE TRIGGER head_follows AFTER INSERT ON batch
BEGIN
    UPDATE head SET next_sequence = NEW.first_sequence + NEW.count, hash = NEW.hash WHERE id = 1;
END;

-- Drawn at random by each writer when it takes over.
ALTER TABLE head ADD COLUMN writer INTEGER NOT NULL DEFAULT 0;

-- expires_us: by the database's clock, microseconds since 1970; NULL: never expires by itself.
CREATE TABLE lease (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    holder     TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    expires_us INTEGER
);

INSERT INTO lease (id, holder, epoch, expires_us) VALUES (1, '', 0, NULL);
