//! What EnsoExPAY does with sessions, cards and answers: the durable steps, each committed before the next begins.
//!
//! Knows no HTTP and no page. An attempt's identity at the network is committed before anything is sent; what the
//! network says is committed before anything follows from it. Nothing whose outcome is unknown is ever sent again:
//! it is asked for, and undone if it never arrived.

mod outcome;
mod resolver;
mod session;
mod submission;

pub(crate) use session::{CreateError, Ended};
pub(crate) use submission::{CardChoice, Next, Submission};

use crate::network::iso8583::CardNetwork;
use crate::network::three_d_secure::ThreeDSecure;
use crate::store::{Store, StoreError};
use crate::vault::{Vault, VaultError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Notify;

/// Attempts of one session before it ends.
pub(crate) const ATTEMPTS_PER_SESSION_MAX: i64 = 5;
/// Declines of one customer in a day before no card is tried any more.
const DECLINES_PER_CUSTOMER_AND_DAY_MAX: i64 = 30;
/// Declines of one card in a day before it is not tried any more. Test cards are everybody's, so not in test mode.
pub(crate) const DECLINES_PER_CARD_AND_DAY_MAX: i64 = 10;
/// How long after a session's end an approval still counts. A later one is undone.
const APPROVAL_GRACE_SECONDS: i64 = 600;

/// Why a step could not be done. What was committed before stands.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A card could not be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The steps, and what they need.
pub(crate) struct Processor {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) network: CardNetwork,
    pub(crate) three_d_secure: ThreeDSecure,
    pub(crate) public_url: String,
    pub(crate) session_seconds: i64,
    pub(crate) network_timeout: Duration,
    /// Declines of one card in a day before it is not tried any more.
    pub(crate) declines_per_card_and_day_max: i64,
    /// Woken when an event is recorded.
    pub(crate) events_wait: Notify,
    /// Woken when an outcome is unknown.
    pub(crate) outcomes_wait: Notify,
}

impl From<sqlx::Error> for ProcessError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Processor {
    /// When the resolver may look after an attempt that is being worked on now.
    fn patience(&self, now: i64) -> i64 {
        let timeout = i64::try_from(self.network_timeout.as_secs()).unwrap_or(60);
        now + timeout + 5
    }
}
