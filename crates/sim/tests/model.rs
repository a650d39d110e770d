//! The engine against the reference model: event by event, and everything that can be asked.
//!
//! `ENSOEX_COMMANDS=10000000 cargo test --release -p ensoex-sim --test model long -- --nocapture` compares ten
//! million random commands and prints what they were. `ENSOEX_SEED` repeats a run.

use ensoex_engine::{
    CloseReason, Command, Event, OrderKind, PlaceOrder, Reject, Restrictions, SelfTradePrevention, Side,
    TimeInForce, Transfer, TransferCode,
};
use ensoex_sim::commands::{Decoder, Gene, random_gene};
use ensoex_sim::compare::Pair;
use ensoex_sim::random::Random;
use ensoex_types::{
    AccountId, Amount, AssetId, ClientOrderId, MarketId, Price, Quantity, Sequence, Timestamp, TransferId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Seeds that once showed a difference, and some to reach everything.
const REGRESSION_SEEDS: &[u64] = &[1, 2, 3, 4];
const REGRESSION_COMMANDS: u64 = 10_000;
/// An exchange is begun anew after so many commands, with the next seed.
const RUN_COMMANDS_MAX: u64 = 20_000;

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// Runs `commands` random commands. Events and invariants are checked after each, all that can be asked after
/// every `check_every`-th.
fn run(seed: u64, commands: u64, check_every: u64) -> Result<BTreeMap<String, u64>, String> {
    let mut random = Random::new(seed);
    let mut decoder = Decoder::default();
    let mut pair = Pair::prepared()?;
    for number in 0..commands {
        let step = decoder.decode(&random_gene(&mut random));
        let events = pair.step(&step)?;
        decoder.observe(events);
        let context = |broken| format!("after command {number} {step:?}: {broken}");
        pair.engine.check_invariants().map_err(context)?;
        if number % check_every == 0 {
            pair.check().map_err(context)?;
        }
    }
    pair.check()?;
    Ok(pair.seen)
}

fn add(total: &mut BTreeMap<String, u64>, seen: BTreeMap<String, u64>) {
    for (kind, count) in seen {
        *total.entry(kind).or_default() += count;
    }
}

fn check_genes(genes: &[Gene]) -> Result<(), String> {
    let mut decoder = Decoder::default();
    let mut pair = Pair::prepared()?;
    for gene in genes {
        let step = decoder.decode(gene);
        decoder.observe(pair.step(&step)?);
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
    let commands =
        variable("ENSOEX_COMMANDS").map_or(REGRESSION_COMMANDS, |few| few.min(REGRESSION_COMMANDS));
    let mut seen = BTreeMap::new();
    for seed in REGRESSION_SEEDS {
        match run(*seed, commands, 32) {
            Ok(kinds) => add(&mut seen, kinds),
            Err(difference) => panic!("seed {seed}: {difference}"),
        }
    }
    if commands == REGRESSION_COMMANDS {
        for kind in EXPECTED_KINDS {
            assert!(seen.contains_key(*kind), "never saw {kind} in {seen:#?}");
        }
    }
}

/// A fresh seed each time; `ENSOEX_SEED` repeats one.
#[test]
fn engine_and_model_agree_on_a_long_random_run() {
    let fresh = || getrandom::u64().expect("the system gives random numbers");
    let first = variable("ENSOEX_SEED").unwrap_or_else(fresh);
    let commands = variable("ENSOEX_COMMANDS").unwrap_or(RUN_COMMANDS_MAX);
    let mut seen = BTreeMap::new();
    for number in 0..commands.div_ceil(RUN_COMMANDS_MAX) {
        let seed = first.wrapping_add(number);
        let rest = commands - number * RUN_COMMANDS_MAX;
        match run(seed, rest.min(RUN_COMMANDS_MAX), 64) {
            Ok(kinds) => add(&mut seen, kinds),
            Err(difference) => panic!("ENSOEX_SEED={seed}: {difference}"),
        }
    }
    println!("{commands} commands from ENSOEX_SEED={first}: {seen:#?}");
}

/// A way to get an event wrong; false if these events do not offer it.
type Mistake = fn(&mut Vec<Event>) -> bool;

fn first_of(events: &mut [Event], alter: fn(&mut Event) -> bool) -> bool {
    events.iter_mut().any(alter)
}

const MISTAKES: &[(&str, Mistake)] = &[
    ("price off by one", |events| {
        first_of(events, |event| match event {
            Event::Trade(trade) => {
                trade.price.0 += 1;
                true
            }
            _ => false,
        })
    }),
    ("fee off by one", |events| {
        first_of(events, |event| match event {
            Event::Trade(trade) => {
                trade.taker_fee.0 += 1;
                true
            }
            _ => false,
        })
    }),
    ("maker's rest off by one", |events| {
        first_of(events, |event| match event {
            Event::MatchPrevented { maker_remaining, .. } => {
                maker_remaining.0 += 1;
                true
            }
            _ => false,
        })
    }),
    ("filled instead of expired", |events| {
        first_of(events, |event| match event {
            Event::OrderClosed { reason, .. } if *reason == CloseReason::Expired => {
                *reason = CloseReason::Filled;
                true
            }
            _ => false,
        })
    }),
    ("another refusal", |events| {
        first_of(events, |event| match event {
            Event::Rejected { reject } if *reject == Reject::WouldTake => {
                *reject = Reject::NotFillable;
                true
            }
            _ => false,
        })
    }),
    ("triggered twice", |events| {
        let triggered = |event: &Event| matches!(event, Event::OrderTriggered { .. });
        let again = events.iter().copied().find(triggered);
        events.extend(again);
        again.is_some()
    }),
    ("two events in the other order", |events| {
        let closed = |event: &Event| matches!(event, Event::OrderClosed { .. });
        let position = events.iter().skip(1).position(closed);
        if let Some(position) = position {
            events.swap(position, position + 1);
        }
        position.is_some()
    }),
    ("the last event missing", |events| {
        events.len() > 2 && events.pop().is_some()
    }),
];

/// The comparison notices a mistake: without this, its silence would mean nothing.
#[test]
fn a_wrong_event_is_noticed() {
    for (name, mistake) in MISTAKES {
        let mut random = Random::new(1);
        let mut decoder = Decoder::default();
        let mut pair = Pair::prepared().expect("nothing is wrong yet");
        let noticed = (0..REGRESSION_COMMANDS).find_map(|_| {
            let step = decoder.decode(&random_gene(&mut random));
            let mut wrong = false;
            let outcome = pair.apply_altered(step.at, &step.command, |events| wrong = mistake(events));
            let is_noticed = outcome.is_err();
            if let Ok(events) = outcome {
                decoder.observe(events);
            }
            (wrong || is_noticed).then_some(wrong && is_noticed)
        });
        assert_eq!(noticed, Some(true), "{name}");
    }
}

/// What only the engine was told shows in what can be asked, or at least in its state hash.
#[test]
fn a_wrong_state_is_noticed() {
    let account = AccountId::FIRST_USER;
    let transfer = |transfer, debit, credit| {
        Command::Transfer(Transfer {
            transfer: TransferId(transfer),
            debit,
            credit,
            asset: AssetId(1),
            amount: Amount(1),
            code: TransferCode::Capital,
        })
    };
    let bring = transfer(900, AccountId::OPERATOR_CAPITAL, account);
    let take = transfer(901, account, AccountId::OPERATOR_CAPITAL);
    let place = |kind| {
        Command::PlaceOrder(PlaceOrder {
            account,
            market: MarketId(0),
            side: Side::Buy,
            kind,
            self_trade_prevention: SelfTradePrevention::ExpireTaker,
            client_order_id: ClientOrderId::NONE,
        })
    };
    let limit = place(OrderKind::Limit {
        price: Price(110),
        quantity: Quantity(10),
        time_in_force: TimeInForce::Gtc,
    });
    let restrictions = Restrictions {
        no_trade: true,
        no_withdraw: false,
    };
    let cases: [(&str, &[Command]); 6] = [
        ("balance", std::slice::from_ref(&bring)),
        ("balance", &[limit]),
        (
            "restrictions",
            &[Command::RestrictAccount {
                account,
                restrictions,
            }],
        ),
        ("fees", &[Command::SetAccountTier { account, tier: 1 }]),
        (
            "accounts",
            &[Command::OpenAccount {
                account: AccountId(77_777),
            }],
        ),
        // Nothing but two used transfer ids is left of these.
        ("state hash", &[bring.clone(), take]),
    ];
    for (word, commands) in cases {
        let mut pair = Pair::prepared().expect("nothing is wrong yet");
        assert_eq!(pair.check(), Ok(()));
        let sequence = Sequence(pair.engine.sequence().0);
        for command in commands {
            let mut events = Vec::new();
            pair.engine
                .apply(sequence, Timestamp(2_000), command, &mut events);
            assert!(!matches!(events[0], Event::Rejected { .. }), "{events:?}");
        }
        let difference = pair.check().expect_err(word);
        assert!(difference.starts_with(word), "{word}: {difference}");
    }
}

/// An exact amount that random commands hardly hit: nothing of the quote is left, and nothing was traded.
#[test]
fn a_market_order_whose_whole_quote_was_prevented_ends_by_self_trade() {
    let mut pair = Pair::prepared().expect("nothing is wrong yet");
    let mut place = |side, kind| {
        let place = PlaceOrder {
            account: AccountId::FIRST_USER,
            market: MarketId(0),
            side,
            kind,
            self_trade_prevention: SelfTradePrevention::Decrement,
            client_order_id: ClientOrderId::NONE,
        };
        let events = pair.apply(&Command::PlaceOrder(place));
        events.map(|events| events.last().copied())
    };
    let (price, quantity) = (Price(110), Quantity(10));
    let rests = place(Side::Sell, OrderKind::LimitMaker { price, quantity });
    assert!(
        matches!(rests, Ok(Some(Event::OrderAccepted { .. }))),
        "{rests:?}"
    );
    let quote = Amount(1_100);
    let ends = place(Side::Buy, OrderKind::MarketQuote { quote });
    let is_self_trade = |event: &Event| match event {
        Event::OrderClosed { reason, .. } => *reason == CloseReason::SelfTrade,
        _ => false,
    };
    assert!(
        ends.as_ref()
            .is_ok_and(|last| last.as_ref().is_some_and(is_self_trade)),
        "{ends:?}"
    );
}

/// What random commands must reach for the comparison to mean something.
const EXPECTED_KINDS: &[&str] = &[
    "Trade",
    "MatchPrevented",
    "OrderAccepted",
    "OcoAccepted",
    "OrderTriggered",
    "OrderReduced",
    "MatchPrevented, OrderClosed SelfTrade",
    "OrderClosed Contingent, MatchPrevented",
    "OrderClosed Contingent, OrderClosed SelfTrade",
    "OrderClosed Contingent, OrderClosed Expired",
    "OrderClosed Contingent, OrderClosed Restricted",
    "OrderClosed Contingent, Trade",
    "OrderTriggered, MatchPrevented",
    "OrderTriggered, OrderClosed Contingent",
    "OrderTriggered, OrderClosed Expired",
    "OrderTriggered, OrderClosed Restricted",
    "OrderTriggered, OrderClosed SelfTrade",
    "OrderTriggered, OrderTriggered",
    "OrderTriggered, Trade",
    "OrderClosed Filled",
    "OrderClosed Canceled",
    "OrderClosed Expired",
    "OrderClosed SelfTrade",
    "OrderClosed Contingent",
    "OrderClosed Delisted",
    "OrderClosed Restricted",
    "TransferPosted",
    "TransferHeld",
    "TransferVoided",
    "MarketStateChanged",
    "AssetListed",
    "MarketListed",
    "AccountOpened",
    "AccountRestricted",
    "AccountTierChanged",
    "FeeTiersChanged",
    "Rejected UnknownMarket",
    "Rejected UnknownAsset",
    "Rejected UnknownAccount",
    "Rejected UnknownOrder",
    "Rejected UnknownTransfer",
    "Rejected AlreadyListed",
    "Rejected InvalidSpec(Name)",
    "Rejected InvalidSpec(Scale)",
    "Rejected InvalidSpec(ZeroUnit)",
    "Rejected InvalidSpec(Bounds)",
    "Rejected InvalidSpec(SameAsset)",
    "Rejected InvalidSpec(Fee)",
    "Rejected InvalidSpec(Overflow)",
    "Rejected MarketCancelOnly",
    "Rejected MarketHalted",
    "Rejected MarketDelisted",
    "Rejected PriceTooLow",
    "Rejected PriceTooHigh",
    "Rejected PriceBelowBand",
    "Rejected PriceAboveBand",
    "Rejected QuantityTooLow",
    "Rejected QuantityTooHigh",
    "Rejected NotionalTooLow",
    "Rejected NotionalTooHigh",
    "Rejected StopWouldTrigger",
    "Rejected TooManyOrders",
    "Rejected TooManyStops",
    "Rejected OcoKinds",
    "Rejected OcoPrices",
    "Rejected OrderInList",
    "Rejected DuplicateClientOrderId",
    "Rejected InsufficientBalance",
    "Rejected WouldTake",
    "Rejected NoLiquidity",
    "Rejected NotFillable",
    "Rejected InvalidAmount",
    "Rejected SameAccount",
    "Rejected TransferExists",
    "Rejected ReplaceMismatch",
    "Rejected AccountMayNotTrade",
    "Rejected AccountMayNotWithdraw",
    "Rejected InvalidFeeTiers",
];
