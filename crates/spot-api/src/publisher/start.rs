//! How the streams begin, and begin again after they fell behind: from the engine's open orders and their history.

use super::Publisher;
use crate::shared::newest_by_symbol;
use crate::topic::Speed;
use ensoex_engine::{OpenOrder, OrderRef};
use ensoex_exchange::{HistoryError, OrderFilter, OrderRow, ROWS_MAX};
use ensoex_types::{AccountId, MarketId, OrderId};
use std::collections::{BTreeSet, HashMap};

impl Publisher {
    /// Takes the engine's open orders as they are. The feed was opened before, so that nothing is missed; what it
    /// still brings from before is skipped.
    pub(super) async fn reset(&mut self) {
        let (sequence, open) = self.exchange.read(|engine| {
            let accounts = engine.accounts();
            let open: Vec<OpenOrder> = accounts
                .into_iter()
                .flat_map(|account| engine.open_orders(account, None))
                .collect();
            (engine.sequence(), open)
        });
        let orders = self.with_rows(open).await;
        self.mirror.reset(orders);
        self.reached = sequence;
        self.listings = newest_by_symbol(self.exchange.markets());
        for listing in &self.listings {
            for speed in [Speed::Fast, Speed::Slow] {
                self.told.entry((listing.market, speed)).or_insert(sequence);
            }
        }
    }

    /// The engine does not keep what was paid so far, or how an order was placed; the history does.
    async fn with_rows(&self, open: Vec<OpenOrder>) -> Vec<(OpenOrder, Option<OrderRow>)> {
        let mut rows = HashMap::new();
        let accounts: BTreeSet<AccountId> = open.iter().map(|order| order.account).collect();
        for account in accounts {
            if let Err(error) = self.open_rows(account, &mut rows).await {
                log_unreadable(&error);
            }
        }
        let mut orders = Vec::with_capacity(open.len());
        for order in open {
            let row = match rows.remove(&(order.market, order.order)) {
                Some(row) => Some(row),
                None => self.row(&order).await,
            };
            orders.push((order, row));
        }
        orders
    }

    async fn open_rows(
        &self,
        account: AccountId,
        rows: &mut HashMap<(MarketId, OrderId), OrderRow>,
    ) -> Result<(), HistoryError> {
        let mut before = None;
        loop {
            let filter = OrderFilter {
                account,
                open_only: Some(true),
                before,
                limit: ROWS_MAX,
                newest_first: true,
                ..OrderFilter::default()
            };
            let page = self.exchange.history().orders(filter).await?;
            before = page.last().map(|row| row.cursor);
            let last_page = page.len() < ROWS_MAX as usize;
            rows.extend(page.into_iter().map(|row| ((row.market, row.order), row)));
            if last_page {
                return Ok(());
            }
        }
    }

    /// The row of an order that has closed since the engine was looked at.
    async fn row(&self, order: &OpenOrder) -> Option<OrderRow> {
        let reference = OrderRef::Id(order.order);
        let history = self.exchange.history();
        let row = history.order(order.account, order.market, &reference).await;
        row.unwrap_or_else(|error| {
            log_unreadable(&error);
            None
        })
    }
}

fn log_unreadable(error: &HistoryError) {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "an open order's history cannot be read"
    );
}
