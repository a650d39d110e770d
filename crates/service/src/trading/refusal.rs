//! The engine's refusals of orders, in sentences that say what to do.

use crate::problem::Problem;
use ensoex_engine::Reject;
use ensoex_exchange::MarketListing;

/// What the owner is told.
pub(super) fn refusal(reject: Reject, market: &MarketListing) -> Problem {
    let spec = &market.spec;
    let (base, quote) = (&market.base.code, &market.quote.code);
    let bad = |code, detail: String| Problem::bad_request(code, detail);
    let bound = |code, field, sentence: &str, limit: String, unit: &str| {
        bad(code, format!("{sentence} {limit} {unit}."))
            .field(field)
            .with("limit", limit)
    };
    match reject {
        Reject::InsufficientBalance => bad(
            "insufficient_balance",
            "Your available balance does not cover this order.".to_owned(),
        ),
        Reject::PriceTooLow => bound(
            "price_out_of_range",
            "price",
            "The least price is",
            market.price_text(spec.price_min),
            quote,
        ),
        Reject::PriceTooHigh => bound(
            "price_out_of_range",
            "price",
            "The greatest price is",
            market.price_text(spec.price_max),
            quote,
        ),
        Reject::QuantityTooLow => {
            let least = market.quantity_text(spec.quantity_min);
            bound(
                "quantity_too_low",
                "quantity",
                "The least quantity is",
                least,
                base,
            )
        }
        Reject::QuantityTooHigh => {
            let most = market.quantity_text(spec.quantity_max);
            bound(
                "quantity_too_high",
                "quantity",
                "The greatest quantity is",
                most,
                base,
            )
        }
        Reject::NotionalTooLow => {
            let least = market.quote_text(spec.notional_min);
            bound(
                "notional_too_low",
                "quantity",
                "An order is worth at least",
                least,
                quote,
            )
        }
        Reject::NotionalTooHigh => {
            let most = market.quote_text(spec.notional_max);
            bound(
                "notional_too_high",
                "quantity",
                "An order is worth at most",
                most,
                quote,
            )
        }
        Reject::TooManyOrders => bad(
            "too_many_orders",
            format!(
                "You have {} open orders here, the most there can be. Cancel one first.",
                spec.orders_per_account_max
            ),
        ),
        Reject::DuplicateClientOrderId => bad(
            "duplicate_client_order_id",
            "You have an order with this client order id already.".to_owned(),
        ),
        Reject::WouldTake => bad(
            "would_take",
            "This post-only order would trade at once. Change its price.".to_owned(),
        )
        .field("price"),
        Reject::NoLiquidity => bad(
            "no_liquidity",
            "Nobody offers the other side at the moment.".to_owned(),
        ),
        Reject::NotFillable => bad(
            "not_fillable",
            "This order cannot be filled whole at its price now.".to_owned(),
        ),
        Reject::PriceBelowBand | Reject::PriceAboveBand => bad(
            "price_outside_band",
            "This price is too far from the last price (or from the stop price).".to_owned(),
        )
        .field("price"),
        Reject::StopWouldTrigger => bad(
            "stop_would_trigger",
            "The last price has reached this stop price already.".to_owned(),
        )
        .field("stop_price"),
        Reject::OcoPrices => bad(
            "oco_prices",
            "The price and the stop price must lie on the two sides of the last price: when selling, the stop price \
             below it; when buying, above it."
                .to_owned(),
        )
        .field("stop_price"),
        Reject::TooManyStops => bad(
            "too_many_stops",
            format!(
                "You have {} waiting stop orders here, the most there can be. Cancel one first.",
                spec.stops_per_account_max
            ),
        ),
        Reject::AccountMayNotTrade => bad(
            "account_may_not_trade",
            "Your account may not place orders at the moment. Orders that are open can be cancelled."
                .to_owned(),
        ),
        Reject::MarketDelisted => bad("market_delisted", "This market is closed for good.".to_owned()),
        Reject::MarketHalted => bad("market_halted", "This market is halted.".to_owned()),
        Reject::MarketCancelOnly => bad(
            "market_halted",
            "This market takes cancels only at the moment.".to_owned(),
        ),
        Reject::UnknownOrder => unknown_order(),
        other => {
            tracing::warn!(?other, "order refused");
            bad(
                "refused",
                format!("The exchange refused this (code {}).", other.code()),
            )
        }
    }
}

/// There is no such order, or it is closed.
pub(super) fn unknown_order() -> Problem {
    Problem::not_found(
        "unknown_order",
        "You have no such order here, or it is no longer open.",
    )
}
