//! An order made smaller, which keeps its place in the queue.
//!
//! The new quantity counts from the order's beginning, as the convention has it. An order keeps its owner's name here:
//! asking for another one is refused, rather than silently ignored.

use crate::cancel::find_open;
use crate::error::SpotError;
use crate::order_kind::{client_order_id, read_lots};
use crate::order_values::amended_value;
use crate::params::Params;
use crate::shared::{Caller, Spot};
use crate::user_events::execution_number;
use crate::words::kind_parts;
use ensoex_engine::{Command, OrderRef, Reject};
use ensoex_types::{OrderId, Quantity};
use serde_json::{Value, json};

impl Spot {
    /// `order/amend/keepPriority`.
    pub(crate) async fn amend_order(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let listing = self.listing(params)?;
        let order = params.integer("orderId")?.map(OrderId);
        let client = params.text("origClientOrderId");
        if order.is_none() && client.is_none() {
            return Err(SpotError::MandatoryEither("origClientOrderId", "orderId"));
        }
        let new_name = client_order_id(params, "newClientOrderId")?;
        let wanted = read_lots(&listing, "newQty", params)?;
        params.finish()?;
        let (account, market) = (caller.account, listing.market);
        let open = find_open(self, account, market, (order, client.as_deref()));
        let open = open.map_err(|error| match error {
            SpotError::UnknownOrder => SpotError::AmendRejected("Unknown order sent."),
            other => other,
        })?;
        if new_name.is_some_and(|name| name != open.client_order_id) {
            return Err(SpotError::AmendRejected(
                "Order amend (client order id change) is not supported.",
            ));
        }
        // What was reduced before is gone from the quantity; the history knows how much is left of it.
        let reference = OrderRef::Id(open.order);
        let history = self.exchange.history();
        let row = history.order(account, market, &reference).await?;
        let row = row.ok_or(SpotError::Unknown)?;
        let quantity = kind_parts(row.kind).quantity.unwrap_or_default();
        let done = row.executed.0.saturating_add(row.prevented.0);
        if wanted == quantity {
            return Err(SpotError::AmendRejected(
                "The requested action would change no state; rejecting",
            ));
        }
        if wanted > quantity {
            return Err(SpotError::AmendRejected(
                "Order amend (quantity increase) is not supported.",
            ));
        }
        if wanted.0 <= done || wanted < listing.spec.quantity_min {
            return Err(SpotError::Filter("LOT_SIZE"));
        }
        let command = Command::ReduceOrder {
            account,
            market,
            order: reference,
            by: Quantity(quantity.0 - wanted.0),
        };
        let outcome = self.submit(command).await?;
        match outcome.reject() {
            Some(Reject::UnknownOrder) => return Err(SpotError::AmendRejected("Unknown order sent.")),
            Some(reject) => return Err(SpotError::Rejected(reject)),
            None => {}
        }
        let row = history
            .order(account, market, &reference)
            .await
            .map_err(SpotError::AnswerUnknown)?
            .ok_or(SpotError::Unknown)?;
        Ok(json!({
            "transactTime": outcome.at.as_millis(),
            "executionId": execution_number(outcome.sequence, 0),
            "amendedOrder": amended_value(&listing, &row),
        }))
    }
}
