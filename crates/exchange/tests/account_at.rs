//! Time travel: what the projections answer of the past is what the log, replayed that far, says.

mod support;

use ensoex_engine::{Command, Engine};
use ensoex_exchange::{
    AccountAt, AccountAtError, At, EntryPlace, Exchange, LogAddress, Period, Statement, StatementError,
    replay, verify,
};
use ensoex_sim::commands::{Decoder, random_gene};
use ensoex_sim::random::Random;
use ensoex_types::{AccountId, AssetId, Sequence, Timestamp};
use std::collections::BTreeMap;
use std::path::Path;
use support::config;

const COMMANDS: usize = 1_500;
/// A restart of the exchange about every so many commands.
const RESTART_EVERY: u64 = 400;
const BATCH_MAX: u64 = 12;

/// Every account after every command, by a plain replay in memory.
#[derive(Default)]
struct Past {
    engine: Engine,
    states: Vec<BTreeMap<AccountId, AccountAt>>,
    stamps: Vec<Timestamp>,
}

impl Past {
    fn apply(&mut self, sequence: Sequence, at: Timestamp, command: &Command) {
        self.engine.apply(sequence, at, command, &mut Vec::new());
        let accounts = self.engine.accounts().into_iter();
        let state = |account| Some((account, AccountAt::of_engine(&self.engine, account, at)?));
        self.states.push(accounts.filter_map(state).collect());
        self.stamps.push(at);
    }

    /// Last sequence stamped at or before `time`.
    fn last_before(&self, time: Timestamp) -> Option<usize> {
        self.stamps.iter().rposition(|at| *at <= time)
    }
}

/// Submits random commands in batches, with restarts, and keeps what an engine in memory says.
async fn live(directory: &Path, random: &mut Random) -> (Exchange, Past) {
    let mut exchange = Exchange::start(config(directory)).await.unwrap();
    let mut past = Past::default();
    let mut decoder = Decoder::default();
    let mut batch = Decoder::prelude();
    while past.states.len() < COMMANDS {
        let outcomes = exchange.submit_all(batch.clone()).await.unwrap();
        for (outcome, command) in outcomes.iter().zip(&batch) {
            past.apply(outcome.sequence, outcome.at, command);
            decoder.observe(&outcome.events);
        }
        batch = (0..=random.below(BATCH_MAX))
            .map(|_| decoder.decode(&random_gene(random)).command)
            .collect();
        if random.below(RESTART_EVERY) < BATCH_MAX / 2 {
            drop(exchange);
            exchange = Exchange::start(config(directory)).await.unwrap();
        }
    }
    (exchange, past)
}

fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |elapsed| u64::try_from(elapsed.as_nanos()).unwrap_or_default())
}

#[tokio::test]
async fn the_past_is_what_the_log_says() {
    for seed in [1, seed()] {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let directory = tempfile::tempdir().unwrap();
        let (exchange, past) = live(directory.path(), &mut random).await;
        let (mut orders, mut waiting, mut paired, mut held) = (0, 0, 0, 0);
        for (index, states) in past.states.iter().enumerate() {
            // Every command is looked at through some account, every account through many commands.
            let account = *states.keys().nth(index % states.len()).unwrap();
            let sequence = Sequence(index as u64 + 1);
            let expected = &states[&account];
            let found = exchange
                .account_at(account, At::Sequence(sequence))
                .await
                .unwrap();
            assert_eq!(&found, expected, "account {account} at {sequence}, seed {seed}");
            orders += found.open_orders.len();
            waiting += found.open_orders.iter().filter(|order| !order.working).count();
            paired += found
                .open_orders
                .iter()
                .filter(|order| order.other.is_some())
                .count();
            held += found.balances.iter().filter(|one| one.balance.held.0 > 0).count();
        }
        assert!(
            orders > 300 && waiting > 50 && paired > 20 && held > 100,
            "{orders} {waiting} {paired} {held}"
        );
        by_time(&exchange, &past, &mut random).await;
        from_the_log(directory.path(), &past, &mut random).await;
        statements(&exchange, &past, &mut random).await;
        let report = verify(config(directory.path())).await.unwrap();
        assert!(report.holds(), "{:?}", report.findings);
    }
}

async fn by_time(exchange: &Exchange, past: &Past, random: &mut Random) {
    let (first, last) = (past.stamps[0].0, past.stamps[past.stamps.len() - 1].0);
    for round in 0..200 {
        let time = match round {
            0 => Timestamp(first),
            1 => Timestamp(last),
            _ => Timestamp(first + random.below(last - first + 1)),
        };
        let expected = &past.states[past.last_before(time).unwrap()];
        let account = *expected.keys().nth(round % expected.len()).unwrap();
        let found = exchange.account_at(account, At::Time(time)).await.unwrap();
        assert_eq!(found, expected[&account], "account {account} at time {time}");
    }
    let account = AccountId::FEES;
    let early = exchange.account_at(account, At::Time(Timestamp(first - 1))).await;
    assert!(matches!(early, Err(AccountAtError::BeforeFirst)), "{early:?}");
    let hour_us = 3_600_000_000;
    let late = exchange
        .account_at(account, At::Time(Timestamp(last + hour_us)))
        .await;
    assert!(
        matches!(late, Err(AccountAtError::TimeBeyondHead { .. })),
        "{late:?}"
    );
}

async fn from_the_log(directory: &Path, past: &Past, random: &mut Random) {
    let log = LogAddress::Sqlite(directory.join("log.db"));
    for round in 0..12 {
        let index = random.below(past.states.len() as u64) as usize;
        let at = if round % 2 == 0 {
            At::Sequence(Sequence(index as u64 + 1))
        } else {
            At::Time(past.stamps[index])
        };
        let expected = match at {
            At::Sequence(_) => &past.states[index],
            At::Time(time) => &past.states[past.last_before(time).unwrap()],
        };
        let then = replay::engine_at(&log, at).await.unwrap();
        for (account, expected) in expected {
            let found = AccountAt::of_engine(&then.engine, *account, then.at);
            assert_eq!(found.as_ref(), Some(expected), "account {account} at {at:?}");
        }
    }
    let head = Sequence(past.states.len() as u64);
    let beyond = At::Sequence(Sequence(head.0 + 1));
    assert!(matches!(
        replay::engine_at(&log, beyond).await,
        Err(AccountAtError::SequenceBeyondHead { .. })
    ));
    let later = At::Time(Timestamp(past.stamps[past.stamps.len() - 1].0 + 1));
    assert!(matches!(
        replay::engine_at(&log, later).await,
        Err(AccountAtError::TimeBeyondHead { .. })
    ));
    for nothing in [
        At::Sequence(Sequence(0)),
        At::Time(Timestamp(past.stamps[0].0 - 1)),
    ] {
        assert!(matches!(
            replay::engine_at(&log, nothing).await,
            Err(AccountAtError::BeforeFirst)
        ));
    }
    let mut engine = Engine::new();
    let replayed = replay::replay(&directory.join("log.db"), &mut engine)
        .await
        .unwrap();
    assert_eq!((replayed.commands, engine.sequence()), (head.0, head));
    assert_eq!(engine.state_hash(), past.engine.state_hash());
}

/// Total of each asset of an account at a sequence; zeros before it was open.
fn total(past: &Past, account: AccountId, sequence: u64, asset: AssetId) -> i128 {
    let states = sequence
        .checked_sub(1)
        .and_then(|index| past.states.get(index as usize));
    let balances = states
        .and_then(|states| states.get(&account))
        .map(|found| &found.balances);
    let found = balances.and_then(|all| all.iter().find(|one| one.asset == asset));
    found.map_or(0, |one| one.balance.available.0 + one.balance.held.0)
}

/// Random accounts and periods: the opening, each change and the closing are what the replay says, sequence by sequence.
async fn statements(exchange: &Exchange, past: &Past, random: &mut Random) {
    let head = past.states.len() as u64;
    let accounts: Vec<AccountId> = past.states[past.states.len() - 1].keys().copied().collect();
    let (mut entries, mut empty) = (0, 0);
    for round in 0..60 {
        let account = accounts[round % accounts.len()];
        let mut ends = [1 + random.below(head), 1 + random.below(head)];
        ends.sort_unstable();
        let [first, last] = ends;
        let by_time = round % 2 == 1;
        let moment = |sequence: u64| match by_time {
            true => At::Time(past.stamps[sequence as usize - 1]),
            false => At::Sequence(Sequence(sequence)),
        };
        let period = Period {
            from: Some(moment(first)),
            to: Some(moment(last)),
        };
        let statement = match exchange.statement(account, None, period, 1_000_000).await {
            Ok(statement) => statement,
            Err(StatementError::Moment(AccountAtError::NotOpen { sequence })) => {
                assert!(!past.states[sequence.0 as usize - 1].contains_key(&account));
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        if by_time {
            let stamp = past.stamps[first as usize - 1];
            let first = past.stamps.iter().position(|at| *at >= stamp).unwrap() as u64 + 1;
            let last = past.last_before(past.stamps[last as usize - 1]).unwrap() as u64 + 1;
            assert_eq!((statement.first.0, statement.last.0), (first, last));
        } else {
            assert_eq!((statement.first.0, statement.last.0), (first, last));
        }
        assert!(statement.settled);
        let read = whole(exchange, past, &statement).await;
        assert_eq!(statement.entries, read);
        entries += read;
        empty += u64::from(read == 0);
        // A page of a statement that is longer than allowed is known to be too long without counting it all.
        let short = exchange.statement(account, None, period, 3).await.unwrap();
        assert_eq!(short.entries, read.min(4));
    }
    assert!(entries > 1_000 && empty < 40, "{entries} {empty}");
}

/// Reads all entries of a statement in small pages and replays them; answers how many there were.
async fn whole(exchange: &Exchange, past: &Past, statement: &Statement) -> u64 {
    let (account, mut read) = (statement.account, 0);
    for of in &statement.assets {
        let mut total_now = total(past, account, statement.first.0 - 1, of.asset);
        assert_eq!(of.opening.0, total_now, "opening of {account}");
        let (mut place, mut sequence) = (EntryPlace::default(), statement.first.0);
        loop {
            let page = exchange
                .history()
                .statement_entries(statement, of.asset, place, 7)
                .await
                .unwrap();
            let Some(last) = page.last() else { break };
            place = EntryPlace::after(last);
            for entry in &page {
                // Until here nothing else changed the total.
                while sequence < entry.sequence.0 {
                    assert_eq!(
                        total(past, account, sequence, of.asset),
                        total_now,
                        "{account} at {sequence}"
                    );
                    sequence += 1;
                }
                total_now += entry.amount.0;
                assert_eq!(entry.total.0, total_now, "{account} entry {}", entry.entry);
                assert_eq!(
                    entry.at_ms,
                    past.stamps[entry.sequence.0 as usize - 1].as_millis()
                );
                read += 1;
            }
        }
        for sequence in sequence..=statement.last.0 {
            assert_eq!(
                total(past, account, sequence, of.asset),
                total_now,
                "{account} at {sequence}"
            );
        }
        assert_eq!(of.closing_total().0, total_now, "closing of {account}");
        // A house account that nothing ever moved is not among the engine's, and has nothing.
        let closing = past.states[statement.last.0 as usize - 1].get(&account);
        let same = |found: &AccountAt| {
            found
                .balances
                .iter()
                .any(|one| (one.asset, one.balance) == (of.asset, of.closing))
        };
        assert!(closing.is_none_or(same), "closing of {account}");
    }
    read
}

#[tokio::test]
async fn periods_that_do_not_exist_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(config(directory.path())).await.unwrap();
    let (house, all) = (AccountId::FEES, Period { from: None, to: None });
    let empty = exchange.statement(house, None, all, 10).await;
    assert!(
        matches!(empty, Err(StatementError::Moment(AccountAtError::BeforeFirst))),
        "{empty:?}"
    );
    for account in [1_000, 1_001] {
        let open = Command::OpenAccount {
            account: AccountId(account),
        };
        exchange.submit(open).await.unwrap();
    }
    let now = exchange.statement(AccountId(1_000), None, all, 10).await.unwrap();
    assert_eq!(
        (now.first.0, now.last.0, now.settled, now.entries),
        (1, 2, false, 0)
    );
    let at = |from, to| Period {
        from: Some(At::Sequence(Sequence(from))),
        to: Some(At::Sequence(Sequence(to))),
    };
    let time = |from, to| Period {
        from: Some(At::Time(Timestamp(from))),
        to: Some(At::Time(Timestamp(to))),
    };
    let late = u64::MAX >> 1;
    let future = exchange
        .statement(AccountId(1_000), None, time(late - 1, late), 10)
        .await
        .unwrap();
    assert_eq!((future.first.0, future.last.0, future.settled), (3, 2, false));
    for (account, period, expected) in [
        (1_000, at(2, 1), "Backwards"),
        (1_000, time(late, late - 1), "Backwards"),
        (1_000, at(0, 1), "BeforeFirst"),
        (1_000, at(1, 3), "SequenceBeyondHead"),
        (1_000, time(1, 2), "BeforeFirst"),
        (1_001, at(1, 1), "NotOpen"),
    ] {
        let refused = exchange
            .statement(AccountId(account), None, period, 10)
            .await
            .unwrap_err();
        assert!(
            format!("{refused:?}").contains(expected),
            "{refused:?} is not {expected}"
        );
    }
}

#[tokio::test]
async fn moments_that_do_not_exist_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(config(directory.path())).await.unwrap();
    let nobody = AccountId(1_000);
    for at in [At::Sequence(Sequence(0)), At::Time(Timestamp(u64::MAX >> 1))] {
        let empty = exchange.account_at(nobody, at).await;
        assert!(matches!(empty, Err(AccountAtError::BeforeFirst)), "{empty:?}");
    }
    exchange
        .submit(Command::OpenAccount {
            account: AccountId(1_001),
        })
        .await
        .unwrap();
    exchange
        .submit(Command::OpenAccount { account: nobody })
        .await
        .unwrap();
    let at = |sequence| At::Sequence(Sequence(sequence));
    assert!(
        exchange
            .account_at(nobody, at(2))
            .await
            .unwrap()
            .open_orders
            .is_empty()
    );
    let unopened = exchange.account_at(nobody, at(1)).await;
    assert!(
        matches!(
            unopened,
            Err(AccountAtError::NotOpen {
                sequence: Sequence(1)
            })
        ),
        "{unopened:?}"
    );
    let beyond = exchange.account_at(nobody, at(3)).await;
    assert!(
        matches!(
            beyond,
            Err(AccountAtError::SequenceBeyondHead {
                head: Sequence(2),
                ..
            })
        ),
        "{beyond:?}"
    );
    let future = exchange
        .account_at(nobody, At::Time(Timestamp(u64::MAX >> 1)))
        .await;
    assert!(
        matches!(future, Err(AccountAtError::TimeBeyondHead { .. })),
        "{future:?}"
    );
}
