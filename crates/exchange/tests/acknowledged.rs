//! What was acknowledged is known outside of the log, too: a log that lost its end is refused, and only a loss that is accepted
//! by name is gone on with.

mod common;

use common::{bars, opened, traded};
use ensoex_exchange::{Exchange, ExchangeConfig, ExchangeError, verify};
use ensoex_types::Sequence;
use std::fs;
use std::path::Path;

const LOG_FILES: [&str; 3] = ["log.db", "log.db-wal", "log.db-shm"];

fn copy_log(from: &Path, to: &Path) {
    for name in LOG_FILES {
        let _may_be_absent = fs::remove_file(to.join(name));
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// So that nothing but the mark can tell.
fn remove_projections(directory: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _may_be_absent = fs::remove_file(directory.join(format!("projections.db{suffix}")));
    }
}

fn last(exchange: &Exchange) -> Sequence {
    exchange.read(|engine| engine.sequence())
}

/// An exchange whose log was rolled back to an older copy; answers the sequences of the copy and of what was acknowledged.
async fn rolled_back(directory: &Path) -> (Sequence, Sequence) {
    let copy = tempfile::tempdir().unwrap();
    let exchange = traded(directory).await;
    let then = last(&exchange);
    drop(exchange);
    // Opened once more, so that everything is in the file itself.
    drop(Exchange::open(directory).await.unwrap());
    copy_log(directory, copy.path());
    let exchange = Exchange::open(directory).await.unwrap();
    bars(&exchange, 3).await;
    let acknowledged = last(&exchange);
    drop(exchange);
    copy_log(copy.path(), directory);
    remove_projections(directory);
    (then, acknowledged)
}

#[tokio::test]
async fn a_log_that_was_rolled_back_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (then, acknowledged) = rolled_back(directory.path()).await;
    let refused = Exchange::open(directory.path()).await.err().unwrap();
    assert!(
        matches!(refused, ExchangeError::LogTooShort { log, seen } if (log, seen) == (then, acknowledged)),
        "{refused}"
    );
    let sentence = refused.to_string();
    for word in ["standby", "backup", &format!("--accept-loss-after {then}")] {
        assert!(sentence.contains(word), "it says what to do: {sentence}");
    }
    // Control: without the mark nothing would have been noticed.
    fs::remove_file(directory.path().join("acknowledged")).unwrap();
    let exchange = Exchange::open(directory.path()).await.unwrap();
    assert_eq!(last(&exchange), then);
}

#[tokio::test]
async fn a_lost_write_ahead_log_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = opened(directory.path()).await;
    bars(&exchange, 3).await;
    // As after a power cut with a disk that lied: the file is there, the write-ahead log is not.
    let lost = tempfile::tempdir().unwrap();
    for name in ["log.db", "acknowledged"] {
        fs::copy(directory.path().join(name), lost.path().join(name)).unwrap();
    }
    let refused = Exchange::open(lost.path()).await.err().unwrap();
    assert!(matches!(refused, ExchangeError::LogTooShort { .. }), "{refused}");
    drop(exchange);
    // Control: with it, all is well.
    let whole = tempfile::tempdir().unwrap();
    copy_log(directory.path(), whole.path());
    fs::copy(
        directory.path().join("acknowledged"),
        whole.path().join("acknowledged"),
    )
    .unwrap();
    Exchange::open(whole.path()).await.unwrap();
}

#[tokio::test]
async fn another_log_of_the_same_length_is_refused() {
    let (ours, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(traded(ours.path()).await);
    drop(traded(other.path()).await);
    copy_log(other.path(), ours.path());
    remove_projections(ours.path());
    let refused = Exchange::open(ours.path()).await.err().unwrap();
    assert!(
        matches!(refused, ExchangeError::OtherThanAcknowledged { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_loss_is_accepted_only_by_its_name_and_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let (then, acknowledged) = rolled_back(directory.path()).await;
    let accepting = |sequence| ExchangeConfig {
        accept_loss_after: Some(sequence),
        ..ExchangeConfig::new(directory.path())
    };
    let other = Exchange::start(accepting(acknowledged)).await.err().unwrap();
    assert!(matches!(other, ExchangeError::OtherLoss { .. }), "{other}");
    let exchange = Exchange::start(accepting(then)).await.unwrap();
    assert_eq!(last(&exchange), then);
    bars(&exchange, 1).await;
    drop(exchange);
    let recorded = fs::read_to_string(directory.path().join("accepted-losses")).unwrap();
    assert!(
        recorded.contains(&format!("sequence {then} "))
            && recorded.contains(&format!("sequence {acknowledged} "))
    );
    // From here on it is an exchange like any other.
    drop(Exchange::open(directory.path()).await.unwrap());
    let report = verify(directory.path()).await.unwrap();
    assert!(report.holds(), "{:?}", report.findings);
}
