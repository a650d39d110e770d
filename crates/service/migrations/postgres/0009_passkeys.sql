-- Passkeys. What each is recognised by lies sealed in the vault; here stand its name and a hash by which an answer finds it.
CREATE TABLE passkeys (
    passkey         TEXT COLLATE "C" PRIMARY KEY,
    account         BIGINT NOT NULL REFERENCES users (account),
    label           TEXT COLLATE "C" NOT NULL,
    credential_hash BYTEA  NOT NULL UNIQUE,
    made_us         BIGINT NOT NULL,
    used_us         BIGINT
);
CREATE INDEX passkeys_by_account ON passkeys (account);
