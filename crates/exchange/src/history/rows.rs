//! Reads the rows of the projections. A row that is not of their form is an error, never a guess.

use super::{Cursor, EntryRow, ListPlace, OrderRow, PreventedMatchRow, TradeRow};
use crate::market_data::PublicTrade;
use crate::words::Word;
use ensoex_engine::{OrderKind, Side};
use ensoex_sql::{Row, SqlError};
use ensoex_types::{
    AccountId, Amount, AssetId, ClientOrderId, MarketId, OrderId, Price, Quantity, Sequence, TradeId,
};

type Read<T> = Result<T, SqlError>;

/// A list without its orders.
pub(super) struct StoredList {
    pub(super) market: MarketId,
    pub(super) above: OrderId,
    pub(super) below: OrderId,
    pub(super) account: AccountId,
    pub(super) list_client_order_id: ClientOrderId,
    pub(super) ended_ms: Option<u64>,
    pub(super) cursor: Cursor,
}

/// The column does not hold what belongs there.
fn malformed(column: &'static str) -> SqlError {
    SqlError::malformed(column)
}

pub(super) fn unsigned(row: &Row, column: &'static str) -> Read<u64> {
    u64::try_from(row.get::<i64>(column)?).map_err(|_| malformed(column))
}

pub(super) fn optional(row: &Row, column: &'static str) -> Read<Option<u64>> {
    let value: Option<i64> = row.get(column)?;
    value
        .map(|value| u64::try_from(value).map_err(|_| malformed(column)))
        .transpose()
}

fn millis(row: &Row, column: &'static str) -> Read<u64> {
    Ok(unsigned(row, column)? / 1_000)
}

pub(super) fn amount(row: &Row, column: &'static str) -> Read<Amount> {
    let text: &str = row.get(column)?;
    text.parse().map(Amount).map_err(|_| malformed(column))
}

pub(super) fn word<W: Word>(row: &Row, column: &'static str) -> Read<W> {
    W::read(row.get(column)?).ok_or_else(|| malformed(column))
}

fn optional_word<W: Word>(row: &Row, column: &'static str) -> Read<Option<W>> {
    let text: Option<&str> = row.get(column)?;
    text.map(|text| W::read(text).ok_or_else(|| malformed(column)))
        .transpose()
}

pub(super) fn name(row: &Row, column: &'static str) -> Read<ClientOrderId> {
    ClientOrderId::new(row.get(column)?).map_err(|_| malformed(column))
}

pub(super) fn market(row: &Row) -> Read<MarketId> {
    u16::try_from(unsigned(row, "market")?)
        .map(MarketId)
        .map_err(|_| malformed("market"))
}

pub(super) fn account(row: &Row) -> Read<AccountId> {
    u32::try_from(unsigned(row, "account")?)
        .map(AccountId)
        .map_err(|_| malformed("account"))
}

pub(super) fn asset(row: &Row) -> Read<AssetId> {
    u16::try_from(unsigned(row, "asset")?)
        .map(AssetId)
        .map_err(|_| malformed("asset"))
}

fn cursor(row: &Row, at: &'static str, id: &'static str) -> Read<Cursor> {
    Ok(Cursor {
        at_us: unsigned(row, at)?,
        market: market(row)?,
        id: unsigned(row, id)?,
    })
}

/// An order's kind, with this quantity.
pub(super) fn kind(row: &Row, quantity: Quantity) -> Read<OrderKind> {
    let price = Price(unsigned(row, "price")?);
    let stop_price = Price(unsigned(row, "stop_price")?);
    let trigger = || word(row, "stop_trigger");
    let kind = match row.get("kind")? {
        "LIMIT" => OrderKind::Limit {
            price,
            quantity,
            time_in_force: word(row, "time_in_force")?,
        },
        "LIMIT_MAKER" => OrderKind::LimitMaker { price, quantity },
        "MARKET" => OrderKind::Market { quantity },
        "MARKET_QUOTE" => OrderKind::MarketQuote {
            quote: amount(row, "quote_quantity")?,
        },
        "STOP" => OrderKind::Stop {
            trigger: trigger()?,
            stop_price,
            quantity,
        },
        "STOP_LIMIT" => OrderKind::StopLimit {
            trigger: trigger()?,
            stop_price,
            price,
            quantity,
            time_in_force: word(row, "time_in_force")?,
        },
        _ => return Err(malformed("kind")),
    };
    Ok(kind)
}

pub(super) fn order_row(row: &Row) -> Read<OrderRow> {
    let reduced = unsigned(row, "reduced_quantity")?;
    let quantity = Quantity(unsigned(row, "quantity")?.saturating_sub(reduced));
    let list = match (optional(row, "list_id")?, optional(row, "other_id")?) {
        (Some(list), Some(other)) => Some(ListPlace {
            list: OrderId(list),
            other: OrderId(other),
            list_client_order_id: name(row, "list_client_order_id")?,
        }),
        _ => None,
    };
    Ok(OrderRow {
        order: OrderId(unsigned(row, "order_id")?),
        account: account(row)?,
        market: market(row)?,
        client_order_id: name(row, "client_order_id")?,
        side: word(row, "side")?,
        kind: kind(row, quantity)?,
        self_trade_prevention: word(row, "self_trade_prevention")?,
        triggered_ms: optional(row, "triggered_us")?.map(|micros| micros / 1_000),
        list,
        executed: Quantity(unsigned(row, "executed_quantity")?),
        executed_quote: amount(row, "executed_quote")?,
        prevented: Quantity(unsigned(row, "prevented_quantity")?),
        status: word(row, "status")?,
        close_reason: optional_word(row, "close_reason")?,
        created_ms: millis(row, "created_us")?,
        updated_ms: millis(row, "updated_us")?,
        cursor: cursor(row, "created_us", "order_id")?,
    })
}

pub(super) fn list_row(row: &Row) -> Read<StoredList> {
    Ok(StoredList {
        market: market(row)?,
        above: OrderId(unsigned(row, "list_id")?),
        below: OrderId(unsigned(row, "below_id")?),
        account: account(row)?,
        list_client_order_id: name(row, "list_client_order_id")?,
        ended_ms: optional(row, "ended_us")?.map(|micros| micros / 1_000),
        cursor: cursor(row, "created_us", "list_id")?,
    })
}

pub(super) fn prevented_match_row(row: &Row) -> Read<PreventedMatchRow> {
    Ok(PreventedMatchRow {
        prevented_match: unsigned(row, "prevented_match_id")?,
        market: market(row)?,
        account: account(row)?,
        price: Price(unsigned(row, "price")?),
        quantity: Quantity(unsigned(row, "quantity")?),
        maker_order: OrderId(unsigned(row, "maker_order")?),
        taker_order: OrderId(unsigned(row, "taker_order")?),
        at_ms: millis(row, "at_us")?,
    })
}

pub(super) fn trade_row(row: &Row) -> Read<TradeRow> {
    let is_maker = row.get::<&str>("role")? == "maker";
    let taker_side: Side = word(row, "taker_side")?;
    Ok(TradeRow {
        trade: TradeId(unsigned(row, "trade_id")?),
        market: market(row)?,
        order: OrderId(unsigned(row, "order_id")?),
        side: if is_maker {
            taker_side.opposite()
        } else {
            taker_side
        },
        price: Price(unsigned(row, "price")?),
        quantity: Quantity(unsigned(row, "quantity")?),
        quote: amount(row, "quote")?,
        fee: amount(row, "fee")?,
        is_maker,
        at_ms: millis(row, "at_us")?,
        cursor: cursor(row, "at_us", "trade_id")?,
    })
}

pub(super) fn public_trade_row(row: &Row) -> Read<PublicTrade> {
    Ok(PublicTrade {
        trade: TradeId(unsigned(row, "trade_id")?),
        price: Price(unsigned(row, "price")?),
        quantity: Quantity(unsigned(row, "quantity")?),
        quote: amount(row, "quote")?,
        at_ms: millis(row, "at_us")?,
        buyer_is_maker: word::<Side>(row, "taker_side")? == Side::Sell,
    })
}

pub(super) fn entry_row(row: &Row) -> Read<EntryRow> {
    Ok(EntryRow {
        entry: row.get("entry")?,
        sequence: Sequence(unsigned(row, "sequence")?),
        asset: asset(row)?,
        amount: amount(row, "amount")?,
        code: row.get("code")?,
        reference: row.get("reference")?,
        corrects: row.get("corrects")?,
        total: amount(row, "total")?,
        at_ms: millis(row, "at_us")?,
    })
}
