-- Passkeys. What each is recognised by lies sealed in the vault; here stand its name and a hash by which an answer finds it.
CREATE TABLE passkeys (
    passkey         TEXT    PRIMARY KEY,
    account         INTEGER NOT NULL REFERENCES users (account),
    label           TEXT    NOT NULL,
    credential_hash BLOB    NOT NULL UNIQUE,
    made_us         INTEGER NOT NULL,
    used_us         INTEGER
);
CREATE INDEX passkeys_by_account ON passkeys (account);
