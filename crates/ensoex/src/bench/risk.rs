//! `ensoex bench risk`: a decision with the whole built-in rule book, counted from an account's facts each time, on one core.
//!
//! Generated accounts of a month, a few to many facts each, from a fixed seed; every decision is computed twice, and another
//! outcome the second time ends the measurement.

use anyhow::bail;
use ensoex_risk::{DEFAULT_BOOK, Decision, Earlier, Fact, FactKind, Outcome, Place, RuleBook, windows};
use std::time::Instant;

const ACCOUNTS: u32 = 2_000;
const FACTS_MAX: u64 = 60;
const ROUNDS: u32 = 10;
const DAY_US: i64 = 86_400_000_000;

/// A sequence of numbers from a seed (SplitMix64).
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, end: u64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        i64::try_from((mixed ^ (mixed >> 31)) % end).unwrap_or_default()
    }
}

/// Measures and prints.
///
/// # Errors
/// When the book cannot be loaded, or a decision comes out otherwise the second time.
pub fn run() -> anyhow::Result<()> {
    let book = RuleBook::parse(DEFAULT_BOOK, false)?;
    let mut sequence = Sequence(7);
    let accounts: Vec<Vec<Fact>> = (0..ACCOUNTS).map(|_| facts(&mut sequence)).collect();
    let mut times_ns = Vec::new();
    let mut stopped = 0_u64;
    let began = Instant::now();
    for round in 0..ROUNDS {
        for (account, facts) in (0..).zip(&accounts) {
            let start = Instant::now();
            let decision = decide(&book, account, facts, round);
            times_ns.push(start.elapsed().as_nanos());
            stopped += u64::from(decision.outcome != Outcome::Approve);
            if round == 0 && decision.again(&book).as_ref() != Some(&decision) {
                bail!("a decision came out otherwise the second time");
            }
        }
    }
    let whole = began.elapsed();
    times_ns.sort_unstable();
    let at = |share: usize| {
        times_ns
            .get(times_ns.len() * share / 1_000)
            .copied()
            .unwrap_or_default()
    };
    let per_second = f64::from(ACCOUNTS * ROUNDS) / whole.as_secs_f64();
    say!(
        "{} rules, {} decisions, {stopped} not let through",
        book.rules().len(),
        times_ns.len()
    );
    say!(
        "p50 {} ns, p99 {} ns, p99.9 {} ns a decision, features counted anew each time",
        at(500),
        at(990),
        at(999)
    );
    say!("{per_second:.0} decisions/s on one core");
    Ok(())
}

fn facts(sequence: &mut Sequence) -> Vec<Fact> {
    let count = sequence.below(FACTS_MAX);
    let one = |number: i64| {
        let kinds = FactKind::ALL;
        let kind = usize::try_from(sequence.below(kinds.len() as u64)).unwrap_or_default();
        Fact {
            kind: kinds[kind],
            reference: format!("wd_{number:032}"),
            cents: sequence.below(1_000_000),
            at_us: sequence.below(30 * DAY_US.unsigned_abs()),
        }
    };
    (0..count).map(one).collect()
}

fn decide(book: &RuleBook, account: u32, facts: &[Fact], round: u32) -> Decision {
    let now = 30 * DAY_US - i64::from(round);
    let mut features = windows::features(facts, &Earlier::default(), book.limits().near_limit, now);
    features.put("amount_cents", 40_000);
    features.put("available_cents", 90_000);
    let place = if account.is_multiple_of(2) {
        Place::Withdrawal
    } else {
        Place::Deposit
    };
    book.decide(place, account, &features)
}
