CREATE TABLE batch (
    first_sequence BIGINT PRIMARY KEY,
    count          BIGINT NOT NULL CHECK (count > 0),
    epoch          BIGINT NOT NULL,
    at_us          BIGINT NOT NULL,
    previous_hash  BYTEA  NOT NULL CHECK (length(previous_hash) = 32),
    hash           BYTEA  NOT NULL CHECK (length(hash) = 32),
    data           BYTEA  NOT NULL
);

-- Commands are small and dense: no time is spent on compressing them.
ALTER TABLE batch ALTER COLUMN data SET STORAGE EXTERNAL;

-- writer: drawn at random by each writer when it takes over.
CREATE TABLE head (
    id            BIGINT PRIMARY KEY CHECK (id = 1),
    epoch         BIGINT NOT NULL,
    next_sequence BIGINT NOT NULL,
    hash          BYTEA  NOT NULL CHECK (length(hash) = 32),
    writer        BIGINT NOT NULL
) WITH (fillfactor = 10);

INSERT INTO head (id, epoch, next_sequence, hash, writer)
VALUES (1, 0, 1, '\x0000000000000000000000000000000000000000000000000000000000000000', 0);

-- expires_us: by the database's clock, microseconds since 1970; NULL: never expires by itself.
CREATE TABLE lease (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    holder     TEXT   NOT NULL,
    epoch      BIGINT NOT NULL,
    expires_us BIGINT
);

INSERT INTO lease (id, holder, epoch, expires_us) VALUES (1, '', 0, NULL);
