//! Orders cancelled by their owner: one, or all in a market.

use crate::error::SpotError;
use crate::list_queries::facts_of;
use crate::market::ROWS_MAX;
use crate::order_kind::client_order_id;
use crate::order_queries::rows_max_of;
use crate::order_values::canceled_value;
use crate::params::Params;
use crate::shared::{Caller, Spot};
use crate::user_events::made_cancel_name;
use crate::words::kind_parts;
use ensoex_engine::{CloseReason, Command, Event, OpenOrder, OrderRef};
use ensoex_exchange::{ListFilter, ListRow, MarketListing, OrderFilter, OrderRow, Outcome};
use ensoex_types::{AccountId, ClientOrderId, MarketId, OrderId};
use serde_json::Value;
use std::collections::BTreeSet;

/// Which order, and under which conditions it may be cancelled.
pub(crate) struct Cancel {
    order: Option<OrderId>,
    client: Option<String>,
    /// What the owner calls the cancel itself.
    pub(crate) name: CancelName,
    restriction: Option<Restriction>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Restriction {
    OnlyNew,
    OnlyPartiallyFilled,
}

/// What the owner calls a cancel, if anything.
#[derive(Clone, Copy)]
pub(crate) struct CancelName(Option<ClientOrderId>);

impl CancelName {
    /// Reads it.
    pub(crate) fn read(params: &mut Params, name: &'static str) -> Result<CancelName, SpotError> {
        client_order_id(params, name).map(CancelName)
    }

    /// What the cancel of `order` is called in its answer and its event.
    pub(crate) fn text(&self, outcome: &Outcome, order: OrderId) -> String {
        match self.0 {
            Some(name) => name.as_str().to_owned(),
            None => made_cancel_name(outcome.sequence, order),
        }
    }
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
        Ok(Cancel {
            order: order_id,
            client: client_id,
            name: CancelName::read(params, cancel_id)?,
            restriction,
        })
    }

    /// The open order that is meant.
    pub(crate) fn find(
        &self,
        spot: &Spot,
        account: AccountId,
        market: MarketId,
    ) -> Result<OpenOrder, SpotError> {
        let open = find_open(spot, account, market, (self.order, self.client.as_deref()))?;
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

/// The open order of this id, of this owner's name, or of both.
pub(crate) fn find_open(
    spot: &Spot,
    account: AccountId,
    market: MarketId,
    (order, client): (Option<OrderId>, Option<&str>),
) -> Result<OpenOrder, SpotError> {
    // What cannot be a name is no order's name.
    let name = client.map(ClientOrderId::new);
    let reference = match (order, name) {
        (Some(order), _) => OrderRef::Id(order),
        (None, Some(Ok(name))) => OrderRef::Client(name),
        (None, _) => return Err(SpotError::UnknownOrder),
    };
    let open = spot
        .exchange
        .read(|engine| engine.open_order(account, market, &reference));
    let open = open.ok_or(SpotError::UnknownOrder)?;
    match client {
        Some(client) if client != open.client_order_id.as_str() => Err(SpotError::ClientOrderIdMismatch),
        _ => Ok(open),
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
        let open = cancel.find(self, account, market)?;
        let command = Command::CancelOrder {
            account,
            market,
            order: OrderRef::Id(open.order),
        };
        let outcome = self
            .submit_cancel(market, &with_other(&open), &cancel.name, command)
            .await?;
        match outcome.reject() {
            Some(reject) => Err(SpotError::Rejected(reject)),
            None => {
                self.canceled(account, listing, open.order, &cancel.name, &outcome)
                    .await
            }
        }
    }

    /// Submits a command that cancels `orders`, so that their events will have the owner's name for the cancel.
    pub(crate) async fn submit_cancel(
        &self,
        market: MarketId,
        orders: &[OrderId],
        name: &CancelName,
        command: Command,
    ) -> Result<Outcome, SpotError> {
        let Some(name) = name.0 else {
            return self.submit(command).await;
        };
        for order in orders {
            self.hub.name_cancel(market, *order, name.as_str().to_owned());
        }
        let outcome = self.submit(command).await;
        for order in orders {
            let happened = outcome
                .as_ref()
                .is_ok_and(|outcome| outcome.events.iter().any(|event| cancels(event, *order)));
            if !happened {
                self.hub.take_cancel_name(market, *order);
            }
        }
        outcome
    }

    /// The answer for an order that was cancelled: the order, or the whole list that was cancelled with it.
    pub(crate) async fn canceled(
        &self,
        account: AccountId,
        listing: &MarketListing,
        order: OrderId,
        name: &CancelName,
        outcome: &Outcome,
    ) -> Result<Value, SpotError> {
        let row = self
            .exchange
            .history()
            .order(account, listing.market, &OrderRef::Id(order))
            .await;
        let row = row.map_err(SpotError::AnswerUnknown)?.ok_or(SpotError::Unknown)?;
        let whole_list = row
            .list
            .filter(|list| outcome.events.iter().any(|event| cancels(event, list.other)));
        match whole_list {
            Some(place) => {
                let list = self.list_of(account, listing.market, place.list).await?;
                Ok(canceled_list(listing, &list, name, outcome))
            }
            None => Ok(canceled_value(listing, &row, &name.text(outcome, order))),
        }
    }

    async fn list_of(
        &self,
        account: AccountId,
        market: MarketId,
        list: OrderId,
    ) -> Result<ListRow, SpotError> {
        let filter = ListFilter {
            account,
            market: Some(market),
            list: Some(list),
            limit: 1,
            ..ListFilter::default()
        };
        let lists = self.exchange.history().lists(filter).await;
        let mut lists = lists.map_err(SpotError::AnswerUnknown)?;
        lists.pop().ok_or(SpotError::Unknown)
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
        let outcome = self.submit(Command::CancelAllOrders { account, market }).await?;
        if let Some(reject) = outcome.reject() {
            return Err(SpotError::Rejected(reject));
        }
        let mut orders: BTreeSet<OrderId> = outcome.events.iter().filter_map(canceled_order).collect();
        let name = CancelName(None);
        let all = orders.clone();
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
            let rows: Vec<OrderRow> = rows.into_iter().filter(|row| orders.remove(&row.order)).collect();
            if rows.is_empty() {
                return Err(SpotError::Unknown);
            }
            for row in rows {
                // Both orders of a list end together, and are shown as one.
                match row.list.filter(|place| all.contains(&place.other)) {
                    Some(place) if row.order == place.list => {
                        let list = self.list_of(account, market, place.list).await?;
                        values.push(canceled_list(&listing, &list, &name, &outcome));
                    }
                    Some(_) => {}
                    _ => values.push(canceled_value(&listing, &row, &name.text(&outcome, row.order))),
                }
            }
        }
        Ok(Value::Array(values))
    }
}

/// The order, and the other of its list.
pub(crate) fn with_other(open: &OpenOrder) -> Vec<OrderId> {
    std::iter::once(open.order).chain(open.other).collect()
}

fn canceled_list(listing: &MarketListing, list: &ListRow, name: &CancelName, outcome: &Outcome) -> Value {
    let reports =
        [&list.above, &list.below].map(|row| canceled_value(listing, row, &name.text(outcome, row.order)));
    facts_of(list).value_with(listing, reports)
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
