-- What persons asked for under their rights, each with its deadline. Pseudonyms and closed lists of words only.
CREATE TABLE rights_requests (
    request  TEXT COLLATE "C" PRIMARY KEY,
    account  BIGINT  NOT NULL REFERENCES users (account),
    subject  TEXT COLLATE "C" NOT NULL,
    what     TEXT COLLATE "C" NOT NULL CHECK (what IN ('export', 'correction', 'restriction', 'objection', 'erasure')),
    matter   TEXT COLLATE "C" NOT NULL,
    made_us  BIGINT  NOT NULL,
    due_us   BIGINT  NOT NULL,
    state    TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'overdue', 'done', 'refused')),
    state_us BIGINT  NOT NULL,
    -- The signed receipt of the newest state; none until it is in the access log.
    receipt  TEXT COLLATE "C"
);
CREATE INDEX rights_requests_by_account ON rights_requests (account, made_us);
CREATE INDEX rights_requests_open ON rights_requests (due_us) WHERE state IN ('open', 'overdue');
