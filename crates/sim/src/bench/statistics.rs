//! The few figures that sum up many measured times.

/// The middle one, or the mean of the two in the middle; 0 of none.
pub(super) fn median(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    let middle = times.len() / 2;
    match times.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => times[middle] as f64,
        _ => (times[middle - 1] + times[middle]) as f64 / 2.0,
    }
}

/// The least of the ascending `times` that `per_mille` of them do not exceed; 0 of none.
pub(super) fn percentile(times: &[u64], per_mille: usize) -> u64 {
    let rank = (times.len() * per_mille).div_ceil(1_000).max(1) - 1;
    times.get(rank).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let times: Vec<u64> = (1..=1_000).collect();
        assert_eq!(percentile(&times, 500), 500);
        assert_eq!(percentile(&times, 999), 999);
        assert_eq!(percentile(&[5], 999), 5);
        assert_eq!(percentile(&[], 999), 0);
    }

    #[test]
    fn medians_stand_in_the_middle() {
        assert_eq!(median(vec![9, 1, 5]), 5.0);
        assert_eq!(median(vec![9, 1, 5, 6]), 5.5);
        assert_eq!(median(Vec::new()), 0.0);
    }
}
