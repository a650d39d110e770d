-- Fraud prevention: rule books, facts that are counted, decisions with everything that they follow from, reviews by humans.
-- Accounts and pseudonyms only; amounts in reference cents, times in microseconds since the Unix epoch.

-- Every rule book that decided something, as it was written, so that a decision can be computed again.
CREATE TABLE risk_books (
    book     TEXT COLLATE "C"    PRIMARY KEY,
    body     TEXT COLLATE "C"    NOT NULL,
    since_us BIGINT NOT NULL
);

-- What happened to an account, once each. Never changed.
CREATE TABLE risk_facts (
    account   BIGINT NOT NULL REFERENCES users (account),
    number    BIGINT NOT NULL,
    kind      TEXT COLLATE "C"    NOT NULL,
    reference TEXT COLLATE "C"    NOT NULL,
    cents     BIGINT NOT NULL,
    at_us     BIGINT NOT NULL,
    PRIMARY KEY (account, number),
    UNIQUE (account, kind, reference)
);
CREATE INDEX risk_facts_by_time ON risk_facts (account, at_us);

CREATE TABLE risk_decisions (
    decision      TEXT COLLATE "C"    PRIMARY KEY,
    account       BIGINT NOT NULL REFERENCES users (account),
    place         TEXT COLLATE "C"    NOT NULL,
    reference     TEXT COLLATE "C"    NOT NULL,
    at_us         BIGINT NOT NULL,
    -- The last fact that was known.
    facts_through BIGINT NOT NULL,
    outcome       TEXT COLLATE "C"    NOT NULL,
    book          TEXT COLLATE "C"    NOT NULL REFERENCES risk_books (book),
    body          TEXT COLLATE "C"    NOT NULL,
    UNIQUE (place, reference)
);
CREATE INDEX risk_decisions_by_account ON risk_decisions (account, at_us);

-- A human looks at a decision. `ended`: what it was about ended meanwhile.
CREATE TABLE risk_reviews (
    review       TEXT COLLATE "C"    PRIMARY KEY,
    decision     TEXT COLLATE "C"    NOT NULL UNIQUE REFERENCES risk_decisions (decision),
    account      BIGINT NOT NULL REFERENCES users (account),
    place        TEXT COLLATE "C"    NOT NULL,
    cents        BIGINT NOT NULL,
    two_persons  BIGINT NOT NULL CHECK (two_persons IN (0, 1)),
    blocking     BIGINT NOT NULL CHECK (blocking IN (0, 1)),
    state        TEXT COLLATE "C"    NOT NULL CHECK (state IN ('open', 'seconded', 'approved', 'refused', 'ended')),
    made_us      BIGINT NOT NULL,
    due_us       BIGINT NOT NULL,
    state_us     BIGINT NOT NULL,
    first_staff  TEXT COLLATE "C",
    second_staff TEXT COLLATE "C",
    vault_case   TEXT COLLATE "C",
    finding      TEXT COLLATE "C",
    -- The person's own request for a human, in the register of requests.
    request      TEXT COLLATE "C",
    -- What an approval was used for.
    used_for     TEXT COLLATE "C",
    told_overdue BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX risk_reviews_by_account ON risk_reviews (account, state);
CREATE INDEX risk_reviews_open ON risk_reviews (due_us) WHERE state IN ('open', 'seconded');

-- What happened before there were facts, as far as it is known: amounts by the built-in book's rates.
INSERT INTO risk_facts (account, number, kind, reference, cents, at_us)
    SELECT account, ROW_NUMBER() OVER (PARTITION BY account ORDER BY updated_us, id),
        CASE kind WHEN 'deposit' THEN 'deposit_credited' ELSE 'withdrawal' END, id,
        CASE asset WHEN 'UAH' THEN (minor + 49) / 50 ELSE minor END, updated_us
    FROM card_transfers
    WHERE (kind = 'deposit' AND status = 'credited') OR (kind = 'withdrawal' AND status IN ('held', 'submitted', 'paid'));
