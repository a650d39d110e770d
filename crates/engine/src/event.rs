//! What the engine answers. Every command yields at least one event; a refusal is an event too.

use crate::command::{OrderKind, Side, TransferCode};
use crate::reject::Reject;
use alloc::string::String;
use ensoex_types::{
    AccountId, Amount, AssetId, MarketId, MarketState, OrderId, Price, Quantity, TradeId, TransferId,
};
use serde::{Deserialize, Serialize};

/// One fact. Enough is in each for projections to be built from events alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The command was refused and changed nothing.
    Rejected { reject: Reject },
    /// An asset is listed.
    AssetListed { asset: AssetId },
    /// A market is listed.
    MarketListed { market: MarketId },
    /// A market takes orders, only cancels, or nothing.
    MarketStateChanged { market: MarketId, state: MarketState },
    /// An account is open.
    AccountOpened { account: AccountId },
    /// An order was accepted; its trades and its end, if at once, follow in the same command's events.
    OrderAccepted {
        order: OrderId,
        account: AccountId,
        market: MarketId,
        side: Side,
        kind: OrderKind,
        client_order_id: String,
    },
    /// Two orders matched at the maker's price. Fees are taken from what each side receives (base for the
    /// buyer, quote for the seller), rounded down to the smallest unit.
    Trade(Trade),
    /// The remaining quantity was lowered by its owner; the order keeps its priority.
    OrderReduced {
        order: OrderId,
        account: AccountId,
        market: MarketId,
        by: Quantity,
        remaining: Quantity,
    },
    /// An order left the book, or never entered it. `remaining` is what was not filled, in lots (0 when filled
    /// and for market orders by quote amount).
    OrderClosed {
        order: OrderId,
        account: AccountId,
        market: MarketId,
        reason: CloseReason,
        remaining: Quantity,
    },
    /// Money moved (at once, or the second phase of a hold).
    TransferPosted {
        transfer: TransferId,
        debit: AccountId,
        credit: AccountId,
        asset: AssetId,
        amount: Amount,
        code: TransferCode,
    },
    /// Money is held on the debit account for a transfer to come.
    TransferHeld {
        transfer: TransferId,
        debit: AccountId,
        credit: AccountId,
        asset: AssetId,
        amount: Amount,
        code: TransferCode,
    },
    /// Held money went back.
    TransferVoided {
        transfer: TransferId,
        debit: AccountId,
        asset: AssetId,
        amount: Amount,
        code: TransferCode,
    },
}

/// A match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// Dense from 1 in its market.
    pub trade: TradeId,
    /// Where.
    pub market: MarketId,
    /// The maker's price, in ticks.
    pub price: Price,
    /// In lots.
    pub quantity: Quantity,
    /// Exactly price × quantity, in smallest quote units.
    pub quote: Amount,
    /// Side of the order that came second.
    pub taker_side: Side,
    /// The resting order.
    pub maker_order: OrderId,
    /// Its owner.
    pub maker_account: AccountId,
    /// Lots of the maker's order still open.
    pub maker_remaining: Quantity,
    /// In smallest units of what the maker receives.
    pub maker_fee: Amount,
    /// The order that came second.
    pub taker_order: OrderId,
    /// Its owner.
    pub taker_account: AccountId,
    /// In smallest units of what the taker receives.
    pub taker_fee: Amount,
}

/// Why an order closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CloseReason {
    /// All of it traded.
    Filled,
    /// Its owner cancelled it.
    Canceled,
    /// Immediate-or-cancel, fill-or-kill or market: nothing more could be filled.
    Expired,
    /// It would have met an order of the same account (self-trade prevention: the taker expires).
    SelfTrade,
}
