-- Keys, sealed under the root key, and what anchors the other databases. Outside the backups.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service_keys (
    name   TEXT PRIMARY KEY,
    key_id BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One key for every subject and purpose. Deleting a subject's keys is what erasure means.
CREATE TABLE subject_keys (
    subject BLOB NOT NULL,
    purpose TEXT NOT NULL,
    key_id  BLOB NOT NULL,
    sealed  BLOB NOT NULL,
    PRIMARY KEY (subject, purpose)
) STRICT, WITHOUT ROWID;

-- The latest version of every record: an older or foreign row is refused. A write is pending until
-- the row itself is durable.
CREATE TABLE anchors (
    subject         BLOB NOT NULL,
    field           TEXT NOT NULL,
    record          TEXT NOT NULL,
    version         INTEGER,
    mac             BLOB,
    pending_version INTEGER,
    pending_mac     BLOB,
    PRIMARY KEY (subject, field, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_subjects (
    subject      BLOB PRIMARY KEY,
    erased_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the access log had come, so that a shortened or rewritten log is noticed.
CREATE TABLE log_anchor (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,
    root BLOB    NOT NULL
) STRICT;
