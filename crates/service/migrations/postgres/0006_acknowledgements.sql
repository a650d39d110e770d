-- Versions of the Terms and the Policy that somebody acknowledged after the registration's, each with its signed receipt.
CREATE TABLE acknowledgements (
    account     BIGINT NOT NULL REFERENCES users (account),
    version     BIGINT NOT NULL,
    policy_hash TEXT COLLATE "C" NOT NULL,
    at_us       BIGINT NOT NULL,
    receipt     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, version)
);
-- The newest version of whose publication a user was told; 0: of none, in a database from before.
ALTER TABLE users ADD COLUMN policy_told BIGINT NOT NULL DEFAULT 0;
