//! The engine against the reference model: event by event, and everything that can be asked.

use ensoex_sim::commands::{Decoder, Gene, random_gene};
use ensoex_sim::compare::Pair;
use ensoex_sim::random::Random;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Seeds that once showed a difference.
const REGRESSION_SEEDS: &[u64] = &[1, 2, 3];

/// Runs `commands` random commands. Events and invariants are checked after each, all that can be asked after
/// every `check_every`-th.
fn run(seed: u64, commands: u64, check_every: u64) -> Result<BTreeMap<String, u64>, String> {
    let mut random = Random::new(seed);
    let mut decoder = Decoder::default();
    let mut pair = Pair::prepared()?;
    for number in 0..commands {
        let command = decoder.decode(&random_gene(&mut random));
        let events = pair.apply(&command)?;
        decoder.observe(events);
        let context = |broken| format!("after command {number} {command:?}: {broken}");
        pair.engine.check_invariants().map_err(context)?;
        if number % check_every == 0 {
            pair.check().map_err(context)?;
        }
    }
    pair.check()?;
    Ok(pair.seen)
}

fn check_genes(genes: &[Gene]) -> Result<(), String> {
    let mut decoder = Decoder::default();
    let mut pair = Pair::prepared()?;
    for gene in genes {
        let command = decoder.decode(gene);
        decoder.observe(pair.apply(&command)?);
        pair.check()?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn engine_and_model_agree(genes in prop::collection::vec(any::<Gene>(), 1..300)) {
        prop_assert_eq!(check_genes(&genes), Ok(()));
    }
}

#[test]
fn engine_and_model_agree_on_known_seeds() {
    let mut seen = BTreeMap::new();
    for seed in REGRESSION_SEEDS {
        match run(*seed, 20_000, 16) {
            Ok(kinds) => seen.extend(kinds),
            Err(difference) => panic!("seed {seed}: {difference}"),
        }
    }
    for kind in EXPECTED_KINDS {
        assert!(seen.contains_key(*kind), "never saw {kind} in {seen:#?}");
    }
}

/// A fresh seed each time; `ENSOEX_SEED` repeats one.
#[test]
fn engine_and_model_agree_on_a_long_random_run() {
    let fresh = || getrandom::u64().expect("the system gives random numbers");
    let seed = std::env::var("ENSOEX_SEED").map_or_else(|_| fresh(), |text| text.parse().expect("a number"));
    if let Err(difference) = run(seed, 100_000, 64) {
        panic!("ENSOEX_SEED={seed}: {difference}");
    }
}

/// What random commands must reach for the comparison to mean something.
const EXPECTED_KINDS: &[&str] = &[
    "Trade",
    "OrderAccepted",
    "OrderReduced",
    "OrderClosed Filled",
    "OrderClosed Canceled",
    "OrderClosed Expired",
    "OrderClosed SelfTrade",
    "TransferPosted",
    "TransferHeld",
    "TransferVoided",
    "MarketStateChanged",
    "AccountOpened",
    "Rejected UnknownMarket",
    "Rejected UnknownAsset",
    "Rejected UnknownAccount",
    "Rejected UnknownOrder",
    "Rejected UnknownTransfer",
    "Rejected AlreadyListed",
    "Rejected MarketCancelOnly",
    "Rejected MarketHalted",
    "Rejected PriceTooLow",
    "Rejected PriceTooHigh",
    "Rejected QuantityTooLow",
    "Rejected QuantityTooHigh",
    "Rejected NotionalTooLow",
    "Rejected NotionalTooHigh",
    "Rejected TooManyOrders",
    "Rejected DuplicateClientOrderId",
    "Rejected ClientOrderIdTooLong",
    "Rejected InsufficientBalance",
    "Rejected WouldTake",
    "Rejected NoLiquidity",
    "Rejected NotFillable",
    "Rejected InvalidAmount",
    "Rejected SameAccount",
    "Rejected TransferExists",
    "Rejected ReplaceMismatch",
];
