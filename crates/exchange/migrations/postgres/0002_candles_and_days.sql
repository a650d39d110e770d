-- Candles of whole minutes, hours and days, and what each account had at the end of each day (UTC) at which that changed.
-- The tables begin with the log, so everything is projected anew.

CREATE TABLE candles (
    market           BIGINT  NOT NULL,
    length_ms        BIGINT  NOT NULL,
    open_ms          BIGINT  NOT NULL,
    open             BIGINT  NOT NULL,
    high             BIGINT  NOT NULL,
    low              BIGINT  NOT NULL,
    close            BIGINT  NOT NULL,
    volume           TEXT COLLATE "C" NOT NULL,
    quote_volume     TEXT COLLATE "C" NOT NULL,
    trades           BIGINT  NOT NULL,
    taker_buy_volume TEXT COLLATE "C" NOT NULL,
    taker_buy_quote  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (market, length_ms, open_ms)
);

CREATE TABLE balance_days (
    account BIGINT  NOT NULL,
    asset   BIGINT  NOT NULL,
    day     BIGINT  NOT NULL,
    total   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, asset, day)
);

DELETE FROM moments;
DELETE FROM listed_assets;
DELETE FROM accounts;
DELETE FROM orders;
DELETE FROM lists;
DELETE FROM order_spans;
DELETE FROM hold_spans;
DELETE FROM trades;
DELETE FROM prevented_matches;
DELETE FROM entries;
UPDATE progress SET sequence = 0 WHERE id = 1;
