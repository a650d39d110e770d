//! A value that stays open for a limited time under one logged access.
//!
//! For secrets that are needed many times a second, such as those of API keys: the access log says
//! for how long the value is open, and removal, correction or erasure of the value ends the lease at
//! once. It does not know the log or the databases: `vault` writes the entry before it makes a lease.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::catalogue::{FieldName, Leasable};
use crate::personal::Personal;
use crate::request::RecordName;
use crate::subject::SubjectId;

/// The longest lease, in seconds.
pub const LEASE_SECONDS_MAX: u32 = 900;

/// A value open for a limited time.
pub struct Lease<F: Leasable> {
    value: Personal<F::Value>,
    subject: SubjectId,
    until: Instant,
    ended: Arc<AtomicBool>,
}

/// The lease is over: open the value again through the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease on the value is over")]
pub struct LeaseOver;

impl<F: Leasable> Lease<F> {
    /// Lets `open` look at the value while the lease lasts.
    ///
    /// # Errors
    /// [`LeaseOver`] when its time has run out or the value was removed, replaced or erased.
    pub fn expose<R>(&self, open: impl FnOnce(&F::Value) -> R) -> Result<R, LeaseOver> {
        if self.is_over() {
            Err(LeaseOver)
        } else {
            Ok(self.value.expose(open))
        }
    }

    /// Whether the lease is over.
    pub fn is_over(&self) -> bool {
        self.ended.load(Ordering::SeqCst) || Instant::now() >= self.until
    }

    /// Whose value it is.
    pub const fn subject(&self) -> &SubjectId {
        &self.subject
    }
}

type Key = (SubjectId, FieldName, String);

/// The leases that can still be ended early.
#[derive(Default)]
pub(crate) struct LiveLeases(Mutex<HashMap<Key, Vec<Weak<AtomicBool>>>>);

impl LiveLeases {
    pub(crate) fn grant<F: Leasable>(
        &self,
        subject: SubjectId,
        record: &RecordName,
        value: Personal<F::Value>,
        seconds: u32,
    ) -> Lease<F> {
        let ended = Arc::new(AtomicBool::new(false));
        let mut live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_value = live
            .entry((subject, F::NAME, record.as_str().to_owned()))
            .or_default();
        of_value.retain(|lease| lease.strong_count() > 0);
        of_value.push(Arc::downgrade(&ended));
        let until = Instant::now() + Duration::from_secs(u64::from(seconds));
        Lease {
            value,
            subject,
            until,
            ended,
        }
    }

    pub(crate) fn end(&self, subject: &SubjectId, field: FieldName, record: &RecordName) {
        self.end_where(|(of, named, called)| of == subject && *named == field && called == record.as_str());
    }

    pub(crate) fn end_all(&self, subject: &SubjectId) {
        self.end_where(|(of, _, _)| of == subject);
    }

    fn end_where(&self, mut ends: impl FnMut(&Key) -> bool) {
        let mut live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|key, leases| {
            if !ends(key) {
                return leases.iter().any(|lease| lease.strong_count() > 0);
            }
            for lease in leases.iter().filter_map(Weak::upgrade) {
                lease.store(true, Ordering::SeqCst);
            }
            false
        });
    }
}
