//! A fair price that wanders: small random steps, spells of drift, and a pull back to where it began.
//!
//! Whole numbers only (parts of ticks inside, so that coarse prices move too); the same seed gives the same way.

use crate::random::Sequence;

/// Parts of a tick.
const PARTS: i64 = 1_024;
/// One part in so many of the price is the largest ordinary step.
const STEP_PART: i64 = 4_000;
/// One part in so many of the distance from the reference is pulled back at each step.
const PULL_PART: i64 = 400;
/// The price stays within this part of the reference.
const BAND_PART: i64 = 5;
/// Steps that a spell of drift lasts.
const SPELL_STEPS_MIN: i64 = 5;
const SPELL_STEPS_MAX: i64 = 45;

/// The price and what moves it.
pub(crate) struct FairPrice {
    /// In parts of a tick, like the rest.
    reference: i64,
    now: i64,
    drift: i64,
    spell: i64,
    random: Sequence,
}

impl FairPrice {
    /// Begins at `last`, if that is near enough, otherwise at the reference.
    pub(crate) fn new(reference: i64, last: Option<i64>, seed: u64) -> FairPrice {
        let reference = reference.clamp(1, i64::MAX / PARTS / 4) * PARTS;
        let mut fair = FairPrice {
            reference,
            now: reference,
            drift: 0,
            spell: 0,
            random: Sequence::new(seed),
        };
        if let Some(last) = last {
            fair.now = fair.within_band(last.saturating_mul(PARTS));
        }
        fair
    }

    /// Where it is, in whole ticks.
    pub(crate) fn ticks(&self) -> i64 {
        (self.now / PARTS).max(1)
    }

    /// Draws from the same sequence, for the sizes and times around the price.
    pub(crate) fn random(&mut self) -> &mut Sequence {
        &mut self.random
    }

    /// Moves on and says where it is now.
    pub(crate) fn step(&mut self) -> i64 {
        let largest = (self.reference / STEP_PART).max(1);
        if self.spell == 0 {
            self.spell = self.random.between(SPELL_STEPS_MIN, SPELL_STEPS_MAX);
            self.drift = self.random.between(-largest / 3, largest / 3);
        }
        self.spell -= 1;
        // The sum of three draws is mostly small and sometimes not.
        let noise: i64 = (0..3)
            .map(|_| self.random.between(-largest / 2, largest / 2))
            .sum();
        let pull = (self.reference - self.now) / PULL_PART;
        self.now = self.within_band(self.now + noise + self.drift + pull);
        self.ticks()
    }

    fn within_band(&self, price: i64) -> i64 {
        let band = self.reference / BAND_PART;
        price.clamp(self.reference - band, self.reference + band)
    }
}

#[cfg(test)]
mod tests {
    use super::FairPrice;

    #[test]
    fn it_moves_but_stays_near() {
        let mut fair = FairPrice::new(6_125_000, None, 7);
        let way: Vec<i64> = (0..20_000).map(|_| fair.step()).collect();
        let (low, high) = (way.iter().min().expect("low"), way.iter().max().expect("high"));
        assert!(*low >= 4_900_000 && *high <= 7_350_000, "{low} {high}");
        assert!(
            high - low > 61_250,
            "it moves by more than one part in a hundred: {low} {high}"
        );
        assert!(way.windows(2).filter(|pair| pair[0] != pair[1]).count() > 19_000);
    }

    #[test]
    fn the_same_seed_goes_the_same_way() {
        let way = |seed| {
            let mut fair = FairPrice::new(4_860, Some(4_900), seed);
            (0..100).map(|_| fair.step()).collect::<Vec<_>>()
        };
        assert_eq!(way(1), way(1));
        assert_ne!(way(1), way(2));
    }

    #[test]
    fn a_last_price_far_away_is_not_believed() {
        assert_eq!(FairPrice::new(1_000, Some(5), 1).ticks(), 800);
        assert_eq!(FairPrice::new(1_000, Some(1_100), 1).ticks(), 1_100);
        assert_eq!(FairPrice::new(1_000, None, 1).ticks(), 1_000);
    }

    #[test]
    fn tiny_prices_stay_positive() {
        let mut fair = FairPrice::new(2, None, 3);
        assert!((0..1_000).all(|_| fair.step() >= 1));
    }
}
