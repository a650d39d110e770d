-- Sealed values. Nothing here can be read without the key store.
CREATE TABLE meta (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE records (
    subject      BYTEA    NOT NULL,
    field        TEXT COLLATE "C"    NOT NULL,
    record       TEXT COLLATE "C"    NOT NULL,
    version      BIGINT NOT NULL,
    key_id       BYTEA    NOT NULL,
    sealed       BYTEA    NOT NULL,
    stored_at_ms BIGINT NOT NULL,
    PRIMARY KEY (subject, field, record)
);

-- The record's data key, sealed once for every purpose that the catalogue grants.
CREATE TABLE record_keys (
    subject    BYTEA NOT NULL,
    field      TEXT COLLATE "C" NOT NULL,
    record     TEXT COLLATE "C" NOT NULL,
    purpose    TEXT COLLATE "C" NOT NULL,
    sealed_key BYTEA NOT NULL,
    PRIMARY KEY (subject, field, record, purpose)
);

-- Keyed tags of claimed values: how a person is found by e-mail or phone.
CREATE TABLE blind_index (
    subject BYTEA    NOT NULL,
    field   TEXT COLLATE "C"    NOT NULL,
    tag     BYTEA    NOT NULL,
    exact   BIGINT NOT NULL,
    PRIMARY KEY (subject, field)
);
CREATE INDEX blind_index_tag ON blind_index (field, tag);
CREATE UNIQUE INDEX blind_index_exact ON blind_index (field, tag) WHERE exact = 1;
