//! The whole system in one simulated world: clients, network, sequencer, log, engine and projections, with crashes, takeovers,
//! failing disks, and messages that are lost, repeated and reordered. One seed decides everything, so a failing seed
//! fails the same way again.
//!
//! `ENSOEX_SEEDS=10000 cargo test --release -p ensoex-exchange --test simulation` lives through that many worlds, beginning
//! with a random seed that is printed; `ENSOEX_SEED=N` begins there.

mod record;
mod world;

use ensoex_log::Sabotage;
use world::{Report, World};

const SEEDS_DEFAULT: u64 = 12;
/// A broken promise must be noticed within so many worlds.
const SEEDS_UNTIL_NOTICED: u64 = 60;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a whole number, not {text:?}"))
    })
}

fn random_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |elapsed| elapsed.as_micros() as u64)
}

fn outcome(seed: u64, sabotage: Sabotage) -> Result<Report, String> {
    World::new(seed, sabotage).run()
}

#[test]
fn every_promise_is_kept_in_every_world() {
    let first = number("ENSOEX_SEED").unwrap_or_else(random_seed);
    let seeds = number("ENSOEX_SEEDS").unwrap_or(SEEDS_DEFAULT);
    println!("{seeds} seeds from {first}");
    let mut sum = Report::default();
    for seed in (0..seeds).map(|offset| first.wrapping_add(offset)) {
        match outcome(seed, Sabotage::None) {
            Ok(report) => sum.add(&report),
            Err(broken) => panic!("ENSOEX_SEEDS=1 ENSOEX_SEED={seed}: {broken}"),
        }
    }
    println!("{sum}");
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in [1, random_seed()] {
        println!("seed {seed}");
        assert_eq!(outcome(seed, Sabotage::None), outcome(seed, Sabotage::None));
    }
}

#[test]
fn the_worlds_are_eventful() {
    let mut sum = Report::default();
    for seed in 0..8 {
        sum.add(&outcome(seed, Sabotage::None).unwrap());
    }
    assert!(sum.acknowledged > 500, "{sum}");
    assert!(
        sum.crashes > 10 && sum.takeovers > sum.standbys && sum.standbys > 2,
        "{sum}"
    );
    assert!(
        sum.unknown > 10 && sum.refused > 2 && sum.stale_refused > 2,
        "{sum}"
    );
    assert!(sum.snapshots > 5 && sum.damaged > 2, "{sum}");
}

/// Positive controls: whoever breaks a promise is found out.
#[test]
fn broken_promises_are_noticed() {
    for sabotage in [
        Sabotage::ForgetsAcknowledged,
        Sabotage::DeniesWritten,
        Sabotage::NoFence,
    ] {
        let noticed = (0..SEEDS_UNTIL_NOTICED).find_map(|seed| outcome(seed, sabotage).err());
        let noticed = noticed.unwrap_or_else(|| panic!("nobody noticed {sabotage:?}"));
        println!("{sabotage:?}: {noticed}");
    }
}
