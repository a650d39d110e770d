//! What was measured: how many a second, and how long the answers took.

use serde::Serialize;
use std::time::Duration;

/// Requests of one kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Measured {
    /// Answered in time.
    pub(super) requests: u64,
    /// Answered a second, all connections together.
    pub(super) per_second: u64,
    /// Half of the answers took at most this long, in microseconds.
    pub(super) p50_us: u64,
    /// The same for 99 of 100.
    pub(super) p99_us: u64,
}

impl Measured {
    /// From the time of each answer, and of the whole.
    pub(super) fn from_times(mut times_us: Vec<u64>, whole: Duration) -> Measured {
        times_us.sort_unstable();
        let requests = u64::try_from(times_us.len()).unwrap_or(u64::MAX);
        let at = |part: usize, of: usize| {
            // The nearest rank: the smallest time that so many answers did not exceed.
            let rank = (times_us.len() * part).div_ceil(of);
            times_us.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX).max(1);
        Measured {
            requests,
            per_second: requests.saturating_mul(1_000_000) / micros,
            p50_us: at(50, 100),
            p99_us: at(99, 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Measured;
    use std::time::Duration;

    #[test]
    fn ranks_are_the_nearest() {
        let measured = Measured::from_times((1..=200).rev().collect(), Duration::from_secs(2));
        assert_eq!(
            measured,
            Measured {
                requests: 200,
                per_second: 100,
                p50_us: 100,
                p99_us: 198
            }
        );
        let one = Measured::from_times(vec![7], Duration::from_secs(1));
        assert_eq!((one.p50_us, one.p99_us), (7, 7));
        assert_eq!(Measured::from_times(Vec::new(), Duration::ZERO).p99_us, 0);
    }
}
