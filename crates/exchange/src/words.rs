//! The words in which the projections store what has few values. Knows no table.

use crate::history::OrderStatus;
use ensoex_engine::{CloseReason, SelfTradePrevention, Side, TimeInForce, Trigger};

/// A value that is stored as a word.
pub(crate) trait Word: Copy + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// The word of a value.
    fn word(self) -> &'static str;

    /// The value of a word.
    fn read(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

macro_rules! words {
    ($type:ty { $($value:path => $word:literal),+ $(,)? }) => {
        impl Word for $type {
            const ALL: &'static [Self] = &[$($value),+];

            fn word(self) -> &'static str {
                match self {
                    $($value => $word),+
                }
            }
        }
    };
}

words!(Side { Side::Buy => "BUY", Side::Sell => "SELL" });
words!(TimeInForce {
    TimeInForce::Gtc => "GTC",
    TimeInForce::Ioc => "IOC",
    TimeInForce::Fok => "FOK",
});
words!(Trigger { Trigger::StopLoss => "STOP_LOSS", Trigger::TakeProfit => "TAKE_PROFIT" });
words!(SelfTradePrevention {
    SelfTradePrevention::ExpireTaker => "EXPIRE_TAKER",
    SelfTradePrevention::ExpireMaker => "EXPIRE_MAKER",
    SelfTradePrevention::ExpireBoth => "EXPIRE_BOTH",
    SelfTradePrevention::Decrement => "DECREMENT",
});
words!(CloseReason {
    CloseReason::Filled => "FILLED",
    CloseReason::Canceled => "CANCELED",
    CloseReason::Expired => "EXPIRED",
    CloseReason::SelfTrade => "SELF_TRADE",
    CloseReason::Contingent => "CONTINGENT",
    CloseReason::Delisted => "DELISTED",
    CloseReason::Restricted => "RESTRICTED",
});
words!(OrderStatus {
    OrderStatus::New => "NEW",
    OrderStatus::PartiallyFilled => "PARTIALLY_FILLED",
    OrderStatus::Filled => "FILLED",
    OrderStatus::Canceled => "CANCELED",
    OrderStatus::Expired => "EXPIRED",
    OrderStatus::ExpiredInMatch => "EXPIRED_IN_MATCH",
});

#[cfg(test)]
mod tests {
    use super::*;

    fn every_word_reads_back<W: Word + PartialEq + std::fmt::Debug>() {
        for value in W::ALL {
            assert_eq!(W::read(value.word()), Some(*value));
        }
        assert_eq!(W::read(""), None);
    }

    #[test]
    fn words_read_back() {
        every_word_reads_back::<Side>();
        every_word_reads_back::<TimeInForce>();
        every_word_reads_back::<Trigger>();
        every_word_reads_back::<SelfTradePrevention>();
        every_word_reads_back::<CloseReason>();
        every_word_reads_back::<OrderStatus>();
    }
}
