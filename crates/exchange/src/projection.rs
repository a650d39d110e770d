//! Builds the SQL projections (orders, trades, ledger entries) from applied commands.
//!
//! The projections hold nothing that the log does not: they can be dropped and rebuilt. Progress is
//! stored in the same transaction as the rows, so each command is projected exactly once.

use crate::sequencer::Applied;
use ensoex_engine::{CloseReason, Command, Event, OrderKind, Side, TimeInForce, Trade, TransferCode};
use ensoex_types::{
    AccountId, Amount, AssetId, MarketId, OrderId, Quantity, Sequence, Timestamp, TransferId,
};
use sqlx::sqlite::SqliteConnection;
use std::collections::BTreeMap;

/// Units of a market that entries need.
#[derive(Clone, Copy)]
struct Units {
    base: AssetId,
    quote: AssetId,
    lot_size: u64,
}

/// Writes projections into one database.
pub(crate) struct Projector {
    connection: SqliteConnection,
    projected: Sequence,
    units: BTreeMap<MarketId, Units>,
}

impl Projector {
    /// Takes a migrated database and goes on where it stands.
    pub(crate) async fn new(mut connection: SqliteConnection) -> Result<Projector, sqlx::Error> {
        let sequence: i64 = sqlx::query_scalar("SELECT sequence FROM progress WHERE id = 1")
            .fetch_one(&mut connection)
            .await?;
        let projected = Sequence(u64::try_from(sequence).unwrap_or_default());
        Ok(Projector {
            connection,
            projected,
            units: BTreeMap::new(),
        })
    }

    /// Last projected command.
    pub(crate) fn projected(&self) -> Sequence {
        self.projected
    }

    /// Gives the database back.
    pub(crate) fn into_connection(self) -> SqliteConnection {
        self.connection
    }

    /// Projects a run of commands in one transaction; those projected before are only learned from.
    pub(crate) async fn project(&mut self, run: &[Applied]) -> Result<(), sqlx::Error> {
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut self.connection)
            .await?;
        match self.project_rows(run).await {
            Ok(reached) => {
                sqlx::query("COMMIT").execute(&mut self.connection).await?;
                self.projected = reached;
                Ok(())
            }
            Err(error) => {
                let _ended_already = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
                Err(error)
            }
        }
    }

    async fn project_rows(&mut self, run: &[Applied]) -> Result<Sequence, sqlx::Error> {
        // Asked anew within the transaction: a writer that was taken over may still have projected meanwhile.
        let mut reached = stored_progress(&mut self.connection).await?;
        for applied in run {
            self.learn(applied);
            if applied.sequence <= reached {
                continue;
            }
            for event in applied.events.iter() {
                self.event(applied, event).await?;
            }
            reached = applied.sequence;
        }
        sqlx::query("UPDATE progress SET sequence = $1 WHERE id = 1")
            .bind(integer(reached.0))
            .execute(&mut self.connection)
            .await?;
        Ok(reached)
    }

    fn learn(&mut self, applied: &Applied) {
        if let Command::ListMarket { market, spec } = &applied.command
            && applied
                .events
                .iter()
                .any(|event| matches!(event, Event::MarketListed { .. }))
        {
            self.units.insert(
                *market,
                Units {
                    base: spec.base,
                    quote: spec.quote,
                    lot_size: spec.lot_size,
                },
            );
        }
    }

    async fn event(&mut self, applied: &Applied, event: &Event) -> Result<(), sqlx::Error> {
        match event {
            Event::OrderAccepted {
                order,
                account,
                market,
                side,
                kind,
                client_order_id,
            } => {
                self.accepted(
                    applied.at,
                    (*market, *order),
                    *account,
                    *side,
                    *kind,
                    client_order_id,
                )
                .await
            }
            Event::Trade(trade) => self.trade(applied, trade).await,
            Event::OrderReduced {
                order, market, by, ..
            } => {
                sqlx::query(
                    "UPDATE orders SET quantity = quantity - $1, updated_us = $2 WHERE market = $3 AND order_id = $4",
                )
                .bind(integer(by.0))
                .bind(integer(applied.at.0))
                .bind(i64::from(market.0))
                .bind(integer(order.0))
                .execute(&mut self.connection)
                .await?;
                Ok(())
            }
            Event::OrderClosed {
                order,
                market,
                reason,
                ..
            } => {
                let status = match reason {
                    CloseReason::Filled => "FILLED",
                    CloseReason::Canceled => "CANCELED",
                    CloseReason::Expired => "EXPIRED",
                    CloseReason::SelfTrade => "EXPIRED_IN_MATCH",
                };
                sqlx::query(
                    "UPDATE orders SET status = $1, updated_us = $2 WHERE market = $3 AND order_id = $4",
                )
                .bind(status)
                .bind(integer(applied.at.0))
                .bind(i64::from(market.0))
                .bind(integer(order.0))
                .execute(&mut self.connection)
                .await?;
                Ok(())
            }
            Event::TransferPosted {
                transfer,
                debit,
                credit,
                asset,
                amount,
                code,
            } => {
                let code = transfer_code(*code);
                let reference = transfer_text(*transfer);
                self.entry(applied, *debit, *asset, Amount(-amount.0), code, &reference)
                    .await?;
                self.entry(applied, *credit, *asset, *amount, code, &reference)
                    .await
            }
            Event::Rejected { .. }
            | Event::AssetListed { .. }
            | Event::MarketListed { .. }
            | Event::MarketStateChanged { .. }
            | Event::AccountOpened { .. }
            | Event::TransferHeld { .. }
            | Event::TransferVoided { .. } => Ok(()),
        }
    }

    async fn accepted(
        &mut self,
        at: Timestamp,
        (market, order): (MarketId, OrderId),
        account: AccountId,
        side: Side,
        kind: OrderKind,
        client_order_id: &str,
    ) -> Result<(), sqlx::Error> {
        let (kind, time_in_force, price, quantity, quote) = kind_columns(kind);
        sqlx::query(
            "INSERT INTO orders (market, order_id, account, client_order_id, side, kind, time_in_force, price,
             quantity, quote_quantity, executed_quantity, executed_quote, status, created_us, updated_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, '0', 'NEW', $11, $11)",
        )
        .bind(i64::from(market.0))
        .bind(integer(order.0))
        .bind(i64::from(account.0))
        .bind(client_order_id)
        .bind(side_text(side))
        .bind(kind)
        .bind(time_in_force)
        .bind(integer(price))
        .bind(integer(quantity))
        .bind(quote.0.to_string())
        .bind(integer(at.0))
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    async fn trade(&mut self, applied: &Applied, trade: &Trade) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO trades (market, trade_id, price, quantity, quote, taker_side, maker_order, maker_account,
             maker_fee, taker_order, taker_account, taker_fee, at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(i64::from(trade.market.0))
        .bind(integer(trade.trade.0))
        .bind(integer(trade.price.0))
        .bind(integer(trade.quantity.0))
        .bind(trade.quote.0.to_string())
        .bind(side_text(trade.taker_side))
        .bind(integer(trade.maker_order.0))
        .bind(i64::from(trade.maker_account.0))
        .bind(trade.maker_fee.0.to_string())
        .bind(integer(trade.taker_order.0))
        .bind(i64::from(trade.taker_account.0))
        .bind(trade.taker_fee.0.to_string())
        .bind(integer(applied.at.0))
        .execute(&mut self.connection)
        .await?;
        for order in [trade.maker_order, trade.taker_order] {
            self.fill(applied.at, trade, order).await?;
        }
        self.trade_entries(applied, trade).await
    }

    async fn fill(&mut self, at: Timestamp, trade: &Trade, order: OrderId) -> Result<(), sqlx::Error> {
        let executed_quote: String =
            sqlx::query_scalar("SELECT executed_quote FROM orders WHERE market = $1 AND order_id = $2")
                .bind(i64::from(trade.market.0))
                .bind(integer(order.0))
                .fetch_one(&mut self.connection)
                .await?;
        let executed_quote = executed_quote
            .parse::<i128>()
            .unwrap_or_default()
            .saturating_add(trade.quote.0);
        sqlx::query(
            "UPDATE orders SET executed_quantity = executed_quantity + $1, executed_quote = $2,
             status = 'PARTIALLY_FILLED', updated_us = $3 WHERE market = $4 AND order_id = $5",
        )
        .bind(integer(trade.quantity.0))
        .bind(executed_quote.to_string())
        .bind(integer(at.0))
        .bind(i64::from(trade.market.0))
        .bind(integer(order.0))
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    async fn trade_entries(&mut self, applied: &Applied, trade: &Trade) -> Result<(), sqlx::Error> {
        let Some(units) = self.units.get(&trade.market).copied() else {
            return Ok(());
        };
        let base = base_amount(trade.quantity, units.lot_size);
        let maker = (trade.maker_account, trade.maker_fee);
        let taker = (trade.taker_account, trade.taker_fee);
        let (buyer, seller) = if trade.taker_side == Side::Buy {
            (taker, maker)
        } else {
            (maker, taker)
        };
        let reference = format!("{}-{}", trade.market.0, trade.trade.0);
        let minus = |amount: Amount| Amount(-amount.0);
        for (account, asset, amount, code) in [
            (buyer.0, units.base, base, "trade"),
            (buyer.0, units.quote, minus(trade.quote), "trade"),
            (buyer.0, units.base, minus(buyer.1), "fee"),
            (seller.0, units.base, minus(base), "trade"),
            (seller.0, units.quote, trade.quote, "trade"),
            (seller.0, units.quote, minus(seller.1), "fee"),
            (AccountId::FEES, units.base, buyer.1, "fee"),
            (AccountId::FEES, units.quote, seller.1, "fee"),
        ] {
            if amount != Amount::ZERO {
                self.entry(applied, account, asset, amount, code, &reference)
                    .await?;
            }
        }
        Ok(())
    }

    async fn entry(
        &mut self,
        applied: &Applied,
        account: AccountId,
        asset: AssetId,
        amount: Amount,
        code: &str,
        reference: &str,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO entries (sequence, account, asset, amount, code, reference, at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(integer(applied.sequence.0))
        .bind(i64::from(account.0))
        .bind(i64::from(asset.0))
        .bind(amount.0.to_string())
        .bind(code)
        .bind(reference)
        .bind(integer(applied.at.0))
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

async fn stored_progress(connection: &mut SqliteConnection) -> Result<Sequence, sqlx::Error> {
    let sequence: i64 = sqlx::query_scalar("SELECT sequence FROM progress WHERE id = 1")
        .fetch_one(connection)
        .await?;
    Ok(Sequence(u64::try_from(sequence).unwrap_or_default()))
}

fn base_amount(quantity: Quantity, lot_size: u64) -> Amount {
    Amount(i128::from(quantity.0).saturating_mul(i128::from(lot_size)))
}

fn kind_columns(kind: OrderKind) -> (&'static str, &'static str, u64, u64, Amount) {
    match kind {
        OrderKind::Limit {
            price,
            quantity,
            time_in_force,
        } => {
            let time_in_force = match time_in_force {
                TimeInForce::Gtc => "GTC",
                TimeInForce::Ioc => "IOC",
                TimeInForce::Fok => "FOK",
            };
            ("LIMIT", time_in_force, price.0, quantity.0, Amount::ZERO)
        }
        OrderKind::LimitMaker { price, quantity } => {
            ("LIMIT_MAKER", "GTC", price.0, quantity.0, Amount::ZERO)
        }
        OrderKind::Market { quantity } => ("MARKET", "IOC", 0, quantity.0, Amount::ZERO),
        OrderKind::MarketQuote { quote } => ("MARKET_QUOTE", "IOC", 0, 0, quote),
    }
}

pub(crate) fn side_text(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

pub(crate) fn transfer_code(code: TransferCode) -> &'static str {
    match code {
        TransferCode::Deposit => "deposit",
        TransferCode::Withdrawal => "withdrawal",
        TransferCode::Capital => "capital",
        TransferCode::Internal => "internal",
        TransferCode::Correction => "correction",
    }
}

fn transfer_text(transfer: TransferId) -> String {
    format!("{:032x}", transfer.0)
}

/// SQL integers are signed; ids, lots, ticks and times of listed markets stay below 2^63.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
