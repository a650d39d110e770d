-- Versions of the Terms and the Policy that somebody acknowledged after the registration's, each with its signed receipt.
CREATE TABLE acknowledgements (
    account     INTEGER NOT NULL REFERENCES users (account),
    version     INTEGER NOT NULL,
    policy_hash TEXT    NOT NULL,
    at_us       INTEGER NOT NULL,
    receipt     TEXT    NOT NULL,
    PRIMARY KEY (account, version)
) WITHOUT ROWID;
-- The newest version of whose publication a user was told; 0: of none, in a database from before.
ALTER TABLE users ADD COLUMN policy_told INTEGER NOT NULL DEFAULT 0;
