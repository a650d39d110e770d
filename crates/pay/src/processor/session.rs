//! Sessions begin and end.

use super::{ProcessError, Processor};
use crate::store::attempt::{self, AttemptState};
use crate::store::money::{self, PaymentChange, PayoutChange};
use crate::store::session::{self, Session};
use crate::store::{StoreError, instrument};
use crate::{clock, failpoint, random};
use ensoex_pay_api::{
    CheckoutSessionId, CheckoutSessionStatus, CreateCheckoutSession, EventType, Mode, PaymentId,
    PaymentStatus, PayoutId, PayoutStatus,
};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;
use thiserror::Error;

/// Sessions that one sweep lets expire.
const EXPIRE_AT_ONCE_MAX: i64 = 100;

/// Why a session was not made.
#[derive(Debug, Error)]
pub(crate) enum CreateError {
    /// The key came before with another body.
    #[error("the idempotency key came before with another body")]
    KeyReused,
    /// The reference belongs to an earlier session.
    #[error("the client reference belongs to an earlier session")]
    ReferenceTaken,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of the wish to end a session.
pub(crate) enum Ended {
    /// It has ended, now.
    Now(Session),
    /// It had ended before.
    Before(Session),
    /// The network is being asked; it cannot end before that is known.
    InFlight,
    /// There is none, or the form is not its current one.
    Unknown,
}

impl Processor {
    /// Makes a session, or finds what the same key and body made before. Key, hash, session and object are one
    /// commit, so there is nothing to resume half-way.
    pub(crate) async fn create_session(
        &self,
        key: &str,
        request: &CreateCheckoutSession,
    ) -> Result<Session, CreateError> {
        let canonical = serde_json::to_vec(request).map_err(StoreError::from)?;
        let body_hash: [u8; 32] = Sha256::digest(&canonical).into();
        let now = clock::now();
        let mut transaction = self.store.begin().await?;
        if let Some((known_hash, session_id)) = session::find_key(&mut transaction, key).await? {
            if known_hash != body_hash {
                return Err(CreateError::KeyReused);
            }
            return Ok(session::get(&mut transaction, &session_id).await?);
        }
        let reference = request.client_reference.as_str();
        if session::reference_is_taken(&mut transaction, request.mode, reference).await? {
            return Err(CreateError::ReferenceTaken);
        }
        let id = random::identifier(CheckoutSessionId::PREFIX);
        let currency = request.currency.code();
        let object_id = match request.mode {
            Mode::Payment => {
                let object_id = random::identifier(PaymentId::PREFIX);
                money::insert_payment(
                    &mut transaction,
                    &object_id,
                    request.amount,
                    currency,
                    reference,
                    now,
                )
                .await?;
                object_id
            }
            Mode::Payout => {
                let object_id = random::identifier(PayoutId::PREFIX);
                money::insert_payout(
                    &mut transaction,
                    &object_id,
                    request.amount,
                    currency,
                    reference,
                    now,
                )
                .await?;
                object_id
            }
        };
        session::insert(
            &mut transaction,
            &id,
            &object_id,
            request,
            now,
            now + self.session_seconds,
        )
        .await?;
        session::insert_key(&mut transaction, key, &body_hash, &id, now).await?;
        let session = session::get(&mut transaction, &id).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        failpoint::reach("session_committed");
        Ok(session)
    }

    /// The person turns back.
    pub(crate) async fn cancel(&self, session_id: &str, form_token: &str) -> Result<Ended, ProcessError> {
        self.end(session_id, Some(form_token), CheckoutSessionStatus::Canceled)
            .await
    }

    /// The session's time is over, or the Service wants it over.
    pub(crate) async fn expire(&self, session_id: &str) -> Result<Ended, ProcessError> {
        self.end(session_id, None, CheckoutSessionStatus::Expired).await
    }

    /// Lets sessions expire whose time is over.
    pub(crate) async fn expire_due(&self) -> Result<(), ProcessError> {
        let mut connection = self.store.read().await?;
        let due = session::due_to_expire(&mut connection, clock::now(), EXPIRE_AT_ONCE_MAX).await?;
        drop(connection);
        for id in due {
            self.expire(&id).await?;
        }
        Ok(())
    }

    async fn end(
        &self,
        session_id: &str,
        form_token: Option<&str>,
        status: CheckoutSessionStatus,
    ) -> Result<Ended, ProcessError> {
        let now = clock::now();
        let mut transaction = self.store.begin().await?;
        let Some(session) = session::find(&mut transaction, session_id).await? else {
            return Ok(Ended::Unknown);
        };
        if session.status != CheckoutSessionStatus::Open {
            return Ok(Ended::Before(session));
        }
        if form_token.is_some_and(|token| token != session.form_token) {
            return Ok(Ended::Unknown);
        }
        if let Some(open) = attempt::find_open(&mut transaction, session_id).await? {
            if open.state.is_in_flight() {
                return Ok(Ended::InFlight);
            }
            attempt::advance(
                &mut transaction,
                &open.id,
                open.state,
                AttemptState::Aborted,
                None,
                now,
            )
            .await?;
            if let Some(id) = &open.instrument_id {
                instrument::forget_unless_remembered(&mut transaction, id).await?;
            }
        }
        end_object(&mut transaction, &session, status, now).await?;
        session::close(&mut transaction, session_id, status).await?;
        let session = session::get(&mut transaction, session_id).await?;
        transaction.commit().await?;
        self.events_wait.notify_one();
        Ok(Ended::Now(session))
    }
}

async fn end_object(
    connection: &mut SqliteConnection,
    session: &Session,
    status: CheckoutSessionStatus,
    now: i64,
) -> Result<(), StoreError> {
    let canceled = status == CheckoutSessionStatus::Canceled;
    match session.mode {
        Mode::Payment => {
            let (status, event) = if canceled {
                (PaymentStatus::Canceled, EventType::PaymentCanceled)
            } else {
                (PaymentStatus::Expired, EventType::PaymentExpired)
            };
            let change = PaymentChange {
                event: Some(event),
                ..PaymentChange::to(status)
            };
            money::change_payment(connection, &session.object_id, change, now).await?;
        }
        Mode::Payout => {
            let (status, event) = if canceled {
                (PayoutStatus::Canceled, EventType::PayoutCanceled)
            } else {
                (PayoutStatus::Expired, EventType::PayoutExpired)
            };
            let change = PayoutChange {
                status,
                outcome: None,
                decline: None,
                event: Some(event),
            };
            money::change_payout(connection, &session.object_id, change, now).await?;
        }
    }
    Ok(())
}
