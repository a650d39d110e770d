-- What persons asked for under their rights, each with its deadline. Pseudonyms and closed lists of words only.
CREATE TABLE rights_requests (
    request  TEXT    PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES users (account),
    subject  TEXT    NOT NULL,
    what     TEXT    NOT NULL CHECK (what IN ('export', 'correction', 'restriction', 'objection', 'erasure')),
    matter   TEXT    NOT NULL,
    made_us  INTEGER NOT NULL,
    due_us   INTEGER NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('open', 'overdue', 'done', 'refused')),
    state_us INTEGER NOT NULL,
    -- The signed receipt of the newest state; none until it is in the access log.
    receipt  TEXT
);
CREATE INDEX rights_requests_by_account ON rights_requests (account, made_us);
CREATE INDEX rights_requests_open ON rights_requests (due_us) WHERE state IN ('open', 'overdue');
