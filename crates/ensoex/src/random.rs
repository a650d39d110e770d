//! Randomness: a reproducible sequence for the demo's traders, and secrets from the operating system.

use anyhow::Context;

/// A reproducible sequence (SplitMix64). Never for secrets.
pub struct Sequence(u64);

impl Sequence {
    /// The sequence that belongs to a seed.
    pub fn new(seed: u64) -> Sequence {
        Sequence(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A whole number from `low` to `high`, both included; `low` when they are the wrong way round.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        let span = u128::from(high.abs_diff(low)) + 1;
        let offset = (u128::from(self.bits()) * span) >> 64;
        i64::try_from(i128::from(low) + i128::try_from(offset).unwrap_or_default()).unwrap_or(low)
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }
}

/// Letters and digits that cannot be mistaken for one another.
const PASSWORD_ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";

/// Random bytes from the operating system.
///
/// # Errors
/// When it has none to give.
pub fn secret_bytes<const LENGTH: usize>() -> anyhow::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).context("the operating system gives no randomness")?;
    Ok(bytes)
}

/// A password of 100 random bits, in groups of five that can be typed.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn password() -> anyhow::Result<String> {
    let mut password = String::with_capacity(23);
    for (place, byte) in secret_bytes::<20>()?.into_iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(PASSWORD_ALPHABET[usize::from(byte % 32)]));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::{Sequence, password};

    #[test]
    fn a_seed_gives_the_same_sequence() {
        let draw = |seed| {
            let mut sequence = Sequence::new(seed);
            (0..50).map(|_| sequence.between(-7, 7)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(3).iter().all(|number| (-7..=7).contains(number)));
        assert!(draw(3).contains(&-7) && draw(3).contains(&7));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut sequence = Sequence::new(9);
        for _ in 0..100 {
            sequence.between(i64::MIN, i64::MAX);
        }
        assert_eq!(sequence.between(5, 5), 5);
        assert_eq!(sequence.between(6, 5), 6);
    }

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, other) = (password().expect("randomness"), password().expect("randomness"));
        assert_eq!(one.len(), 23);
        assert_ne!(one, other);
    }
}
