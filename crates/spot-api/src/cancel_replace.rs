//! An order replaced by another: a cancel and a new order, of which the second may fail alone.

use crate::cancel::{Cancel, cancels, with_other};
use crate::clock::now_ms;
use crate::error::SpotError;
use crate::new_order::NewOrder;
use crate::params::Params;
use crate::shared::{Caller, Spot};
use ensoex_engine::{Command, OpenOrder, OrderRef, Reject};
use ensoex_types::AccountId;
use serde_json::{Value, json};

impl Spot {
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
        if let Err(limited) = self.limiter.orders_placed(account, 1, &self.limits, now_ms()) {
            if !cancel_beyond_limit {
                return Err(limited);
            }
            let canceled = self.cancel(account, &new.listing, &cancel).await;
            return replaced(canceled, Some(Err(limited)));
        }
        match cancel.find(self, account, new.listing.market) {
            Err(unknown) if stop_on_failure => replaced(Err(unknown), None),
            Err(unknown) => replaced(Err(unknown), Some(self.place_new(account, &new).await)),
            Ok(open) => self.replace(account, &new, &cancel, &open, stop_on_failure).await,
        }
    }

    async fn place_new(&self, account: AccountId, new: &NewOrder) -> Result<Value, SpotError> {
        new.answer(&self.submit(Command::PlaceOrder(new.command(account))).await?)
    }

    async fn replace(
        &self,
        account: AccountId,
        new: &NewOrder,
        cancel: &Cancel,
        open: &OpenOrder,
        stop_on_failure: bool,
    ) -> Result<Value, SpotError> {
        let order = open.order;
        let command = Command::ReplaceOrder {
            order: OrderRef::Id(order),
            place: new.command(account),
        };
        let outcome = self
            .submit_cancel(new.listing.market, &with_other(open), &cancel.name, command)
            .await?;
        if outcome.events.iter().any(|event| cancels(event, order)) {
            let canceled = self
                .canceled(account, &new.listing, order, &cancel.name, &outcome)
                .await;
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
