//! Fee tiers: which tier an account is in, by its own setting and by what it traded in the last 30 days.
//!
//! Volume is counted by account and quote asset, over all markets of that quote asset, in smallest units. A day is a UTC
//! day of the greatest time stamp so far. Today's volume counts from tomorrow, so a tier holds for a whole day and is
//! worked out once, at the account's first trade of the day; every other trade reads one number and adds to another.
//! Knows no markets, rates or balances.

use crate::Reject;
use crate::array::fetch;
use crate::ledger::Ledger;
use alloc::vec::Vec;
use ensoex_types::{Amount, FEE_TIERS_MAX, Timestamp};
use hashbrown::HashMap;

/// Microseconds in a day.
const DAY: u64 = 86_400_000_000;
/// Days whose volume counts, before the current one.
const DAYS: u64 = 30;
/// Before every day: nothing was worked out yet.
const NEVER: u32 = u32::MAX;

/// An account's running numbers for one quote asset.
#[derive(Clone, Copy)]
struct Recent {
    /// Traded on `day`.
    volume: u128,
    /// Days since 1970.
    day: u32,
    /// Tier on `day`.
    tier: u8,
}

impl Recent {
    /// Adds to the volume; returns the tier.
    #[inline(always)]
    fn add(&mut self, quote: u128) -> u8 {
        self.volume = self.volume.saturating_add(quote);
        self.tier
    }
}

const NEW: Recent = Recent {
    volume: 0,
    day: NEVER,
    tier: 0,
};

/// One day's volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DayVolume {
    /// Days since 1970.
    pub(crate) day: u32,
    /// In smallest quote units.
    pub(crate) volume: u128,
}

#[derive(Default)]
struct Asset {
    /// From how much on an account is in tier 1, 2 …
    thresholds: Vec<u128>,
    /// By account slot, for all accounts if a market is priced in this asset.
    recent: Vec<Recent>,
    is_quote: bool,
}

/// See the module's doc.
#[derive(Default)]
pub(crate) struct Fees {
    day: u32,
    /// When the next day begins.
    next_day: u64,
    assets: Vec<Asset>,
    /// Days that are over and may still count, by asset and account slot, ascending.
    past: HashMap<(u16, u32), Vec<DayVolume>>,
}

impl Fees {
    /// Makes room for one more asset.
    pub(crate) fn add_asset(&mut self) {
        self.assets.push(Asset::default());
    }

    /// A market is priced in this asset: room for each of the `accounts` is made now, so that no trade waits for it.
    pub(crate) fn add_quote(&mut self, asset: usize, accounts: usize) {
        let asset = &mut self.assets[asset];
        asset.is_quote = true;
        if asset.recent.len() < accounts {
            asset.recent.resize(accounts, NEW);
        }
    }

    /// Makes room for the accounts in slots below `accounts`.
    pub(crate) fn add_account(&mut self, accounts: usize) {
        for asset in self.assets.iter_mut().filter(|asset| asset.is_quote) {
            if asset.recent.len() < accounts {
                asset.recent.resize(accounts, NEW);
            }
        }
    }

    /// The clock has moved; it never moves back here.
    #[inline(always)]
    pub(crate) fn observe(&mut self, at: Timestamp) {
        if at.0 >= self.next_day {
            self.begin_day(at);
        }
    }

    #[cold]
    fn begin_day(&mut self, at: Timestamp) {
        let day = at.0 / DAY;
        // 2^64 microseconds are 213 million days.
        self.day = day as u32;
        self.next_day = (day + 1).saturating_mul(DAY);
    }

    /// Today, in days since 1970.
    pub(crate) fn today(&self) -> u32 {
        self.day
    }

    /// Takes over the greatest day seen.
    pub(crate) fn restore_day(&mut self, day: u32) {
        self.day = day;
        self.next_day = (u64::from(day) + 1).saturating_mul(DAY);
    }

    /// Takes over one day's volume; days ascend.
    pub(crate) fn restore_volume(&mut self, asset: usize, slot: u32, day: u32, volume: u128) {
        if day != self.day {
            let past = self.past.entry((asset as u16, slot)).or_default();
            past.push(DayVolume { day, volume });
            return;
        }
        let recent = &mut self.assets[asset].recent;
        if recent.len() <= slot as usize {
            recent.resize((slot as usize + 1).next_power_of_two(), NEW);
        }
        recent[slot as usize] = Recent { volume, day, tier: 0 };
    }

    /// The tier in which the account trades now.
    #[inline(always)]
    pub(crate) fn tier(&mut self, ledger: &Ledger, asset: usize, slot: u32) -> u8 {
        match self.assets[asset].recent.get(slot as usize) {
            Some(recent) if recent.day == self.day => recent.tier,
            _ => self.work_out(ledger, asset, slot),
        }
    }

    /// Fetches what is counted of an account: see [`crate::ahead`].
    #[inline(always)]
    pub(crate) fn fetch(&self, asset: usize, slot: u32) {
        if let Some(asset) = self.assets.get(asset) {
            fetch(&asset.recent, slot as usize);
        }
    }

    /// Counts a trade; returns the tier in which it is made.
    #[inline(always)]
    pub(crate) fn trade(&mut self, ledger: &Ledger, asset: usize, slot: u32, quote: u128) -> u8 {
        match self.assets[asset].recent.get_mut(slot as usize) {
            Some(recent) if recent.day == self.day => recent.add(quote),
            _ => self.first_trade(ledger, asset, slot, quote),
        }
    }

    /// Counts a trade of an account whose tier was asked for with the same command.
    #[inline(always)]
    pub(crate) fn trade_again(&mut self, asset: usize, slot: u32, quote: u128) {
        self.assets[asset].recent[slot as usize].add(quote);
    }

    /// The account's first trade of the day.
    #[cold]
    #[inline(never)]
    fn first_trade(&mut self, ledger: &Ledger, asset: usize, slot: u32, quote: u128) -> u8 {
        self.work_out(ledger, asset, slot);
        self.assets[asset].recent[slot as usize].add(quote)
    }

    #[cold]
    fn work_out(&mut self, ledger: &Ledger, asset: usize, slot: u32) -> u8 {
        let day = self.day;
        let recent = &mut self.assets[asset].recent;
        let old = recent[slot as usize];
        if old.day != NEVER && old.day != day && old.volume > 0 {
            let past = self.past.entry((asset as u16, slot)).or_default();
            past.retain(|past| counts(past.day, day));
            past.push(DayVolume {
                day: old.day,
                volume: old.volume,
            });
        }
        let volume = if old.day == day { old.volume } else { 0 };
        // Yesterday's volume lies in the past now, and must not be counted here as well.
        recent[slot as usize] = Recent { volume, day, tier: 0 };
        let tier = self.tier_now(ledger, asset, slot);
        self.assets[asset].recent[slot as usize].tier = tier;
        tier
    }

    /// The tier, from the beginning.
    pub(crate) fn tier_now(&self, ledger: &Ledger, asset: usize, slot: u32) -> u8 {
        let volume = self.volume(asset, slot);
        let reached = self.assets[asset]
            .thresholds
            .iter()
            .take_while(|threshold| **threshold <= volume);
        ledger.tier(slot).max(reached.count() as u8)
    }

    /// What the account traded in the 30 days before today.
    pub(crate) fn volume(&self, asset: usize, slot: u32) -> u128 {
        self.days(asset, slot)
            .filter(|past| past.day != self.day)
            .fold(0, |sum, past| sum.saturating_add(past.volume))
    }

    /// Volumes that count today or will tomorrow, ascending by day.
    pub(crate) fn days(&self, asset: usize, slot: u32) -> impl Iterator<Item = DayVolume> {
        let past = self.past.get(&(asset as u16, slot));
        let recent = self.assets[asset].recent.get(slot as usize);
        let recent = recent.map(|recent| DayVolume {
            day: recent.day,
            volume: recent.volume,
        });
        let today = self.day;
        past.into_iter()
            .flatten()
            .copied()
            .chain(recent)
            .filter(move |past| past.volume > 0 && counts(past.day, today))
    }

    /// Sets from which volume on tiers begin. In force at once.
    pub(crate) fn set_thresholds(
        &mut self,
        ledger: &Ledger,
        asset: usize,
        volumes: &[Amount],
    ) -> Result<(), Reject> {
        let thresholds: Option<Vec<u128>> = volumes
            .iter()
            .map(|volume| u128::try_from(volume.0).ok())
            .collect();
        let thresholds = thresholds.ok_or(Reject::InvalidFeeTiers)?;
        let ascending = thresholds.first() != Some(&0) && thresholds.is_sorted_by(|low, high| low < high);
        if thresholds.len() >= FEE_TIERS_MAX || !ascending {
            return Err(Reject::InvalidFeeTiers);
        }
        self.assets[asset].thresholds = thresholds;
        for slot in 0..self.assets[asset].recent.len() {
            self.refresh(ledger, asset, slot as u32);
        }
        Ok(())
    }

    /// An account's own tier has changed.
    pub(crate) fn refresh_account(&mut self, ledger: &Ledger, slot: u32) {
        for asset in 0..self.assets.len() {
            self.refresh(ledger, asset, slot);
        }
    }

    fn refresh(&mut self, ledger: &Ledger, asset: usize, slot: u32) {
        let known = self.assets[asset].recent.get(slot as usize);
        if known.is_some_and(|recent| recent.day == self.day) {
            self.work_out(ledger, asset, slot);
        }
    }

    /// See [`Fees::set_thresholds`].
    pub(crate) fn thresholds(&self, asset: usize) -> &[u128] {
        &self.assets[asset].thresholds
    }
}

/// A day's volume still counts on `today` or on the day after.
fn counts(day: u32, today: u32) -> bool {
    day != NEVER && u64::from(day) + DAYS >= u64::from(today)
}
