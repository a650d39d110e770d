//! One variant per refused condition, each with a stable code. Texts for people live at the edges.

use ensoex_types::SpecError;
use serde::{Deserialize, Serialize};

/// Why a command was refused. It changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reject {
    /// No such asset.
    UnknownAsset,
    /// No such market.
    UnknownMarket,
    /// No such account.
    UnknownAccount,
    /// No such open order of this account in this market.
    UnknownOrder,
    /// No such held transfer.
    UnknownTransfer,
    /// The asset, market or account is there already, or the id is not the next.
    AlreadyListed,
    /// The specification cannot be listed.
    InvalidSpec(SpecError),
    /// Limits of the engine on assets, markets, accounts are reached.
    CapacityReached,
    /// The market takes cancels only.
    MarketCancelOnly,
    /// The market takes nothing.
    MarketHalted,
    /// Price below the market's least or zero.
    PriceTooLow,
    /// Price above the market's greatest.
    PriceTooHigh,
    /// Quantity below the market's least or zero.
    QuantityTooLow,
    /// Quantity above the market's greatest.
    QuantityTooHigh,
    /// Value below the market's least.
    NotionalTooLow,
    /// Value above the market's greatest.
    NotionalTooHigh,
    /// The account's open orders in this market are at their limit.
    TooManyOrders,
    /// Another open order of the account has this client order id.
    DuplicateClientOrderId,
    /// Available balance does not cover the order or the transfer.
    InsufficientBalance,
    /// A post-only order would trade at once.
    WouldTake,
    /// A market order met an empty book.
    NoLiquidity,
    /// Fill-or-kill could not be filled whole.
    NotFillable,
    /// Amount is not positive.
    InvalidAmount,
    /// Debit and credit are the same account.
    SameAccount,
    /// A transfer with this id was posted, held or voided before.
    TransferExists,
    /// The replacement names another account or market than the order.
    ReplaceMismatch,
    /// The market is delisted.
    MarketDelisted,
    /// Price further below the last trade's (or the order's own stop price) than the market allows.
    PriceBelowBand,
    /// Price further above the last trade's (or the order's own stop price) than the market allows.
    PriceAboveBand,
    /// The last trade's price has reached the stop price already.
    StopWouldTrigger,
    /// The account's waiting stop and take-profit orders in this market are at their limit.
    TooManyStops,
    /// The two kinds of an OCO do not belong together on this side.
    OcoKinds,
    /// The prices of an OCO do not lie around the last trade's price, `above` over `below`.
    OcoPrices,
    /// An order of a list cannot be reduced alone.
    OrderInList,
    /// The account may not trade.
    AccountMayNotTrade,
    /// The account may not withdraw or pay other users.
    AccountMayNotWithdraw,
    /// Fee tiers are too many, not ascending or negative, or an account's tier is above the greatest.
    InvalidFeeTiers,
}

impl Reject {
    /// Stable number; never reused for another meaning.
    pub const fn code(self) -> u16 {
        match self {
            Reject::UnknownAsset => 1,
            Reject::UnknownMarket => 2,
            Reject::UnknownAccount => 3,
            Reject::UnknownOrder => 4,
            Reject::UnknownTransfer => 5,
            Reject::AlreadyListed => 6,
            Reject::InvalidSpec(_) => 7,
            Reject::CapacityReached => 8,
            Reject::MarketCancelOnly => 20,
            Reject::MarketHalted => 21,
            Reject::PriceTooLow => 22,
            Reject::PriceTooHigh => 23,
            Reject::QuantityTooLow => 24,
            Reject::QuantityTooHigh => 25,
            Reject::NotionalTooLow => 26,
            Reject::NotionalTooHigh => 27,
            Reject::TooManyOrders => 28,
            Reject::DuplicateClientOrderId => 29,
            Reject::InsufficientBalance => 31,
            Reject::WouldTake => 32,
            Reject::NoLiquidity => 33,
            Reject::NotFillable => 34,
            Reject::ReplaceMismatch => 35,
            Reject::MarketDelisted => 36,
            Reject::PriceBelowBand => 37,
            Reject::PriceAboveBand => 38,
            Reject::StopWouldTrigger => 39,
            Reject::TooManyStops => 40,
            Reject::OcoKinds => 41,
            Reject::OcoPrices => 42,
            Reject::OrderInList => 43,
            Reject::AccountMayNotTrade => 44,
            Reject::InvalidAmount => 50,
            Reject::SameAccount => 51,
            Reject::TransferExists => 52,
            Reject::AccountMayNotWithdraw => 53,
            Reject::InvalidFeeTiers => 60,
        }
    }
}
