//! Events of an account in the convention's shapes: `executionReport`, `outboundAccountPosition`, `balanceUpdate`.
//!
//! Knows no subscription; the wrapper with its number is put around where the event is sent.

use crate::mirror::{Tracked, can_rest, close_reason};
use crate::order_values::{commission_texts, list_id};
use crate::words::{expiry_reason, kind_parts, self_trade_prevention_text, side_text};
use ensoex_engine::{CloseReason, Event, Trade};
use ensoex_exchange::{AssetListing, MarketListing};
use ensoex_types::{AccountId, Amount, AssetId, MarketId, OrderId, Price, Quantity, Sequence};
use serde_json::{Map, Value, json};

/// The command whose events are told.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) sequence: Sequence,
    pub(crate) at_ms: u64,
    pub(crate) now_ms: u64,
    pub(crate) events: &'a [Event],
}

/// What happened to an order.
pub(crate) enum Execution<'a> {
    /// It was accepted, or its stop price was reached, so that it is matched from now on.
    New,
    /// It traded; `position` is the event's place in its command.
    Trade { trade: &'a Trade, position: usize },
    /// It would have met an order of its own account, and was made smaller instead.
    Prevented {
        price: Price,
        quantity: Quantity,
        counter: OrderId,
        /// Nothing is left of it.
        ends: bool,
    },
    /// Its owner made it smaller.
    Reduced,
    /// It ended without being filled; `name` is what the cancel is called.
    Closed {
        reason: CloseReason,
        remaining: Quantity,
        name: String,
    },
}

/// What a cancel without a name of its own is called, in its answer and in its event.
pub(crate) fn made_cancel_name(sequence: Sequence, order: OrderId) -> String {
    format!("cancel-{:x}-{:x}", sequence.0, order.0)
}

/// The number of one execution: one for each order's part in each event of a command.
pub(crate) fn execution_number(sequence: Sequence, execution: usize) -> u64 {
    (sequence.0 << 10) | u64::try_from(execution.min(1_023)).unwrap_or(0)
}

/// `executionReport`.
pub(crate) fn execution_report(
    listing: &MarketListing,
    told: Told<'_>,
    (order, tracked): (OrderId, &Tracked),
    execution: &Execution<'_>,
    number: usize,
) -> Value {
    let parts = kind_parts(tracked.kind);
    let status = status_of(told, order, tracked, listing, execution);
    let open = matches!(status, "NEW" | "PARTIALLY_FILLED");
    let (name, original) = match execution {
        Execution::Closed {
            reason: CloseReason::Canceled,
            name,
            ..
        } => (name.as_str(), tracked.client_order_id.as_str()),
        _ => (tracked.client_order_id.as_str(), ""),
    };
    let value = json!({
        "e": "executionReport",
        "E": told.now_ms,
        "s": listing.spec.symbol,
        "c": name,
        "S": side_text(tracked.side),
        "o": parts.order_type,
        "f": parts.time_in_force,
        "q": listing.quantity_text(parts.quantity.unwrap_or(tracked.executed)),
        "p": listing.price_text(parts.price),
        "P": listing.price_text(parts.stop_price.unwrap_or_default()),
        "F": listing.quantity_text(Quantity(0)),
        "g": list_id(tracked.list.map(|place| place.list)),
        "C": original,
        "x": execution_type(execution),
        "X": status,
        "r": "NONE",
        "i": order.0,
        "l": listing.quantity_text(Quantity(0)),
        "z": listing.quantity_text(tracked.executed),
        "L": listing.price_text(Price(0)),
        "n": "0",
        "N": null,
        "T": told.at_ms,
        "t": -1,
        "I": execution_number(told.sequence, number),
        "w": open && tracked.working_ms.is_some(),
        "m": false,
        "M": false,
        "O": tracked.created_ms,
        "Z": listing.quote_text(tracked.executed_quote),
        "Y": listing.quote_text(Amount::ZERO),
        "Q": listing.quote_text(parts.quote),
        "V": self_trade_prevention_text(tracked.self_trade_prevention),
    });
    let mut fields = value.as_object().cloned().unwrap_or_default();
    if let Some(working_ms) = tracked.working_ms.filter(|_| can_rest(tracked.kind)) {
        fields.insert("W".into(), working_ms.into());
    }
    match execution {
        Execution::Trade { trade, .. } => trade_fields(&mut fields, listing, order, tracked, trade),
        Execution::Closed {
            reason: CloseReason::SelfTrade,
            remaining,
            ..
        } => {
            let all = Quantity(tracked.prevented.0.saturating_add(remaining.0));
            fields.insert("A".into(), listing.quantity_text(all).into());
            fields.insert("B".into(), listing.quantity_text(*remaining).into());
        }
        Execution::Closed { reason, .. } => {
            if let Some(reason) = expiry_reason(tracked.kind, *reason) {
                fields.insert("eR".into(), reason.into());
            }
        }
        Execution::Prevented {
            price,
            quantity,
            counter,
            ..
        } => {
            let quote = i128::from(price.0)
                .saturating_mul(i128::from(quantity.0))
                .saturating_mul(i128::from(listing.spec.tick_value));
            fields.insert("A".into(), listing.quantity_text(tracked.prevented).into());
            fields.insert("B".into(), listing.quantity_text(*quantity).into());
            fields.insert("U".into(), counter.0.into());
            fields.insert("Cs".into(), listing.spec.symbol.as_str().into());
            fields.insert("pl".into(), listing.quantity_text(*quantity).into());
            fields.insert("pL".into(), listing.price_text(*price).into());
            fields.insert("pY".into(), listing.quote_text(Amount(quote)).into());
        }
        Execution::New | Execution::Reduced => {}
    }
    Value::Object(fields)
}

fn trade_fields(
    fields: &mut Map<String, Value>,
    listing: &MarketListing,
    order: OrderId,
    tracked: &Tracked,
    trade: &Trade,
) {
    let is_maker = trade.maker_order == order;
    let fee = if is_maker {
        trade.maker_fee
    } else {
        trade.taker_fee
    };
    let (commission, asset) = commission_texts(listing, tracked.side, fee);
    fields.insert("l".into(), listing.quantity_text(trade.quantity).into());
    fields.insert("L".into(), listing.price_text(trade.price).into());
    fields.insert("Y".into(), listing.quote_text(trade.quote).into());
    fields.insert("n".into(), commission.into());
    fields.insert("N".into(), asset.into());
    fields.insert("t".into(), trade.trade.0.into());
    fields.insert("m".into(), is_maker.into());
    fields.insert("M".into(), true.into());
}

fn execution_type(execution: &Execution<'_>) -> &'static str {
    match execution {
        Execution::New => "NEW",
        Execution::Trade { .. } => "TRADE",
        Execution::Reduced => "REPLACED",
        Execution::Closed {
            reason: CloseReason::Canceled,
            ..
        } => "CANCELED",
        Execution::Prevented { .. }
        | Execution::Closed {
            reason: CloseReason::SelfTrade,
            ..
        } => "TRADE_PREVENTION",
        Execution::Closed { .. } => "EXPIRED",
    }
}

fn status_of(
    told: Told<'_>,
    order: OrderId,
    tracked: &Tracked,
    listing: &MarketListing,
    execution: &Execution<'_>,
) -> &'static str {
    match execution {
        Execution::New => "NEW",
        Execution::Prevented { ends: true, .. } => "EXPIRED_IN_MATCH",
        Execution::Reduced | Execution::Prevented { .. } if tracked.executed.0 == 0 => "NEW",
        Execution::Reduced | Execution::Prevented { .. } => "PARTIALLY_FILLED",
        Execution::Closed {
            reason: CloseReason::Canceled,
            ..
        } => "CANCELED",
        Execution::Closed {
            reason: CloseReason::SelfTrade,
            ..
        } => "EXPIRED_IN_MATCH",
        Execution::Closed { .. } => "EXPIRED",
        Execution::Trade { position, .. } => {
            let filled = close_reason(told.events, listing.market, order) == Some(CloseReason::Filled);
            let later = told.events.get(position + 1..).unwrap_or_default();
            if filled && !later.iter().any(|event| trades(event, order)) {
                "FILLED"
            } else {
                "PARTIALLY_FILLED"
            }
        }
    }
}

/// The event says something of this order.
fn concerns(event: &Event, in_market: MarketId, id: OrderId) -> bool {
    match event {
        Event::Trade(trade) => trade.market == in_market && trades(event, id),
        Event::MatchPrevented {
            market,
            maker_order,
            taker_order,
            ..
        } => *market == in_market && (*maker_order == id || *taker_order == id),
        Event::OrderAccepted { order, market, .. }
        | Event::OrderTriggered { order, market, .. }
        | Event::OrderReduced { order, market, .. }
        | Event::OrderClosed { order, market, .. } => *market == in_market && *order == id,
        _ => false,
    }
}

/// After the event at `position` the order closes with nothing left, because its own account prevented the rest.
pub(crate) fn prevention_ends(events: &[Event], position: usize, market: MarketId, order: OrderId) -> bool {
    let later = events.get(position + 1..).unwrap_or_default();
    let next = later.iter().find(|event| concerns(event, market, order));
    matches!(
        next,
        Some(Event::OrderClosed {
            reason: CloseReason::SelfTrade,
            remaining: Quantity(0),
            ..
        })
    )
}

/// The close at `position` was told with the prevented match before it.
pub(crate) fn is_told_already(events: &[Event], position: usize, market: MarketId, order: OrderId) -> bool {
    let closes = matches!(
        events.get(position),
        Some(Event::OrderClosed {
            reason: CloseReason::SelfTrade,
            remaining: Quantity(0),
            ..
        })
    );
    let before = events.get(..position).unwrap_or_default();
    let last = before.iter().rfind(|event| concerns(event, market, order));
    closes && matches!(last, Some(Event::MatchPrevented { .. }))
}

/// The event is a trade of this order, on either side.
fn trades(event: &Event, order: OrderId) -> bool {
    matches!(event, Event::Trade(trade) if trade.maker_order == order || trade.taker_order == order)
}

/// `outboundAccountPosition`: what the account has of these assets now.
pub(crate) fn account_position(
    told: Told<'_>,
    balances: &[(&AssetListing, ensoex_engine::Balance)],
) -> Value {
    let balances: Vec<Value> = balances
        .iter()
        .map(|(asset, balance)| {
            json!({ "a": asset.code, "f": asset.text(balance.available), "l": asset.text(balance.held) })
        })
        .collect();
    json!({ "e": "outboundAccountPosition", "E": told.now_ms, "u": told.at_ms, "B": balances })
}

/// `balanceUpdate`: money came in or went out.
pub(crate) fn balance_update(told: Told<'_>, asset: &AssetListing, delta: Amount) -> Value {
    json!({ "e": "balanceUpdate", "E": told.now_ms, "a": asset.code, "d": asset.text(delta), "T": told.at_ms })
}

/// What a transfer's event does to balances.
pub(crate) struct Moved {
    pub(crate) asset: AssetId,
    /// The accounts touched, with what each gained or lost; none while money is only held or given back.
    pub(crate) accounts: Vec<(AccountId, Option<Amount>)>,
}

/// Reads an event of a transfer.
pub(crate) fn moved(event: &Event) -> Option<Moved> {
    match event {
        Event::TransferPosted {
            debit,
            credit,
            asset,
            amount,
            ..
        } => {
            let lost = Amount(amount.0.saturating_neg());
            Some(Moved {
                asset: *asset,
                accounts: vec![(*debit, Some(lost)), (*credit, Some(*amount))],
            })
        }
        Event::TransferHeld { debit, asset, .. } | Event::TransferVoided { debit, asset, .. } => {
            Some(Moved {
                asset: *asset,
                accounts: vec![(*debit, None)],
            })
        }
        _ => None,
    }
}
