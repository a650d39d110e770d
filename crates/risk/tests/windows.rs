//! Windows are exact: to the microsecond, in any order, whatever the clock does.

use ensoex_risk::windows::{NearLimit, features};
use ensoex_risk::{Earlier, Fact, FactKind, Feature, Features};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000_000;
const NEAR: NearLimit = NearLimit {
    from_cents: 900,
    below_cents: 1_000,
};

fn fact(kind: FactKind, reference: &str, cents: i64, at_us: i64) -> Fact {
    Fact {
        kind,
        reference: reference.to_owned(),
        cents,
        at_us,
    }
}

fn get(features: &Features, name: &str) -> i64 {
    features.get(Feature::named(name).unwrap())
}

fn at(facts: &[Fact], now: i64) -> Features {
    features(facts, &Earlier::default(), NEAR, now)
}

#[test]
fn a_window_ends_to_the_microsecond() {
    let facts = [fact(FactKind::DepositCredited, "a", 950, 1_000)];
    for (now, within) in [
        (1_000, 1),
        (1_000 + HOUR - 1, 1),
        (1_000 + HOUR, 0),
        (999, 1),
        (0, 1),
    ] {
        let features = at(&facts, now);
        assert_eq!(get(&features, "deposits_credited_1h"), within, "{now}");
        assert_eq!(
            get(&features, "deposits_credited_cents_1h"),
            within * 950,
            "{now}"
        );
        assert_eq!(get(&features, "deposits_near_limit_1h"), within, "{now}");
    }
    assert_eq!(get(&at(&facts, 1_000 + HOUR), "deposits_credited_1d"), 1);
}

#[test]
fn what_goes_back_to_cards_is_the_oldest_money_first() {
    let day = 24 * HOUR;
    let (old, new) = (
        fact(FactKind::DepositCredited, "old", 1_000, day),
        fact(FactKind::DepositCredited, "new", 700, 20 * day),
    );
    let back = |cents| fact(FactKind::WithdrawalToPayingCard, "back", cents, 20 * day);
    for (cents, fresh) in [(0, 700), (1_000, 700), (1_200, 500), (1_700, 0)] {
        let features = at(&[old.clone(), new.clone(), back(cents)], 20 * day + HOUR);
        assert_eq!(get(&features, "fresh_cents_1d"), fresh, "{cents} went back");
        assert_eq!(get(&features, "paid_in_net_cents"), 1_700 - cents);
    }
    // A withdrawal to any card, or one that did not come about, gives nothing back to a card that paid.
    for more in [
        vec![fact(FactKind::Withdrawal, "other", 1_700, 20 * day)],
        vec![
            back(1_700),
            fact(FactKind::WithdrawalUndone, "back", 1_700, 20 * day),
        ],
    ] {
        let facts: Vec<Fact> = [old.clone(), new.clone()].into_iter().chain(more).collect();
        assert_eq!(get(&at(&facts, 20 * day + HOUR), "fresh_cents_7d"), 700);
    }
}

#[test]
fn days_are_counted_from_registration_and_the_last_movement() {
    let day = 24 * HOUR;
    let earlier = Earlier {
        registered_us: day,
        moved_us: Some(3 * day),
        too_many: true,
        ..Earlier::default()
    };
    let quiet = features(&[], &earlier, NEAR, 10 * day);
    assert_eq!(
        (
            get(&quiet, "account_age_days"),
            get(&quiet, "idle_days"),
            get(&quiet, "too_many_facts")
        ),
        (9, 7, 1)
    );
    let moved = features(
        &[fact(FactKind::DepositCredited, "a", 1, 9 * day)],
        &earlier,
        NEAR,
        10 * day,
    );
    assert_eq!(get(&moved, "idle_days"), 1);
    let began = features(
        &[fact(FactKind::DepositStarted, "a", 1, 9 * day)],
        &earlier,
        NEAR,
        10 * day,
    );
    assert_eq!(get(&began, "idle_days"), 7, "what was only begun moved nothing");
    assert_eq!(
        get(&features(&[], &earlier, NEAR, 0), "account_age_days"),
        0,
        "a clock that went back"
    );
}

proptest! {
    /// Beside counting it the slow and obvious way.
    #[test]
    fn windows_are_what_counting_by_hand_gives(
        raw in prop::collection::vec((0_usize..FactKind::ALL.len(), 0_u8..12, 0_i64..1_500, 0_i64..40 * 24 * HOUR), 0..40),
        now in 30 * 24 * HOUR..45 * 24 * HOUR,
    ) {
        let facts: Vec<Fact> = raw.iter().map(|(kind, reference, cents, at)| {
            fact(FactKind::ALL[*kind], &format!("r{reference}"), *cents, *at)
        }).collect();
        let features = at(&facts, now);
        for (window, length) in [("1h", HOUR), ("1d", 24 * HOUR), ("7d", 7 * 24 * HOUR), ("30d", 30 * 24 * HOUR)] {
            let inside: Vec<&Fact> = facts.iter().filter(|fact| fact.at_us > now - length).collect();
            let mut left = Vec::new();
            for fact in &inside {
                let is_out = fact.kind == FactKind::Withdrawal || fact.kind == FactKind::WithdrawalToPayingCard;
                let mut undone = false;
                for other in &facts {
                    undone |= other.kind == FactKind::WithdrawalUndone && other.reference == fact.reference;
                }
                if is_out && !undone { left.push(fact.cents); }
            }
            prop_assert_eq!(get(&features, &format!("withdrawals_{window}")), left.len() as i64);
            prop_assert_eq!(get(&features, &format!("withdrawals_cents_{window}")), left.iter().sum::<i64>());
            let credited: Vec<i64> = inside.iter().filter(|fact| fact.kind == FactKind::DepositCredited).map(|fact| fact.cents).collect();
            prop_assert_eq!(get(&features, &format!("deposits_credited_cents_{window}")), credited.iter().sum::<i64>());
            let near = credited.iter().filter(|cents| **cents >= 900 && **cents < 1_000).count() as i64;
            prop_assert_eq!(get(&features, &format!("deposits_near_limit_{window}")), near);
        }
        let mut turned = facts.clone();
        turned.reverse();
        prop_assert_eq!(at(&turned, now), features, "the order in which facts are read is no matter");
    }
}
