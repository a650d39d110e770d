-- Second factors. Their secrets lie sealed in the vault; here stands that they exist, and what was used of them.
CREATE TABLE totp (
    account   INTEGER PRIMARY KEY REFERENCES users (account),
    state     TEXT    NOT NULL CHECK (state IN ('offered', 'active')),
    made_us   INTEGER NOT NULL,
    last_step INTEGER NOT NULL
);
CREATE TABLE recovery_codes (
    account  INTEGER NOT NULL REFERENCES users (account),
    code_mac BLOB    NOT NULL,
    PRIMARY KEY (account, code_mac)
) WITHOUT ROWID;
-- With which proof the person behind a session last showed who they are, when, and on what kind of device.
ALTER TABLE sessions ADD COLUMN proof TEXT NOT NULL DEFAULT 'password';
ALTER TABLE sessions ADD COLUMN proved_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT 'other';
ALTER TABLE sessions ADD COLUMN system TEXT NOT NULL DEFAULT 'other';
CREATE INDEX sessions_by_account ON sessions (account);
