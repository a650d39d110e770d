//! Who pays which fee: tiers by volume or by decree.
//!
//! The volume of an account for a quote asset is the sum of the quote amounts of all its trades, as maker or taker,
//! on the 30 UTC days before the current one. Today's trades count from tomorrow.

use super::{Model, Volume};
use ensoex_engine::{AccountFees, Event, Reject};
use ensoex_types::{AccountId, Amount, AssetId, FEE_TIERS_MAX, MarketId};

const DAY_MICROSECONDS: u64 = 86_400_000_000;
const VOLUME_DAYS: i128 = 30;

impl Model {
    /// The current UTC day: that of the latest time seen, so that it never goes back.
    fn today(&self) -> i128 {
        i128::from(self.latest.0 / DAY_MICROSECONDS)
    }

    pub(super) fn volume(&self, account: AccountId, quote: AssetId) -> i128 {
        let today = self.today();
        let mut sum = 0;
        for volume in &self.volumes {
            let counts = today - VOLUME_DAYS <= volume.day && volume.day < today;
            if counts && volume.account == account && volume.quote == quote {
                sum += volume.amount;
            }
        }
        sum
    }

    /// Counts a trade for one of its two accounts. Days that can never count again are forgotten.
    pub(super) fn add_volume(&mut self, account: AccountId, quote: AssetId, amount: i128) {
        let day = self.today();
        self.volumes.retain(|volume| volume.day >= day - VOLUME_DAYS);
        for volume in &mut self.volumes {
            if (volume.day, volume.account, volume.quote) == (day, account, quote) {
                volume.amount += amount;
                return;
            }
        }
        self.volumes.push(Volume {
            day,
            account,
            quote,
            amount,
        });
    }

    /// Tier, rates and volume of a known account in a known market.
    pub(super) fn fees(&self, account: AccountId, market: MarketId) -> AccountFees {
        let spec = &self.markets[usize::from(market.0)].spec;
        let volume = self.volume(account, spec.quote);
        let mut tier = self.account_tiers.get(&account).copied().unwrap_or(0);
        if let Some(thresholds) = self.fee_tiers.get(&spec.quote) {
            let reached = thresholds.iter().filter(|threshold| threshold.0 <= volume);
            tier = tier.max(reached.count() as u8);
        }
        AccountFees {
            tier,
            rates: spec.fees[usize::from(tier).min(spec.fees.len() - 1)],
            volume: Amount(volume),
        }
    }

    pub(super) fn set_account_tier(
        &mut self,
        account: AccountId,
        tier: u8,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.known_account(account)?;
        if usize::from(tier) >= FEE_TIERS_MAX {
            return Err(Reject::InvalidFeeTiers);
        }
        self.account_tiers.insert(account, tier);
        events.push(Event::AccountTierChanged { account, tier });
        Ok(())
    }

    pub(super) fn set_fee_tiers(
        &mut self,
        quote: AssetId,
        volumes: &[Amount],
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.known_asset(quote)?;
        let mut before = Amount(0);
        for volume in volumes {
            if *volume <= before {
                return Err(Reject::InvalidFeeTiers);
            }
            before = *volume;
        }
        if volumes.len() >= FEE_TIERS_MAX {
            return Err(Reject::InvalidFeeTiers);
        }
        self.fee_tiers.insert(quote, volumes.to_vec());
        events.push(Event::FeeTiersChanged { quote });
        Ok(())
    }
}
