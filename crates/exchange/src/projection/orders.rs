//! Orders, their lists and trades, and for each order the spans of the log during which what was open of it was the same.
//!
//! What is open now is kept in memory too, so that a change costs no look-up. Knows no balances.

use super::columns::Columns;
use super::{Origin, id, integer};
use crate::history::OrderStatus;
use crate::span::{LASTING, node};
use crate::words::Word;
use ensoex_engine::{CloseReason, Command, OrderKind, SelfTradePrevention, Side, Trade};
use ensoex_sql::{Row, SqlError, Transaction};
use ensoex_types::{AccountId, ClientOrderId, MarketId, OrderId, Price, Quantity, Sequence};
use std::collections::{BTreeMap, BTreeSet};

ensoex_sql::statements! {
    STATEMENTS;
    OPEN_SPANS =
        "SELECT market, order_id, account, remaining, working, other_id, from_sequence FROM order_spans
            WHERE node = $1";
    INSERT_LIST =
        "INSERT INTO lists (market, list_id, below_id, account, list_client_order_id, created_us)
            VALUES ($1, $2, $3, $4, $5, $6)";
    INSERT_ORDER =
        "INSERT INTO orders (market, order_id, account, client_order_id, side, kind, time_in_force, price,
            stop_trigger, stop_price, quantity, quote_quantity, self_trade_prevention, list_id, other_id,
            list_client_order_id, created_us, updated_us)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)";
    TRIGGER_ORDER = "UPDATE orders SET triggered_us = $1, updated_us = $1 WHERE market = $2 AND order_id = $3";
    INSERT_TRADE =
        "INSERT INTO trades (market, trade_id, price, quantity, quote, taker_side, maker_order, maker_account,
            maker_fee, taker_order, taker_account, taker_fee, at_us)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    LAST_PREVENTED = "SELECT MAX(prevented_match_id) FROM prevented_matches WHERE market = $1";
    INSERT_PREVENTED =
        "INSERT INTO prevented_matches (market, prevented_match_id, account, price, quantity, maker_order,
            taker_order, at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    LOWER_PREVENTED =
        "UPDATE orders SET prevented_quantity = prevented_quantity + $1, updated_us = $2
            WHERE market = $3 AND order_id = $4";
    REDUCE_ORDER =
        "UPDATE orders SET reduced_quantity = reduced_quantity + $1, updated_us = $2
            WHERE market = $3 AND order_id = $4";
    CLOSE_ORDER = "UPDATE orders SET status = $1, close_reason = $2, updated_us = $3 WHERE market = $4 AND order_id = $5";
    END_LIST = "UPDATE lists SET ended_us = $1 WHERE market = $2 AND list_id IN ($3, $4)";
    END_SPAN =
        "UPDATE order_spans SET node = $1, to_sequence = $2
            WHERE node = $3 AND account = $4 AND market = $5 AND order_id = $6";
    BEGIN_SPAN =
        "INSERT INTO order_spans (node, account, market, order_id, from_sequence, remaining, working, other_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    EXECUTED_QUOTE = "SELECT executed_quote FROM orders WHERE market = $1 AND order_id = $2";
    FILL_ORDER =
        "UPDATE orders SET executed_quantity = executed_quantity + $1, executed_quote = $2,
            status = 'PARTIALLY_FILLED', updated_us = $3 WHERE market = $4 AND order_id = $5";
}

/// Order ids are unique within a market.
type Key = (MarketId, OrderId);

/// Writes the tables of orders.
#[derive(Default)]
pub(super) struct Orders {
    open: BTreeMap<Key, Open>,
    /// Orders that the command at hand changed.
    touched: BTreeSet<Key>,
    /// Orders that it closed, as far as a span of theirs is stored.
    closed: BTreeMap<Key, (AccountId, Sequence)>,
    /// The list whose orders are accepted next.
    accepting: Option<List>,
    prevented: BTreeMap<MarketId, u64>,
}

/// What is open of an order.
struct Open {
    account: AccountId,
    remaining: u64,
    working: bool,
    /// The other order, while their list is alive.
    other: Option<OrderId>,
    /// Where its lasting span begins; none if none is stored yet.
    from: Option<Sequence>,
}

/// A newly accepted order.
pub(super) struct Placed {
    pub(super) key: Key,
    pub(super) account: AccountId,
    pub(super) side: Side,
    pub(super) kind: OrderKind,
    pub(super) client_order_id: ClientOrderId,
    pub(super) self_trade_prevention: SelfTradePrevention,
}

/// A newly accepted list.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) market: MarketId,
    pub(super) above: OrderId,
    pub(super) below: OrderId,
    pub(super) list_client_order_id: ClientOrderId,
}

impl List {
    fn other(&self, (market, order): Key) -> Option<OrderId> {
        let here = market == self.market;
        match order {
            order if here && order == self.above => Some(self.below),
            order if here && order == self.below => Some(self.above),
            _ => None,
        }
    }
}

/// Two orders of one account that were both lowered instead of traded.
pub(super) struct Prevented {
    pub(super) market: MarketId,
    pub(super) account: AccountId,
    pub(super) price: Price,
    pub(super) quantity: Quantity,
    pub(super) maker_order: OrderId,
    pub(super) taker_order: OrderId,
}

/// What the command's orders want when they meet their own account's. The events do not repeat it.
pub(super) fn self_trade_prevention(command: &Command) -> SelfTradePrevention {
    match command {
        Command::PlaceOrder(place) | Command::ReplaceOrder { place, .. } => place.self_trade_prevention,
        Command::PlaceOco(oco) => oco.self_trade_prevention,
        _ => SelfTradePrevention::default(),
    }
}

impl Orders {
    /// What is open according to the tables.
    pub(super) async fn load(transaction: &mut Transaction) -> Result<Orders, SqlError> {
        let rows = transaction.fetch_all(OPEN_SPANS.bind(integer(LASTING))).await?;
        Ok(Orders {
            open: rows.iter().map(open_row).collect::<Result<_, _>>()?,
            ..Orders::default()
        })
    }

    pub(super) async fn list(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        account: AccountId,
        list: List,
    ) -> Result<(), SqlError> {
        transaction
            .execute(
                INSERT_LIST
                    .bind(i64::from(list.market.0))
                    .bind(integer(list.above.0))
                    .bind(integer(list.below.0))
                    .bind(id(account))
                    .bind(list.list_client_order_id.as_str())
                    .bind(integer(origin.at.0)),
            )
            .await?;
        self.accepting = Some(list);
        Ok(())
    }

    pub(super) async fn accepted(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        placed: &Placed,
    ) -> Result<(), SqlError> {
        let list = self.accepting.filter(|list| list.other(placed.key).is_some());
        let other = list.and_then(|list| list.other(placed.key));
        let columns = Columns::of(placed.kind);
        transaction
            .execute(
                INSERT_ORDER
                    .bind(i64::from(placed.key.0.0))
                    .bind(integer(placed.key.1.0))
                    .bind(id(placed.account))
                    .bind(placed.client_order_id.as_str())
                    .bind(placed.side.word())
                    .bind(columns.kind)
                    .bind(columns.time_in_force.word())
                    .bind(integer(columns.price.0))
                    .bind(columns.trigger.map(Word::word))
                    .bind(integer(columns.stop_price.0))
                    .bind(integer(columns.quantity.0))
                    .bind(columns.quote.0.to_string())
                    .bind(placed.self_trade_prevention.word())
                    .bind(list.map(|list| integer(list.above.0)))
                    .bind(other.map(|other| integer(other.0)))
                    .bind(
                        list.map(|list| list.list_client_order_id)
                            .unwrap_or_default()
                            .as_str(),
                    )
                    .bind(integer(origin.at.0)),
            )
            .await?;
        let open = Open {
            account: placed.account,
            remaining: columns.quantity.0,
            working: columns.trigger.is_none(),
            other,
            from: None,
        };
        self.open.insert(placed.key, open);
        self.touched.insert(placed.key);
        Ok(())
    }

    pub(super) async fn triggered(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        key: Key,
    ) -> Result<(), SqlError> {
        if let Some(open) = self.open.get_mut(&key) {
            open.working = true;
            self.touched.insert(key);
        }
        transaction
            .execute(
                TRIGGER_ORDER
                    .bind(integer(origin.at.0))
                    .bind(i64::from(key.0.0))
                    .bind(integer(key.1.0)),
            )
            .await?;
        Ok(())
    }

    pub(super) async fn traded(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        trade: &Trade,
    ) -> Result<(), SqlError> {
        transaction
            .execute(
                INSERT_TRADE
                    .bind(i64::from(trade.market.0))
                    .bind(integer(trade.trade.0))
                    .bind(integer(trade.price.0))
                    .bind(integer(trade.quantity.0))
                    .bind(trade.quote.0.to_string())
                    .bind(trade.taker_side.word())
                    .bind(integer(trade.maker_order.0))
                    .bind(id(trade.maker_account))
                    .bind(trade.maker_fee.0.to_string())
                    .bind(integer(trade.taker_order.0))
                    .bind(id(trade.taker_account))
                    .bind(trade.taker_fee.0.to_string())
                    .bind(integer(origin.at.0)),
            )
            .await?;
        for order in [trade.maker_order, trade.taker_order] {
            self.lower((trade.market, order), trade.quantity);
            fill(transaction, origin, trade, order).await?;
        }
        Ok(())
    }

    fn lower(&mut self, key: Key, by: Quantity) {
        if let Some(open) = self.open.get_mut(&key) {
            open.remaining = open.remaining.saturating_sub(by.0);
            self.touched.insert(key);
        }
    }

    pub(super) async fn prevented(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        prevented: Prevented,
    ) -> Result<(), SqlError> {
        let market = i64::from(prevented.market.0);
        let last = match self.prevented.get(&prevented.market) {
            Some(last) => *last,
            None => {
                let last: Option<i64> = transaction.fetch_value(LAST_PREVENTED.bind(market)).await?;
                last.and_then(|last| u64::try_from(last).ok()).unwrap_or_default()
            }
        };
        self.prevented.insert(prevented.market, last + 1);
        transaction
            .execute(
                INSERT_PREVENTED
                    .bind(market)
                    .bind(integer(last + 1))
                    .bind(id(prevented.account))
                    .bind(integer(prevented.price.0))
                    .bind(integer(prevented.quantity.0))
                    .bind(integer(prevented.maker_order.0))
                    .bind(integer(prevented.taker_order.0))
                    .bind(integer(origin.at.0)),
            )
            .await?;
        for order in [prevented.maker_order, prevented.taker_order] {
            self.lower((prevented.market, order), prevented.quantity);
            transaction
                .execute(
                    LOWER_PREVENTED
                        .bind(integer(prevented.quantity.0))
                        .bind(integer(origin.at.0))
                        .bind(market)
                        .bind(integer(order.0)),
                )
                .await?;
        }
        Ok(())
    }

    pub(super) async fn reduced(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        key: Key,
        by: Quantity,
    ) -> Result<(), SqlError> {
        self.lower(key, by);
        transaction
            .execute(
                REDUCE_ORDER
                    .bind(integer(by.0))
                    .bind(integer(origin.at.0))
                    .bind(i64::from(key.0.0))
                    .bind(integer(key.1.0)),
            )
            .await?;
        Ok(())
    }

    pub(super) async fn closed(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        key: Key,
        reason: CloseReason,
    ) -> Result<(), SqlError> {
        if let Some(gone) = self.open.remove(&key) {
            self.touched.insert(key);
            if let Some(from) = gone.from {
                self.closed.insert(key, (gone.account, from));
            }
            if let Some(other) = gone.other {
                self.list_ended(transaction, origin, key, other).await?;
            }
        }
        transaction
            .execute(
                CLOSE_ORDER
                    .bind(status(reason).word())
                    .bind(reason.word())
                    .bind(integer(origin.at.0))
                    .bind(i64::from(key.0.0))
                    .bind(integer(key.1.0)),
            )
            .await?;
        Ok(())
    }

    /// A list ends with the first of its orders that closes; the other is an ordinary order from then on.
    async fn list_ended(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
        (market, order): Key,
        other: OrderId,
    ) -> Result<(), SqlError> {
        if let Some(survivor) = self.open.get_mut(&(market, other)) {
            survivor.other = None;
            self.touched.insert((market, other));
        }
        transaction
            .execute(
                END_LIST
                    .bind(integer(origin.at.0))
                    .bind(i64::from(market.0))
                    .bind(integer(order.0))
                    .bind(integer(other.0)),
            )
            .await?;
        Ok(())
    }

    /// Ends the spans of orders that a command changed, and begins those of what is open now.
    pub(super) async fn end_command(
        &mut self,
        transaction: &mut Transaction,
        origin: Origin,
    ) -> Result<(), SqlError> {
        self.accepting = None;
        let closed = std::mem::take(&mut self.closed);
        for key in std::mem::take(&mut self.touched) {
            let open = self.open.get_mut(&key);
            let lasting = match &open {
                Some(open) => open.from.map(|from| (open.account, from)),
                None => closed.get(&key).copied(),
            };
            if let Some((account, from)) = lasting {
                end_span(transaction, key, account, from, Sequence(origin.sequence.0 - 1)).await?;
            }
            if let Some(open) = open {
                open.from = Some(origin.sequence);
                begin_span(transaction, key, open, origin.sequence).await?;
            }
        }
        Ok(())
    }
}

async fn end_span(
    transaction: &mut Transaction,
    (market, order): Key,
    account: AccountId,
    from: Sequence,
    to: Sequence,
) -> Result<(), SqlError> {
    transaction
        .execute(
            END_SPAN
                .bind(integer(node(from, to)))
                .bind(integer(to.0))
                .bind(integer(LASTING))
                .bind(id(account))
                .bind(i64::from(market.0))
                .bind(integer(order.0)),
        )
        .await?;
    Ok(())
}

async fn begin_span(
    transaction: &mut Transaction,
    (market, order): Key,
    open: &Open,
    from: Sequence,
) -> Result<(), SqlError> {
    transaction
        .execute(
            BEGIN_SPAN
                .bind(integer(LASTING))
                .bind(id(open.account))
                .bind(i64::from(market.0))
                .bind(integer(order.0))
                .bind(integer(from.0))
                .bind(integer(open.remaining))
                .bind(open.working)
                .bind(open.other.map(|other| integer(other.0))),
        )
        .await?;
    Ok(())
}

async fn fill(
    transaction: &mut Transaction,
    origin: Origin,
    trade: &Trade,
    order: OrderId,
) -> Result<(), SqlError> {
    let executed_quote: String = transaction
        .fetch_value(
            EXECUTED_QUOTE
                .bind(i64::from(trade.market.0))
                .bind(integer(order.0)),
        )
        .await?;
    let executed_quote = executed_quote
        .parse::<i128>()
        .unwrap_or_default()
        .saturating_add(trade.quote.0);
    transaction
        .execute(
            FILL_ORDER
                .bind(integer(trade.quantity.0))
                .bind(executed_quote.to_string())
                .bind(integer(origin.at.0))
                .bind(i64::from(trade.market.0))
                .bind(integer(order.0)),
        )
        .await?;
    Ok(())
}

/// Where an order stands that closed for this reason.
fn status(reason: CloseReason) -> OrderStatus {
    match reason {
        CloseReason::Filled => OrderStatus::Filled,
        CloseReason::Canceled => OrderStatus::Canceled,
        CloseReason::SelfTrade => OrderStatus::ExpiredInMatch,
        CloseReason::Expired | CloseReason::Contingent | CloseReason::Delisted | CloseReason::Restricted => {
            OrderStatus::Expired
        }
    }
}

fn open_row(row: &Row) -> Result<(Key, Open), SqlError> {
    let other: Option<i64> = row.get("other_id")?;
    let open = Open {
        account: AccountId(u32::try_from(row.unsigned("account")?).unwrap_or_default()),
        remaining: row.unsigned("remaining")?,
        working: row.flag("working")?,
        other: other.map(|other| OrderId(u64::try_from(other).unwrap_or_default())),
        from: Some(Sequence(row.unsigned("from_sequence")?)),
    };
    let market = MarketId(u16::try_from(row.unsigned("market")?).unwrap_or_default());
    Ok(((market, OrderId(row.unsigned("order_id")?)), open))
}
