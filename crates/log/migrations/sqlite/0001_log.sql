CREATE TABLE batch (
    first_sequence INTEGER PRIMARY KEY,
    count          INTEGER NOT NULL CHECK (count > 0),
    epoch          INTEGER NOT NULL,
    at_us          INTEGER NOT NULL,
    previous_hash  BLOB    NOT NULL CHECK (length(previous_hash) = 32),
    hash           BLOB    NOT NULL CHECK (length(hash) = 32),
    data           BLOB    NOT NULL
);

CREATE TABLE head (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    epoch         INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL,
    hash          BLOB    NOT NULL CHECK (length(hash) = 32)
);

INSERT INTO head (id, epoch, next_sequence, hash) VALUES (1, 0, 1, zeroblob(32));
