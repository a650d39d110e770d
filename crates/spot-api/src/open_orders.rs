//! Orders after they were placed: asked for, cancelled, replaced.

use crate::clock::now_ms;
use crate::error::SpotError;
use crate::market::{ROWS_DEFAULT, ROWS_MAX};
use crate::new_order::{NewOrder, client_order_id};
use crate::order_values::{canceled_value, order_value};
use crate::params::Params;
use crate::shared::{Caller, Spot};
use crate::user_events::made_cancel_name;
use ensoex_engine::{CloseReason, Command, Event, OpenOrder, OrderKind, OrderRef, Reject};
use ensoex_exchange::{MarketListing, OrderFilter, OrderRow, Outcome};
use ensoex_types::{AccountId, MarketId, OrderId};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Longest span of a history query.
pub(crate) const SPAN_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// Which order, and under which conditions it may be cancelled.
struct Cancel {
    order: Option<OrderId>,
    client: Option<String>,
    /// What the owner calls the cancel itself.
    cancel_id: Option<String>,
    restriction: Option<Restriction>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Restriction {
    OnlyNew,
    OnlyPartiallyFilled,
}

impl Cancel {
    /// Reads the parameters under the names of `order` (DELETE) or of `order/cancelReplace`.
    fn read(params: &mut Params, names: [&'static str; 3]) -> Result<Cancel, SpotError> {
        let [order, client, cancel_id] = names;
        let order_id = params.integer(order)?.map(OrderId);
        let client_id = params.text(client);
        if order_id.is_none() && client_id.is_none() {
            return Err(SpotError::MandatoryEither(client, order));
        }
        let restriction = match params.text("cancelRestrictions").as_deref() {
            None => None,
            Some("ONLY_NEW") => Some(Restriction::OnlyNew),
            Some("ONLY_PARTIALLY_FILLED") => Some(Restriction::OnlyPartiallyFilled),
            Some(_) => return Err(SpotError::CancelRestrictions),
        };
        let cancel_id = client_order_id(params, cancel_id)?;
        Ok(Cancel {
            order: order_id,
            client: client_id,
            cancel_id,
            restriction,
        })
    }

    fn reference(&self) -> OrderRef {
        match (self.order, &self.client) {
            (Some(order), _) => OrderRef::Id(order),
            (None, client) => OrderRef::Client(client.clone().unwrap_or_default()),
        }
    }

    /// What the cancel is called in its answer and its event.
    fn name(&self, outcome: &Outcome, order: OrderId) -> String {
        self.cancel_id
            .clone()
            .unwrap_or_else(|| made_cancel_name(outcome.sequence, order))
    }

    /// The open order that is meant.
    fn find(&self, spot: &Spot, account: AccountId, market: MarketId) -> Result<OpenOrder, SpotError> {
        let reference = self.reference();
        let open = spot
            .exchange
            .read(|engine| engine.open_order(account, market, &reference));
        let open = open.ok_or(SpotError::UnknownOrder)?;
        if self
            .client
            .as_ref()
            .is_some_and(|client| *client != open.client_order_id)
        {
            return Err(SpotError::ClientOrderIdMismatch);
        }
        let untouched = whole(open.kind).is_none_or(|quantity| quantity == open.remaining);
        match self.restriction {
            Some(Restriction::OnlyNew) if !untouched => Err(SpotError::RestrictionsNotMet),
            Some(Restriction::OnlyPartiallyFilled) if untouched => Err(SpotError::RestrictionsNotMet),
            _ => Ok(open),
        }
    }
}

fn whole(kind: OrderKind) -> Option<ensoex_types::Quantity> {
    crate::words::kind_parts(kind).quantity
}

impl Spot {
    /// `order` (GET).
    pub(crate) async fn query_order(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let order = params.integer("orderId")?.map(OrderId);
        let client = params.text("origClientOrderId");
        params.finish()?;
        let reference = match (order, &client) {
            (Some(order), _) => OrderRef::Id(order),
            (None, Some(client)) => OrderRef::Client(client.clone()),
            (None, None) => return Err(SpotError::MandatoryEither("origClientOrderId", "orderId")),
        };
        let row = self
            .exchange
            .history()
            .order(caller.account, listing.market, &reference)
            .await?;
        let row = row.ok_or(SpotError::NoSuchOrder)?;
        if client.is_some_and(|client| client != row.client_order_id) {
            return Err(SpotError::ClientOrderIdMismatch);
        }
        Ok(order_value(&listing, &row))
    }

    /// `order` (DELETE).
    pub(crate) async fn cancel_order(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let cancel = Cancel::read(params, ["orderId", "origClientOrderId", "newClientOrderId"])?;
        params.finish()?;
        self.cancel(caller.account, &listing, &cancel).await
    }

    async fn cancel(
        &self,
        account: AccountId,
        listing: &MarketListing,
        cancel: &Cancel,
    ) -> Result<Value, SpotError> {
        let market = listing.market;
        let order = cancel.find(self, account, market)?.order;
        let command = Command::CancelOrder {
            account,
            market,
            order: OrderRef::Id(order),
        };
        let outcome = self.submit_cancel(market, order, cancel, command).await?;
        match outcome.reject() {
            Some(reject) => Err(SpotError::Rejected(reject)),
            None => {
                self.canceled(account, listing, order, cancel.name(&outcome, order))
                    .await
            }
        }
    }

    /// Submits a command that cancels `order`, so that its event will have the owner's name for the cancel.
    async fn submit_cancel(
        &self,
        market: MarketId,
        order: OrderId,
        cancel: &Cancel,
        command: Command,
    ) -> Result<Outcome, SpotError> {
        let Some(name) = &cancel.cancel_id else {
            return Ok(self.exchange.submit(command).await?);
        };
        self.hub.name_cancel(market, order, name.clone());
        let outcome = self.exchange.submit(command).await;
        let happened = outcome
            .as_ref()
            .is_ok_and(|outcome| outcome.events.iter().any(|event| cancels(event, order)));
        if !happened {
            self.hub.take_cancel_name(market, order);
        }
        Ok(outcome?)
    }

    async fn canceled(
        &self,
        account: AccountId,
        listing: &MarketListing,
        order: OrderId,
        cancel_name: String,
    ) -> Result<Value, SpotError> {
        let row = self
            .exchange
            .history()
            .order(account, listing.market, &OrderRef::Id(order))
            .await;
        let row = row.map_err(SpotError::AnswerUnknown)?.ok_or(SpotError::Unknown)?;
        Ok(canceled_value(listing, &row, &cancel_name))
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

    /// `openOrders` (DELETE).
    pub(crate) async fn cancel_open_orders(
        &self,
        caller: Caller,
        params: &mut Params,
    ) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        params.finish()?;
        let (account, market) = (caller.account, listing.market);
        let outcome = self
            .exchange
            .submit(Command::CancelAllOrders { account, market })
            .await?;
        if let Some(reject) = outcome.reject() {
            return Err(SpotError::Rejected(reject));
        }
        let mut orders: BTreeSet<OrderId> = outcome.events.iter().filter_map(canceled_order).collect();
        let mut values = Vec::with_capacity(orders.len());
        while let Some(first) = orders.first().copied() {
            let filter = OrderFilter {
                account,
                market: Some(market),
                from_order: Some(first),
                limit: rows_max_of(ROWS_MAX),
                ..OrderFilter::default()
            };
            let rows = self
                .exchange
                .history()
                .orders(filter)
                .await
                .map_err(SpotError::AnswerUnknown)?;
            let found = values.len();
            for row in rows.iter().filter(|row| orders.remove(&row.order)) {
                let name = made_cancel_name(outcome.sequence, row.order);
                values.push(canceled_value(&listing, row, &name));
            }
            if values.len() == found {
                return Err(SpotError::Unknown);
            }
        }
        Ok(Value::Array(values))
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

    /// `order/cancelReplace`: two steps, of which the second may fail alone.
    pub(crate) async fn cancel_replace(
        &self,
        caller: Caller,
        params: &mut Params,
    ) -> Result<Value, SpotError> {
        let stop_on_failure = match params.mandatory("cancelReplaceMode")?.as_str() {
            "STOP_ON_FAILURE" => true,
            "ALLOW_FAILURE" => false,
            _ => return Err(SpotError::InvalidValue("cancelReplaceMode")),
        };
        let cancel_beyond_limit = match params.text("orderRateLimitExceededMode").as_deref() {
            None | Some("DO_NOTHING") => false,
            Some("CANCEL_ONLY") => true,
            Some(_) => return Err(SpotError::InvalidValue("orderRateLimitExceededMode")),
        };
        let new = NewOrder::read(self, params)?;
        let names = [
            "cancelOrderId",
            "cancelOrigClientOrderId",
            "cancelNewClientOrderId",
        ];
        let cancel = Cancel::read(params, names)?;
        params.finish()?;
        let account = caller.account;
        if let Err(limited) = self.limiter.order(account, &self.limits, now_ms()) {
            if !cancel_beyond_limit {
                return Err(limited);
            }
            let canceled = self.cancel(account, &new.listing, &cancel).await;
            return replaced(canceled, Some(Err(limited)));
        }
        match cancel.find(self, account, new.listing.market) {
            Err(unknown) if stop_on_failure => replaced(Err(unknown), None),
            Err(unknown) => replaced(Err(unknown), Some(self.place_new(account, &new).await)),
            Ok(open) => {
                self.replace(account, &new, &cancel, open.order, stop_on_failure)
                    .await
            }
        }
    }

    async fn place_new(&self, account: AccountId, new: &NewOrder) -> Result<Value, SpotError> {
        new.answer(
            &self
                .exchange
                .submit(Command::PlaceOrder(new.command(account)))
                .await?,
        )
    }

    async fn replace(
        &self,
        account: AccountId,
        new: &NewOrder,
        cancel: &Cancel,
        order: OrderId,
        stop_on_failure: bool,
    ) -> Result<Value, SpotError> {
        let command = Command::ReplaceOrder {
            order: OrderRef::Id(order),
            place: new.command(account),
        };
        let outcome = self
            .submit_cancel(new.listing.market, order, cancel, command)
            .await?;
        if outcome.events.iter().any(|event| cancels(event, order)) {
            let name = cancel.name(&outcome, order);
            let canceled = self.canceled(account, &new.listing, order, name).await;
            return replaced(canceled, Some(new.answer(&outcome)));
        }
        // The order closed between the look and the command.
        let unknown = outcome.reject().unwrap_or(Reject::UnknownOrder);
        let placed = if stop_on_failure {
            None
        } else {
            Some(self.place_new(account, new).await)
        };
        replaced(Err(SpotError::Rejected(unknown)), placed)
    }
}

fn canceled_order(event: &Event) -> Option<OrderId> {
    match event {
        Event::OrderClosed {
            order,
            reason: CloseReason::Canceled,
            ..
        } => Some(*order),
        _ => None,
    }
}

fn cancels(event: &Event, order: OrderId) -> bool {
    canceled_order(event) == Some(order)
}

/// The answer of both halves; `placed` is none when the second was not attempted. When the service itself failed in
/// one of them, that is the whole answer: nothing may be called a failure that perhaps was none.
fn replaced(
    canceled: Result<Value, SpotError>,
    placed: Option<Result<Value, SpotError>>,
) -> Result<Value, SpotError> {
    let canceled = match canceled {
        Err(error) if error.is_internal() => return Err(error),
        canceled => canceled,
    };
    let placed = match placed {
        Some(Err(error)) if error.is_internal() => return Err(error),
        placed => placed,
    };
    let limited = matches!(placed, Some(Err(SpotError::TooManyOrders { .. })));
    let (worked, new_worked) = (canceled.is_ok(), placed.as_ref().map(Result::is_ok));
    let result = |worked| if worked { "SUCCESS" } else { "FAILURE" };
    let data = json!({
        "cancelResult": result(worked),
        "newOrderResult": new_worked.map_or("NOT_ATTEMPTED", result),
        "cancelResponse": canceled.unwrap_or_else(|error| error.body()),
        "newOrderResponse": placed.map(|placed| placed.unwrap_or_else(|error| error.body())),
    });
    match (worked, new_worked) {
        (true, Some(true)) => Ok(data),
        (true, _) | (_, Some(true)) => Err(SpotError::ReplacePartlyFailed {
            status: if limited { 429 } else { 409 },
            data,
        }),
        (false, _) => Err(SpotError::ReplaceFailed {
            status: if limited { 429 } else { 400 },
            data,
        }),
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
