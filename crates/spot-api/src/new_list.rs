//! New order lists: one cancels the other, in the convention's present form and in its older one.

use crate::clock::now_ms;
use crate::error::SpotError;
use crate::list_values::{ListFacts, list_status};
use crate::new_order::{ICEBERG, TRAILING};
use crate::order_kind::{
    ContingentType, PriceNames, client_order_id, not_for_symbol, not_required, read_price, read_quantity,
    read_self_trade_prevention, read_side,
};
use crate::order_values::{Placed, ResponseType, placed_value};
use crate::params::Params;
use crate::shared::{Caller, Spot};
use crate::words::random_client_order_id;
use ensoex_engine::{Command, Event, OcoKind, OcoOrder, PlaceOco, Side, Trigger};
use ensoex_exchange::{MarketListing, Outcome};
use ensoex_types::{ClientOrderId, OrderId};
use serde_json::Value;

/// Orders that a list counts for.
const ORDERS_IN_LIST: u32 = 2;

/// Names of the parameters of one order of a list.
struct OrderNames {
    order_type: &'static str,
    client_order_id: &'static str,
    prices: PriceNames,
    /// Features that no market has, with the convention's answer.
    not_for_symbol: [(&'static str, &'static str); 2],
    /// What no market takes at all.
    not_required: [&'static str; 5],
}

const ABOVE: OrderNames = OrderNames {
    order_type: "aboveType",
    client_order_id: "aboveClientOrderId",
    prices: PriceNames {
        price: "abovePrice",
        stop_price: "aboveStopPrice",
        trailing_delta: "aboveTrailingDelta",
        time_in_force: "aboveTimeInForce",
    },
    not_for_symbol: [("aboveIcebergQty", ICEBERG), ("aboveTrailingDelta", TRAILING)],
    not_required: [
        "aboveStrategyId",
        "aboveStrategyType",
        "abovePegPriceType",
        "abovePegOffsetType",
        "abovePegOffsetValue",
    ],
};

const BELOW: OrderNames = OrderNames {
    order_type: "belowType",
    client_order_id: "belowClientOrderId",
    prices: PriceNames {
        price: "belowPrice",
        stop_price: "belowStopPrice",
        trailing_delta: "belowTrailingDelta",
        time_in_force: "belowTimeInForce",
    },
    not_for_symbol: [("belowIcebergQty", ICEBERG), ("belowTrailingDelta", TRAILING)],
    not_required: [
        "belowStrategyId",
        "belowStrategyType",
        "belowPegPriceType",
        "belowPegOffsetType",
        "belowPegOffsetValue",
    ],
};

/// Names of the stop order's prices in the older form.
const OLDER_STOP: PriceNames = PriceNames {
    price: "stopLimitPrice",
    stop_price: "stopPrice",
    trailing_delta: "trailingDelta",
    time_in_force: "stopLimitTimeInForce",
};

/// A list as the client asked for it.
struct NewList {
    listing: MarketListing,
    command: PlaceOco,
    response: ResponseType,
}

impl NewList {
    /// Reads `orderList/oco`.
    fn read(spot: &Spot, caller: Caller, params: &mut Params) -> Result<NewList, SpotError> {
        let listing = spot.listing(params)?;
        let side = read_side(params)?;
        let types = [read_type(&ABOVE, params)?, read_type(&BELOW, params)?];
        check_types(side, types)?;
        let quantity = read_quantity(&listing, params)?;
        let [above, below] = [
            read_order(&listing, &ABOVE, types[0], params)?,
            read_order(&listing, &BELOW, types[1], params)?,
        ];
        NewList::of(listing, caller, (side, quantity), [above, below], params)
    }

    /// Reads `order/oco`: a limit order, and a stop order that may have a limit of its own.
    fn read_older(spot: &Spot, caller: Caller, params: &mut Params) -> Result<NewList, SpotError> {
        let listing = spot.listing(params)?;
        let side = read_side(params)?;
        not_for_symbol(
            params,
            &[
                ("limitIcebergQty", ICEBERG),
                ("stopIcebergQty", ICEBERG),
                ("trailingDelta", TRAILING),
            ],
        )?;
        not_required(
            params,
            &[
                "limitStrategyId",
                "limitStrategyType",
                "stopStrategyId",
                "stopStrategyType",
            ],
        )?;
        let quantity = read_quantity(&listing, params)?;
        let limit = OcoOrder {
            kind: OcoKind::LimitMaker {
                price: read_price(&listing, "price", params)?,
            },
            client_order_id: given_or_random(params, "limitClientOrderId")?,
        };
        let stop_type = if params.has("stopLimitPrice") {
            ContingentType::StopLimit(Trigger::StopLoss)
        } else {
            ContingentType::Stop(Trigger::StopLoss)
        };
        let stop = OcoOrder {
            kind: stop_type.read(&listing, &OLDER_STOP, params)?,
            client_order_id: given_or_random(params, "stopClientOrderId")?,
        };
        let orders = match side {
            Side::Buy => [stop, limit],
            Side::Sell => [limit, stop],
        };
        NewList::of(listing, caller, (side, quantity), orders, params)
    }

    fn of(
        listing: MarketListing,
        caller: Caller,
        (side, quantity): (Side, ensoex_types::Quantity),
        [above, below]: [OcoOrder; 2],
        params: &mut Params,
    ) -> Result<NewList, SpotError> {
        let command = PlaceOco {
            account: caller.account,
            market: listing.market,
            side,
            quantity,
            above,
            below,
            self_trade_prevention: read_self_trade_prevention(params)?,
            list_client_order_id: given_or_random(params, "listClientOrderId")?,
        };
        Ok(NewList {
            listing,
            command,
            response: ResponseType::read(params, ResponseType::Result)?,
        })
    }

    /// What its command did, as the client wants to hear it.
    fn answer(&self, outcome: &Outcome) -> Result<Value, SpotError> {
        let Some((above, below)) = accepted_list(outcome) else {
            return Err(outcome.reject().map_or(SpotError::Unknown, SpotError::Rejected));
        };
        let command = &self.command;
        let report = |order: OrderId, placed: OcoOrder| {
            let placed = Placed {
                order,
                list: Some(above),
                side: command.side,
                kind: placed.kind.of(command.quantity),
                self_trade_prevention: command.self_trade_prevention,
                client_order_id: placed.client_order_id,
            };
            placed_value(&self.listing, &placed, outcome, self.response)
        };
        let facts = ListFacts {
            above: (above, command.above.client_order_id.as_str()),
            below: (below, command.below.client_order_id.as_str()),
            list_client_order_id: command.list_client_order_id.as_str(),
            status: list_status(true),
            at_ms: outcome.at.as_millis(),
        };
        let reports = [report(above, command.above), report(below, command.below)];
        Ok(facts.value_with(&self.listing, reports))
    }
}

/// The two orders of the list that a command's events accepted, `above` first.
fn accepted_list(outcome: &Outcome) -> Option<(OrderId, OrderId)> {
    outcome.events.iter().find_map(|event| match event {
        Event::OcoAccepted { above, below, .. } => Some((*above, *below)),
        _ => None,
    })
}

fn given_or_random(params: &mut Params, name: &'static str) -> Result<ClientOrderId, SpotError> {
    match client_order_id(params, name)? {
        Some(id) => Ok(id),
        None => random_client_order_id(),
    }
}

fn read_type(names: &OrderNames, params: &mut Params) -> Result<ContingentType, SpotError> {
    let name = params.mandatory(names.order_type)?;
    match ContingentType::parse(&name) {
        Some(contingent) => Ok(contingent),
        None if matches!(name.as_str(), "LIMIT" | "MARKET") => Err(SpotError::OcoTypes {
            code: -1158,
            text: "Order type not supported in OCO.",
        }),
        None => Err(SpotError::OrderType),
    }
}

fn read_order(
    listing: &MarketListing,
    names: &OrderNames,
    order_type: ContingentType,
    params: &mut Params,
) -> Result<OcoOrder, SpotError> {
    not_for_symbol(params, &names.not_for_symbol)?;
    not_required(params, &names.not_required)?;
    Ok(OcoOrder {
        kind: order_type.read(listing, &names.prices, params)?,
        client_order_id: given_or_random(params, names.client_order_id)?,
    })
}

/// What the two types say together: a stop-loss on the side where the market moves against the owner, and a limit or
/// take-profit on the other.
fn check_types(side: Side, [above, below]: [ContingentType; 2]) -> Result<(), SpotError> {
    use ContingentType::{LimitMaker, Stop, StopLimit};
    let refused = |code, text| Err(SpotError::OcoTypes { code, text });
    let is_stop_loss = |order| matches!(order, Stop(Trigger::StopLoss) | StopLimit(Trigger::StopLoss));
    let is_take_profit = |order| matches!(order, Stop(Trigger::TakeProfit) | StopLimit(Trigger::TakeProfit));
    match side {
        _ if above == LimitMaker && below == LimitMaker => {
            refused(-1168, "At least one OCO order must be contingent.")
        }
        Side::Buy if above == LimitMaker => refused(-1165, "A limit order in a buy OCO must be below."),
        Side::Sell if below == LimitMaker => refused(-1166, "A limit order in a sell OCO must be above."),
        Side::Buy if is_stop_loss(below) => refused(-1196, "A stop loss order in a buy OCO must be above."),
        Side::Sell if is_stop_loss(above) => refused(-1197, "A stop loss order in a sell OCO must be below."),
        Side::Buy if is_take_profit(above) => {
            refused(-1198, "A take profit order in a buy OCO must be below.")
        }
        Side::Sell if is_take_profit(below) => {
            refused(-1199, "A take profit order in a sell OCO must be above.")
        }
        _ => Ok(()),
    }
}

impl Spot {
    /// `orderList/oco`.
    pub(crate) async fn place_list(&self, caller: Caller, params: &mut Params) -> Result<Value, SpotError> {
        let list = NewList::read(self, caller, params)?;
        self.place_read_list(caller, list, params).await
    }

    /// `order/oco`.
    pub(crate) async fn place_older_list(
        &self,
        caller: Caller,
        params: &mut Params,
    ) -> Result<Value, SpotError> {
        let list = NewList::read_older(self, caller, params)?;
        self.place_read_list(caller, list, params).await
    }

    async fn place_read_list(
        &self,
        caller: Caller,
        list: NewList,
        params: &mut Params,
    ) -> Result<Value, SpotError> {
        params.finish()?;
        self.limiter
            .orders_placed(caller.account, ORDERS_IN_LIST, &self.limits, now_ms())?;
        let outcome = self.submit(Command::PlaceOco(Box::new(list.command))).await?;
        list.answer(&outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_types_of_a_list_must_fit_its_side() {
        use ContingentType::{LimitMaker, Stop, StopLimit};
        let stop = StopLimit(Trigger::StopLoss);
        let profit = Stop(Trigger::TakeProfit);
        let cases = [
            (Side::Sell, LimitMaker, stop, None),
            (Side::Sell, profit, stop, None),
            (Side::Buy, stop, LimitMaker, None),
            (Side::Buy, stop, profit, None),
            (Side::Buy, LimitMaker, LimitMaker, Some(-1168)),
            (Side::Sell, LimitMaker, LimitMaker, Some(-1168)),
            (Side::Buy, LimitMaker, stop, Some(-1165)),
            (Side::Sell, stop, LimitMaker, Some(-1166)),
            (Side::Buy, profit, stop, Some(-1196)),
            (Side::Buy, stop, stop, Some(-1196)),
            (Side::Sell, stop, profit, Some(-1197)),
            (Side::Sell, stop, stop, Some(-1197)),
            (Side::Buy, profit, profit, Some(-1198)),
            (Side::Buy, profit, LimitMaker, Some(-1198)),
            (Side::Sell, profit, profit, Some(-1199)),
            (Side::Sell, LimitMaker, profit, Some(-1199)),
        ];
        for (side, above, below, code) in cases {
            let checked = check_types(side, [above, below]);
            let refused = checked.err().map(|error| error.parts().1);
            assert_eq!(refused, code, "{side:?} {above:?} {below:?}");
        }
    }
}
