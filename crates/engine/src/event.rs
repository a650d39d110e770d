//! What the engine answers. Every command yields at least one event; a refusal is an event too.

use crate::command::{OrderKind, Restrictions, Side, TransferCode};
use crate::reject::Reject;
use ensoex_types::{
    AccountId, Amount, AssetId, ClientOrderId, MarketId, MarketState, OrderId, Price, Quantity, TradeId,
    TransferId,
};
use serde::{Deserialize, Serialize};

/// One fact. Enough is in each for projections to be built from events alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        client_order_id: ClientOrderId,
    },
    /// Two orders were accepted of which one at most is filled or triggered; their own [`Event::OrderAccepted`]s follow,
    /// `above` first. The list is named by the id of its order `above`.
    OcoAccepted {
        above: OrderId,
        below: OrderId,
        account: AccountId,
        market: MarketId,
        list_client_order_id: ClientOrderId,
    },
    /// A trade's price reached an order's stop price: it is now a market or limit order; its trades and its end, if at once,
    /// follow.
    OrderTriggered {
        order: OrderId,
        account: AccountId,
        market: MarketId,
    },
    /// Two orders matched at the maker's price. Fees are taken from what each side receives (base for the
    /// buyer, quote for the seller), rounded down to the smallest unit.
    Trade(Trade),
    /// Two orders of one account would have traded `quantity` at `price`; its own wish (see
    /// [`crate::SelfTradePrevention::Decrement`]) lowered both by it instead. An order that reached zero closes next.
    MatchPrevented {
        market: MarketId,
        account: AccountId,
        price: Price,
        quantity: Quantity,
        maker_order: OrderId,
        maker_remaining: Quantity,
        taker_order: OrderId,
    },
    /// The remaining quantity was lowered by its owner; the order keeps its priority.
    OrderReduced {
        order: OrderId,
        account: AccountId,
        market: MarketId,
        by: Quantity,
        remaining: Quantity,
    },
    /// An order left the book, or never entered it. `remaining` is what was neither filled nor prevented, in lots (0 when
    /// filled and for market orders by quote amount).
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
    /// What an account may not do changed.
    AccountRestricted {
        account: AccountId,
        restrictions: Restrictions,
    },
    /// The tier that an account has whatever its volume changed.
    AccountTierChanged { account: AccountId, tier: u8 },
    /// The volumes from which fee tiers begin changed.
    FeeTiersChanged { quote: AssetId },
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
    /// It met an order of the same account (self-trade prevention).
    SelfTrade,
    /// The other order of its list was filled, triggered or closed.
    Contingent,
    /// Its market was delisted.
    Delisted,
    /// Its trigger was reached while its account may not trade.
    Restricted,
}
