-- What law forbids to destroy: of whom, which field, until when. Here, where no backup of the records can undo it.
CREATE TABLE holds (
    subject  BYTEA   NOT NULL,
    field    TEXT    NOT NULL,
    law      TEXT    NOT NULL,
    until_ms BIGINT  NOT NULL,
    PRIMARY KEY (subject, field)
);

-- Values of erased subjects that are kept until that date, sealed. Nothing else of them is left anywhere.
CREATE TABLE held_values (
    subject  BYTEA   NOT NULL,
    field    TEXT    NOT NULL,
    record   TEXT    NOT NULL,
    law      TEXT    NOT NULL,
    until_ms BIGINT  NOT NULL,
    sealed   BYTEA   NOT NULL,
    PRIMARY KEY (subject, field, record)
);
