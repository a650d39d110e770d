//! A statement's entries in the words and decimals that people and files use. Knows no calendar and no file format.

use crate::catalogue::{AssetListing, MarketListing};
use crate::history::EntryRow;
use ensoex_types::Timestamp;
use serde::Serialize;

/// One change of a total, in words. Amounts are decimal texts with all decimals of their asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryView {
    /// Its number; grows, and never changes.
    pub entry: String,
    /// The command that caused it.
    pub sequence: u64,
    /// When.
    pub at: String,
    /// Why: `deposit`, `withdrawal`, `trade`, `fee`, `capital`, `internal` or `correction`.
    pub code: String,
    /// The same in English words.
    pub kind: String,
    /// Plus or minus.
    pub amount: String,
    /// The account's total of the asset after it.
    pub total: String,
    /// What it belongs to: a transfer's id in hex, or a market's symbol and the number of the trade.
    pub reference: String,
}

impl EntryRow {
    /// In words; `asset` is the entry's. `stamp` writes a time.
    pub fn view(
        &self,
        asset: &AssetListing,
        markets: &[MarketListing],
        stamp: impl Fn(Timestamp) -> String,
    ) -> EntryView {
        let traded = self.traded(markets);
        let kind = match (self.code.as_str(), traded) {
            ("deposit", _) => "Deposit".to_owned(),
            ("withdrawal", _) => "Withdrawal".to_owned(),
            ("trade", Some((symbol, _))) => format!("Trade on {symbol}"),
            ("fee", Some((symbol, _))) => format!("Fee for a trade on {symbol}"),
            ("trade", None) => "Trade".to_owned(),
            ("fee", None) => "Fee".to_owned(),
            ("capital", _) => "Operator capital".to_owned(),
            ("internal", _) => "Transfer within EnsoEx".to_owned(),
            ("correction", _) => match &self.corrects {
                Some(corrected) => format!("Correction of {corrected}"),
                None => "Correction".to_owned(),
            },
            (other, _) => other.to_owned(),
        };
        EntryView {
            entry: self.entry.to_string(),
            sequence: self.sequence.0,
            at: stamp(Timestamp(self.at_ms.saturating_mul(1_000))),
            code: self.code.clone(),
            kind,
            amount: asset.text(self.amount),
            total: asset.text(self.total),
            reference: match traded {
                Some((symbol, trade)) => format!("{symbol}-{trade}"),
                None => self.reference.clone(),
            },
        }
    }

    /// Symbol and number of the trade that this belongs to.
    fn traded<'a>(&'a self, markets: &'a [MarketListing]) -> Option<(&'a str, &'a str)> {
        let (market, trade) = self.reference.split_once('-')?;
        let market = markets.get(market.parse::<usize>().ok()?)?;
        Some((&market.spec.symbol, trade))
    }
}
