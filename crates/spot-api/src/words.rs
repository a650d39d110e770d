//! The engine's kinds in the convention's words, and back.

use crate::error::SpotError;
use ensoex_engine::{CloseReason, OrderKind, Side, TimeInForce};
use ensoex_exchange::OrderStatus;
use ensoex_types::{Amount, MarketState, Price, Quantity};

/// Self-trade prevention of every market.
pub(crate) const SELF_TRADE_PREVENTION: &str = "EXPIRE_TAKER";
/// Order types that every market takes.
pub(crate) const ORDER_TYPES: [&str; 3] = ["LIMIT", "LIMIT_MAKER", "MARKET"];

/// `BUY` or `SELL`.
pub(crate) fn side_text(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// `TRADING`, `CANCEL_ONLY` or `HALT`.
pub(crate) fn market_status(state: Option<MarketState>) -> &'static str {
    match state {
        Some(MarketState::Trading) => "TRADING",
        Some(MarketState::CancelOnly) => "CANCEL_ONLY",
        Some(MarketState::Halted) | None => "HALT",
    }
}

/// An order status of the convention.
pub(crate) fn status_text(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::New => "NEW",
        OrderStatus::PartiallyFilled => "PARTIALLY_FILLED",
        OrderStatus::Filled => "FILLED",
        OrderStatus::Canceled => "CANCELED",
        OrderStatus::Expired => "EXPIRED",
        OrderStatus::ExpiredInMatch => "EXPIRED_IN_MATCH",
    }
}

/// The status after an order's own events.
pub(crate) fn status_after(closed: Option<CloseReason>, executed: Quantity) -> OrderStatus {
    match closed {
        Some(CloseReason::Filled) => OrderStatus::Filled,
        Some(CloseReason::Canceled) => OrderStatus::Canceled,
        Some(CloseReason::Expired) => OrderStatus::Expired,
        Some(CloseReason::SelfTrade) => OrderStatus::ExpiredInMatch,
        None if executed.0 > 0 => OrderStatus::PartiallyFilled,
        None => OrderStatus::New,
    }
}

/// Why an expired order expired.
pub(crate) fn expiry_reason(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Limit {
            time_in_force: TimeInForce::Fok,
            ..
        } => "UNFILLED_FOK_ORDER_EXPIRED",
        OrderKind::Limit { .. } | OrderKind::LimitMaker { .. } => "UNFILLED_IOC_QUANTITY_EXPIRED",
        OrderKind::Market { .. } | OrderKind::MarketQuote { .. } => "INSUFFICIENT_LIQUIDITY",
    }
}

/// An order's kind, taken apart.
pub(crate) struct KindParts {
    pub(crate) order_type: &'static str,
    pub(crate) time_in_force: &'static str,
    /// 0 without one.
    pub(crate) price: Price,
    /// None where only a quote amount was given.
    pub(crate) quantity: Option<Quantity>,
    /// 0 without one.
    pub(crate) quote: Amount,
}

/// Type, time in force and numbers of an order.
pub(crate) fn kind_parts(kind: OrderKind) -> KindParts {
    let parts = |order_type, price, quantity| KindParts {
        order_type,
        time_in_force: "GTC",
        price,
        quantity,
        quote: Amount::ZERO,
    };
    match kind {
        OrderKind::Limit {
            price,
            quantity,
            time_in_force,
        } => {
            let time_in_force = match time_in_force {
                TimeInForce::Gtc => "GTC",
                TimeInForce::Ioc => "IOC",
                TimeInForce::Fok => "FOK",
            };
            KindParts {
                time_in_force,
                ..parts("LIMIT", price, Some(quantity))
            }
        }
        OrderKind::LimitMaker { price, quantity } => parts("LIMIT_MAKER", price, Some(quantity)),
        OrderKind::Market { quantity } => parts("MARKET", Price(0), Some(quantity)),
        OrderKind::MarketQuote { quote } => KindParts {
            quote,
            ..parts("MARKET", Price(0), None)
        },
    }
}

/// 22 random letters and digits: what an order is called when its owner gives no name.
pub(crate) fn random_client_order_id() -> Result<String, SpotError> {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const LENGTH: usize = 22;
    let mut id = String::with_capacity(LENGTH);
    while id.len() < LENGTH {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| SpotError::Randomness)?;
        // 248 is the greatest multiple of 62 in a byte: what lies above would favour some letters.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        id.extend(
            fair.take(LENGTH - id.len())
                .map(|byte| char::from(ALPHABET[usize::from(byte % 62)])),
        );
    }
    Ok(id)
}
