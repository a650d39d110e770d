-- What the log's events say, in a form that can be queried. Can be dropped and rebuilt from the log at any time.
-- Prices are in ticks, quantities in lots, amounts in the smallest unit as decimal text (128 bits), times in
-- microseconds since the Unix epoch. A `sequence` is a command's place in the log.

CREATE TABLE progress (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL
);
INSERT INTO progress (id, sequence) VALUES (1, 0);

-- The last command of each moment at which there was one.
CREATE TABLE moments (
    at_us    INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL
);
CREATE UNIQUE INDEX moments_by_sequence ON moments (sequence);

CREATE TABLE listed_assets (
    asset    INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL
);

CREATE TABLE accounts (
    account  INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL
);

CREATE TABLE orders (
    market                INTEGER NOT NULL,
    order_id              INTEGER NOT NULL,
    account               INTEGER NOT NULL,
    client_order_id       TEXT    NOT NULL,
    side                  TEXT    NOT NULL,
    kind                  TEXT    NOT NULL,
    time_in_force         TEXT    NOT NULL,
    price                 INTEGER NOT NULL,
    stop_trigger          TEXT,
    stop_price            INTEGER NOT NULL,
    quantity              INTEGER NOT NULL,
    quote_quantity        TEXT    NOT NULL,
    self_trade_prevention TEXT    NOT NULL,
    list_id               INTEGER,
    other_id              INTEGER,
    list_client_order_id  TEXT    NOT NULL,
    reduced_quantity      INTEGER NOT NULL DEFAULT 0,
    executed_quantity     INTEGER NOT NULL DEFAULT 0,
    executed_quote        TEXT    NOT NULL DEFAULT '0',
    prevented_quantity    INTEGER NOT NULL DEFAULT 0,
    status                TEXT    NOT NULL DEFAULT 'NEW',
    close_reason          TEXT,
    created_us            INTEGER NOT NULL,
    triggered_us          INTEGER,
    updated_us            INTEGER NOT NULL,
    PRIMARY KEY (market, order_id)
) WITHOUT ROWID;
CREATE INDEX orders_by_account ON orders (account, market, order_id);
CREATE INDEX orders_by_client_id ON orders (account, client_order_id);

-- Pairs of orders of which one at most is filled or triggered; a list is named by its order `above`.
CREATE TABLE lists (
    market               INTEGER NOT NULL,
    list_id              INTEGER NOT NULL,
    below_id             INTEGER NOT NULL,
    account              INTEGER NOT NULL,
    list_client_order_id TEXT    NOT NULL,
    created_us           INTEGER NOT NULL,
    ended_us             INTEGER,
    PRIMARY KEY (market, list_id)
) WITHOUT ROWID;
CREATE INDEX lists_by_account ON lists (account, market, list_id);
CREATE INDEX lists_by_client_id ON lists (account, list_client_order_id);

-- What of an order was open, from one command to another. `node` is 0 while it lasts; afterwards see src/span.rs.
CREATE TABLE order_spans (
    node          INTEGER NOT NULL,
    account       INTEGER NOT NULL,
    market        INTEGER NOT NULL,
    order_id      INTEGER NOT NULL,
    from_sequence INTEGER NOT NULL,
    to_sequence   INTEGER,
    remaining     INTEGER NOT NULL,
    working       INTEGER NOT NULL,
    other_id      INTEGER,
    PRIMARY KEY (node, account, market, order_id, from_sequence)
) WITHOUT ROWID;

-- What was held for transfers to come, likewise.
CREATE TABLE hold_spans (
    node          INTEGER NOT NULL,
    account       INTEGER NOT NULL,
    transfer      TEXT    NOT NULL,
    asset         INTEGER NOT NULL,
    amount        TEXT    NOT NULL,
    from_sequence INTEGER NOT NULL,
    to_sequence   INTEGER,
    PRIMARY KEY (node, account, transfer)
) WITHOUT ROWID;

CREATE TABLE trades (
    market        INTEGER NOT NULL,
    trade_id      INTEGER NOT NULL,
    price         INTEGER NOT NULL,
    quantity      INTEGER NOT NULL,
    quote         TEXT    NOT NULL,
    taker_side    TEXT    NOT NULL,
    maker_order   INTEGER NOT NULL,
    maker_account INTEGER NOT NULL,
    maker_fee     TEXT    NOT NULL,
    taker_order   INTEGER NOT NULL,
    taker_account INTEGER NOT NULL,
    taker_fee     TEXT    NOT NULL,
    at_us         INTEGER NOT NULL,
    PRIMARY KEY (market, trade_id)
) WITHOUT ROWID;
CREATE INDEX trades_by_maker ON trades (maker_account, market, trade_id);
CREATE INDEX trades_by_taker ON trades (taker_account, market, trade_id);

-- Orders of one account that would have met, and were both lowered instead.
CREATE TABLE prevented_matches (
    market             INTEGER NOT NULL,
    prevented_match_id INTEGER NOT NULL,
    account            INTEGER NOT NULL,
    price              INTEGER NOT NULL,
    quantity           INTEGER NOT NULL,
    maker_order        INTEGER NOT NULL,
    taker_order        INTEGER NOT NULL,
    at_us              INTEGER NOT NULL,
    PRIMARY KEY (market, prevented_match_id)
) WITHOUT ROWID;
CREATE INDEX prevented_matches_by_account ON prevented_matches (account, market, prevented_match_id);

-- Every change of an account's total (available and held) of an asset, with the total after it.
CREATE TABLE entries (
    entry     INTEGER PRIMARY KEY,
    sequence  INTEGER NOT NULL,
    account   INTEGER NOT NULL,
    asset     INTEGER NOT NULL,
    amount    TEXT    NOT NULL,
    total     TEXT    NOT NULL,
    code      TEXT    NOT NULL,
    reference TEXT    NOT NULL,
    corrects  TEXT,
    at_us     INTEGER NOT NULL
);
CREATE INDEX entries_by_account ON entries (account, asset, sequence, entry);
