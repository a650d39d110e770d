-- What somebody agreed to that is optional, and what they withdrew, each with its signed receipt. Whether they agree now is the
-- vault's to say.
CREATE TABLE consents (
    account     INTEGER NOT NULL REFERENCES users (account),
    number      INTEGER NOT NULL,
    purpose     TEXT    NOT NULL CHECK (purpose IN ('newsletter', 'statistics')),
    state       TEXT    NOT NULL CHECK (state IN ('given', 'withdrawn')),
    policy_hash TEXT    NOT NULL,
    at_us       INTEGER NOT NULL,
    receipt     TEXT    NOT NULL,
    PRIMARY KEY (account, number)
) WITHOUT ROWID;
-- Newsletters, in both languages.
CREATE TABLE newsletters (
    number      INTEGER PRIMARY KEY,
    made_us     INTEGER NOT NULL,
    title_en    TEXT    NOT NULL,
    text_en     TEXT    NOT NULL,
    title_uk    TEXT    NOT NULL,
    text_uk     TEXT    NOT NULL,
    finished_us INTEGER
);
-- The last newsletter that a user was sent, or that came before they agreed.
ALTER TABLE users ADD COLUMN newsletter_sent INTEGER NOT NULL DEFAULT 0;
