//! The rule book: read from TOML, and refused unless every rule can be trusted with people's money.
//!
//! A rule that is off is checked like the others, so that switching it on holds no surprise. A book that would stop every honest
//! person of the sample at some place is refused, unless whoever loads it says that this is what they want.

use crate::decision::Decision;
use crate::expression::Condition;
use crate::feature::{Feature, Features};
use crate::sample::honest;
use crate::windows::NearLimit;
use crate::words::{Destination, Mode, Outcome, Place, Reason};
use cel::Env;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Longest book, in bytes.
pub const BOOK_BYTES_MAX: usize = 128 * 1_024;
/// Most rules of a book.
pub const RULES_MAX: usize = 200;
/// Longest name of a rule, in bytes.
const ID_BYTES_MAX: usize = 48;
/// What a feature is at the most when it is tried whether a condition always has a value: amounts of 10^15 cents.
const FEATURE_MAX: i64 = 1_000_000_000_000_000;
const PARTS_PER_MILLION: i128 = 1_000_000;

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// Its name is used twice, or is none.
    #[error("its id is used twice, or is not 1 to 48 of a-z, 0-9 and -")]
    Id,
    /// A word is none of its list.
    #[error("{word:?} is none of: {known}")]
    Word {
        /// As written.
        word: String,
        /// The list.
        known: String,
    },
    /// The share is no share.
    #[error("canary_percent is 1 to 100")]
    Canary,
    /// A destination where nothing leaves.
    #[error("only_to is for withdrawals")]
    Destination,
    /// It does nothing.
    #[error("it approves without a condition on the card, so it does nothing")]
    Idle,
    /// The condition is too long.
    #[error("the condition is longer than 600 bytes, or has more than 120 parts")]
    TooLong,
    /// The condition is too deep.
    #[error("the condition is nested deeper than 24 levels")]
    TooDeep,
    /// Not of the language.
    #[error("the condition cannot be read: {0}")]
    Malformed(String),
    /// Of the language, and not permitted here.
    #[error("not permitted in a condition: {0}")]
    NotPermitted(String),
    /// Types do not fit.
    #[error("the types do not fit: {0}")]
    Type(String),
    /// There is no such feature.
    #[error("there is no feature {feature:?}")]
    UnknownFeature {
        /// As written.
        feature: String,
    },
    /// It is known for another purpose.
    #[error("{feature:?} is known for another purpose than preventing fraud, and is not looked at")]
    OtherPurpose {
        /// As written.
        feature: String,
    },
    /// It is known elsewhere.
    #[error("{feature:?} is not known at {}", .place.word())]
    NotKnownThere {
        /// As written.
        feature: String,
        /// Of the rule.
        place: Place,
    },
    /// It could divide by zero.
    #[error("it divides by what could be zero; a divisor is a number other than 0")]
    Divides,
    /// It has no value for some features.
    #[error("it goes beyond 64 bits for large amounts")]
    Overflows,
}

/// Why a book is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// It is too long.
    #[error("a rule book has at most 131072 bytes")]
    TooLong,
    /// It has too many rules.
    #[error("a rule book has at most 200 rules")]
    TooManyRules,
    /// It is not of its form.
    #[error("the rule book cannot be read: {0}")]
    Malformed(String),
    /// Its numbers cannot be right.
    #[error("the rule book's {0}")]
    Number(&'static str),
    /// A rule is refused.
    #[error("rule {rule:?}: {fault}")]
    Rule {
        /// Its id, or its place in the book.
        rule: String,
        /// What is wrong.
        fault: RuleFault,
    },
    /// It stops everybody.
    #[error(
        "at {} it stops {stopped} of the {of} honest people of the sample, which is everybody; load it with the override if that is wanted",
        .place.word()
    )]
    StopsEverybody {
        /// Where.
        place: Place,
        /// How many it stops.
        stopped: usize,
        /// Of how many.
        of: usize,
    },
}

/// Numbers of a book that no rule holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What is just below the most at a time.
    pub near_limit: NearLimit,
    /// From which amount on two of staff must approve.
    pub two_persons_from_cents: i64,
    /// Within how many hours a human decides.
    pub review_hours: u32,
}

/// A rule that was checked.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// Counted up by whoever changes it.
    pub version: u32,
    /// Where it is asked.
    pub place: Place,
    /// Whether it counts.
    pub mode: Mode,
    /// For how many of a hundred accounts it counts.
    pub canary_percent: u8,
    /// What it says when its condition holds.
    pub outcome: Outcome,
    /// To which cards money may then leave.
    pub destination: Destination,
    /// Why, for the person.
    pub reason: Reason,
    pub(crate) condition: Condition,
}

/// A book that was checked.
#[derive(Debug)]
pub struct RuleBook {
    text: String,
    hash: String,
    rates_ppm: BTreeMap<String, i64>,
    limits: Limits,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: u32,
    rates_ppm: BTreeMap<String, i64>,
    limits: WrittenLimits,
    #[serde(default)]
    rule: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimits {
    near_limit_from_cents: i64,
    near_limit_below_cents: i64,
    two_persons_from_cents: i64,
    review_hours: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    id: String,
    version: u32,
    place: String,
    mode: String,
    #[serde(default = "everybody")]
    canary_percent: u8,
    when: String,
    outcome: String,
    #[serde(default)]
    only_to: Option<String>,
    reason: String,
}

const fn everybody() -> u8 {
    100
}

fn word<T: Copy>(
    word: &str,
    known: &[T],
    of: fn(&str) -> Option<T>,
    name: fn(T) -> &'static str,
) -> Result<T, RuleFault> {
    let list = || known.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    of(word).ok_or_else(|| RuleFault::Word {
        word: word.to_owned(),
        known: list(),
    })
}

impl RuleBook {
    /// Of its text. `may_stop_everybody` is the override of whoever loads it.
    ///
    /// # Errors
    /// [`BookError`], the first that applies.
    pub fn parse(text: &str, may_stop_everybody: bool) -> Result<RuleBook, BookError> {
        if text.len() > BOOK_BYTES_MAX {
            return Err(BookError::TooLong);
        }
        let written: Written =
            toml::from_str(text).map_err(|error| BookError::Malformed(error.to_string()))?;
        if written.rule.len() > RULES_MAX {
            return Err(BookError::TooManyRules);
        }
        let limits = limits(&written)?;
        let environment = Arc::new(Env::stdlib());
        let (mut rules, mut seen) = (Vec::new(), BTreeSet::new());
        for (place, one) in written.rule.iter().enumerate() {
            let refuse = |fault| BookError::Rule {
                rule: if one.id.is_empty() {
                    format!("number {}", place + 1)
                } else {
                    one.id.clone()
                },
                fault,
            };
            if !seen.insert(one.id.clone()) || !is_id(&one.id) {
                return Err(refuse(RuleFault::Id));
            }
            rules.push(rule(one, &environment).map_err(refuse)?);
        }
        let book = RuleBook {
            text: text.to_owned(),
            hash: format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes()))),
            rates_ppm: written.rates_ppm,
            limits,
            rules,
        };
        if !may_stop_everybody {
            book.lets_somebody_through()?;
        }
        Ok(book)
    }

    /// How many of the sample's honest people it stops at a place, and of how many.
    pub fn stopped_of_sample(&self, place: Place) -> (usize, usize) {
        let sample = honest(place);
        let decide =
            |(account, features): (u32, &Features)| -> Decision { self.decide(place, account, features) };
        let decided = (0..).zip(&sample).map(decide);
        (
            decided
                .filter(|decision| decision.outcome != Outcome::Approve)
                .count(),
            sample.len(),
        )
    }

    fn lets_somebody_through(&self) -> Result<(), BookError> {
        for place in Place::ALL {
            let (stopped, of) = self.stopped_of_sample(*place);
            if stopped == of {
                return Err(BookError::StopsEverybody {
                    place: *place,
                    stopped,
                    of,
                });
            }
        }
        Ok(())
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `sha256:` and the hash of its text.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Numbers that no rule holds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// In the order in which they were written.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Reference cents of minor units of a currency, rounded up; `None` if the book has no rate for it.
    pub fn cents(&self, currency: &str, minor: i64) -> Option<i64> {
        let rate = i128::from(*self.rates_ppm.get(currency)?);
        let product = i128::from(minor.max(0)) * rate;
        Some(i64::try_from((product + PARTS_PER_MILLION - 1) / PARTS_PER_MILLION).unwrap_or(i64::MAX))
    }
}

fn limits(written: &Written) -> Result<Limits, BookError> {
    if written.schema != 1 {
        return Err(BookError::Number("schema is not 1"));
    }
    if written.rates_ppm.is_empty() || written.rates_ppm.values().any(|rate| *rate < 1) {
        return Err(BookError::Number("rates_ppm has no rate, or one below 1"));
    }
    let limits = &written.limits;
    if !(0..limits.near_limit_below_cents).contains(&limits.near_limit_from_cents) {
        return Err(BookError::Number("near_limit begins after it ends"));
    }
    if limits.two_persons_from_cents < 0 || !(1..=720).contains(&limits.review_hours) {
        return Err(BookError::Number(
            "two_persons_from_cents is below 0, or review_hours is not 1 to 720",
        ));
    }
    Ok(Limits {
        near_limit: NearLimit {
            from_cents: limits.near_limit_from_cents,
            below_cents: limits.near_limit_below_cents,
        },
        two_persons_from_cents: limits.two_persons_from_cents,
        review_hours: limits.review_hours,
    })
}

fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !id.is_empty() && id.len() <= ID_BYTES_MAX && id.bytes().all(plain)
}

fn rule(written: &WrittenRule, environment: &Arc<Env>) -> Result<Rule, RuleFault> {
    let place = word(&written.place, Place::ALL, Place::from_word, Place::word)?;
    let outcome = word(&written.outcome, Outcome::ALL, Outcome::from_word, Outcome::word)?;
    let destination = match &written.only_to {
        None => Destination::AnyCard,
        Some(_) if place != Place::Withdrawal => return Err(RuleFault::Destination),
        Some(only) => word(only, Destination::ALL, Destination::from_word, Destination::word)?,
    };
    if outcome == Outcome::Approve && destination == Destination::AnyCard {
        return Err(RuleFault::Idle);
    }
    if !(1..=100).contains(&written.canary_percent) {
        return Err(RuleFault::Canary);
    }
    let condition = Condition::new(&written.when, place, environment)?;
    let rule = Rule {
        id: written.id.clone(),
        version: written.version,
        place,
        mode: word(&written.mode, Mode::ALL, Mode::from_word, Mode::word)?,
        canary_percent: written.canary_percent,
        outcome,
        destination,
        reason: word(&written.reason, Reason::ALL, Reason::from_word, Reason::word)?,
        condition,
    };
    match has_a_value_always(&rule) {
        true => Ok(rule),
        false => Err(RuleFault::Overflows),
    }
}

/// Tried with every feature at its least, and at its most, all at once and each alone.
fn has_a_value_always(rule: &Rule) -> bool {
    let mut tried = vec![Features::default(), Features::all(1), Features::all(FEATURE_MAX)];
    for feature in Feature::all() {
        let (mut alone, mut without) = (Features::default(), Features::all(FEATURE_MAX));
        alone.set(feature, FEATURE_MAX);
        without.set(feature, 0);
        tried.extend([alone, without]);
    }
    tried
        .iter()
        .all(|features| rule.condition.holds(features).is_some())
}
