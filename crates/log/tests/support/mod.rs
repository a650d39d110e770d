//! A writer under load, and the check that nothing it was promised is lost or there twice.

use ensoex_log::{AnyLog, AppendError, CommandLog, Head, LogAddress, Opening, Safeguard, Timings};
use ensoex_types::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// From the environment, or `default`.
pub(crate) fn count(name: &str, default: u32) -> u32 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// How a writer without a standby may run.
pub(crate) fn alone(answer: Duration) -> Opening {
    Opening {
        unsafe_allowed: vec![Safeguard::SynchronousStandbyNames],
        timings: Timings {
            connect: answer,
            answer,
            settle: Duration::from_secs(180),
        },
        ..Opening::default()
    }
}

/// The log, what was acknowledged, and how often nothing was written.
pub(crate) type Ended = (AnyLog, Vec<(Head, u64)>, u64);

/// A writer that appends one numbered batch after the other.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    writer: JoinHandle<Ended>,
}

impl Load {
    /// Appends until told to stop. A batch that was not written is tried again under its number.
    pub(crate) fn start(mut log: AnyLog, first: u64) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let (stopping, counter) = (Arc::clone(&stop), Arc::clone(&acknowledged));
        let writer = tokio::spawn(async move {
            let (mut kept, mut number, mut refused) = (Vec::new(), first, 0);
            while !stopping.load(Ordering::SeqCst) {
                match log
                    .append(Timestamp(number), 1, number.to_be_bytes().to_vec())
                    .await
                {
                    Ok(head) => {
                        kept.push((head, number));
                        counter.fetch_add(1, Ordering::SeqCst);
                        number += 1;
                    }
                    Err(AppendError::NotWritten(_)) => refused += 1,
                    Err(error) => panic!("batch {number}: {error}"),
                }
            }
            (log, kept, refused)
        });
        Load {
            stop,
            acknowledged,
            writer,
        }
    }

    /// Waits until `more` batches were acknowledged from now on: the writer serves.
    pub(crate) async fn serves(&self, more: u64) {
        let wanted = self.acknowledged.load(Ordering::SeqCst) + more;
        while self.acknowledged.load(Ordering::SeqCst) < wanted {
            assert!(!self.writer.is_finished(), "the writer has stopped");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The log, what was acknowledged, and how often nothing was written.
    pub(crate) async fn end(self) -> Ended {
        self.stop.store(true, Ordering::SeqCst);
        self.writer.await.unwrap()
    }
}

/// Reads the log whole: every acknowledged batch must be there, at its place, once. Answers the batches.
pub(crate) async fn all_is_there(address: &LogAddress, acknowledged: &[(Head, u64)]) -> usize {
    let mut log = AnyLog::open_read_only(address).await.unwrap();
    let mut reached = Head::EMPTY;
    let mut numbers = Vec::new();
    let mut ends = Vec::new();
    loop {
        let batches = log.read(&reached, 256).await.unwrap();
        let Some(last) = batches.last() else { break };
        reached = last.end();
        for batch in batches {
            ends.push((batch.end().next_sequence, batch.hash));
            numbers.push(u64::from_be_bytes(batch.data.try_into().unwrap()));
        }
    }
    log.check_end(&reached).unwrap();
    for (head, number) in acknowledged {
        let place = ends
            .iter()
            .position(|(next, hash)| *next == head.next_sequence && *hash == head.hash);
        let place = place.unwrap_or_else(|| panic!("acknowledged batch {number} is lost"));
        assert_eq!(numbers[place], *number);
    }
    let rows = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), rows, "a batch is there twice");
    rows
}
