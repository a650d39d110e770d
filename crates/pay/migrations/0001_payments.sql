-- One visit of one person to the page. The form token changes with every attempt, so a form works once.
CREATE TABLE checkout_session (
    id TEXT PRIMARY KEY,
    mode TEXT NOT NULL CHECK (mode IN ('payment', 'payout')),
    status TEXT NOT NULL CHECK (status IN ('open', 'complete', 'expired', 'canceled')),
    object_id TEXT NOT NULL UNIQUE,
    client_reference TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    customer TEXT NOT NULL,
    success_url TEXT NOT NULL,
    cancel_url TEXT NOT NULL,
    locale TEXT NOT NULL,
    form_token TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (mode, client_reference)
) STRICT;
CREATE INDEX checkout_session_open ON checkout_session (expires_at) WHERE status = 'open';

-- The key and the hash of the body stand here with what they made: both or neither.
CREATE TABLE idempotency_key (
    key TEXT PRIMARY KEY,
    body_hash BLOB NOT NULL,
    session_id TEXT NOT NULL REFERENCES checkout_session (id),
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE payment (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 1,
    status TEXT NOT NULL,
    outcome TEXT,
    amount INTEGER NOT NULL CHECK (amount > 0),
    amount_refunded INTEGER NOT NULL DEFAULT 0 CHECK (amount_refunded >= 0 AND amount_refunded <= amount),
    currency TEXT NOT NULL,
    client_reference TEXT NOT NULL UNIQUE,
    decline_code TEXT,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE payout (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 1,
    status TEXT NOT NULL,
    outcome TEXT,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    client_reference TEXT NOT NULL UNIQUE,
    decline_code TEXT,
    created INTEGER NOT NULL
) STRICT;

-- "The same card": a random name for the keyed hash of the whole number.
CREATE TABLE card_group (
    id TEXT PRIMARY KEY,
    key_version INTEGER NOT NULL,
    card_hash BLOB NOT NULL,
    UNIQUE (key_version, card_hash)
) STRICT;

-- A card: number and expiry, sealed under a key of its own, which is wrapped by the key-encryption key.
-- A row that is not remembered lives only while its attempt is open.
CREATE TABLE instrument (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    card_group TEXT NOT NULL REFERENCES card_group (id),
    key_version INTEGER NOT NULL,
    wrapped_key BLOB NOT NULL,
    sealed_card BLOB NOT NULL,
    remembered INTEGER NOT NULL DEFAULT 0 CHECK (remembered IN (0, 1)),
    created INTEGER NOT NULL,
    used INTEGER NOT NULL
) STRICT;
CREATE INDEX instrument_customer ON instrument (customer) WHERE remembered = 1;

-- One try to move the session's money with one card. A trace number and a retrieval reference are committed before
-- anything is sent, so that the outcome can be asked for whatever happens then.
CREATE TABLE attempt (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES checkout_session (id),
    state TEXT NOT NULL CHECK (state IN ('created', 'challenged', 'submitted', 'authorized', 'captured',
        'credited', 'declined', 'aborted', 'reversing', 'reversed')),
    customer TEXT NOT NULL,
    card_group TEXT NOT NULL REFERENCES card_group (id),
    instrument_id TEXT REFERENCES instrument (id) ON DELETE SET NULL,
    remember INTEGER NOT NULL CHECK (remember IN (0, 1)),
    three_ds_transaction TEXT UNIQUE,
    challenge_url TEXT,
    trace_number INTEGER,
    transmission_date_time TEXT,
    retrieval_reference TEXT UNIQUE,
    approval_code TEXT,
    response_code TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    next_action_at INTEGER,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX attempt_open ON attempt (session_id)
    WHERE state IN ('created', 'challenged', 'submitted', 'authorized', 'reversing');
CREATE UNIQUE INDEX attempt_moved_money ON attempt (session_id) WHERE state IN ('captured', 'credited');
CREATE INDEX attempt_due ON attempt (next_action_at) WHERE state IN ('submitted', 'authorized', 'reversing');
CREATE INDEX attempt_customer ON attempt (customer, created);
CREATE INDEX attempt_card_group ON attempt (card_group, created);

CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counter (name, value) VALUES ('trace_number', 0);

-- Every move of money, once.
CREATE TABLE balance_transaction (
    id TEXT PRIMARY KEY,
    object_id TEXT NOT NULL,
    effect TEXT NOT NULL CHECK (effect IN ('payment', 'payout')),
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0),
    created INTEGER NOT NULL,
    UNIQUE (object_id, effect)
) STRICT;

-- Written in the transaction of the change that they tell; one writer gives numbers without gaps.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

-- Whether the Service has taken the event: a state of its own, apart from the event's existence.
CREATE TABLE delivery (
    event_seq INTEGER PRIMARY KEY REFERENCES event (seq),
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'abandoned')),
    tries INTEGER NOT NULL DEFAULT 0,
    next_try_at INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_due ON delivery (next_try_at) WHERE state = 'pending';

-- A known text under each key-encryption key: the wrong key is noticed at start, not at the first card.
CREATE TABLE key_check (
    key_version INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;
