//! How commands become batches, and an exchange whose sequencer has a thread of its own: each answer reaches whoever asked.

mod support;

use ensoex_engine::{Command, Event};
use ensoex_exchange::{Exchange, ExchangeConfig, Role, StopReason, SubmitError};
use ensoex_log::{AnyLog, CommandLog as _, Head};
use ensoex_types::AccountId;
use std::collections::BTreeSet;
use support::config;
use tokio::runtime::{Builder, Runtime};

const SUBMITTERS: u32 = 3_000;

fn thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

fn open_account(number: u32) -> Command {
    Command::OpenAccount {
        account: AccountId(1_000 + number),
    }
}

/// All at once; each must be told of its own command. Answers the sequences.
async fn submit_all(exchange: &Exchange, numbers: std::ops::Range<u32>) -> BTreeSet<u64> {
    let submit = |number: u32| {
        let exchange = exchange.clone();
        tokio::spawn(async move {
            let outcome = exchange.submit(open_account(number)).await.unwrap();
            let account = AccountId(1_000 + number);
            assert_eq!(*outcome.events, [Event::AccountOpened { account }]);
            outcome.sequence.0
        })
    };
    let submitting: Vec<_> = numbers.map(submit).collect();
    let mut sequences = BTreeSet::new();
    for one in submitting {
        sequences.insert(one.await.unwrap());
    }
    sequences
}

async fn sizes(config: &ExchangeConfig) -> Vec<u32> {
    let mut log = AnyLog::open_read_only(&config.log).await.unwrap();
    let batches = log.read(&Head::EMPTY, 10_000).await.unwrap();
    batches.iter().map(|batch| batch.count).collect()
}

#[tokio::test]
async fn batches_are_capped_so_that_one_is_written_while_another_is_applied() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let exchange = Exchange::start(config.clone()).await.unwrap();
    // On a single thread all of them wait before the sequencer has its turn.
    submit_all(&exchange, 0..SUBMITTERS).await;
    assert_eq!(sizes(&config).await, [512, 512, 512, 512, 512, 440]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequencer_with_a_thread_of_its_own_answers_everybody() {
    let directory = tempfile::tempdir().unwrap();
    let sequencing = thread();
    let usual = config(directory.path());
    let own = ExchangeConfig {
        sequencing: Some(sequencing.handle().clone()),
        ..usual.clone()
    };
    let exchange = Exchange::start(own.clone()).await.unwrap();
    let sequences = submit_all(&exchange, 0..SUBMITTERS).await;
    assert!(sequences.into_iter().eq(1..=u64::from(SUBMITTERS)));

    // A standby opens the log on its sequencer's thread too; the one before it is told and stops.
    let standby = Exchange::follow(own).await.unwrap();
    standby.take_over().await.unwrap();
    let late = exchange.submit(open_account(SUBMITTERS)).await;
    assert!(
        matches!(late, Err(SubmitError::OutcomeUnknown | SubmitError::Stopped)),
        "{late:?}"
    );
    assert_eq!(exchange.stopped().await, StopReason::Fenced);
    assert_eq!(submit_all(&standby, SUBMITTERS..SUBMITTERS + 10).await.len(), 10);
    let hash = |exchange: &Exchange| exchange.read(|engine| engine.state_hash());
    let expected = hash(&standby);
    standby.close().await;
    assert_eq!(standby.role(), Role::Stopped(StopReason::Closed));
    sequencing.shutdown_background();

    let again = Exchange::start(usual).await.unwrap();
    assert_eq!(hash(&again), expected);
}
