//! A decision: what follows from a book for one case, with everything that it follows from.

use crate::book::{Rule, RuleBook};
use crate::feature::Features;
use crate::words::{Destination, Mode, Outcome, Place, Reason};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A rule that applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// Its name in the book.
    pub rule: String,
    /// Its version.
    pub version: u32,
    /// What it says.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Of which book, by its hash.
    pub book: String,
    /// Where.
    pub place: Place,
    /// About which account; it decides who belongs to the share of a canary.
    pub account: u32,
    /// What was known, without zeros.
    pub inputs: BTreeMap<String, i64>,
    /// What is done.
    pub outcome: Outcome,
    /// To which cards money may leave.
    pub destination: Destination,
    /// The rules that made it so.
    pub fired: Vec<Fired>,
    /// Rules that would have applied, and do not count.
    pub shadow: Vec<Fired>,
}

impl Decision {
    /// Why, each reason once. What would have let it through with a condition is no reason to stop it.
    pub fn reasons(&self) -> Vec<Reason> {
        let lets_through = self.outcome == Outcome::Approve;
        let counts = |fired: &&Fired| lets_through || fired.outcome != Outcome::Approve;
        let mut reasons: Vec<Reason> = self
            .fired
            .iter()
            .filter(counts)
            .map(|fired| fired.reason)
            .collect();
        reasons.sort();
        reasons.dedup();
        reasons
    }

    /// What the same book says to the same inputs; `None` if it does not know them all.
    pub fn again(&self, book: &RuleBook) -> Option<Decision> {
        Some(book.decide(self.place, self.account, &Features::from_map(&self.inputs)?))
    }
}

impl RuleBook {
    /// Decides. The same book, place, account and features give the same decision.
    pub fn decide(&self, place: Place, account: u32, features: &Features) -> Decision {
        let (mut fired, mut shadow) = (Vec::new(), Vec::new());
        let (mut outcome, mut destination) = (Outcome::Approve, Destination::AnyCard);
        for rule in self
            .rules()
            .iter()
            .filter(|rule| rule.place == place && rule.mode != Mode::Off)
        {
            let said = match rule.condition.holds(features) {
                Some(false) => continue,
                Some(true) => (rule.outcome, rule.reason, rule.destination),
                // A human looks at what no rule could look at.
                None => (Outcome::Review, Reason::CheckFailed, Destination::AnyCard),
            };
            let applied = Fired {
                rule: rule.id.clone(),
                version: rule.version,
                outcome: said.0,
                reason: said.1,
            };
            if rule.mode == Mode::Shadow || !is_in_share(rule, account) {
                shadow.push(applied);
                continue;
            }
            outcome = outcome.max(said.0);
            destination = destination.max(said.2);
            fired.push(applied);
        }
        if is_approved_by_a_human(features) {
            shadow.append(&mut fired);
            (outcome, destination) = (Outcome::Approve, Destination::AnyCard);
            fired.push(Fired {
                rule: "human".to_owned(),
                version: 1,
                outcome,
                reason: Reason::HumanApproved,
            });
        }
        Decision {
            book: self.hash().to_owned(),
            place,
            account,
            inputs: features.to_map(),
            outcome,
            destination,
            fired,
            shadow,
        }
    }
}

/// What a human has approved, no rule stops.
fn is_approved_by_a_human(features: &Features) -> bool {
    crate::Feature::named("human_approvals").is_some_and(|approvals| features.get(approvals) > 0)
}

/// Whether a rule counts for this account. Who belongs to the share of one rule is no wiser about another's.
fn is_in_share(rule: &Rule, account: u32) -> bool {
    let mut hasher = Sha256::new();
    hasher.update(rule.id.as_bytes());
    hasher.update([0]);
    hasher.update(account.to_be_bytes());
    let hash = hasher.finalize();
    rule.canary_percent >= 100
        || u32::from(u16::from_be_bytes([hash[0], hash[1]])) * 100 < u32::from(rule.canary_percent) << 16
}
