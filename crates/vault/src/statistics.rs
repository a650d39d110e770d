//! What improving the Service may ask: a few questions about how many persons there are of a kind, never about a person.
//!
//! Each person counts once in a question. A release adds noise to every group, names only groups whose count with the noise
//! is large enough (a somewhat smaller group may be named, and a somewhat larger one not), and is made once for a quarter:
//! whoever asks again gets the same. Its cost in privacy (ε) is spent from a budget of the year that is kept beside the keys.
//! It does not know who the persons are (`vault::improving`).

use serde::{Deserialize, Serialize};

use crate::discrete_laplace::{Bits, discrete_laplace};
use crate::error::VaultError;

/// Least count, noise included, of a group that a release names.
pub const GROUP_PERSONS_MIN: i64 = 20;
/// A release costs ε = 1/4, which is also the inverse of its noise's scale.
const RELEASE_SCALE: u64 = 4;
/// ε of a release, in thousandths: the inverse of its noise’s scale of 4.
pub const RELEASE_EPSILON_MILLI: u64 = 1_000 / RELEASE_SCALE;
/// Most ε that all releases of one year cost a person, in thousandths.
pub const YEAR_EPSILON_MILLI_MAX: u64 = 2_000;
/// Most groups of a question.
pub const GROUPS_MAX: usize = 64;

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// How many registered in each of the last twelve months.
    RegisteredByMonth,
    /// How many use each language.
    Language,
}

impl Question {
    /// Every question that there is.
    pub const ALL: [Self; 2] = [Self::RegisteredByMonth, Self::Language];

    /// The stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RegisteredByMonth => "registered_by_month",
            Self::Language => "language",
        }
    }
}

/// A group of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedGroup {
    /// Its name, one of a list that does not depend on who is there.
    pub group: String,
    /// About how many persons; `None` when that is below [`GROUP_PERSONS_MIN`].
    pub about: Option<i64>,
}

/// The answer to a question, for a quarter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The question.
    pub question: Question,
    /// The quarter, for example `2026-Q4`.
    pub quarter: String,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub released_at_ms: u64,
    /// What it cost each person's privacy, in thousandths of ε.
    pub epsilon_milli: u64,
    /// Least count, noise included, of a group that is named.
    pub group_persons_min: i64,
    /// Every group of the question.
    pub groups: Vec<ReleasedGroup>,
}

/// Counts with noise; too small ones are not named.
pub(crate) fn noisy(counts: Vec<(String, u64)>, bits: Bits) -> Result<Vec<ReleasedGroup>, VaultError> {
    let mut groups = Vec::with_capacity(counts.len());
    for (group, count) in counts {
        let noisy = i64::try_from(count)
            .unwrap_or(i64::MAX)
            .saturating_add(discrete_laplace(RELEASE_SCALE, bits)?);
        groups.push(ReleasedGroup {
            group,
            about: (noisy >= GROUP_PERSONS_MIN).then_some(noisy),
        });
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mechanism: `crates/vault/src/statistics.rs`
    /// Control: a large group is named.
    #[test]
    fn clause_07_small_groups_are_not_named() {
        let mut state = 0_u64;
        let mut bits = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            Ok(state ^ (state >> 33))
        };
        let sizes = [0, 1, 5, 10, 100, 1_000];
        let counts = || sizes.map(|count| (count.to_string(), count)).to_vec();
        let mut exact = 0;
        for _ in 0..200 {
            for (group, size) in noisy(counts(), &mut bits).unwrap().into_iter().zip(sizes) {
                // The number that the Policy names, whatever the constant is.
                assert!(group.about.is_none_or(|about| about >= 20), "{group:?}");
                assert!(
                    size < 100 || group.about.is_some(),
                    "control: a large group is named"
                );
                exact += u32::from(group.about == Some(size as i64));
            }
        }
        assert!(
            (1..200).contains(&exact),
            "and its count is hardly ever the true one: {exact} of 400"
        );
    }
}
