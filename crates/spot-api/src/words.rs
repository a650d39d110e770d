//! The engine's kinds in the convention's words, and back.

use crate::error::SpotError;
use ensoex_engine::{CloseReason, OrderKind, SelfTradePrevention, Side, TimeInForce, Trigger};
use ensoex_exchange::OrderStatus;
use ensoex_types::{Amount, ClientOrderId, MarketState, Price, Quantity};

/// Order types that every market takes.
pub(crate) const ORDER_TYPES: [&str; 7] = [
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
];
/// Modes of self-trade prevention that every market takes; the first is what an order has that names none.
pub(crate) const SELF_TRADE_PREVENTIONS: [SelfTradePrevention; 4] = [
    SelfTradePrevention::ExpireTaker,
    SelfTradePrevention::ExpireMaker,
    SelfTradePrevention::ExpireBoth,
    SelfTradePrevention::Decrement,
];

/// A mode of self-trade prevention in the convention's word.
pub(crate) const fn self_trade_prevention_text(mode: SelfTradePrevention) -> &'static str {
    match mode {
        SelfTradePrevention::ExpireTaker => "EXPIRE_TAKER",
        SelfTradePrevention::ExpireMaker => "EXPIRE_MAKER",
        SelfTradePrevention::ExpireBoth => "EXPIRE_BOTH",
        SelfTradePrevention::Decrement => "DECREMENT",
    }
}

/// `BUY` or `SELL`.
pub(crate) fn side_text(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// `TRADING`, `CANCEL_ONLY`, `HALT`, or `BREAK` for ever: a market that was delisted.
pub(crate) fn market_status(state: Option<MarketState>) -> &'static str {
    match state {
        Some(MarketState::Trading) => "TRADING",
        Some(MarketState::CancelOnly) => "CANCEL_ONLY",
        Some(MarketState::Halted) | None => "HALT",
        Some(MarketState::Delisted) => "BREAK",
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
        Some(
            CloseReason::Expired | CloseReason::Contingent | CloseReason::Delisted | CloseReason::Restricted,
        ) => OrderStatus::Expired,
        Some(CloseReason::SelfTrade) => OrderStatus::ExpiredInMatch,
        None if executed.0 > 0 => OrderStatus::PartiallyFilled,
        None => OrderStatus::New,
    }
}

/// Why an order expired; none when it ended otherwise.
pub(crate) fn expiry_reason(kind: OrderKind, closed: CloseReason) -> Option<&'static str> {
    match closed {
        CloseReason::Filled | CloseReason::Canceled | CloseReason::SelfTrade => None,
        CloseReason::Contingent => Some("OCO_TRIGGER"),
        CloseReason::Delisted => Some("EXCHANGE_CANCELED"),
        CloseReason::Restricted => Some("REJECTED"),
        CloseReason::Expired => Some(match kind {
            OrderKind::Limit { time_in_force, .. } | OrderKind::StopLimit { time_in_force, .. } => {
                match time_in_force {
                    TimeInForce::Fok => "UNFILLED_FOK_ORDER_EXPIRED",
                    TimeInForce::Gtc | TimeInForce::Ioc => "UNFILLED_IOC_QUANTITY_EXPIRED",
                }
            }
            OrderKind::LimitMaker { .. } => "UNFILLED_IOC_QUANTITY_EXPIRED",
            OrderKind::Market { .. } | OrderKind::MarketQuote { .. } | OrderKind::Stop { .. } => {
                "INSUFFICIENT_LIQUIDITY"
            }
        }),
    }
}

/// An order's kind, taken apart.
pub(crate) struct KindParts {
    pub(crate) order_type: &'static str,
    pub(crate) time_in_force: &'static str,
    /// 0 without one.
    pub(crate) price: Price,
    /// None but for stop-loss and take-profit orders.
    pub(crate) stop_price: Option<Price>,
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
        stop_price: None,
        quantity,
        quote: Amount::ZERO,
    };
    match kind {
        OrderKind::Limit {
            price,
            quantity,
            time_in_force,
        } => KindParts {
            time_in_force: time_in_force_text(time_in_force),
            ..parts("LIMIT", price, Some(quantity))
        },
        OrderKind::LimitMaker { price, quantity } => parts("LIMIT_MAKER", price, Some(quantity)),
        OrderKind::Market { quantity } => parts("MARKET", Price(0), Some(quantity)),
        OrderKind::MarketQuote { quote } => KindParts {
            quote,
            ..parts("MARKET", Price(0), None)
        },
        OrderKind::Stop {
            trigger,
            stop_price,
            quantity,
        } => KindParts {
            stop_price: Some(stop_price),
            ..parts(stop_type(trigger), Price(0), Some(quantity))
        },
        OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            quantity,
            time_in_force,
        } => KindParts {
            time_in_force: time_in_force_text(time_in_force),
            stop_price: Some(stop_price),
            ..parts(stop_limit_type(trigger), price, Some(quantity))
        },
    }
}

const fn stop_type(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::StopLoss => "STOP_LOSS",
        Trigger::TakeProfit => "TAKE_PROFIT",
    }
}

const fn stop_limit_type(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::StopLoss => "STOP_LOSS_LIMIT",
        Trigger::TakeProfit => "TAKE_PROFIT_LIMIT",
    }
}

const fn time_in_force_text(time_in_force: TimeInForce) -> &'static str {
    match time_in_force {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
    }
}

/// 22 random letters and digits: what an order is called when its owner gives no name.
pub(crate) fn random_client_order_id() -> Result<ClientOrderId, SpotError> {
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
    ClientOrderId::new(&id).map_err(|_| SpotError::Unknown)
}
