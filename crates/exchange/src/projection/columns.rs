//! An order's kind as the columns of a row.

use ensoex_engine::{OrderKind, TimeInForce, Trigger};
use ensoex_types::{Amount, Price, Quantity};

/// An order's kind as columns; zeros where it has none.
pub(super) struct Columns {
    pub(super) kind: &'static str,
    pub(super) time_in_force: TimeInForce,
    pub(super) price: Price,
    pub(super) trigger: Option<Trigger>,
    pub(super) stop_price: Price,
    pub(super) quantity: Quantity,
    pub(super) quote: Amount,
}

impl Columns {
    pub(super) fn of(kind: OrderKind) -> Columns {
        let mut columns = Columns {
            kind: "LIMIT",
            time_in_force: TimeInForce::Gtc,
            price: Price(0),
            trigger: None,
            stop_price: Price(0),
            quantity: Quantity(0),
            quote: Amount::ZERO,
        };
        match kind {
            OrderKind::Limit {
                price,
                quantity,
                time_in_force,
            } => {
                (columns.price, columns.quantity) = (price, quantity);
                columns.time_in_force = time_in_force;
            }
            OrderKind::LimitMaker { price, quantity } => {
                columns.kind = "LIMIT_MAKER";
                (columns.price, columns.quantity) = (price, quantity);
            }
            OrderKind::Market { quantity } => {
                columns.kind = "MARKET";
                columns.quantity = quantity;
                columns.time_in_force = TimeInForce::Ioc;
            }
            OrderKind::MarketQuote { quote } => {
                columns.kind = "MARKET_QUOTE";
                columns.quote = quote;
                columns.time_in_force = TimeInForce::Ioc;
            }
            OrderKind::Stop {
                trigger,
                stop_price,
                quantity,
            } => {
                columns.kind = "STOP";
                columns.time_in_force = TimeInForce::Ioc;
                (columns.trigger, columns.stop_price) = (Some(trigger), stop_price);
                columns.quantity = quantity;
            }
            OrderKind::StopLimit {
                trigger,
                stop_price,
                price,
                quantity,
                time_in_force,
            } => {
                columns.kind = "STOP_LIMIT";
                columns.time_in_force = time_in_force;
                (columns.trigger, columns.stop_price) = (Some(trigger), stop_price);
                (columns.price, columns.quantity) = (price, quantity);
            }
        }
        columns
    }
}
