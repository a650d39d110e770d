-- Candles of whole minutes, hours and days, and what each account had at the end of each day (UTC) at which that changed.
-- The tables begin with the log, so everything is projected anew.

CREATE TABLE candles (
    market           INTEGER NOT NULL,
    length_ms        INTEGER NOT NULL,
    open_ms          INTEGER NOT NULL,
    open             INTEGER NOT NULL,
    high             INTEGER NOT NULL,
    low              INTEGER NOT NULL,
    close            INTEGER NOT NULL,
    volume           TEXT    NOT NULL,
    quote_volume     TEXT    NOT NULL,
    trades           INTEGER NOT NULL,
    taker_buy_volume TEXT    NOT NULL,
    taker_buy_quote  TEXT    NOT NULL,
    PRIMARY KEY (market, length_ms, open_ms)
) WITHOUT ROWID;

CREATE TABLE balance_days (
    account INTEGER NOT NULL,
    asset   INTEGER NOT NULL,
    day     INTEGER NOT NULL,
    total   TEXT    NOT NULL,
    PRIMARY KEY (account, asset, day)
) WITHOUT ROWID;

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
