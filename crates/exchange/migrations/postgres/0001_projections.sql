-- What the log's events say, in a form that can be queried. Can be dropped and rebuilt from the log at any time.
-- Prices are in ticks, quantities in lots, amounts in the smallest unit as decimal text (128 bits), times in
-- microseconds since the Unix epoch. A `sequence` is a command's place in the log.

CREATE TABLE progress (
    id       BIGINT PRIMARY KEY CHECK (id = 1),
    sequence BIGINT NOT NULL
);
INSERT INTO progress (id, sequence) VALUES (1, 0);

-- The last command of each moment at which there was one.
CREATE TABLE moments (
    at_us    BIGINT PRIMARY KEY,
    sequence BIGINT NOT NULL
);
CREATE UNIQUE INDEX moments_by_sequence ON moments (sequence);

CREATE TABLE listed_assets (
    asset    BIGINT PRIMARY KEY,
    sequence BIGINT NOT NULL
);

CREATE TABLE accounts (
    account  BIGINT PRIMARY KEY,
    sequence BIGINT NOT NULL
);

CREATE TABLE orders (
    market                BIGINT NOT NULL,
    order_id              BIGINT NOT NULL,
    account               BIGINT NOT NULL,
    client_order_id       TEXT COLLATE "C" NOT NULL,
    side                  TEXT COLLATE "C" NOT NULL,
    kind                  TEXT COLLATE "C" NOT NULL,
    time_in_force         TEXT COLLATE "C" NOT NULL,
    price                 BIGINT NOT NULL,
    stop_trigger          TEXT COLLATE "C",
    stop_price            BIGINT NOT NULL,
    quantity              BIGINT NOT NULL,
    quote_quantity        TEXT COLLATE "C" NOT NULL,
    self_trade_prevention TEXT COLLATE "C" NOT NULL,
    list_id               BIGINT,
    other_id              BIGINT,
    list_client_order_id  TEXT COLLATE "C" NOT NULL,
    reduced_quantity      BIGINT NOT NULL DEFAULT 0,
    executed_quantity     BIGINT NOT NULL DEFAULT 0,
    executed_quote        TEXT COLLATE "C" NOT NULL DEFAULT '0',
    prevented_quantity    BIGINT NOT NULL DEFAULT 0,
    status                TEXT COLLATE "C" NOT NULL DEFAULT 'NEW',
    close_reason          TEXT COLLATE "C",
    created_us            BIGINT NOT NULL,
    triggered_us          BIGINT,
    updated_us            BIGINT NOT NULL,
    PRIMARY KEY (market, order_id)
);
CREATE INDEX orders_by_account ON orders (account, market, order_id);
CREATE INDEX orders_by_client_id ON orders (account, client_order_id);

-- Pairs of orders of which one at most is filled or triggered; a list is named by its order `above`.
CREATE TABLE lists (
    market               BIGINT NOT NULL,
    list_id              BIGINT NOT NULL,
    below_id             BIGINT NOT NULL,
    account              BIGINT NOT NULL,
    list_client_order_id TEXT COLLATE "C" NOT NULL,
    created_us           BIGINT NOT NULL,
    ended_us             BIGINT,
    PRIMARY KEY (market, list_id)
);
CREATE INDEX lists_by_account ON lists (account, market, list_id);
CREATE INDEX lists_by_client_id ON lists (account, list_client_order_id);

-- What of an order was open, from one command to another. `node` is 0 while it lasts; afterwards see src/span.rs.
CREATE TABLE order_spans (
    node          BIGINT NOT NULL,
    account       BIGINT NOT NULL,
    market        BIGINT NOT NULL,
    order_id      BIGINT NOT NULL,
    from_sequence BIGINT NOT NULL,
    to_sequence   BIGINT,
    remaining     BIGINT NOT NULL,
    working       BIGINT NOT NULL,
    other_id      BIGINT,
    PRIMARY KEY (node, account, market, order_id, from_sequence)
);

-- What was held for transfers to come, likewise.
CREATE TABLE hold_spans (
    node          BIGINT NOT NULL,
    account       BIGINT NOT NULL,
    transfer      TEXT COLLATE "C" NOT NULL,
    asset         BIGINT NOT NULL,
    amount        TEXT COLLATE "C" NOT NULL,
    from_sequence BIGINT NOT NULL,
    to_sequence   BIGINT,
    PRIMARY KEY (node, account, transfer)
);

CREATE TABLE trades (
    market        BIGINT NOT NULL,
    trade_id      BIGINT NOT NULL,
    price         BIGINT NOT NULL,
    quantity      BIGINT NOT NULL,
    quote         TEXT COLLATE "C" NOT NULL,
    taker_side    TEXT COLLATE "C" NOT NULL,
    maker_order   BIGINT NOT NULL,
    maker_account BIGINT NOT NULL,
    maker_fee     TEXT COLLATE "C" NOT NULL,
    taker_order   BIGINT NOT NULL,
    taker_account BIGINT NOT NULL,
    taker_fee     TEXT COLLATE "C" NOT NULL,
    at_us         BIGINT NOT NULL,
    PRIMARY KEY (market, trade_id)
);
CREATE INDEX trades_by_maker ON trades (maker_account, market, trade_id);
CREATE INDEX trades_by_taker ON trades (taker_account, market, trade_id);

-- Orders of one account that would have met, and were both lowered instead.
CREATE TABLE prevented_matches (
    market             BIGINT NOT NULL,
    prevented_match_id BIGINT NOT NULL,
    account            BIGINT NOT NULL,
    price              BIGINT NOT NULL,
    quantity           BIGINT NOT NULL,
    maker_order        BIGINT NOT NULL,
    taker_order        BIGINT NOT NULL,
    at_us              BIGINT NOT NULL,
    PRIMARY KEY (market, prevented_match_id)
);
CREATE INDEX prevented_matches_by_account ON prevented_matches (account, market, prevented_match_id);

-- Every change of an account's total (available and held) of an asset, with the total after it.
CREATE TABLE entries (
    entry     BIGINT PRIMARY KEY,
    sequence  BIGINT NOT NULL,
    account   BIGINT NOT NULL,
    asset     BIGINT NOT NULL,
    amount    TEXT COLLATE "C" NOT NULL,
    total     TEXT COLLATE "C" NOT NULL,
    code      TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    corrects  TEXT COLLATE "C",
    at_us     BIGINT NOT NULL
);
CREATE INDEX entries_by_account ON entries (account, asset, sequence, entry);
