//! Time travel: what the projections answer of the past is what the log, replayed that far, says.

use ensoex_engine::{Command, Engine};
use ensoex_exchange::{AccountAt, AccountAtError, At, Exchange, replay, verify};
use ensoex_sim::commands::{Decoder, random_gene};
use ensoex_sim::random::Random;
use ensoex_types::{AccountId, Sequence, Timestamp};
use std::collections::BTreeMap;
use std::path::Path;

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
    let mut exchange = Exchange::open(directory).await.unwrap();
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
            exchange = Exchange::open(directory).await.unwrap();
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
        let report = verify(directory.path()).await.unwrap();
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
    let late = exchange.account_at(account, At::Time(Timestamp(last + 1))).await;
    assert!(
        matches!(late, Err(AccountAtError::TimeBeyondHead { .. })),
        "{late:?}"
    );
}

async fn from_the_log(directory: &Path, past: &Past, random: &mut Random) {
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
        let then = replay::engine_at(directory, at).await.unwrap();
        for (account, expected) in expected {
            let found = AccountAt::of_engine(&then.engine, *account, then.at);
            assert_eq!(found.as_ref(), Some(expected), "account {account} at {at:?}");
        }
    }
    let head = Sequence(past.states.len() as u64);
    let beyond = At::Sequence(Sequence(head.0 + 1));
    assert!(matches!(
        replay::engine_at(directory, beyond).await,
        Err(AccountAtError::SequenceBeyondHead { .. })
    ));
    let later = At::Time(Timestamp(past.stamps[past.stamps.len() - 1].0 + 1));
    assert!(matches!(
        replay::engine_at(directory, later).await,
        Err(AccountAtError::TimeBeyondHead { .. })
    ));
    for nothing in [
        At::Sequence(Sequence(0)),
        At::Time(Timestamp(past.stamps[0].0 - 1)),
    ] {
        assert!(matches!(
            replay::engine_at(directory, nothing).await,
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

#[tokio::test]
async fn moments_that_do_not_exist_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = Exchange::open(directory.path()).await.unwrap();
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
