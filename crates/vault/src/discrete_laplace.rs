//! Noise for counts: the discrete Laplace distribution, drawn exactly, with integers only.
//!
//! After C. Canonne, G. Kamath, T. Steinke: The Discrete Gaussian for Differential Privacy (2020), algorithms 1 and 2. A
//! sampler in floating point leaks through the gaps of its numbers; this one has none. A count in which each person is at most once,
//! plus this noise of scale 1/ε, is ε-differentially private. It does not know what is counted.

use crate::error::VaultError;

/// Where randomness comes from: 64 uniform bits.
pub(crate) type Bits<'a> = &'a mut dyn FnMut() -> Result<u64, VaultError>;

/// A number `x` with probability proportional to exp(−|x| · ε), where ε = 1 / `scale`.
pub(crate) fn discrete_laplace(scale: u64, bits: Bits) -> Result<i64, VaultError> {
    loop {
        let low = below(scale, bits)?;
        if !with_probability_exp_minus(low, scale, bits)? {
            continue;
        }
        let mut high = 0;
        while with_probability_exp_minus(1, 1, bits)? {
            high += 1;
        }
        let magnitude = low + scale * high;
        let negative = below(2, bits)? == 1;
        // Zero would have two signs.
        if negative && magnitude == 0 {
            continue;
        }
        let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
        return Ok(if negative { -magnitude } else { magnitude });
    }
}

/// True with probability exp(−numerator / denominator), for a fraction of 1 at most: von Neumann's series.
fn with_probability_exp_minus(numerator: u64, denominator: u64, bits: Bits) -> Result<bool, VaultError> {
    let mut tried = 1;
    while below(denominator * tried, bits)? < numerator {
        tried += 1;
    }
    Ok(tried % 2 == 1)
}

/// A uniform number below `bound`: what would favour the small ones is drawn again.
fn below(bound: u64, bits: Bits) -> Result<u64, VaultError> {
    let unfair = (u64::MAX % bound + 1) % bound;
    loop {
        let drawn = bits()?;
        if drawn <= u64::MAX - unfair {
            return Ok(drawn % bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWN: usize = 200_000;
    const SCALE: u64 = 4;
    /// Numbers further out are counted together.
    const FAR: i64 = 20;
    /// Of χ² with 41 degrees of freedom, exceeded once in a million.
    const CHI_SQUARED_MAX: f64 = 101.0;

    /// SplitMix64 with a fixed seed, so that the outcome is the same each time.
    fn seeded(seed: u64) -> impl FnMut() -> Result<u64, VaultError> {
        let mut state = seed;
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            Ok(mixed ^ (mixed >> 31))
        }
    }

    /// How far what was drawn is from the distribution with this ε.
    fn chi_squared(drawn: &[i64], epsilon: f64) -> f64 {
        let q = (-epsilon).exp();
        let mass = |x: i64| (1.0 - q) / (1.0 + q) * q.powi(x.unsigned_abs() as i32);
        let tail = q.powi(FAR as i32 + 1) / (1.0 + q);
        let count = |wanted: &dyn Fn(i64) -> bool| drawn.iter().filter(|x| wanted(**x)).count() as f64;
        let part =
            |found: f64, mass: f64| (found - mass * drawn.len() as f64).powi(2) / (mass * drawn.len() as f64);
        let near: f64 = (-FAR..=FAR).map(|x| part(count(&|y| y == x), mass(x))).sum();
        near + part(count(&|y| y > FAR), tail) + part(count(&|y| y < -FAR), tail)
    }

    /// Mechanism: `crates/vault/src/discrete_laplace.rs`
    /// Control: a slightly smaller noise, none at zero, and a shifted one are found out.
    #[test]
    fn clause_07_the_noise_is_of_the_distribution_that_it_should_be() {
        let mut bits = seeded(20_261_123);
        let drawn: Vec<i64> = (0..DRAWN)
            .map(|_| discrete_laplace(SCALE, &mut bits).unwrap())
            .collect();
        let fit = chi_squared(&drawn, 1.0 / SCALE as f64);
        assert!(fit < CHI_SQUARED_MAX, "χ² = {fit}");
        // The control: a slightly smaller noise, none at zero, and a shifted one are found out.
        let smaller: Vec<i64> = drawn
            .iter()
            .map(|x| if x % 16 == 15 { x - 1 } else { *x })
            .collect();
        let shifted: Vec<i64> = drawn.iter().map(|x| x + 1).collect();
        for wrong in [
            chi_squared(&drawn, 1.05 / SCALE as f64),
            chi_squared(&smaller, 1.0 / SCALE as f64),
            chi_squared(&shifted, 1.0 / SCALE as f64),
        ] {
            assert!(wrong > CHI_SQUARED_MAX, "χ² = {wrong}");
        }
    }

    #[test]
    fn a_uniform_number_favours_none() {
        let mut bits = seeded(1);
        let mut found = [0_u32; 6];
        for _ in 0..60_000 {
            found[below(6, &mut bits).unwrap() as usize] += 1;
        }
        assert!(
            found.iter().all(|count| (9_600..10_400).contains(count)),
            "{found:?}"
        );
        // A bound that does not divide 2⁶⁴: the greatest draws, which would favour the small numbers, are drawn again.
        let mut draws = [u64::MAX, u64::MAX - 1, 5].into_iter();
        let mut bits = || Ok(draws.next().unwrap());
        assert_eq!(below((1 << 63) + 1, &mut bits).unwrap(), 5);
    }
}
