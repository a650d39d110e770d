//! One open order: what it is made of, in half a cache line.
//!
//! Knows no prices: a resting order knows its level, and the level knows the price.

use crate::Side;

/// No slot, no level.
pub(crate) const NONE: u32 = u32::MAX;
/// Ids stay below this; the bits above it are flags.
pub(crate) const ORDER_ID_LIMIT: u64 = 1 << 53;

const STOP: u64 = 1 << 58;
const TRIGGERED: u64 = 1 << 59;
const LISTED: u64 = 1 << 60;
const SELL: u64 = 1 << 61;
const POST_ONLY: u64 = 1 << 62;
const NAMED: u64 = 1 << 63;

/// What a new order brings.
#[derive(Clone, Copy)]
pub(crate) struct NewOrder {
    /// From [`super::Book::assign_id`].
    pub(crate) id: u64,
    /// Its side.
    pub(crate) side: Side,
    /// Placed as maker only.
    pub(crate) post_only: bool,
    /// In ticks; not kept of an order that is parked.
    pub(crate) price: u64,
    /// In lots, still open.
    pub(crate) remaining: u64,
    /// Owner, as the ledger counts accounts.
    pub(crate) account: u32,
    /// What is seldom asked for.
    pub(crate) placed: Placed,
}

/// How an order was placed. Only queries read it, so it lies apart.
#[derive(Clone, Copy, Default)]
pub(crate) struct Placed {
    /// In lots, as placed.
    pub(crate) quantity: u64,
    /// Microseconds, when accepted.
    pub(crate) at: u64,
}

/// What matching and cancelling touch of an open order.
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(crate) struct Order {
    /// The id, and above its 53 bits the flags; 0 marks a free slot.
    tag: u64,
    /// In lots, still open.
    pub(crate) remaining: u64,
    /// Where it stands; [`NONE`] while it is parked.
    pub(super) level: u32,
    /// Owner, as the ledger counts accounts; [`NONE`] in a free slot.
    pub(super) owner: u32,
    /// Slot of the next younger order at the same price.
    pub(super) next: u32,
    /// Slot of the next older order at the same price.
    pub(super) previous: u32,
}

const _: () = assert!(size_of::<Order>() == 32);

/// A slot without an order.
pub(super) const FREE: Order = Order {
    tag: 0,
    remaining: 0,
    level: NONE,
    owner: NONE,
    next: NONE,
    previous: NONE,
};

impl Order {
    /// An order on `level`, behind the order in slot `previous`; parked if there is no level.
    #[inline(always)]
    pub(super) fn new(order: &NewOrder, level: Option<u32>, previous: u32) -> Order {
        let flag = |set: bool, flag: u64| u64::from(set) * flag;
        Order {
            tag: order.id
                | flag(level.is_none(), STOP)
                | flag(order.side == Side::Sell, SELL)
                | flag(order.post_only, POST_ONLY),
            remaining: order.remaining,
            level: level.unwrap_or(NONE),
            owner: order.account,
            next: NONE,
            previous,
        }
    }

    /// Its id.
    pub(crate) fn id(&self) -> u64 {
        self.tag & (ORDER_ID_LIMIT - 1)
    }

    /// Its side.
    pub(crate) fn side(&self) -> Side {
        if self.tag & SELL == 0 {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    /// Placed as maker only.
    pub(crate) fn post_only(&self) -> bool {
        self.tag & POST_ONLY != 0
    }

    /// Has a client order id.
    pub(crate) fn named(&self) -> bool {
        self.tag & NAMED != 0
    }

    /// Waits for its trigger, in no queue.
    pub(crate) fn is_stop(&self) -> bool {
        self.tag & STOP != 0
    }

    /// Has waited for its trigger and now stands in a queue.
    pub(crate) fn is_triggered(&self) -> bool {
        self.tag & TRIGGERED != 0
    }

    /// Nothing is known of it outside the slots and levels, and it rests and is in no list.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.tag & (NAMED | STOP | TRIGGERED | LISTED) == 0
    }

    /// Something is known of it outside the slots and levels: a client order id, or how it was placed as a stop.
    #[inline(always)]
    pub(crate) fn has_extras(&self) -> bool {
        self.tag & (NAMED | STOP | TRIGGERED) != 0
    }

    /// Its owner, as the ledger counts accounts.
    #[inline(always)]
    pub(crate) fn owner(&self) -> u32 {
        self.owner
    }

    /// Waits for its trigger, or did once.
    #[inline(always)]
    pub(crate) fn was_stop(&self) -> bool {
        self.tag & (STOP | TRIGGERED) != 0
    }

    /// Is one of the two orders of an OCO list.
    pub(crate) fn is_listed(&self) -> bool {
        self.tag & LISTED != 0
    }

    /// Joins or leaves an OCO list.
    pub(super) fn set_listed(&mut self, listed: bool) {
        self.tag = if listed {
            self.tag | LISTED
        } else {
            self.tag & !LISTED
        };
    }

    /// Has a client order id from now on.
    pub(super) fn set_named(&mut self) {
        self.tag |= NAMED;
    }

    /// Leaves the parked ones.
    pub(super) fn set_triggered(&mut self) {
        self.tag = self.tag & !STOP | TRIGGERED;
    }

    /// Its slot holds no order.
    pub(super) fn is_free(&self) -> bool {
        self.tag == 0
    }

    /// It has gone from its slot, which belongs to nobody now.
    pub(super) fn set_free(&mut self) {
        (self.tag, self.owner) = (0, NONE);
    }
}
