-- What somebody agreed to that is optional, and what they withdrew, each with its signed receipt. Whether they agree now is the
-- vault's to say.
CREATE TABLE consents (
    account     BIGINT NOT NULL REFERENCES users (account),
    number      BIGINT NOT NULL,
    purpose     TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('newsletter', 'statistics')),
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('given', 'withdrawn')),
    policy_hash TEXT COLLATE "C" NOT NULL,
    at_us       BIGINT NOT NULL,
    receipt     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, number)
);
-- Newsletters, in both languages.
CREATE TABLE newsletters (
    number      BIGINT PRIMARY KEY,
    made_us     BIGINT NOT NULL,
    title_en    TEXT COLLATE "C" NOT NULL,
    text_en     TEXT COLLATE "C" NOT NULL,
    title_uk    TEXT COLLATE "C" NOT NULL,
    text_uk     TEXT COLLATE "C" NOT NULL,
    finished_us BIGINT
);
-- The last newsletter that a user was sent, or that came before they agreed.
ALTER TABLE users ADD COLUMN newsletter_sent BIGINT NOT NULL DEFAULT 0;
