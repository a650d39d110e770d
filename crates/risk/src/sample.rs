//! Honest people, as a book is tried on before it is loaded: if it lets none of them through, something is wrong with it.

use crate::feature::Features;
use crate::words::Place;

/// What is known of somebody who does what people do here: names and values of features.
type Person = &'static [(&'static str, i64)];

/// Came a day ago, pays in a hundred, takes some of it back.
const NEW: Person = &[
    ("account_age_days", 1),
    ("deposits_started_1d", 1),
    ("deposits_credited_1d", 1),
    ("deposits_credited_cents_1d", 10_000),
    ("fresh_cents_1d", 10_000),
    ("fresh_cents_7d", 10_000),
    ("fresh_cents_30d", 10_000),
    ("paid_in_net_cents", 10_000),
    ("amount_cents", 5_000),
    ("available_cents", 10_000),
];
/// Has been here for a year and takes out what was gained.
const SETTLED: Person = &[
    ("account_age_days", 365),
    ("idle_days", 20),
    ("deposits_credited_30d", 1),
    ("deposits_credited_cents_30d", 50_000),
    ("paid_in_net_cents", 200_000),
    ("fresh_cents_30d", 50_000),
    ("amount_cents", 80_000),
    ("available_cents", 400_000),
];
/// Trades every day with larger sums.
const BUSY: Person = &[
    ("account_age_days", 800),
    ("deposits_started_7d", 3),
    ("deposits_credited_7d", 3),
    ("deposits_credited_cents_7d", 300_000),
    ("withdrawals_7d", 2),
    ("withdrawals_cents_7d", 200_000),
    ("keys_created_30d", 2),
    ("paid_in_net_cents", 900_000),
    ("amount_cents", 150_000),
    ("available_cents", 2_000_000),
];

/// The sample of a place. What is not known there is left out.
pub(crate) fn honest(place: Place) -> Vec<Features> {
    let known = |person: Person| {
        let mut features = Features::default();
        for (name, value) in person {
            let is_known = crate::Feature::named(name).is_some_and(|feature| feature.is_known_at(place));
            if is_known {
                features.put(name, *value);
            }
        }
        features
    };
    [NEW, SETTLED, BUSY].into_iter().map(known).collect()
}
