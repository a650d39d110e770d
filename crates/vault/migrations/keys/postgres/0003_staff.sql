-- Staff who may work on cases, the cases, and what was read within them. Pseudonyms and closed lists of words only.
CREATE TABLE staff (
    staff           BYTEA PRIMARY KEY,
    enrolled_at_ms  BIGINT NOT NULL,
    suspended_at_ms BIGINT
);

CREATE TABLE cases (
    case_id       TEXT COLLATE "C" PRIMARY KEY,
    kind          TEXT COLLATE "C" NOT NULL,
    reason        TEXT COLLATE "C" NOT NULL,
    purpose       TEXT COLLATE "C" NOT NULL,
    opened_by     BYTEA NOT NULL,
    opened_at_ms  BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    approved_by   BYTEA,
    closed_at_ms  BIGINT
);
CREATE INDEX cases_opened ON cases (opened_by, opened_at_ms);

-- Whom a case concerns; a notice is owed to them until it was given.
CREATE TABLE case_subjects (
    case_id     TEXT COLLATE "C" NOT NULL,
    subject     BYTEA NOT NULL,
    notice_owed BIGINT NOT NULL,
    PRIMARY KEY (case_id, subject)
);
CREATE INDEX case_subjects_owed ON case_subjects (notice_owed) WHERE notice_owed = 1;

CREATE TABLE case_fields (
    case_id TEXT COLLATE "C" NOT NULL,
    field   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (case_id, field)
);

-- Who works on a case: whoever opened it, and those it was assigned to.
CREATE TABLE case_staff (
    case_id TEXT COLLATE "C" NOT NULL,
    staff   BYTEA NOT NULL,
    PRIMARY KEY (case_id, staff)
);

-- How many records each member of staff opened, for the limits of an hour and a day.
CREATE TABLE staff_reads (
    staff   BYTEA NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    at_ms   BIGINT NOT NULL,
    records BIGINT NOT NULL,
    PRIMARY KEY (staff, kind, at_ms)
);

-- What the operator must hear of.
CREATE TABLE staff_events (
    number  BIGINT PRIMARY KEY,
    at_ms   BIGINT NOT NULL,
    event   TEXT COLLATE "C" NOT NULL,
    staff   BYTEA NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL
);

-- Subjects that nobody is, sealed so that this table does not say which they are.
CREATE TABLE honeytokens (
    sealed BYTEA PRIMARY KEY
);
