-- Keys, sealed under the root key, and what anchors the other databases. Outside the backups.
CREATE TABLE meta (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE service_keys (
    name   TEXT COLLATE "C" PRIMARY KEY,
    key_id BYTEA NOT NULL,
    sealed BYTEA NOT NULL
);

-- One key for every subject and purpose. Deleting a subject's keys is what erasure means.
CREATE TABLE subject_keys (
    subject BYTEA NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    key_id  BYTEA NOT NULL,
    sealed  BYTEA NOT NULL,
    PRIMARY KEY (subject, purpose)
);

-- The latest version of every record: an older or foreign row is refused. A write is pending until
-- the row itself is durable.
CREATE TABLE anchors (
    subject         BYTEA NOT NULL,
    field           TEXT COLLATE "C" NOT NULL,
    record          TEXT COLLATE "C" NOT NULL,
    version         BIGINT,
    mac             BYTEA,
    pending_version BIGINT,
    pending_mac     BYTEA,
    PRIMARY KEY (subject, field, record)
);

CREATE TABLE erased_subjects (
    subject      BYTEA PRIMARY KEY,
    erased_at_ms BIGINT NOT NULL
);

-- How far the access log had come, so that a shortened or rewritten log is noticed.
CREATE TABLE log_anchor (
    one  BIGINT PRIMARY KEY CHECK (one = 1),
    size BIGINT NOT NULL,
    root BYTEA    NOT NULL
);
