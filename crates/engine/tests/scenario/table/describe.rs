//! Answers as the tables write them.

use ensoex_engine::{
    AccountFees, Balance, CloseReason, Engine, Event, Level, OpenOrder, OrderKind, Restrictions, Side,
    TimeInForce, TransferCode, Trigger,
};
use ensoex_types::{MarketId, OrderId, Price, Quantity, TransferId};

pub(super) fn event(event: &Event) -> String {
    match event {
        Event::Rejected { reject } => format!("rejected {reject:?}"),
        Event::OrderAccepted { order, .. } => format!("accepted #{order}"),
        Event::OcoAccepted {
            above,
            below,
            list_client_order_id: list,
            ..
        } if list.is_empty() => format!("oco #{above}/#{below}"),
        Event::OcoAccepted {
            above,
            below,
            list_client_order_id: list,
            ..
        } => format!("oco #{above}/#{below} as {list}"),
        Event::OrderTriggered { order, .. } => format!("#{order} triggered"),
        Event::Trade(trade) => {
            let mut text = format!(
                "trade {} @ {} with #{}",
                trade.quantity.0, trade.price.0, trade.maker_order
            );
            if trade.maker_fee.0 != 0 || trade.taker_fee.0 != 0 {
                text += &format!(" fees {}/{}", trade.maker_fee.0, trade.taker_fee.0);
            }
            text
        }
        Event::MatchPrevented {
            price,
            quantity,
            maker_order,
            maker_remaining,
            ..
        } => format!(
            "prevented {} @ {} with #{maker_order} leaving {}",
            quantity.0, price.0, maker_remaining.0
        ),
        Event::OrderClosed {
            order,
            reason,
            remaining,
            ..
        } => closed(*order, *reason, *remaining),
        Event::OrderReduced { order, remaining, .. } => format!("#{order} reduced to {}", remaining.0),
        Event::TransferPosted { transfer, code, .. } => transferred("posted", *transfer, *code),
        Event::TransferHeld { transfer, code, .. } => transferred("held", *transfer, *code),
        Event::TransferVoided { transfer, code, .. } => transferred("voided", *transfer, *code),
        Event::MarketStateChanged { .. } => "changed".into(),
        Event::AccountRestricted {
            restrictions: now, ..
        } => format!("may {}", restrictions(Some(*now))),
        Event::AccountTierChanged { tier, .. } => format!("tier {tier}"),
        Event::FeeTiersChanged { quote } => format!("tiers of {quote}"),
        Event::AssetListed { .. } | Event::MarketListed { .. } | Event::AccountOpened { .. } => "done".into(),
    }
}

fn closed(order: OrderId, reason: CloseReason, remaining: Quantity) -> String {
    match remaining.0 {
        0 => format!("#{order} {reason:?}"),
        left => format!("#{order} {reason:?} with {left} left"),
    }
}

fn transferred(done: &str, transfer: TransferId, code: TransferCode) -> String {
    match code {
        TransferCode::Correction { of } => format!("{done} {transfer} correcting {of}"),
        _ => format!("{done} {transfer}"),
    }
}

pub(super) fn balance(balance: Balance) -> String {
    format!("{}+{}", balance.available.0, balance.held.0)
}

pub(super) fn orders(orders: &[OpenOrder]) -> String {
    if orders.is_empty() {
        return "none".into();
    }
    orders.iter().map(order).collect::<Vec<_>>().join(", ")
}

fn order(order: &OpenOrder) -> String {
    let side = match order.side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    };
    let mut text = format!("#{} {side} {}", order.order, kind(&order.kind));
    if !order.working {
        text += " waiting";
    }
    if order.remaining != placed(&order.kind) {
        text += &format!(" {} left", order.remaining.0);
    }
    if let Some(other) = order.other {
        text += &format!(" or #{other}");
    }
    if !order.client_order_id.is_empty() {
        text += &format!(" as {}", order.client_order_id);
    }
    text
}

fn placed(kind: &OrderKind) -> Quantity {
    match *kind {
        OrderKind::Limit { quantity, .. }
        | OrderKind::LimitMaker { quantity, .. }
        | OrderKind::Market { quantity }
        | OrderKind::Stop { quantity, .. }
        | OrderKind::StopLimit { quantity, .. } => quantity,
        OrderKind::MarketQuote { .. } => Quantity(0),
    }
}

fn kind(kind: &OrderKind) -> String {
    let lots = placed(kind).0;
    let at = |price: Price, time_in_force: TimeInForce| match time_in_force {
        TimeInForce::Gtc => format!("@ {}", price.0),
        TimeInForce::Ioc => format!("@ {} ioc", price.0),
        TimeInForce::Fok => format!("@ {} fok", price.0),
    };
    let waits = |trigger: Trigger, price: Price| match trigger {
        Trigger::StopLoss => format!("stop-loss {}", price.0),
        Trigger::TakeProfit => format!("take-profit {}", price.0),
    };
    match *kind {
        OrderKind::Limit {
            price, time_in_force, ..
        } => format!("{lots} {}", at(price, time_in_force)),
        OrderKind::LimitMaker { price, .. } => format!("{lots} @ {} maker", price.0),
        OrderKind::Market { .. } => format!("{lots} market"),
        OrderKind::MarketQuote { quote } => format!("for {} market", quote.0),
        OrderKind::Stop {
            trigger, stop_price, ..
        } => format!("{lots} {}", waits(trigger, stop_price)),
        OrderKind::StopLimit {
            trigger,
            stop_price,
            price,
            time_in_force,
            ..
        } => format!(
            "{lots} {} {}",
            waits(trigger, stop_price),
            at(price, time_in_force)
        ),
    }
}

pub(super) fn fees(fees: Option<AccountFees>) -> String {
    match fees {
        Some(fees) => format!(
            "tier {} fees {}/{} volume {}",
            fees.tier, fees.rates.maker.0, fees.rates.taker.0, fees.volume.0
        ),
        None => "nothing".into(),
    }
}

pub(super) fn restrictions(restrictions: Option<Restrictions>) -> String {
    let Some(restrictions) = restrictions else {
        return "not exist".into();
    };
    match (restrictions.no_trade, restrictions.no_withdraw) {
        (false, false) => "trade and withdraw".into(),
        (true, false) => "withdraw".into(),
        (false, true) => "trade".into(),
        (true, true) => "do nothing".into(),
    }
}

pub(super) fn book(engine: &Engine, market: MarketId) -> String {
    let side = |side| {
        let level = |level: &Level| format!("{}x{}", level.price.0, level.quantity.0);
        let levels = engine.depth(market, side, usize::MAX);
        let levels: Vec<String> = levels.iter().map(level).collect();
        if levels.is_empty() {
            "-".into()
        } else {
            levels.join(" ")
        }
    };
    format!("{} / {}", side(Side::Buy), side(Side::Sell))
}
