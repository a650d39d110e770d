-- Sealed values. Nothing here can be read without the key store.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE records (
    subject      BLOB    NOT NULL,
    field        TEXT    NOT NULL,
    record       TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    key_id       BLOB    NOT NULL,
    sealed       BLOB    NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, field, record)
) STRICT, WITHOUT ROWID;

-- The record's data key, sealed once for every purpose that the catalogue grants.
CREATE TABLE record_keys (
    subject    BLOB NOT NULL,
    field      TEXT NOT NULL,
    record     TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    sealed_key BLOB NOT NULL,
    PRIMARY KEY (subject, field, record, purpose)
) STRICT, WITHOUT ROWID;

-- Keyed tags of claimed values: how a person is found by e-mail or phone.
CREATE TABLE blind_index (
    subject BLOB    NOT NULL,
    field   TEXT    NOT NULL,
    tag     BLOB    NOT NULL,
    exact   INTEGER NOT NULL,
    PRIMARY KEY (subject, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX blind_index_tag ON blind_index (field, tag);
CREATE UNIQUE INDEX blind_index_exact ON blind_index (field, tag) WHERE exact = 1;
