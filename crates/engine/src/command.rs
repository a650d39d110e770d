//! What can be asked of the engine. The log holds these, for ever, so nothing personal enters them.

use alloc::boxed::Box;
use alloc::vec::Vec;
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, MarketId, MarketSpec, MarketState, OrderId, Price,
    Quantity, TransferId,
};
use serde::{Deserialize, Serialize};

/// One request. Time and sequence are stamped outside, by the sequencer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Lists an asset; `asset` must be the next dense id.
    ListAsset { asset: AssetId, spec: AssetSpec },
    /// Lists a market; `market` must be the next dense id.
    ListMarket { market: MarketId, spec: Box<MarketSpec> },
    /// Changes whether a market takes orders. [`MarketState::Delisted`] closes all its orders and is final; the symbol
    /// may be listed again under a new id.
    SetMarketState { market: MarketId, state: MarketState },
    /// Opens an account; refused if it exists.
    OpenAccount { account: AccountId },
    /// Places an order: reserve and accept in one step.
    PlaceOrder(PlaceOrder),
    /// Places two orders of which one at most is filled or triggered.
    PlaceOco(Box<PlaceOco>),
    /// Cancels one open order of the account; with an order of a list, the other one too.
    CancelOrder {
        account: AccountId,
        market: MarketId,
        order: OrderRef,
    },
    /// Cancels all open orders of the account in a market.
    CancelAllOrders { account: AccountId, market: MarketId },
    /// Lowers the remaining quantity by `by`, keeping time priority; to zero is a cancel. Refused for orders of a list.
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
    /// What an account may not do from now on; open orders stay.
    RestrictAccount {
        account: AccountId,
        restrictions: Restrictions,
    },
    /// The fee tier that an account has whatever its volume.
    SetAccountTier { account: AccountId, tier: u8 },
    /// From how much 30-day volume in `quote` on an account is in tier 1, 2 …: ascending, fewer than
    /// [`ensoex_types::FEE_TIERS_MAX`], in smallest units.
    SetFeeTiers { quote: AssetId, volumes: Vec<Amount> },
}

/// What risk forbids an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Restrictions {
    /// No new orders, and waiting stops expire when triggered. Cancels are allowed.
    pub no_trade: bool,
    /// No withdrawals and no transfers to other users. A withdrawal that is held already may be posted or voided.
    pub no_withdraw: bool,
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// Owner.
    pub account: AccountId,
    /// Where.
    pub market: MarketId,
    /// Buy or sell the base asset.
    pub side: Side,
    /// How it is priced and matched.
    pub kind: OrderKind,
    /// What happens when it meets an order of the same account.
    pub self_trade_prevention: SelfTradePrevention,
    /// The owner's own name for it, unique among the account's open orders.
    pub client_order_id: ClientOrderId,
}

/// What happens when an order (the taker) meets one of the same account (the maker). The taker's wish counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SelfTradePrevention {
    /// What is left of the taker expires.
    #[default]
    ExpireTaker,
    /// The maker expires, and the taker goes on.
    ExpireMaker,
    /// Both expire.
    ExpireBoth,
    /// Both are lowered by the quantity that would have traded; what reaches zero expires.
    Decrement,
}

/// One cancels the other: two orders of one quantity on the two sides of the last price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOco {
    /// Owner.
    pub account: AccountId,
    /// Where.
    pub market: MarketId,
    /// Of both orders.
    pub side: Side,
    /// Of both orders, in lots.
    pub quantity: Quantity,
    /// The order whose price (limit maker) or stop price is above the last price: for a sell a limit maker or take-profit,
    /// for a buy a stop-loss.
    pub above: OcoOrder,
    /// The one below: for a sell a stop-loss, for a buy a limit maker or take-profit.
    pub below: OcoOrder,
    /// Of both orders.
    pub self_trade_prevention: SelfTradePrevention,
    /// The owner's own name for the pair; the engine only passes it on.
    pub list_client_order_id: ClientOrderId,
}

/// One order of an OCO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OcoOrder {
    /// How it is priced.
    pub kind: OcoKind,
    /// See [`PlaceOrder::client_order_id`].
    pub client_order_id: ClientOrderId,
}

/// How an order of an OCO is priced; its quantity is the pair's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OcoKind {
    /// See [`OrderKind::LimitMaker`].
    LimitMaker { price: Price },
    /// See [`OrderKind::Stop`].
    Stop { trigger: Trigger, stop_price: Price },
    /// See [`OrderKind::StopLimit`].
    StopLimit {
        trigger: Trigger,
        stop_price: Price,
        price: Price,
        time_in_force: TimeInForce,
    },
}

impl OcoKind {
    /// The order alone, of this quantity.
    pub const fn of(self, quantity: Quantity) -> OrderKind {
        match self {
            OcoKind::LimitMaker { price } => OrderKind::LimitMaker { price, quantity },
            OcoKind::Stop { trigger, stop_price } => OrderKind::Stop {
                trigger,
                stop_price,
                quantity,
            },
            OcoKind::StopLimit {
                trigger,
                stop_price,
                price,
                time_in_force,
            } => OrderKind::StopLimit {
                trigger,
                stop_price,
                price,
                quantity,
                time_in_force,
            },
        }
    }
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
    /// Waits until a trade's price reaches the stop price, then is a market order.
    Stop {
        trigger: Trigger,
        stop_price: Price,
        quantity: Quantity,
    },
    /// Waits until a trade's price reaches the stop price, then is a limit order.
    StopLimit {
        trigger: Trigger,
        stop_price: Price,
        price: Price,
        quantity: Quantity,
        time_in_force: TimeInForce,
    },
}

/// From which side the last price must reach the stop price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trigger {
    /// The market moves against the owner: a buy when the price rises to the stop price, a sell when it falls to it.
    StopLoss,
    /// The market moves in the owner's favour: a buy when the price falls to the stop price, a sell when it rises to it.
    TakeProfit,
}

impl Trigger {
    /// An order of `side` waits for the price to rise (else to fall).
    pub const fn rises(self, side: Side) -> bool {
        matches!(
            (self, side),
            (Trigger::StopLoss, Side::Buy) | (Trigger::TakeProfit, Side::Sell)
        )
    }

    /// A trade at `price` triggers an order of `side`.
    pub const fn is_reached(self, side: Side, stop_price: Price, price: Price) -> bool {
        if self.rises(side) {
            price.0 >= stop_price.0
        } else {
            price.0 <= stop_price.0
        }
    }
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

    /// `price` as a number that is the greater the better an order of this side is: the higher a buy, the lower a sell. Without a
    /// branch, because sides come as they like.
    #[inline(always)]
    pub(crate) const fn rank(self, price: u64) -> u64 {
        price ^ (self.index() as u64).wrapping_neg()
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderRef {
    /// By the engine's id.
    Id(OrderId),
    /// By the owner's own id.
    Client(ClientOrderId),
}

/// A movement of one asset from `debit` (gives) to `credit` (receives).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Puts the transfer `of`, posted, held or voided before, right.
    Correction { of: TransferId },
}
