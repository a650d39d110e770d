//! One id type per entity, so that one can never stand in for another.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(/// An asset, dense from 0 in the order listed.
    AssetId(u16));
id!(/// A market, dense from 0 in the order listed.
    MarketId(u16));
id!(/// Holds balances. A pseudonym: the engine and the log never know the person behind it.
    /// Ids below [`AccountId::FIRST_USER`] belong to the house and the outside world.
    AccountId(u32));
id!(/// An order, assigned by the engine; below 2^53 so that every JSON reader holds it; for ever unique
    /// and increasing within a market.
    OrderId(u64));
id!(/// A trade, assigned by the engine; dense from 1 within a market.
    TradeId(u64));
id!(/// Position of a command in the log; the first command is 1.
    Sequence(u64));
id!(/// Microseconds since the Unix epoch, UTC, stamped by the sequencer.
    Timestamp(u64));
id!(/// Names one movement of money for ever. The engine refuses a second transfer under the same id,
    /// which is what makes crediting exactly-once.
    TransferId(u128));

impl AccountId {
    /// Outside world: money at EnsoExPAY. Its balance is minus what users hold through cards.
    pub const PAY_CLEARING: AccountId = AccountId(1);
    /// Trading fees earned.
    pub const FEES: AccountId = AccountId(2);
    /// Capital that the operator brings in, for example to fund a market maker.
    pub const OPERATOR_CAPITAL: AccountId = AccountId(3);
    /// The first id that may belong to a user.
    pub const FIRST_USER: AccountId = AccountId(1_000);

    /// House and outside accounts may go below zero: they mirror what lies elsewhere.
    pub const fn may_be_negative(self) -> bool {
        self.0 < Self::FIRST_USER.0
    }
}

impl Timestamp {
    /// Whole milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }
}
