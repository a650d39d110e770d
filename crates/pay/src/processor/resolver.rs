//! The resolver: looks after everything that nobody waits for any more. Unknown outcomes are asked for, approvals
//! captured, reversals repeated until confirmed, sessions expired; after a crash as well.

use super::{ProcessError, Processor};
use crate::network::iso8583::Money;
use crate::network::{Answer, Confirmation, Found};
use crate::store::attempt::{self, Attempt, AttemptState, NetworkReference};
use crate::store::session::{self, Session};
use crate::store::{StoreError, next_trace_number};
use crate::{clock, failpoint};
use ensoex_iso8583::MessageType;
use ensoex_pay_api::{DeclineCode, Mode};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Attempts looked after at once.
const ATTEMPTS_AT_ONCE_MAX: i64 = 32;
/// Longest pause between two questions about the same attempt.
const PAUSE_SECONDS_MAX: i64 = 300;
/// How old an attempt is that was given up before anything was sent.
const ABANDONED_AFTER_SECONDS: i64 = 120;

impl Processor {
    /// After a start: nobody works on anything, so everything is due, and what was not sent never will be.
    pub(crate) async fn recover(&self) -> Result<(), ProcessError> {
        let now = clock::now();
        let mut transaction = self.store.begin().await?;
        attempt::hurry(&mut transaction, now).await?;
        crate::store::event::hurry(&mut transaction, now).await?;
        transaction.commit().await?;
        while self.abort_abandoned(now).await? > 0 {}
        Ok(())
    }

    /// Looks after what is due until `stop` turns true.
    pub(crate) async fn resolve(self: Arc<Self>, pause: Duration, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(error) = self.resolve_due().await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the resolver failed; it goes on"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.outcomes_wait.notified() => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    async fn resolve_due(self: &Arc<Self>) -> Result<(), ProcessError> {
        self.abort_abandoned(clock::now() - ABANDONED_AFTER_SECONDS)
            .await?;
        self.expire_due().await?;
        let mut connection = self.store.read().await?;
        let due = attempt::due(&mut connection, clock::now(), ATTEMPTS_AT_ONCE_MAX).await?;
        drop(connection);
        let mut work = JoinSet::new();
        for attempt in due {
            let processor = self.clone();
            work.spawn(async move { processor.look_after(&attempt).await });
        }
        while let Some(done) = work.join_next().await {
            match done {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "an attempt is not resolved yet"
                    );
                }
                Err(error) => tracing::error!(%error, "an attempt's task ended badly"),
            }
        }
        Ok(())
    }

    async fn abort_abandoned(&self, created_before: i64) -> Result<usize, ProcessError> {
        let mut connection = self.store.read().await?;
        let abandoned = attempt::abandoned(&mut connection, created_before, ATTEMPTS_AT_ONCE_MAX).await?;
        drop(connection);
        for attempt in &abandoned {
            self.abort(
                &attempt.id,
                AttemptState::Created,
                Some(DeclineCode::ProcessingError),
            )
            .await?;
        }
        Ok(abandoned.len())
    }

    async fn look_after(&self, attempt: &Attempt) -> Result<(), ProcessError> {
        let mut connection = self.store.read().await?;
        let session = session::get(&mut connection, &attempt.session_id).await?;
        drop(connection);
        let Some(reference) = &attempt.reference else {
            return Err(StoreError::Missing { table: "attempt" }.into());
        };
        match attempt.state {
            AttemptState::Submitted => self.inquire(attempt, &session, reference).await,
            AttemptState::Authorized => self.capture(&attempt.id).await,
            AttemptState::Reversing => self.reverse(attempt, &session, reference).await,
            _ => Ok(()),
        }
    }

    /// Asks what became of a message.
    async fn inquire(
        &self,
        attempt: &Attempt,
        session: &Session,
        reference: &NetworkReference,
    ) -> Result<(), ProcessError> {
        self.postpone(attempt).await?;
        let trace_number = self.trace_number().await?;
        match self
            .network
            .inquire(original_type(session), reference, trace_number)
            .await
        {
            Answer::Given(Found::Decided(decision)) => self.decided(&attempt.id, &decision).await,
            Answer::Given(Found::Reversed) => self.reversed(&attempt.id, AttemptState::Submitted).await,
            Answer::Given(Found::Nothing) => {
                self.never_arrived(&attempt.id).await?;
                self.reverse(attempt, session, reference).await
            }
            Answer::NotSent | Answer::Unknown => self.unknown_still(attempt).await,
        }
    }

    /// Tells the Service that the outcome is unknown, in case a crash came before that.
    async fn unknown_still(&self, attempt: &Attempt) -> Result<(), ProcessError> {
        if attempt.tries == 0 {
            self.unknown(&attempt.id).await?;
            self.postpone(attempt).await?;
        }
        Ok(())
    }

    /// Takes what is held. Advices may be repeated: the network books one.
    pub(super) async fn capture(&self, attempt_id: &str) -> Result<(), ProcessError> {
        let mut connection = self.store.read().await?;
        let found = attempt::find(&mut connection, attempt_id).await?;
        let attempt = found.ok_or(StoreError::Missing { table: "attempt" })?;
        let session = session::get(&mut connection, &attempt.session_id).await?;
        drop(connection);
        let Some(reference) = &attempt.reference else {
            return Err(StoreError::Missing { table: "attempt" }.into());
        };
        self.postpone(&attempt).await?;
        let trace_number = self.trace_number().await?;
        let money = Money {
            amount: session.amount,
            currency: session.currency,
        };
        let approval_code = attempt.approval_code.as_deref();
        let repeat = attempt.tries > 0;
        let answer = self
            .network
            .capture(reference, money, approval_code, trace_number, repeat)
            .await;
        failpoint::reach("capture_answered");
        match answer {
            Answer::Given(Confirmation::Done) => self.captured(attempt_id).await,
            Answer::Given(Confirmation::Refused) => self.capture_refused(attempt_id).await,
            Answer::NotSent | Answer::Unknown => Ok(()),
        }
    }

    /// Undoes, or makes sure that it never happens.
    async fn reverse(
        &self,
        attempt: &Attempt,
        session: &Session,
        reference: &NetworkReference,
    ) -> Result<(), ProcessError> {
        self.postpone(attempt).await?;
        let trace_number = self.trace_number().await?;
        let repeat = attempt.tries > 0;
        match self
            .network
            .reverse(original_type(session), reference, trace_number, repeat)
            .await
        {
            Answer::Given(Confirmation::Done) => self.reversed(&attempt.id, AttemptState::Reversing).await,
            Answer::Given(Confirmation::Refused) => self.not_reversed(&attempt.id).await,
            Answer::NotSent | Answer::Unknown => Ok(()),
        }
    }

    /// Counts a try before it is made, so that the pauses grow whatever happens.
    async fn postpone(&self, attempt: &Attempt) -> Result<(), ProcessError> {
        let growing = 1_i64
            .checked_shl(u32::try_from(attempt.tries.clamp(0, 16)).unwrap_or(16))
            .unwrap_or(1);
        let pause = growing.min(PAUSE_SECONDS_MAX);
        let timeout = i64::try_from(self.network_timeout.as_secs()).unwrap_or(0);
        let mut transaction = self.store.begin().await?;
        attempt::postpone(&mut transaction, &attempt.id, clock::now() + timeout + pause).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn trace_number(&self) -> Result<i64, ProcessError> {
        let mut transaction = self.store.begin().await?;
        let trace_number = next_trace_number(&mut transaction).await?;
        transaction.commit().await?;
        Ok(trace_number)
    }
}

const fn original_type(session: &Session) -> MessageType {
    match session.mode {
        Mode::Payment => MessageType::AUTHORIZATION_REQUEST,
        Mode::Payout => MessageType::FINANCIAL_REQUEST,
    }
}
