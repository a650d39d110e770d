//! The engine's refusals in the numbers and words of the Binance Spot convention.
//!
//! One table without a default: a refusal that the engine learns does not compile here until it has a number and a
//! text. Knows no parameters; what can be said of them alone is refused before the engine is asked.

use ensoex_engine::Reject;

/// Number and text for every refusal of the engine.
pub(crate) fn reject_parts(reject: Reject) -> (i32, &'static str) {
    match reject {
        Reject::UnknownMarket => (-1121, "Invalid symbol."),
        Reject::UnknownAccount | Reject::AccountMayNotTrade => {
            (-2010, "This account may not place or cancel orders.")
        }
        Reject::UnknownOrder => (-2011, "Unknown order sent."),
        Reject::MarketCancelOnly | Reject::MarketHalted | Reject::MarketDelisted => {
            (-1013, "Market is closed.")
        }
        Reject::PriceTooLow | Reject::PriceTooHigh => (-1013, "Filter failure: PRICE_FILTER"),
        Reject::PriceBelowBand | Reject::PriceAboveBand => (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        Reject::QuantityTooLow | Reject::QuantityTooHigh | Reject::InvalidAmount => {
            (-1013, "Filter failure: LOT_SIZE")
        }
        Reject::NotionalTooLow | Reject::NotionalTooHigh => (-1013, "Filter failure: NOTIONAL"),
        Reject::TooManyOrders => (-1013, "Filter failure: MAX_NUM_ORDERS"),
        Reject::TooManyStops => (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS"),
        Reject::DuplicateClientOrderId => (-2010, "Duplicate order sent."),
        Reject::InsufficientBalance => (-2010, "Account has insufficient balance for requested action."),
        Reject::WouldTake => (-2010, "Order would immediately match and take."),
        Reject::StopWouldTrigger => (-2010, "Order would trigger immediately."),
        Reject::NoLiquidity => (
            -2010,
            "Order book liquidity is less than symbol minimum quantity.",
        ),
        Reject::NotFillable => (
            -2010,
            "The FOK order could not be filled whole; nothing was traded.",
        ),
        Reject::OcoKinds => (-1158, "Order type not supported in OCO."),
        Reject::OcoPrices => (
            -2010,
            "The relationship of the prices for the orders is not correct.",
        ),
        Reject::OrderInList => (-2038, "Order amend (order of a list) is not supported."),
        Reject::ReplaceMismatch => (-2011, "Cancel order is invalid. Check origClOrdId and orderId."),
        Reject::CapacityReached => (
            -1008,
            "Server is currently overloaded with other requests. Please try again in a few minutes.",
        ),
        // Only commands that this edge never sends are refused with these.
        Reject::UnknownAsset
        | Reject::UnknownTransfer
        | Reject::AlreadyListed
        | Reject::InvalidSpec(_)
        | Reject::SameAccount
        | Reject::TransferExists
        | Reject::AccountMayNotWithdraw
        | Reject::InvalidFeeTiers => (-1000, "An unknown error occurred while processing the request."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ensoex_types::SpecError;

    const UNKNOWN: &str = "An unknown error occurred while processing the request.";

    /// The refusal that stands after this one in the engine's list. There is no default, so that a new refusal does not
    /// compile before it has a place here and, below, a number and a text that a client library knows.
    fn next(reject: Reject) -> Option<Reject> {
        use Reject as R;
        Some(match reject {
            R::UnknownAsset => R::UnknownMarket,
            R::UnknownMarket => R::UnknownAccount,
            R::UnknownAccount => R::UnknownOrder,
            R::UnknownOrder => R::UnknownTransfer,
            R::UnknownTransfer => R::AlreadyListed,
            R::AlreadyListed => R::InvalidSpec(SpecError::Name),
            R::InvalidSpec(_) => R::CapacityReached,
            R::CapacityReached => R::MarketCancelOnly,
            R::MarketCancelOnly => R::MarketHalted,
            R::MarketHalted => R::PriceTooLow,
            R::PriceTooLow => R::PriceTooHigh,
            R::PriceTooHigh => R::QuantityTooLow,
            R::QuantityTooLow => R::QuantityTooHigh,
            R::QuantityTooHigh => R::NotionalTooLow,
            R::NotionalTooLow => R::NotionalTooHigh,
            R::NotionalTooHigh => R::TooManyOrders,
            R::TooManyOrders => R::DuplicateClientOrderId,
            R::DuplicateClientOrderId => R::InsufficientBalance,
            R::InsufficientBalance => R::WouldTake,
            R::WouldTake => R::NoLiquidity,
            R::NoLiquidity => R::NotFillable,
            R::NotFillable => R::InvalidAmount,
            R::InvalidAmount => R::SameAccount,
            R::SameAccount => R::TransferExists,
            R::TransferExists => R::ReplaceMismatch,
            R::ReplaceMismatch => R::MarketDelisted,
            R::MarketDelisted => R::PriceBelowBand,
            R::PriceBelowBand => R::PriceAboveBand,
            R::PriceAboveBand => R::StopWouldTrigger,
            R::StopWouldTrigger => R::TooManyStops,
            R::TooManyStops => R::OcoKinds,
            R::OcoKinds => R::OcoPrices,
            R::OcoPrices => R::OrderInList,
            R::OrderInList => R::AccountMayNotTrade,
            R::AccountMayNotTrade => R::AccountMayNotWithdraw,
            R::AccountMayNotWithdraw => R::InvalidFeeTiers,
            R::InvalidFeeTiers => return None,
        })
    }

    #[test]
    fn every_refusal_has_the_convention_s_number_and_text() {
        let expected = [
            (1, -1000, UNKNOWN),
            (2, -1121, "Invalid symbol."),
            (3, -2010, "This account may not place or cancel orders."),
            (4, -2011, "Unknown order sent."),
            (5, -1000, UNKNOWN),
            (6, -1000, UNKNOWN),
            (7, -1000, UNKNOWN),
            (
                8,
                -1008,
                "Server is currently overloaded with other requests. Please try again in a few minutes.",
            ),
            (20, -1013, "Market is closed."),
            (21, -1013, "Market is closed."),
            (22, -1013, "Filter failure: PRICE_FILTER"),
            (23, -1013, "Filter failure: PRICE_FILTER"),
            (24, -1013, "Filter failure: LOT_SIZE"),
            (25, -1013, "Filter failure: LOT_SIZE"),
            (26, -1013, "Filter failure: NOTIONAL"),
            (27, -1013, "Filter failure: NOTIONAL"),
            (28, -1013, "Filter failure: MAX_NUM_ORDERS"),
            (29, -2010, "Duplicate order sent."),
            (
                31,
                -2010,
                "Account has insufficient balance for requested action.",
            ),
            (32, -2010, "Order would immediately match and take."),
            (
                33,
                -2010,
                "Order book liquidity is less than symbol minimum quantity.",
            ),
            (
                34,
                -2010,
                "The FOK order could not be filled whole; nothing was traded.",
            ),
            (50, -1013, "Filter failure: LOT_SIZE"),
            (51, -1000, UNKNOWN),
            (52, -1000, UNKNOWN),
            (
                35,
                -2011,
                "Cancel order is invalid. Check origClOrdId and orderId.",
            ),
            (36, -1013, "Market is closed."),
            (37, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
            (38, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
            (39, -2010, "Order would trigger immediately."),
            (40, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS"),
            (41, -1158, "Order type not supported in OCO."),
            (
                42,
                -2010,
                "The relationship of the prices for the orders is not correct.",
            ),
            (43, -2038, "Order amend (order of a list) is not supported."),
            (44, -2010, "This account may not place or cancel orders."),
            (53, -1000, UNKNOWN),
            (60, -1000, UNKNOWN),
        ];
        let all: Vec<(u16, i32, &str)> =
            std::iter::successors(Some(Reject::UnknownAsset), |reject| next(*reject))
                .map(|reject| {
                    let (code, text) = reject_parts(reject);
                    (reject.code(), code, text)
                })
                .collect();
        assert_eq!(all, expected);
    }
}
