//! Orders cancelled by their owner: one, or all in a market.

use crate::error::SpotError;
use crate::market::ROWS_MAX;
use crate::new_order::client_order_id;
use crate::order_queries::rows_max_of;
use crate::order_values::canceled_value;
use crate::params::Params;
use crate::shared::{Caller, Spot};
use crate::user_events::made_cancel_name;
use crate::words::kind_parts;
use ensoex_engine::{CloseReason, Command, Event, OpenOrder, OrderRef};
use ensoex_exchange::{MarketListing, OrderFilter, Outcome};
use ensoex_types::{AccountId, MarketId, OrderId};
use serde_json::Value;
use std::collections::BTreeSet;

/// Which order, and under which conditions it may be cancelled.
pub(crate) struct Cancel {
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
    pub(crate) fn read(params: &mut Params, names: [&'static str; 3]) -> Result<Cancel, SpotError> {
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
    pub(crate) fn name(&self, outcome: &Outcome, order: OrderId) -> String {
        self.cancel_id
            .clone()
            .unwrap_or_else(|| made_cancel_name(outcome.sequence, order))
    }

    /// The open order that is meant.
    pub(crate) fn find(
        &self,
        spot: &Spot,
        account: AccountId,
        market: MarketId,
    ) -> Result<OpenOrder, SpotError> {
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
        let untouched = kind_parts(open.kind)
            .quantity
            .is_none_or(|quantity| quantity == open.remaining);
        match self.restriction {
            Some(Restriction::OnlyNew) if !untouched => Err(SpotError::RestrictionsNotMet),
            Some(Restriction::OnlyPartiallyFilled) if untouched => Err(SpotError::RestrictionsNotMet),
            _ => Ok(open),
        }
    }
}

impl Spot {
    /// `order` (DELETE).
    pub(crate) async fn cancel_order(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let cancel = Cancel::read(params, ["orderId", "origClientOrderId", "newClientOrderId"])?;
        params.finish()?;
        self.cancel(caller.account, &listing, &cancel).await
    }

    /// Cancels and answers.
    pub(crate) async fn cancel(
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
    pub(crate) async fn submit_cancel(
        &self,
        market: MarketId,
        order: OrderId,
        cancel: &Cancel,
        command: Command,
    ) -> Result<Outcome, SpotError> {
        let Some(name) = &cancel.cancel_id else {
            return self.submit(command).await;
        };
        self.hub.name_cancel(market, order, name.clone());
        let outcome = self.submit(command).await;
        let happened = outcome
            .as_ref()
            .is_ok_and(|outcome| outcome.events.iter().any(|event| cancels(event, order)));
        if !happened {
            self.hub.take_cancel_name(market, order);
        }
        outcome
    }

    /// The answer for an order that was cancelled.
    pub(crate) async fn canceled(
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
}

/// The order that the event cancels.
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

/// The event cancels this order.
pub(crate) fn cancels(event: &Event, order: OrderId) -> bool {
    canceled_order(event) == Some(order)
}
