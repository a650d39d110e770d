//! What every handler of the Service shares.

use crate::cards::Cards;
use crate::messages::{Channel, Messenger, NotSent};
use crate::password::Passwords;
use crate::policy_store::PolicyStore;
use crate::secret::ServiceKey;
use axum::http::StatusCode;
use ensoex_exchange::Exchange;
use ensoex_sql::Database;
use ensoex_types::AccountId;
use ensoex_vault::{AccessRequest, Actor, Disclosure, PolicyVersion, Reason, SubjectId, Vault};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::sync::{Mutex as Turn, MutexGuard, broadcast};

use crate::problem::Problem;
use crate::registration::undeliverable;

ensoex_sql::statements! {
    STATEMENTS;
    SUBJECT = "SELECT subject FROM users WHERE account = $1";
}

/// Shared by all handlers; cheap to clone.
pub(crate) type App = Arc<AppState>;

/// See [`App`].
pub(crate) struct AppState {
    pub(crate) exchange: Exchange,
    pub(crate) database: Database,
    pub(crate) vault: Vault,
    pub(crate) policy: PolicyStore,
    pub(crate) key: ServiceKey,
    pub(crate) passwords: Passwords,
    pub(crate) messenger: Messenger,
    pub(crate) cards: Cards,
    pub(crate) books: crate::risk::Books,
    /// Origin under which browsers reach the Service, without a slash at the end.
    pub(crate) public_url: String,
    pub(crate) demo: bool,
    pub(crate) data_directory: PathBuf,
    /// Deposits and withdrawals that changed: account and id.
    pub(crate) card_changes: broadcast::Sender<(AccountId, String)>,
    pub(crate) private_streams: Mutex<BTreeMap<AccountId, usize>>,
    pub(crate) turns: Turns,
    pub(crate) registrations: crate::registration::Recent,
    pub(crate) passkeys: crate::passkeys::Passkeys,
    pub(crate) sign_ins: crate::session::SignIns,
    pub(crate) erasures: crate::erasure::Unfinished,
    pub(crate) published: Arc<crate::improvement::Published>,
    pub(crate) disclosed: Arc<crate::disclosures::Published>,
    pub(crate) duties: Arc<crate::rights::Duties>,
}

/// One wish of an account at a time, so that a repetition finds what the first one did. Accounts share a few turns.
pub(crate) struct Turns([Turn<()>; TURNS]);

const TURNS: usize = 64;

impl Default for Turns {
    fn default() -> Turns {
        Turns(std::array::from_fn(|_| Turn::default()))
    }
}

impl Turns {
    /// Waits until no other wish of the account is under way.
    pub(crate) async fn take(&self, account: AccountId) -> MutexGuard<'_, ()> {
        self.0[usize::try_from(account.0).unwrap_or_default() % TURNS]
            .lock()
            .await
    }
}

impl AppState {
    /// States an access to personal data: who, why, and under which version of the Policy.
    pub(crate) fn access(&self, actor: Actor, reason: Reason) -> Result<AccessRequest, Problem> {
        let policy_version = PolicyVersion::new(&self.policy.in_force().hash)?;
        Ok(AccessRequest {
            actor,
            reason,
            policy_version,
        })
    }

    /// An access by a part of the Service.
    pub(crate) fn component_access(&self, name: &str, reason: Reason) -> Result<AccessRequest, Problem> {
        self.access(Actor::component(name)?, reason)
    }

    /// An access by the person, signed in.
    pub(crate) fn own_access(&self, subject: SubjectId, reason: Reason) -> Result<AccessRequest, Problem> {
        self.access(Actor::Person(subject), reason)
    }

    /// Enters that who delivers messages is given one for the person; fails where there is nobody to hand it to.
    pub(crate) async fn entered_message(
        &self,
        subject: &SubjectId,
        channel: Channel,
    ) -> Result<Disclosure, Problem> {
        if !self.messenger.is_connected(channel) {
            return Err(undeliverable(&NotSent::NotConfigured));
        }
        let access = self.component_access("messenger", Reason::DeliverMessage)?;
        let (recipient, items) = (channel.recipient(), channel.items());
        Ok(self.vault.disclose(subject, recipient, &items, &access).await?)
    }

    /// The pseudonym under which the vault knows the owner of an account.
    pub(crate) async fn subject_of(&self, account: AccountId) -> Result<SubjectId, Problem> {
        let subject: Option<String> = self
            .database
            .fetch_optional_value(SUBJECT.bind(i64::from(account.0)))
            .await?;
        subject.and_then(|text| text.parse().ok()).ok_or_else(no_user)
    }
}

fn no_user() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "not_signed_in", "Sign in first.")
}
