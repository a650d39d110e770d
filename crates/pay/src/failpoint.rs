//! Named places at which a debug build aborts when `ENSOEX_PAY_ABORT_AT` names them, as a crash would.
//!
//! Names, in the order of a payment: `session_committed`, `submission_committed` (before the authorisation is
//! sent), `authorization_answered` (before the answer is committed), `authorization_committed` (before the
//! capture is sent), `capture_answered`, `success_committed`; of a payout: `submission_committed`,
//! `credit_answered`, `payout_committed`. Release builds ignore the variable.

/// Aborts the process here if it was asked to.
pub(crate) fn reach(name: &str) {
    if cfg!(debug_assertions) && std::env::var_os("ENSOEX_PAY_ABORT_AT").is_some_and(|asked| asked == name) {
        std::process::abort();
    }
}
