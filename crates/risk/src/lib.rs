//! Fraud prevention: what is decided about a deposit, a withdrawal, a new key, a changed contact, and why.
//!
//! A [`RuleBook`] is data: rules whose conditions are expressions of the Common Expression Language over a closed, typed set
//! of [`Feature`]s. Features are integers, counted in exact sliding windows over [`Fact`]s ([`windows`]); a decision
//! is a pure function of book, place, account and [`Features`], so that it can be computed again later and must come out the same.
//!
//! Failure cases: a book that names what it must not, that could fail or that stops everybody of a sample of honest people is
//! refused when it is loaded, with the rule's name ([`BookError`]). A rule that fails all the same sends the case to a human.
//!
//! It does no input or output, reads no clock, and knows no person, no card and no database: its caller hands it facts about an
//! account's number, and times. What becomes of a decision is its caller's.

mod book;
mod decision;
mod expression;
mod feature;
mod sample;
pub mod windows;
mod words;

pub use crate::book::{BOOK_BYTES_MAX, BookError, Limits, RULES_MAX, Rule, RuleBook, RuleFault};
pub use crate::decision::{Decision, Fired};
pub use crate::expression::{CONDITION_BYTES_MAX, CONDITION_NESTING_MAX, CONDITION_NODES_MAX};
pub use crate::feature::{Feature, Features, WITHHELD};
pub use crate::windows::{Earlier, Fact, FactKind};
pub use crate::words::{Destination, Language, Mode, Outcome, Place, Reason};

/// The rule book that is in force unless the operator gives another.
pub const DEFAULT_BOOK: &str = include_str!("../rules/default.toml");
