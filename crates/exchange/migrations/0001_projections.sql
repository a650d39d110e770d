-- What the log's events say, in a form that can be queried. Can be dropped and rebuilt from the log at any time.
-- Prices are in ticks, quantities in lots, amounts in the smallest unit as decimal text (128 bits), times in
-- microseconds since the Unix epoch.

CREATE TABLE progress (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL
);
INSERT INTO progress (id, sequence) VALUES (1, 0);

CREATE TABLE orders (
    market            INTEGER NOT NULL,
    order_id          INTEGER NOT NULL,
    account           INTEGER NOT NULL,
    client_order_id   TEXT    NOT NULL,
    side              TEXT    NOT NULL,
    kind              TEXT    NOT NULL,
    time_in_force     TEXT    NOT NULL,
    price             INTEGER NOT NULL,
    quantity          INTEGER NOT NULL,
    quote_quantity    TEXT    NOT NULL,
    executed_quantity INTEGER NOT NULL,
    executed_quote    TEXT    NOT NULL,
    status            TEXT    NOT NULL,
    created_us        INTEGER NOT NULL,
    updated_us        INTEGER NOT NULL,
    PRIMARY KEY (market, order_id)
) WITHOUT ROWID;
CREATE INDEX orders_by_account ON orders (account, market, order_id);
CREATE INDEX orders_by_client_id ON orders (account, client_order_id);

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

CREATE TABLE entries (
    entry    INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL,
    account  INTEGER NOT NULL,
    asset    INTEGER NOT NULL,
    amount   TEXT    NOT NULL,
    code     TEXT    NOT NULL,
    reference TEXT   NOT NULL,
    at_us    INTEGER NOT NULL
);
CREATE INDEX entries_by_account ON entries (account, asset, entry);
