-- Fraud prevention: rule books, facts that are counted, decisions with everything that they follow from, reviews by humans.
-- Accounts and pseudonyms only; amounts in reference cents, times in microseconds since the Unix epoch.

-- Every rule book that decided something, as it was written, so that a decision can be computed again.
CREATE TABLE risk_books (
    book     TEXT    PRIMARY KEY,
    body     TEXT    NOT NULL,
    since_us INTEGER NOT NULL
);

-- What happened to an account, once each. Never changed.
CREATE TABLE risk_facts (
    account   INTEGER NOT NULL REFERENCES users (account),
    number    INTEGER NOT NULL,
    kind      TEXT    NOT NULL,
    reference TEXT    NOT NULL,
    cents     INTEGER NOT NULL,
    at_us     INTEGER NOT NULL,
    PRIMARY KEY (account, number),
    UNIQUE (account, kind, reference)
) WITHOUT ROWID;
CREATE INDEX risk_facts_by_time ON risk_facts (account, at_us);

CREATE TABLE risk_decisions (
    decision      TEXT    PRIMARY KEY,
    account       INTEGER NOT NULL REFERENCES users (account),
    place         TEXT    NOT NULL,
    reference     TEXT    NOT NULL,
    at_us         INTEGER NOT NULL,
    -- The last fact that was known.
    facts_through INTEGER NOT NULL,
    outcome       TEXT    NOT NULL,
    book          TEXT    NOT NULL REFERENCES risk_books (book),
    body          TEXT    NOT NULL,
    UNIQUE (place, reference)
);
CREATE INDEX risk_decisions_by_account ON risk_decisions (account, at_us);

-- A human looks at a decision. `ended`: what it was about ended meanwhile.
CREATE TABLE risk_reviews (
    review       TEXT    PRIMARY KEY,
    decision     TEXT    NOT NULL UNIQUE REFERENCES risk_decisions (decision),
    account      INTEGER NOT NULL REFERENCES users (account),
    place        TEXT    NOT NULL,
    cents        INTEGER NOT NULL,
    two_persons  INTEGER NOT NULL CHECK (two_persons IN (0, 1)),
    blocking     INTEGER NOT NULL CHECK (blocking IN (0, 1)),
    state        TEXT    NOT NULL CHECK (state IN ('open', 'seconded', 'approved', 'refused', 'ended')),
    made_us      INTEGER NOT NULL,
    due_us       INTEGER NOT NULL,
    state_us     INTEGER NOT NULL,
    first_staff  TEXT,
    second_staff TEXT,
    vault_case   TEXT,
    finding      TEXT,
    -- The person's own request for a human, in the register of requests.
    request      TEXT,
    -- What an approval was used for.
    used_for     TEXT,
    told_overdue INTEGER NOT NULL DEFAULT 0
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
