//! The known patterns as stories, with dates and sums: what is lost without the rules, and what with them.
//!
//! The world is the Service's in small: accounts with facts, money, and cards of which EnsoExPAY knows which paid in. Whoever
//! waits for a human waits to the end of the story.

use ensoex_risk::windows::features;
use ensoex_risk::{DEFAULT_BOOK, Decision, Destination, Earlier, Fact, FactKind, Outcome, Place, RuleBook};

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const OFF: &str = "schema = 1\n[rates_ppm]\nEUR = 1000000\n[limits]\nnear_limit_from_cents = 900000\n\
    near_limit_below_cents = 1000000\ntwo_persons_from_cents = 500000\nreview_hours = 72\n";

/// One account from its opening at time 0.
struct Account {
    book: RuleBook,
    facts: Vec<Fact>,
    earlier: Earlier,
    available: i64,
    blocking: i64,
    /// Cards that paid in, and how much of it did not go back.
    cards: Vec<(&'static str, i64)>,
    number: u32,
}

impl Account {
    fn new(rules: &str) -> Account {
        Account {
            book: RuleBook::parse(rules, true).unwrap(),
            facts: Vec::new(),
            earlier: Earlier::default(),
            available: 0,
            blocking: 0,
            cards: Vec::new(),
            number: 0,
        }
    }

    fn decide(&mut self, place: Place, cents: i64, now: i64) -> Decision {
        let mut features = features(&self.facts, &self.earlier, self.book.limits().near_limit, now);
        features.put("blocking_reviews", self.blocking);
        features.put("amount_cents", cents);
        features.put("available_cents", self.available);
        let decision = self.book.decide(place, 7, &features);
        self.blocking += i64::from(decision.outcome == Outcome::BlockAndReview);
        decision
    }

    fn makes_a_key(&mut self, now: i64) -> bool {
        self.decide(Place::KeyCreation, 0, now).outcome == Outcome::Approve
    }

    fn note(&mut self, kind: FactKind, cents: i64, at_us: i64) {
        self.number += 1;
        let reference = format!("r{}", self.number);
        self.facts.push(Fact {
            kind,
            reference,
            cents,
            at_us,
        });
    }

    /// Pays in by a card, whose bank accepts it or not. Whether it got as far as the bank.
    fn pay_in(&mut self, card: &'static str, cents: i64, accepted: bool, now: i64) -> bool {
        let decision = self.decide(Place::Deposit, cents, now);
        if !matches!(decision.outcome, Outcome::Approve | Outcome::Review) {
            return false;
        }
        self.note(FactKind::DepositStarted, cents, now);
        if accepted {
            self.note(FactKind::DepositCredited, cents, now);
            self.available += cents;
            self.cards.push((card, cents));
        } else {
            self.note(FactKind::DepositDeclined, cents, now);
        }
        true
    }

    /// Takes out to a card; how much arrives there at once.
    fn take_out(&mut self, card: &'static str, cents: i64, now: i64) -> i64 {
        if cents > self.available {
            return 0;
        }
        let decision = self.decide(Place::Withdrawal, cents, now);
        match (decision.outcome, decision.destination) {
            (Outcome::Approve, Destination::AnyCard) => self.note(FactKind::Withdrawal, cents, now),
            (Outcome::Approve, Destination::PayingCard) => {
                let paid = self
                    .cards
                    .iter_mut()
                    .find(|(paid, net)| *paid == card && *net >= cents);
                let Some((_, net)) = paid else { return 0 };
                *net -= cents;
                self.note(FactKind::WithdrawalToPayingCard, cents, now);
            }
            (Outcome::Review | Outcome::BlockAndReview, _) => {
                self.note(FactKind::Withdrawal, cents, now);
                self.available -= cents;
                return 0;
            }
            (Outcome::Decline, _) => return 0,
        }
        self.available -= cents;
        cents
    }
}

/// Money of a stolen card comes in and leaves to another card within hours; on day 40 its owner calls 3,000 back.
///
/// Mechanism: `crates/risk/rules/default.toml`
/// Control: without the rules the 2,900 that left are lost.
#[test]
fn clause_12_money_of_a_stolen_card_leaves_to_that_card_only() {
    for (rules, lost) in [(DEFAULT_BOOK, 0), (OFF, 290_000)] {
        let mut account = Account::new(rules);
        assert!(account.pay_in("stolen", 300_000, true, 9 * HOUR));
        // Traded to and fro, so that it is not the same money any more.
        account.available -= 1_000;
        let mut away = account.take_out("own", 290_000, 11 * HOUR);
        away += account.take_out("own", 250_000, 3 * DAY);
        assert_eq!(away, lost, "what cannot be called back");
    }
    // After the hold it is free, which is what the hold is: a later call-back is a loss that rules cannot help.
    let mut patient = Account::new(DEFAULT_BOOK);
    patient.pay_in("stolen", 300_000, true, 0);
    assert_eq!(patient.take_out("own", 290_000, 8 * DAY), 290_000);
}

/// Old money is given back to old cards so that new, stolen money looks settled.
///
/// Mechanism: `crates/risk/src/windows.rs`
/// Control: without the rules 990 of the stolen card are lost.
#[test]
fn clause_12_giving_old_money_back_does_not_free_new_money() {
    for (rules, lost) in [(DEFAULT_BOOK, 0), (OFF, 99_000)] {
        let mut account = Account::new(rules);
        account.pay_in("first", 100_000, true, 0);
        assert!(account.pay_in("stolen", 100_000, true, 10 * DAY));
        // A little is lost by trading, so that not all of it can be old.
        account.available -= 100;
        let back = account.take_out("first", 100_000, 10 * DAY + HOUR);
        assert_eq!(back, 100_000, "what was paid in long ago goes back");
        assert_eq!(account.take_out("own", 99_000, 10 * DAY + 2 * HOUR), lost);
    }
}

/// Forty stolen card numbers are tried at 30 seconds' distance; every tenth works.
///
/// Mechanism: `crates/risk/rules/default.toml`
/// Control: without the rules all forty reach a bank.
#[test]
fn clause_12_card_numbers_are_not_tried_out_here() {
    for (rules, tried) in [(DEFAULT_BOOK, 5), (OFF, 40)] {
        let mut account = Account::new(rules);
        let attempts = (0..40).filter(|number| {
            let accepted = number % 10 == 9;
            account.pay_in("many", 1_000, accepted, DAY + number * MINUTE / 2)
        });
        assert_eq!(attempts.count(), tried);
    }
    // An honest person whose bank refuses three times goes on with another card.
    let mut honest = Account::new(DEFAULT_BOOK);
    for minute in 0..3 {
        assert!(honest.pay_in("poor", 20_000, false, DAY + minute * MINUTE));
    }
    assert!(honest.pay_in("other", 20_000, true, DAY + 5 * MINUTE));
}

/// An account is taken over at night: the address is changed, then a key is made that could trade the money away. That nothing is
/// withdrawn is no rule's matter (`crates/service/src/cooling_off.rs`).
///
/// Mechanism: `crates/risk/rules/default.toml`
/// Control: without the rules, before the change and two days after it a key is made.
#[test]
fn clause_12_a_taken_over_account_gets_no_key_in_the_night() {
    for (rules, keys) in [(DEFAULT_BOOK, false), (OFF, true)] {
        let mut account = Account::new(rules);
        account.pay_in("owner", 200_000, true, 0);
        let night = 400 * DAY + 2 * HOUR;
        assert!(account.makes_a_key(night - HOUR));
        account.note(FactKind::ContactChanged, 0, night);
        assert_eq!(account.makes_a_key(night + 30 * MINUTE), keys);
        assert!(account.makes_a_key(night + 2 * DAY));
    }
}

/// Five withdrawals of 9,500 EUR in a week, each just below the most at a time.
///
/// Mechanism: `crates/risk/rules/default.toml`
/// Control: without the rules all 47,500 EUR leave unseen.
#[test]
fn clause_12_sums_just_below_the_most_are_looked_at() {
    for (rules, unseen) in [(DEFAULT_BOOK, 1_900_000), (OFF, 4_750_000)] {
        let mut account = Account::new(rules);
        account.pay_in("one", 100_000, true, 0);
        account.available = 6_000_000;
        let start = 100 * DAY;
        account.note(FactKind::Withdrawal, 10_000, start - 10 * DAY);
        let left: i64 = (0..5)
            .map(|day| account.take_out("one", 950_000, start + day * DAY + HOUR))
            .sum();
        assert_eq!(left, unseen);
    }
}

/// Nobody touched the account for a year; then 900 EUR are withdrawn.
///
/// Mechanism: `crates/risk/rules/default.toml`
/// Control: without the rules the money leaves at once.
#[test]
fn clause_12_an_account_that_slept_is_looked_at() {
    for (rules, left) in [(DEFAULT_BOOK, 0), (OFF, 90_000)] {
        let mut account = Account::new(rules);
        account.pay_in("one", 100_000, true, 0);
        assert_eq!(account.take_out("other", 90_000, 365 * DAY), left);
    }
}

/// 30,000 EUR are taken out of an account of 60 days in one day, in parts.
///
/// Mechanism: `crates/risk/rules/default.toml`
/// Control: without the rules 30,000 EUR leave.
#[test]
fn clause_12_a_day_has_a_sum() {
    for (rules, left) in [(DEFAULT_BOOK, 2_400_000), (OFF, 3_000_000)] {
        let mut account = Account::new(rules);
        account.pay_in("one", 100_000, true, 20 * DAY);
        account.available = 5_000_000;
        let away: i64 = (0..5)
            .map(|hour| account.take_out("one", 600_000, 60 * DAY + hour * HOUR))
            .sum();
        assert_eq!(away, left, "what is beyond waits for a human");
    }
}

/// Honest people hardly notice: a first hundred back to its card the same hour, and a year of trading.
#[test]
fn honest_people_are_let_through() {
    let mut first = Account::new(DEFAULT_BOOK);
    assert!(first.pay_in("mine", 10_000, true, 0));
    assert_eq!(
        first.take_out("mine", 4_000, HOUR),
        4_000,
        "back to the card at once"
    );
    assert_eq!(first.take_out("mine", 6_000, 2 * HOUR), 6_000, "to the last cent");

    let mut year = Account::new(DEFAULT_BOOK);
    let mut out = 0;
    for month in 0..12 {
        assert!(year.pay_in("mine", 50_000, true, month * 30 * DAY));
        year.available += 2_000;
        out += year.take_out("another", 30_000, month * 30 * DAY + 9 * DAY);
    }
    assert_eq!(out, 12 * 30_000, "settled money leaves to any card");
}
