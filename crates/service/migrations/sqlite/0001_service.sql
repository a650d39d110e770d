-- The Service's own records. No personal data: a user is a pseudonym (subject) whose data lies sealed in the vault.
-- Times are microseconds since the Unix epoch; amounts are decimal text in the asset's smallest unit.

CREATE TABLE registrations (
    registration    TEXT    PRIMARY KEY,
    subject         TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'refused', 'confirmed')),
    email_code_mac  BLOB    NOT NULL,
    phone_code_mac  BLOB    NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    codes_sent_us   INTEGER NOT NULL,
    codes_sent      INTEGER NOT NULL DEFAULT 1,
    expires_us      INTEGER NOT NULL,
    policy_hash     TEXT    NOT NULL,
    locale          TEXT    NOT NULL,
    account         INTEGER
);

CREATE TABLE users (
    account        INTEGER PRIMARY KEY,
    subject        TEXT    NOT NULL UNIQUE,
    pay_customer   TEXT    NOT NULL UNIQUE,
    locale         TEXT    NOT NULL,
    registered_us  INTEGER NOT NULL,
    policy_hash    TEXT    NOT NULL,
    accepted_us    INTEGER NOT NULL,
    receipt        TEXT    NOT NULL
);

CREATE TABLE sessions (
    token_hash   BLOB    PRIMARY KEY,
    account      INTEGER NOT NULL REFERENCES users (account),
    created_us   INTEGER NOT NULL,
    last_seen_us INTEGER NOT NULL,
    expires_us   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sign_in_failures (
    tag      BLOB    PRIMARY KEY,
    failures INTEGER NOT NULL,
    first_us INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE api_keys (
    api_key      TEXT    PRIMARY KEY,
    account      INTEGER NOT NULL REFERENCES users (account),
    label        TEXT    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('hmac', 'ed25519')),
    public_key   BLOB,
    can_trade    INTEGER NOT NULL,
    created_us   INTEGER NOT NULL,
    last_used_us INTEGER
);
CREATE INDEX api_keys_by_account ON api_keys (account);

-- Deposits and withdrawals by card. What card it is, only EnsoExPAY knows.
CREATE TABLE card_transfers (
    id              TEXT    PRIMARY KEY,
    kind            TEXT    NOT NULL CHECK (kind IN ('deposit', 'withdrawal')),
    account         INTEGER NOT NULL REFERENCES users (account),
    asset           TEXT    NOT NULL,
    amount          TEXT    NOT NULL,
    minor           INTEGER NOT NULL,
    idempotency_key TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    redirect_url    TEXT,
    pay_session     TEXT,
    pay_object      TEXT,
    decline_code    TEXT,
    decline_message TEXT,
    created_us      INTEGER NOT NULL,
    updated_us      INTEGER NOT NULL,
    UNIQUE (account, kind, idempotency_key)
);
CREATE INDEX card_transfers_by_account ON card_transfers (account, kind, created_us);

CREATE TABLE card_transfer_states (
    id    TEXT    NOT NULL REFERENCES card_transfers (id),
    state TEXT    NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (id, state)
) WITHOUT ROWID;

-- What EnsoExPAY told us, once per event, whether by webhook or by poll.
CREATE TABLE pay_inbox (
    seq         INTEGER PRIMARY KEY,
    body        TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('new', 'done', 'quarantined')),
    reason      TEXT,
    received_us INTEGER NOT NULL
);
CREATE INDEX pay_inbox_new ON pay_inbox (seq) WHERE state = 'new';
