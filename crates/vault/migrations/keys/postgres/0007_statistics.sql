-- Who objects to being counted, and since when.
CREATE TABLE objections (
    subject  BYTEA PRIMARY KEY,
    since_ms BIGINT NOT NULL
);

-- What was released for improving the Service: once a question and quarter, at a cost from the year's budget.
CREATE TABLE releases (
    question      TEXT NOT NULL,
    quarter       TEXT NOT NULL,
    year          TEXT NOT NULL,
    epsilon_milli BIGINT NOT NULL,
    body          TEXT NOT NULL,
    PRIMARY KEY (question, quarter)
);
