-- The append-only Merkle log of accesses.
CREATE TABLE leaves (
    number  INTEGER PRIMARY KEY,
    subject BLOB NOT NULL,
    body    TEXT NOT NULL
) STRICT;
CREATE INDEX leaves_subject ON leaves (subject, number);

-- Hashes of full subtrees. They never change.
CREATE TABLE nodes (
    level    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER leaves_never_change BEFORE UPDATE ON leaves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER leaves_never_go     BEFORE DELETE ON leaves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER nodes_never_change  BEFORE UPDATE ON nodes  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER nodes_never_go      BEFORE DELETE ON nodes  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
