//! A small seeded generator of random numbers: the same seed gives the same numbers on every machine. Not for
//! secrets.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts at `seed`.
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    /// Any 64-bit number.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end` (at least 1), every one as likely as the other up to 2^-64 × `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// True `parts` times in a thousand.
    pub fn per_mille(&mut self, parts: u64) -> bool {
        self.below(1_000) < parts
    }
}
