//! Events of an account in the convention's shapes: `executionReport`, `outboundAccountPosition`, `balanceUpdate`.
//!
//! Knows no subscription; the wrapper with its number is put around where the event is sent.

use crate::mirror::{Tracked, can_rest, close_reason};
use crate::order_values::commission_texts;
use crate::words::{SELF_TRADE_PREVENTION, expiry_reason, kind_parts, side_text};
use ensoex_engine::{CloseReason, Event, Trade};
use ensoex_exchange::{AssetListing, MarketListing};
use ensoex_types::{AccountId, Amount, AssetId, OrderId, Price, Quantity, Sequence};
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
    /// It was accepted.
    New,
    /// It traded; `position` is the event's place in its command.
    Trade { trade: &'a Trade, position: usize },
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

/// `executionReport`.
pub(crate) fn execution_report(
    listing: &MarketListing,
    told: Told<'_>,
    (order, tracked): (OrderId, &Tracked),
    execution: &Execution<'_>,
    execution_number: usize,
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
    let number = (told.sequence.0 << 10) | u64::try_from(execution_number.min(1_023)).unwrap_or(0);
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
        "P": listing.price_text(Price(0)),
        "F": listing.quantity_text(Quantity(0)),
        "g": -1,
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
        "I": number,
        "w": open,
        "m": false,
        "M": false,
        "O": tracked.created_ms,
        "Z": listing.quote_text(tracked.executed_quote),
        "Y": listing.quote_text(Amount::ZERO),
        "Q": listing.quote_text(parts.quote),
        "V": SELF_TRADE_PREVENTION,
    });
    let mut fields = value.as_object().cloned().unwrap_or_default();
    if can_rest(tracked.kind) {
        fields.insert("W".into(), tracked.created_ms.into());
    }
    match execution {
        Execution::Trade { trade, .. } => trade_fields(&mut fields, listing, order, tracked, trade),
        Execution::Closed {
            reason: CloseReason::Expired,
            ..
        } => {
            fields.insert("eR".into(), expiry_reason(tracked.kind).into());
        }
        Execution::Closed {
            reason: CloseReason::SelfTrade,
            remaining,
            ..
        } => {
            for field in ["A", "B"] {
                fields.insert(field.into(), listing.quantity_text(*remaining).into());
            }
        }
        _ => {}
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
        Execution::Closed {
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
        Execution::Reduced if tracked.executed.0 == 0 => "NEW",
        Execution::Reduced => "PARTIALLY_FILLED",
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
