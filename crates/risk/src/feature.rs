//! The closed set of what a rule may ask about an account: integers, each known at certain places.
//!
//! Amounts are *reference cents*: minor units of a currency, converted by the book's own rates, so that one limit holds for all.

use crate::windows::WINDOWS;
use crate::words::Place;
use std::collections::BTreeMap;

/// What the Service knows of a person and was told for another purpose. A rule that names one of these is refused.
pub const WITHHELD: &[&str] = &["newsletter_agreed", "statistics_agreed", "locale"];

/// Counted or summed in each window: the name before the window's.
const COUNTED: &[Family] = &[
    Family("deposits_started", "deposits that were begun"),
    Family("deposits_credited", "deposits that arrived"),
    Family("deposits_credited_cents", "their sum"),
    Family("deposits_declined", "deposits that were not accepted"),
    Family("deposits_near_limit", "deposits just below the most at a time"),
    Family("withdrawals", "withdrawals that were let go on and not undone"),
    Family("withdrawals_cents", "their sum"),
    Family("withdrawals_near_limit", "of them just below the most at a time"),
    Family("contact_changes", "changed addresses and numbers"),
    Family("keys_created", "keys for programs that were made"),
    Family(
        "fresh_cents",
        "what arrived and did not go back to the cards yet, the oldest taken as gone back first",
    ),
];

const EVERYWHERE: &[Place] = Place::ALL;
const OF_MONEY: &[Place] = &[Place::Deposit, Place::Withdrawal];
const OF_WITHDRAWALS: &[Place] = &[Place::Withdrawal];

/// Known without a window.
const SINGLE: &[(&str, &[Place], &str)] = &[
    ("account_age_days", EVERYWHERE, "whole days since registration"),
    (
        "human_approvals",
        EVERYWHERE,
        "1 if a human has approved exactly this",
    ),
    (
        "refused_reviews",
        EVERYWHERE,
        "1 if a human found something wrong with the newest movement that one decided about",
    ),
    (
        "blocking_reviews",
        EVERYWHERE,
        "open reviews that keep money from leaving",
    ),
    (
        "too_many_facts",
        EVERYWHERE,
        "1 if there were more facts than are looked at",
    ),
    (
        "idle_days",
        EVERYWHERE,
        "whole days since money last moved by card, or since registration",
    ),
    (
        "paid_in_net_cents",
        EVERYWHERE,
        "all that arrived from cards and did not go back to them",
    ),
    ("amount_cents", OF_MONEY, "of what is asked for"),
    (
        "available_cents",
        OF_WITHDRAWALS,
        "available in its asset, before it",
    ),
];

struct Family(&'static str, &'static str);

/// One of the closed set, by its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Feature(usize);

/// How many there are.
pub(crate) const FEATURES: usize = COUNTED.len() * WINDOWS.len() + SINGLE.len();

impl Feature {
    /// Every one there is.
    pub fn all() -> impl Iterator<Item = Feature> {
        (0..FEATURES).map(Feature)
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Feature> {
        if let Some(place) = SINGLE.iter().position(|(single, _, _)| *single == name) {
            return Some(Feature(COUNTED.len() * WINDOWS.len() + place));
        }
        let (family, window) = name.rsplit_once('_')?;
        let family = COUNTED.iter().position(|counted| counted.0 == family)?;
        let window = WINDOWS.iter().position(|(known, _)| *known == window)?;
        Some(Feature(family * WINDOWS.len() + window))
    }

    fn single(self) -> Option<&'static (&'static str, &'static [Place], &'static str)> {
        SINGLE.get(self.0.checked_sub(COUNTED.len() * WINDOWS.len())?)
    }

    /// Its name, as rules write it.
    pub fn name(self) -> String {
        match self.single() {
            Some((name, _, _)) => (*name).to_owned(),
            None => {
                let (family, window) = (self.0 / WINDOWS.len(), self.0 % WINDOWS.len());
                format!("{}_{}", COUNTED[family].0, WINDOWS[window].0)
            }
        }
    }

    /// What it says, in English.
    pub fn meaning(self) -> String {
        match self.single() {
            Some((_, _, meaning)) => (*meaning).to_owned(),
            None => format!(
                "{}, within {}",
                COUNTED[self.0 / WINDOWS.len()].1,
                WINDOWS[self.0 % WINDOWS.len()].0
            ),
        }
    }

    /// Whether it is known where this is asked for.
    pub fn is_known_at(self, place: Place) -> bool {
        self.single().is_none_or(|(_, places, _)| places.contains(&place))
    }
}

/// A value for each feature; zero where nobody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features(Vec<i64>);

impl Default for Features {
    fn default() -> Features {
        Features(vec![0; FEATURES])
    }
}

impl Features {
    /// The value.
    pub fn get(&self, feature: Feature) -> i64 {
        self.0[feature.0]
    }

    /// Sets the value of a feature.
    pub fn set(&mut self, feature: Feature, value: i64) {
        self.0[feature.0] = value;
    }

    /// Sets a value by its name.
    ///
    /// # Panics
    /// If there is no such feature: the names are the program's own.
    pub fn put(&mut self, name: &str, value: i64) {
        let feature = Feature::named(name);
        assert!(feature.is_some(), "no feature is called {name}");
        if let Some(feature) = feature {
            self.set(feature, value);
        }
    }

    /// The same value for all.
    pub(crate) fn all(value: i64) -> Features {
        Features(vec![value; FEATURES])
    }

    /// By name, without zeros: what is stored with a decision.
    pub fn to_map(&self) -> BTreeMap<String, i64> {
        let named = Feature::all().map(|feature| (feature.name(), self.get(feature)));
        named.filter(|(_, value)| *value != 0).collect()
    }

    /// Of what was stored; `None` if a name is not known any more.
    pub fn from_map(map: &BTreeMap<String, i64>) -> Option<Features> {
        let mut features = Features::default();
        for (name, value) in map {
            features.set(Feature::named(name)?, *value);
        }
        Some(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_found_by_its_name() {
        let mut names = std::collections::BTreeSet::new();
        for feature in Feature::all() {
            assert_eq!(Feature::named(&feature.name()), Some(feature));
            assert!(names.insert(feature.name()), "{} twice", feature.name());
        }
        for unknown in [
            "",
            "amount",
            "deposits_credited",
            "deposits_credited_2d",
            "newsletter_agreed",
        ] {
            assert_eq!(Feature::named(unknown), None, "{unknown}");
        }
    }
}
