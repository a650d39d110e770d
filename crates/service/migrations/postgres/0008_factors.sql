-- Second factors. Their secrets lie sealed in the vault; here stands that they exist, and what was used of them.
CREATE TABLE totp (
    account   BIGINT PRIMARY KEY REFERENCES users (account),
    state     TEXT COLLATE "C" NOT NULL CHECK (state IN ('offered', 'active')),
    made_us   BIGINT NOT NULL,
    last_step BIGINT NOT NULL
);
CREATE TABLE recovery_codes (
    account  BIGINT NOT NULL REFERENCES users (account),
    code_mac BYTEA  NOT NULL,
    PRIMARY KEY (account, code_mac)
);
-- With which proof the person behind a session last showed who they are, when, and on what kind of device.
ALTER TABLE sessions ADD COLUMN proof TEXT COLLATE "C" NOT NULL DEFAULT 'password';
ALTER TABLE sessions ADD COLUMN proved_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN browser TEXT COLLATE "C" NOT NULL DEFAULT 'other';
ALTER TABLE sessions ADD COLUMN system TEXT COLLATE "C" NOT NULL DEFAULT 'other';
CREATE INDEX sessions_by_account ON sessions (account);
