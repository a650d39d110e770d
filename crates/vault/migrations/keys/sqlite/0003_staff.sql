-- Staff who may work on cases, the cases, and what was read within them. Pseudonyms and closed lists of words only.
CREATE TABLE staff (
    staff           BLOB PRIMARY KEY,
    enrolled_at_ms  INTEGER NOT NULL,
    suspended_at_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE cases (
    case_id       TEXT PRIMARY KEY,
    kind          TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    purpose       TEXT    NOT NULL,
    opened_by     BLOB    NOT NULL,
    opened_at_ms  INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    approved_by   BLOB,
    closed_at_ms  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX cases_opened ON cases (opened_by, opened_at_ms);

-- Whom a case concerns; a notice is owed to them until it was given.
CREATE TABLE case_subjects (
    case_id     TEXT    NOT NULL,
    subject     BLOB    NOT NULL,
    notice_owed INTEGER NOT NULL,
    PRIMARY KEY (case_id, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_subjects_owed ON case_subjects (notice_owed) WHERE notice_owed = 1;

CREATE TABLE case_fields (
    case_id TEXT NOT NULL,
    field   TEXT NOT NULL,
    PRIMARY KEY (case_id, field)
) STRICT, WITHOUT ROWID;

-- Who works on a case: whoever opened it, and those it was assigned to.
CREATE TABLE case_staff (
    case_id TEXT NOT NULL,
    staff   BLOB NOT NULL,
    PRIMARY KEY (case_id, staff)
) STRICT, WITHOUT ROWID;

-- How many records each member of staff opened, for the limits of an hour and a day.
CREATE TABLE staff_reads (
    staff   BLOB    NOT NULL,
    kind    TEXT    NOT NULL,
    at_ms   INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (staff, kind, at_ms)
) STRICT, WITHOUT ROWID;

-- What the operator must hear of.
CREATE TABLE staff_events (
    number  INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    event   TEXT    NOT NULL,
    staff   BLOB    NOT NULL,
    case_id TEXT    NOT NULL
) STRICT;

-- Subjects that nobody is, sealed so that this file does not say which they are.
CREATE TABLE honeytokens (
    sealed BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
