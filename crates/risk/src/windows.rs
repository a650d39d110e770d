//! Exact sliding windows over an account's facts.
//!
//! A window of a length ends at the moment that is asked about and begins that long before it: what is exactly as old as the
//! window is outside. A fact from after the moment (a clock that went backwards) counts as of the moment. A fact is told by its
//! kind and reference, once; its caller keeps repetitions out.

use crate::feature::Features;
use crate::words::words;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// Each window's name and length in microseconds.
pub(crate) const WINDOWS: [(&str, i64); 4] = [
    ("1h", HOUR_US),
    ("1d", DAY_US),
    ("7d", 7 * DAY_US),
    ("30d", 30 * DAY_US),
];
/// The longest window: older facts matter by [`Earlier`] only.
pub const WINDOW_US_MAX: i64 = WINDOWS[WINDOWS.len() - 1].1;
/// Most facts that are looked at; their caller says if there were more.
pub const FACTS_MAX: usize = 5_000;

words! {
    /// What happened to an account.
    FactKind {
        /// A deposit was begun.
        DepositStarted = "deposit_started",
        /// Its money arrived.
        DepositCredited = "deposit_credited",
        /// It was not accepted.
        DepositDeclined = "deposit_declined",
        /// A withdrawal was let go on, to any card.
        Withdrawal = "withdrawal",
        /// A withdrawal was let go on, to a card that paid in only.
        WithdrawalToPayingCard = "withdrawal_to_paying_card",
        /// A withdrawal of the same reference did not come about, or came back.
        WithdrawalUndone = "withdrawal_undone",
        /// An e-mail address or phone number was changed.
        ContactChanged = "contact_changed",
        /// A key for programs was made.
        KeyCreated = "key_created",
    }
}

/// One thing that happened, with its amount in reference cents where it has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What.
    pub kind: FactKind,
    /// Of which deposit, withdrawal, key or correction.
    pub reference: String,
    /// How much.
    pub cents: i64,
    /// When, in microseconds since 1970-01-01 UTC.
    pub at_us: i64,
}

/// What is known of the time before the facts that are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// When the account was opened.
    pub registered_us: i64,
    /// All that had arrived from cards.
    pub credited_cents: i64,
    /// All that had gone back to cards that paid in.
    pub returned_cents: i64,
    /// When money last moved by card, if it did.
    pub moved_us: Option<i64>,
    /// There were more facts within the longest window than are looked at.
    pub too_many: bool,
}

/// The bounds between which an amount is just below the most at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NearLimit {
    /// From here.
    pub from_cents: i64,
    /// To below here.
    pub below_cents: i64,
}

impl NearLimit {
    const fn has(self, cents: i64) -> bool {
        cents >= self.from_cents && cents < self.below_cents
    }
}

/// The features that follow from facts alone, as of a moment. What is asked for itself is none of the facts.
pub fn features(facts: &[Fact], earlier: &Earlier, near: NearLimit, now_us: i64) -> Features {
    let mut features = Features::default();
    let ends = facts
        .iter()
        .filter(|fact| fact.kind == FactKind::WithdrawalUndone);
    let ended: BTreeSet<&str> = ends.map(|fact| fact.reference.as_str()).collect();
    let undone = |fact: &Fact| ended.contains(fact.reference.as_str());
    let (mut credited, mut returned, mut moved) =
        (earlier.credited_cents, earlier.returned_cents, earlier.moved_us);
    for fact in facts {
        match fact.kind {
            FactKind::DepositCredited => credited = credited.saturating_add(fact.cents),
            FactKind::WithdrawalToPayingCard if !undone(fact) => {
                returned = returned.saturating_add(fact.cents)
            }
            FactKind::Withdrawal | FactKind::WithdrawalToPayingCard => {}
            _ => continue,
        }
        moved = moved.max(Some(fact.at_us));
    }
    let net = credited.saturating_sub(returned).max(0);
    for (name, length) in WINDOWS {
        // A fact from the future is as old as now.
        let within = |fact: &&Fact| now_us.saturating_sub(fact.at_us.min(now_us)) < length;
        let of = |kinds: &[FactKind]| -> Vec<&Fact> {
            let chosen = facts.iter().filter(|fact| kinds.contains(&fact.kind));
            chosen.filter(within).collect()
        };
        let sum = |some: &[&Fact]| {
            some.iter()
                .fold(0_i64, |sum, fact| sum.saturating_add(fact.cents))
        };
        let mut put = |family: &str, value: i64| features.put(&format!("{family}_{name}"), value);
        let near_of = |some: &[&Fact]| count(some.iter().filter(|fact| near.has(fact.cents)).count());
        let started = of(&[FactKind::DepositStarted]);
        let arrived = of(&[FactKind::DepositCredited]);
        let mut left = of(&[FactKind::Withdrawal, FactKind::WithdrawalToPayingCard]);
        left.retain(|fact| !undone(fact));
        put("deposits_started", count(started.len()));
        put("deposits_near_limit", near_of(&arrived));
        put("deposits_credited", count(arrived.len()));
        put("deposits_credited_cents", sum(&arrived));
        put("deposits_declined", count(of(&[FactKind::DepositDeclined]).len()));
        put("withdrawals", count(left.len()));
        put("withdrawals_cents", sum(&left));
        put("withdrawals_near_limit", near_of(&left));
        put("contact_changes", count(of(&[FactKind::ContactChanged]).len()));
        put("keys_created", count(of(&[FactKind::KeyCreated]).len()));
        // The oldest money is taken as gone back first, so that giving back what was old does not free what is new.
        put("fresh_cents", sum(&arrived).min(net));
    }
    let days = |since_us: i64| now_us.saturating_sub(since_us).max(0) / DAY_US;
    features.put("account_age_days", days(earlier.registered_us));
    features.put("idle_days", days(moved.unwrap_or(earlier.registered_us)));
    features.put("paid_in_net_cents", net);
    features.put("too_many_facts", i64::from(earlier.too_many));
    features
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
