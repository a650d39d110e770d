//! What can be asked of the engine. The log holds these, for ever, so nothing personal enters them.

use alloc::string::String;
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, MarketId, MarketSpec, MarketState, OrderId, Price, Quantity,
    TransferId,
};
use serde::{Deserialize, Serialize};

/// One request. Time and sequence are stamped outside, by the sequencer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Lists an asset; `asset` must be the next dense id.
    ListAsset { asset: AssetId, spec: AssetSpec },
    /// Lists a market; `market` must be the next dense id.
    ListMarket { market: MarketId, spec: MarketSpec },
    /// Changes whether a market takes orders.
    SetMarketState { market: MarketId, state: MarketState },
    /// Opens an account; refused if it exists.
    OpenAccount { account: AccountId },
    /// Places an order: reserve and accept in one step.
    PlaceOrder(PlaceOrder),
    /// Cancels one open order of the account.
    CancelOrder {
        account: AccountId,
        market: MarketId,
        order: OrderRef,
    },
    /// Cancels all open orders of the account in a market.
    CancelAllOrders { account: AccountId, market: MarketId },
    /// Lowers the remaining quantity by `by`, keeping time priority; to zero is a cancel.
    ReduceOrder {
        account: AccountId,
        market: MarketId,
        order: OrderRef,
        by: Quantity,
    },
    /// Cancels `order` and, only if that worked, places `place`.
    ReplaceOrder { order: OrderRef, place: PlaceOrder },
    /// Moves money at once.
    Transfer(Transfer),
    /// First phase: takes the amount from `debit`'s available into a hold.
    HoldTransfer(Transfer),
    /// Second phase: the held amount goes to the credit account.
    PostTransfer { transfer: TransferId },
    /// Second phase: the held amount goes back.
    VoidTransfer { transfer: TransferId },
}

/// A new order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// Owner.
    pub account: AccountId,
    /// Where.
    pub market: MarketId,
    /// Buy or sell the base asset.
    pub side: Side,
    /// How it is priced and matched.
    pub kind: OrderKind,
    /// The owner's own name for it, unique among the account's open orders; empty means none. At most 36
    /// bytes of `[A-Za-z0-9_:/.-]` (the edge checks the alphabet, the engine the length).
    pub client_order_id: String,
}

/// How an order is priced, how long it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderKind {
    /// Price limit; the rest stays in the book (GTC), expires (IOC), or all or nothing (FOK).
    Limit {
        price: Price,
        quantity: Quantity,
        time_in_force: TimeInForce,
    },
    /// Only as maker: refused if it would trade at once. Rests until cancelled.
    LimitMaker { price: Price, quantity: Quantity },
    /// At any price within the market's bounds; what the book or the balance cannot fill expires.
    Market { quantity: Quantity },
    /// At any price, spending (buy) or receiving (sell) at most this much quote; the rest expires.
    MarketQuote { quote: Amount },
}

/// Side of the base asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Receives base, pays quote.
    Buy,
    /// Pays base, receives quote.
    Sell,
}

impl Side {
    /// The side it trades with.
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// Position in arrays that hold one entry per side.
    pub(crate) const fn index(self) -> usize {
        match self {
            Side::Buy => 0,
            Side::Sell => 1,
        }
    }
}

/// How long a limit order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Good till cancelled.
    Gtc,
    /// Immediate or cancel.
    Ioc,
    /// Fill or kill.
    Fok,
}

/// How an owner points at an open order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderRef {
    /// By the engine's id.
    Id(OrderId),
    /// By the owner's own id.
    Client(String),
}

/// A movement of one asset from `debit` (gives) to `credit` (receives).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Unique for ever: a second transfer under the same id is refused as [`crate::Reject::TransferExists`].
    pub transfer: TransferId,
    /// Gives.
    pub debit: AccountId,
    /// Receives.
    pub credit: AccountId,
    /// Of what.
    pub asset: AssetId,
    /// How much, in the smallest unit; at least 1.
    pub amount: Amount,
    /// Why.
    pub code: TransferCode,
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransferCode {
    /// Replenished by card.
    Deposit,
    /// Withdrawn to a card.
    Withdrawal,
    /// The operator brings capital in or takes it out.
    Capital,
    /// Between two users' accounts.
    Internal,
    /// Puts an earlier transfer right.
    Correction,
}
