-- The Service's own records. No personal data: a user is a pseudonym (subject) whose data lies sealed in the vault.
-- Times are microseconds since the Unix epoch; amounts are decimal text in the asset's smallest unit.

CREATE TABLE registrations (
    registration    TEXT COLLATE "C"    PRIMARY KEY,
    subject         TEXT COLLATE "C"    NOT NULL,
    state           TEXT COLLATE "C"    NOT NULL CHECK (state IN ('pending', 'refused', 'confirmed')),
    email_code_mac  BYTEA    NOT NULL,
    phone_code_mac  BYTEA    NOT NULL,
    attempts        BIGINT NOT NULL DEFAULT 0,
    codes_sent_us   BIGINT NOT NULL,
    codes_sent      BIGINT NOT NULL DEFAULT 1,
    expires_us      BIGINT NOT NULL,
    policy_hash     TEXT COLLATE "C"    NOT NULL,
    locale          TEXT COLLATE "C"    NOT NULL,
    account         BIGINT
);

CREATE TABLE users (
    account        BIGINT PRIMARY KEY,
    subject        TEXT COLLATE "C"    NOT NULL UNIQUE,
    pay_customer   TEXT COLLATE "C"    NOT NULL UNIQUE,
    locale         TEXT COLLATE "C"    NOT NULL,
    registered_us  BIGINT NOT NULL,
    policy_hash    TEXT COLLATE "C"    NOT NULL,
    accepted_us    BIGINT NOT NULL,
    receipt        TEXT COLLATE "C"    NOT NULL
);

CREATE TABLE sessions (
    token_hash   BYTEA    PRIMARY KEY,
    account      BIGINT NOT NULL REFERENCES users (account),
    created_us   BIGINT NOT NULL,
    last_seen_us BIGINT NOT NULL,
    expires_us   BIGINT NOT NULL
);

CREATE TABLE sign_in_failures (
    tag      BYTEA    PRIMARY KEY,
    failures BIGINT NOT NULL,
    first_us BIGINT NOT NULL
);

CREATE TABLE api_keys (
    api_key      TEXT COLLATE "C"    PRIMARY KEY,
    account      BIGINT NOT NULL REFERENCES users (account),
    label        TEXT COLLATE "C"    NOT NULL,
    kind         TEXT COLLATE "C"    NOT NULL CHECK (kind IN ('hmac', 'ed25519')),
    public_key   BYTEA,
    can_trade    BIGINT NOT NULL,
    created_us   BIGINT NOT NULL,
    last_used_us BIGINT
);
CREATE INDEX api_keys_by_account ON api_keys (account);

-- Deposits and withdrawals by card. What card it is, only EnsoExPAY knows.
CREATE TABLE card_transfers (
    id              TEXT COLLATE "C"    PRIMARY KEY,
    kind            TEXT COLLATE "C"    NOT NULL CHECK (kind IN ('deposit', 'withdrawal')),
    account         BIGINT NOT NULL REFERENCES users (account),
    asset           TEXT COLLATE "C"    NOT NULL,
    amount          TEXT COLLATE "C"    NOT NULL,
    minor           BIGINT NOT NULL,
    idempotency_key TEXT COLLATE "C"    NOT NULL,
    status          TEXT COLLATE "C"    NOT NULL,
    redirect_url    TEXT COLLATE "C",
    pay_session     TEXT COLLATE "C",
    pay_object      TEXT COLLATE "C",
    decline_code    TEXT COLLATE "C",
    decline_message TEXT COLLATE "C",
    created_us      BIGINT NOT NULL,
    updated_us      BIGINT NOT NULL,
    UNIQUE (account, kind, idempotency_key)
);
CREATE INDEX card_transfers_by_account ON card_transfers (account, kind, created_us);

CREATE TABLE card_transfer_states (
    id    TEXT COLLATE "C"    NOT NULL REFERENCES card_transfers (id),
    state TEXT COLLATE "C"    NOT NULL,
    at_us BIGINT NOT NULL,
    PRIMARY KEY (id, state)
);

-- What EnsoExPAY told us, once per event, whether by webhook or by poll.
CREATE TABLE pay_inbox (
    seq         BIGINT PRIMARY KEY,
    body        TEXT COLLATE "C"    NOT NULL,
    state       TEXT COLLATE "C"    NOT NULL CHECK (state IN ('new', 'done', 'quarantined')),
    reason      TEXT COLLATE "C",
    received_us BIGINT NOT NULL
);
CREATE INDEX pay_inbox_new ON pay_inbox (seq) WHERE state = 'new';
