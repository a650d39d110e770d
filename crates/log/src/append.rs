//! What every log asks itself before and after an append. Knows no database.

use crate::lease::OwnLease;
use crate::{AppendError, BATCH_BYTES_MAX, Head, Interruption};

/// Whether a writer may append: the batch has a size that can be kept, nothing is open from before, the lease has not run out.
pub(crate) fn admit(count: u32, data: &[u8], open_append: bool, lease: &OwnLease) -> Result<(), AppendError> {
    if count == 0 || data.len() > BATCH_BYTES_MAX {
        return Err(AppendError::Size);
    }
    if open_append {
        return Err(AppendError::OutcomeUnknown(Interruption::Abandoned));
    }
    if lease.has_expired() {
        return Err(AppendError::NotWritten(Interruption::LeaseExpired));
    }
    Ok(())
}

/// Whether the append stays open: only one that is known to be written or not lets the writer go on.
pub(crate) fn stays_open(answer: &Result<Head, AppendError>) -> bool {
    !matches!(answer, Ok(_) | Err(AppendError::NotWritten(_)))
}
