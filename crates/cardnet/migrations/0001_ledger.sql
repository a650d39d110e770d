-- Issuers' accounts: one for each card and currency, found by a keyed hash of the card number.
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    card_key BLOB NOT NULL,
    masked_number TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- What the cardholder has, and what is held by authorisations; whole minor units.
    balance INTEGER NOT NULL CHECK (balance >= 0),
    held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0 AND held <= balance),
    UNIQUE (card_key, currency)
) STRICT;

-- What each message came to. The identity is that of the message which began it.
CREATE TABLE movement (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('authorization', 'original_credit', 'unknown')),
    acquirer TEXT NOT NULL,
    terminal TEXT NOT NULL,
    transmission_date_time TEXT NOT NULL,
    trace_number TEXT NOT NULL,
    retrieval_reference TEXT NOT NULL,
    account INTEGER REFERENCES account (id),
    currency TEXT,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    state TEXT NOT NULL CHECK (state IN ('approved', 'declined', 'captured', 'credited', 'reversed')),
    response_code TEXT NOT NULL,
    approval_code TEXT,
    created INTEGER NOT NULL,
    UNIQUE (acquirer, terminal, transmission_date_time, trace_number, retrieval_reference)
) STRICT;

-- Double entry: the postings of a movement sum to zero. An account is 'cardholder:ID' or 'acquirer:ID'.
CREATE TABLE posting (
    id INTEGER PRIMARY KEY,
    movement INTEGER NOT NULL REFERENCES movement (id),
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0),
    UNIQUE (movement, account)
) STRICT;

-- 3-D Secure: one row for each authentication.
CREATE TABLE authentication (
    server_transaction TEXT PRIMARY KEY,
    challenge TEXT NOT NULL UNIQUE,
    card_key BLOB NOT NULL,
    last_four TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    merchant TEXT NOT NULL,
    return_url TEXT NOT NULL,
    locale TEXT NOT NULL,
    -- Y authenticated, C challenge pending, N refused.
    status TEXT NOT NULL CHECK (status IN ('Y', 'C', 'N')),
    code TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    authentication_value TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
