//! Orders asked for: one, the open ones, all of them.

use crate::error::SpotError;
use crate::market::{ROWS_DEFAULT, ROWS_MAX};
use crate::order_values::{order_value, prevented_match_value};
use crate::params::Params;
use crate::shared::{Caller, Spot};
use ensoex_engine::OrderRef;
use ensoex_exchange::{OrderFilter, OrderRow, PreventedMatchFilter};
use ensoex_types::{AccountId, ClientOrderId, MarketId, OrderId};
use serde_json::Value;

/// Longest span of a history query.
const SPAN_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

impl Spot {
    /// `order` (GET).
    pub(crate) async fn query_order(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let order = params.integer("orderId")?.map(OrderId);
        let client = params.text("origClientOrderId");
        params.finish()?;
        // What cannot be a name is no order's name.
        let reference = match (order, client.as_deref().map(ClientOrderId::new)) {
            (Some(order), _) => OrderRef::Id(order),
            (None, Some(Ok(name))) => OrderRef::Client(name),
            (None, Some(Err(_))) => return Err(SpotError::NoSuchOrder),
            (None, None) => return Err(SpotError::MandatoryEither("origClientOrderId", "orderId")),
        };
        let row = self
            .exchange
            .history()
            .order(caller.account, listing.market, &reference)
            .await?;
        let row = row.ok_or(SpotError::NoSuchOrder)?;
        if client.is_some_and(|client| client != row.client_order_id.as_str()) {
            return Err(SpotError::ClientOrderIdMismatch);
        }
        let mut value = order_value(&listing, &row);
        if row.prevented.0 > 0 {
            let filter = PreventedMatchFilter {
                account: caller.account,
                market: listing.market,
                order: Some(row.order),
                limit: 1,
                ..PreventedMatchFilter::default()
            };
            let first = self.exchange.history().prevented_matches(filter).await?;
            if let Some(first) = first.first() {
                value["preventedMatchId"] = first.prevented_match.into();
            }
        }
        Ok(value)
    }

    /// `openOrders` (GET).
    pub(crate) async fn open_orders(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listings = match params.text("symbol") {
            Some(symbol) => vec![self.listing_of(&symbol)?],
            None => self.exchange.markets(),
        };
        params.finish()?;
        let mut values = Vec::new();
        for listing in &listings {
            for row in self.open_rows(caller.account, listing.market).await? {
                values.push(order_value(listing, &row));
            }
        }
        Ok(Value::Array(values))
    }

    /// All open orders of an account in a market, page by page.
    pub(crate) async fn open_rows(
        &self,
        account: AccountId,
        market: MarketId,
    ) -> Result<Vec<OrderRow>, SpotError> {
        let mut rows: Vec<OrderRow> = Vec::new();
        loop {
            let from = rows
                .last()
                .map_or(OrderId(0), |row| OrderId(row.order.0.saturating_add(1)));
            let filter = OrderFilter {
                account,
                market: Some(market),
                open_only: Some(true),
                from_order: Some(from),
                limit: rows_max_of(ROWS_MAX),
                ..OrderFilter::default()
            };
            let page = self.exchange.history().orders(filter).await?;
            let last_page = page.len() < ROWS_MAX;
            rows.extend(page);
            if last_page {
                return Ok(rows);
            }
        }
    }

    /// `allOrders`.
    pub(crate) async fn all_orders(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let from_order = params.integer("orderId")?.map(OrderId);
        let (start_ms, end_ms) = span(params)?;
        let limit = params.limit(ROWS_DEFAULT, ROWS_MAX)?;
        params.finish()?;
        let filter = OrderFilter {
            account: caller.account,
            market: Some(listing.market),
            from_order,
            start_ms,
            end_ms,
            limit: rows_max_of(limit),
            ..OrderFilter::default()
        };
        let rows = self.exchange.history().orders(filter).await?;
        Ok(rows.iter().map(|row| order_value(&listing, row)).collect())
    }
}

impl Spot {
    /// `myPreventedMatches`: what the mode `DECREMENT` took off two orders. The other modes expire orders whole, which
    /// the orders themselves say.
    pub(crate) async fn prevented_matches(
        &self,
        caller: Caller,
        params: &mut Params,
    ) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let prevented_match = params.integer("preventedMatchId")?;
        let order = params.integer("orderId")?.map(OrderId);
        let from_prevented_match = params.integer("fromPreventedMatchId")?;
        let limit = params.limit(ROWS_DEFAULT, ROWS_MAX)?;
        params.finish()?;
        match (prevented_match, order, from_prevented_match) {
            (None, None, _) => return Err(SpotError::MandatoryEither("preventedMatchId", "orderId")),
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => return Err(SpotError::BadCombination),
            _ => {}
        }
        let filter = PreventedMatchFilter {
            account: caller.account,
            market: listing.market,
            prevented_match,
            order,
            from_prevented_match,
            limit: rows_max_of(limit),
        };
        let rows = self.exchange.history().prevented_matches(filter).await?;
        Ok(rows
            .iter()
            .map(|row| prevented_match_value(&listing, row))
            .collect())
    }
}

/// Rows as the history counts them.
pub(crate) fn rows_max_of(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

/// `startTime` and `endTime`, at most a day apart.
pub(crate) fn span(params: &mut Params) -> Result<(Option<u64>, Option<u64>), SpotError> {
    let (start, end) = (params.moment_ms("startTime")?, params.moment_ms("endTime")?);
    match (start, end) {
        (Some(start), Some(end)) if end.saturating_sub(start) > SPAN_MS_MAX => Err(SpotError::MoreThanADay),
        _ => Ok((start, end)),
    }
}
