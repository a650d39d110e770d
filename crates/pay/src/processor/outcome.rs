//! What follows from what the network said. Each function is one commit, and does nothing if another was faster.

use super::submission::is_exhausted;
use super::{APPROVAL_GRACE_SECONDS, ProcessError, Processor};
use crate::network::Decision;
use crate::store::attempt::{self, Attempt, AttemptState};
use crate::store::money::{self, PaymentChange, PayoutChange};
use crate::store::session::{self, Session};
use crate::store::{StoreError, instrument};
use crate::{clock, failpoint};
use ensoex_pay_api::{
    CheckoutSessionStatus, DeclineCode, EventType, Mode, Outcome, PaymentStatus, PayoutStatus,
};
use sqlx::{Sqlite, SqliteConnection, Transaction};

impl Processor {
    /// The issuer's decision about a submitted attempt is known.
    pub(super) async fn decided(&self, attempt_id: &str, decision: &Decision) -> Result<(), ProcessError> {
        let (mut transaction, attempt, session) = self.begin_with(attempt_id).await?;
        match (decision.is_approved(), session.mode) {
            (true, Mode::Payment) => {
                let captured_next = self
                    .approved(&mut transaction, &attempt, &session, decision)
                    .await?;
                transaction.commit().await?;
                failpoint::reach("authorization_committed");
                if captured_next {
                    self.capture(attempt_id).await?;
                } else {
                    self.outcomes_wait.notify_one();
                }
            }
            (true, Mode::Payout) => {
                credited(&mut transaction, &attempt, &session, decision).await?;
                transaction.commit().await?;
                failpoint::reach("payout_committed");
            }
            (false, _) => {
                declined(&mut transaction, &attempt, &session, decision).await?;
                transaction.commit().await?;
            }
        }
        self.events_wait.notify_one();
        Ok(())
    }

    /// The amount is held. True if it shall be captured now; false if it came too late and is to be undone, or if
    /// another was faster.
    async fn approved(
        &self,
        connection: &mut SqliteConnection,
        attempt: &Attempt,
        session: &Session,
        decision: &Decision,
    ) -> Result<bool, StoreError> {
        let now = clock::now();
        let late = now > session.expires_at + APPROVAL_GRACE_SECONDS;
        let (to, due) = if late {
            (AttemptState::Reversing, now)
        } else {
            (AttemptState::Authorized, self.patience(now))
        };
        if !attempt::advance(
            connection,
            &attempt.id,
            AttemptState::Submitted,
            to,
            Some(due),
            now,
        )
        .await?
        {
            return Ok(false);
        }
        note_answer(connection, attempt, decision).await?;
        if !late {
            let change = PaymentChange::to(PaymentStatus::RequiresCapture);
            money::change_payment(connection, &session.object_id, change, now).await?;
        }
        Ok(!late)
    }

    /// The amount is taken.
    pub(super) async fn captured(&self, attempt_id: &str) -> Result<(), ProcessError> {
        let now = clock::now();
        let (mut transaction, attempt, session) = self.begin_with(attempt_id).await?;
        let (from, to) = (AttemptState::Authorized, AttemptState::Captured);
        if !attempt::advance(&mut transaction, attempt_id, from, to, None, now).await? {
            return Ok(());
        }
        let change = PaymentChange {
            event: Some(EventType::PaymentSucceeded),
            ..PaymentChange::to(PaymentStatus::Succeeded)
        };
        money::change_payment(&mut transaction, &session.object_id, change, now).await?;
        let (object, currency) = (&session.object_id, session.currency.code());
        money::insert_balance_transaction(&mut transaction, object, "payment", currency, session.amount, now)
            .await?;
        session::close(&mut transaction, &session.id, CheckoutSessionStatus::Complete).await?;
        settle_instrument(&mut transaction, &attempt, true, now).await?;
        transaction.commit().await?;
        failpoint::reach("success_committed");
        self.events_wait.notify_one();
        Ok(())
    }

    /// The network cannot capture what it approved: undo it.
    pub(super) async fn capture_refused(&self, attempt_id: &str) -> Result<(), ProcessError> {
        let now = clock::now();
        let (mut transaction, _, session) = self.begin_with(attempt_id).await?;
        let (from, to) = (AttemptState::Authorized, AttemptState::Reversing);
        if attempt::advance(&mut transaction, attempt_id, from, to, Some(now), now).await? {
            let change = PaymentChange::to(PaymentStatus::Processing);
            money::change_payment(&mut transaction, &session.object_id, change, now).await?;
            transaction.commit().await?;
            self.outcomes_wait.notify_one();
        }
        Ok(())
    }

    /// The message was sent and no answer came. Neither success nor failure: it is asked for.
    pub(super) async fn unknown(&self, attempt_id: &str) -> Result<(), ProcessError> {
        let now = clock::now();
        let (mut transaction, attempt, session) = self.begin_with(attempt_id).await?;
        if attempt.state != AttemptState::Submitted {
            return Ok(());
        }
        note_unknown(&mut transaction, &session, now).await?;
        attempt::postpone(&mut transaction, attempt_id, now).await?;
        transaction.commit().await?;
        self.events_wait.notify_one();
        self.outcomes_wait.notify_one();
        Ok(())
    }

    /// A submitted attempt is unknown to the network: make sure that it never happens.
    pub(super) async fn never_arrived(&self, attempt_id: &str) -> Result<(), ProcessError> {
        let now = clock::now();
        let (mut transaction, _, _) = self.begin_with(attempt_id).await?;
        let (from, to) = (AttemptState::Submitted, AttemptState::Reversing);
        attempt::advance(&mut transaction, attempt_id, from, to, Some(now), now).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The network could not undo it: it must have happened after all, so ask again.
    pub(super) async fn not_reversed(&self, attempt_id: &str) -> Result<(), ProcessError> {
        let now = clock::now();
        let (mut transaction, attempt, _) = self.begin_with(attempt_id).await?;
        let (from, to) = (AttemptState::Reversing, AttemptState::Submitted);
        // Tries count on, so that two answers that contradict each other are not exchanged without pause.
        if attempt::advance(
            &mut transaction,
            attempt_id,
            from,
            to,
            Some(now + 1 + attempt.tries),
            now,
        )
        .await?
        {
            tracing::warn!("the network refuses a reversal");
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Nothing has happened, and nothing will.
    pub(super) async fn reversed(&self, attempt_id: &str, from: AttemptState) -> Result<(), ProcessError> {
        let now = clock::now();
        let (mut transaction, attempt, session) = self.begin_with(attempt_id).await?;
        if !attempt::advance(
            &mut transaction,
            attempt_id,
            from,
            AttemptState::Reversed,
            None,
            now,
        )
        .await?
        {
            return Ok(());
        }
        settle_instrument(&mut transaction, &attempt, false, now).await?;
        failed(
            &mut transaction,
            &session,
            Some(DeclineCode::ProcessingError),
            now,
        )
        .await?;
        transaction.commit().await?;
        self.events_wait.notify_one();
        Ok(())
    }

    /// Gives an attempt up of which nothing was sent.
    pub(super) async fn abort(
        &self,
        attempt_id: &str,
        from: AttemptState,
        decline: Option<DeclineCode>,
    ) -> Result<(), ProcessError> {
        let now = clock::now();
        let (mut transaction, attempt, session) = self.begin_with(attempt_id).await?;
        if !attempt::advance(
            &mut transaction,
            attempt_id,
            from,
            AttemptState::Aborted,
            None,
            now,
        )
        .await?
        {
            return Ok(());
        }
        settle_instrument(&mut transaction, &attempt, false, now).await?;
        failed(&mut transaction, &session, decline, now).await?;
        transaction.commit().await?;
        self.events_wait.notify_one();
        Ok(())
    }

    async fn begin_with(
        &self,
        attempt_id: &str,
    ) -> Result<(Transaction<'static, Sqlite>, Attempt, Session), StoreError> {
        let mut transaction = self.store.begin().await?;
        let attempt = attempt::find(&mut transaction, attempt_id)
            .await?
            .ok_or(StoreError::Missing { table: "attempt" })?;
        let session = session::get(&mut transaction, &attempt.session_id).await?;
        Ok((transaction, attempt, session))
    }
}

/// The card is credited.
async fn credited(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    session: &Session,
    decision: &Decision,
) -> Result<(), StoreError> {
    let now = clock::now();
    let (from, to) = (AttemptState::Submitted, AttemptState::Credited);
    if !attempt::advance(connection, &attempt.id, from, to, None, now).await? {
        return Ok(());
    }
    note_answer(connection, attempt, decision).await?;
    let change = PayoutChange {
        status: PayoutStatus::Paid,
        outcome: None,
        decline: None,
        event: Some(EventType::PayoutPaid),
    };
    money::change_payout(connection, &session.object_id, change, now).await?;
    let (object, currency) = (&session.object_id, session.currency.code());
    money::insert_balance_transaction(connection, object, "payout", currency, -session.amount, now).await?;
    settle_instrument(connection, attempt, true, now).await
}

/// The issuer refused.
async fn declined(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    session: &Session,
    decision: &Decision,
) -> Result<(), StoreError> {
    let now = clock::now();
    let (from, to) = (AttemptState::Submitted, AttemptState::Declined);
    if !attempt::advance(connection, &attempt.id, from, to, None, now).await? {
        return Ok(());
    }
    note_answer(connection, attempt, decision).await?;
    settle_instrument(connection, attempt, false, now).await?;
    failed(
        connection,
        session,
        Some(decline_code(&decision.response_code)),
        now,
    )
    .await
}

/// The attempt came to nothing: another card, or the end. A payout has one attempt only.
async fn failed(
    connection: &mut SqliteConnection,
    session: &Session,
    decline: Option<DeclineCode>,
    now: i64,
) -> Result<(), StoreError> {
    match session.mode {
        Mode::Payment if is_exhausted(session) => {
            let change = PaymentChange {
                status: PaymentStatus::Failed,
                outcome: None,
                decline: decline.or(Some(DeclineCode::AttemptsExceeded)),
                event: Some(EventType::PaymentFailed),
            };
            money::change_payment(connection, &session.object_id, change, now).await?;
            session::close(connection, &session.id, CheckoutSessionStatus::Canceled).await
        }
        Mode::Payment => {
            let change = PaymentChange {
                decline,
                ..PaymentChange::to(PaymentStatus::RequiresPaymentMethod)
            };
            money::change_payment(connection, &session.object_id, change, now).await?;
            Ok(())
        }
        Mode::Payout => {
            let change = PayoutChange {
                status: PayoutStatus::Failed,
                outcome: None,
                decline,
                event: Some(EventType::PayoutFailed),
            };
            money::change_payout(connection, &session.object_id, change, now).await?;
            Ok(())
        }
    }
}

/// Tells that the outcome is unknown, once.
async fn note_unknown(
    connection: &mut SqliteConnection,
    session: &Session,
    now: i64,
) -> Result<(), StoreError> {
    let outcome = Some(Outcome::Unknown);
    let object_id = &session.object_id;
    match session.mode {
        Mode::Payment => {
            let known = money::find_payment(connection, object_id).await?;
            if known.is_some_and(|payment| payment.outcome.is_none()) {
                let change = PaymentChange {
                    status: PaymentStatus::Processing,
                    outcome,
                    decline: None,
                    event: Some(EventType::PaymentProcessing),
                };
                money::change_payment(connection, object_id, change, now).await?;
            }
        }
        Mode::Payout => {
            let known = money::find_payout(connection, object_id).await?;
            if known.is_some_and(|payout| payout.outcome.is_none()) {
                let status = PayoutStatus::Submitted;
                let change = PayoutChange {
                    status,
                    outcome,
                    decline: None,
                    event: None,
                };
                money::change_payout(connection, object_id, change, now).await?;
            }
        }
    }
    Ok(())
}

async fn note_answer(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    decision: &Decision,
) -> Result<(), StoreError> {
    attempt::set_answer(
        connection,
        &attempt.id,
        &decision.response_code,
        decision.approval_code.as_deref(),
    )
    .await
}

/// The attempt is over: its card is remembered if that was asked for and it worked, else forgotten.
async fn settle_instrument(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    worked: bool,
    now: i64,
) -> Result<(), StoreError> {
    let Some(id) = &attempt.instrument_id else {
        return Ok(());
    };
    if worked && attempt.remember {
        instrument::remember(connection, id, now).await
    } else {
        instrument::forget_unless_remembered(connection, id).await
    }
}

/// The coarse code of an issuer's answer.
fn decline_code(response_code: &str) -> DeclineCode {
    match response_code {
        "51" | "61" => DeclineCode::InsufficientFunds,
        "1A" | "65" => DeclineCode::AuthenticationFailed,
        "12" | "13" | "30" | "91" | "94" | "96" => DeclineCode::ProcessingError,
        _ => DeclineCode::CardDeclined,
    }
}
