//! A person submits a card: the attempt, 3-D Secure, and the message to the network.

use super::{ATTEMPTS_PER_SESSION_MAX, DECLINES_PER_CUSTOMER_AND_DAY_MAX, ProcessError, Processor};
use crate::card::{Card, VerificationCode};
use crate::network::Answer;
use crate::network::iso8583::{Authentication, Money, Proof};
use crate::network::three_d_secure::{Request, Verdict};
use crate::store::attempt::{self, AttemptState, NetworkReference, NewAttempt};
use crate::store::money::{self, PaymentChange, PayoutChange};
use crate::store::session::{self, Session};
use crate::store::{StoreError, instrument, next_trace_number};
use crate::vault::KEY_VERSION;
use crate::{clock, failpoint, random};
use ensoex_pay_api::{
    CheckoutSessionStatus, DeclineCode, EventType, Locale, Mode, PaymentStatus, PayoutCards, PayoutStatus,
};
use sqlx::SqliteConnection;

const DAY_SECONDS: i64 = 86_400;

/// Which card.
pub(crate) enum CardChoice {
    /// One just typed.
    New(Card),
    /// A remembered one, by its identifier.
    Remembered(String),
}

/// What a person submitted.
pub(crate) struct Submission {
    pub(crate) session_id: String,
    pub(crate) form_token: String,
    pub(crate) choice: CardChoice,
    /// Needed to pay; there is none when money is sent to the card.
    pub(crate) code: Option<VerificationCode>,
    pub(crate) remember: bool,
    pub(crate) locale: Locale,
}

/// Where the browser goes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// To the session's page, which shows where it stands.
    Page,
    /// To the bank's challenge page.
    Challenge(String),
    /// Back to the Service.
    Return(String),
}

/// An attempt that is committed, and the card to go on with.
struct Opened {
    attempt_id: String,
    session: Session,
    card: Card,
    three_ds_transaction: String,
    reference: Option<NetworkReference>,
}

impl Processor {
    /// Takes a submission through to its outcome, or as far as it gets now. A form works once: a second submission
    /// of the same form, at the same time or later, leads to the page and moves nothing.
    pub(crate) async fn submit(&self, submission: Submission) -> Result<Next, ProcessError> {
        let Some(opened) = self.open_attempt(&submission).await? else {
            return Ok(Next::Page);
        };
        match (opened.session.mode, submission.code) {
            (Mode::Payment, Some(code)) => self.authenticate(opened, code, submission.locale).await,
            (Mode::Payment, None) => {
                self.abort(
                    &opened.attempt_id,
                    AttemptState::Created,
                    Some(DeclineCode::ProcessingError),
                )
                .await?;
                Ok(Next::Page)
            }
            (Mode::Payout, _) => self.credit(opened).await,
        }
    }

    /// Commits the attempt; none if the form is used up or the session takes no input.
    async fn open_attempt(&self, submission: &Submission) -> Result<Option<Opened>, ProcessError> {
        let now = clock::now();
        let mut transaction = self.store.begin().await?;
        let Some(session) = session::find(&mut transaction, &submission.session_id).await? else {
            return Ok(None);
        };
        if !session.takes_input(now) || attempt::find_open(&mut transaction, &session.id).await?.is_some() {
            return Ok(None);
        }
        let (card, remembered_id) = match &submission.choice {
            CardChoice::New(card) => (card.clone(), None),
            CardChoice::Remembered(id) => {
                let found = instrument::find_remembered(&mut transaction, id, &session.customer).await?;
                let Some(found) = found else { return Ok(None) };
                (self.vault.unseal(&found.sealed, &found.id)?, Some(found.id))
            }
        };
        if !session::use_form(&mut transaction, &session.id, &submission.form_token).await? {
            return Ok(None);
        }
        let card_group =
            instrument::card_group(&mut transaction, KEY_VERSION, &self.vault.card_hash(&card.number))
                .await?;
        if session.mode == Mode::Payment
            && self
                .is_suspicious(&mut transaction, &session.customer, &card_group, now)
                .await?
        {
            refuse_for_good(&mut transaction, &session, now).await?;
            transaction.commit().await?;
            self.events_wait.notify_one();
            return Ok(None);
        }
        if session.mode == Mode::Payout && !may_be_paid_to(&mut transaction, &session, &card_group).await? {
            // The form is used up, and the page says which cards will do.
            if session.attempts + 1 >= ATTEMPTS_PER_SESSION_MAX {
                end_payout(&mut transaction, &session, now).await?;
            }
            transaction.commit().await?;
            self.events_wait.notify_one();
            return Ok(None);
        }
        let instrument_id = match remembered_id {
            Some(id) => Some(id),
            None if submission.remember => Some(
                self.seal(&mut transaction, &session.customer, &card_group, &card, now)
                    .await?,
            ),
            None => None,
        };
        let attempt_id = random::identifier("att_");
        let three_ds_transaction = random::identifier("3ds_");
        let new = NewAttempt {
            id: &attempt_id,
            session_id: &session.id,
            customer: &session.customer,
            card_group: &card_group,
            instrument_id: instrument_id.as_deref(),
            remember: submission.remember || matches!(submission.choice, CardChoice::Remembered(_)),
            three_ds_transaction: (session.mode == Mode::Payment).then_some(three_ds_transaction.as_str()),
        };
        attempt::insert(&mut transaction, &new, now).await?;
        let reference = match session.mode {
            Mode::Payment => {
                let change = PaymentChange::to(PaymentStatus::Processing);
                money::change_payment(&mut transaction, &session.object_id, change, now).await?;
                None
            }
            Mode::Payout => Some(
                self.submit_payout(&mut transaction, &session, &attempt_id, now)
                    .await?,
            ),
        };
        transaction.commit().await?;
        self.events_wait.notify_one();
        Ok(Some(Opened {
            attempt_id,
            session,
            card,
            three_ds_transaction,
            reference,
        }))
    }

    async fn submit_payout(
        &self,
        connection: &mut SqliteConnection,
        session: &Session,
        attempt_id: &str,
        now: i64,
    ) -> Result<NetworkReference, StoreError> {
        let reference = new_reference(connection, attempt_id, now).await?;
        let (from, to) = (AttemptState::Created, AttemptState::Submitted);
        attempt::advance(connection, attempt_id, from, to, Some(self.patience(now)), now).await?;
        session::close(connection, &session.id, CheckoutSessionStatus::Complete).await?;
        let change = PayoutChange {
            status: PayoutStatus::Submitted,
            outcome: None,
            decline: None,
            event: Some(EventType::PayoutSubmitted),
        };
        money::change_payout(connection, &session.object_id, change, now).await?;
        Ok(reference)
    }

    async fn seal(
        &self,
        connection: &mut SqliteConnection,
        customer: &str,
        card_group: &str,
        card: &Card,
        now: i64,
    ) -> Result<String, ProcessError> {
        let id = random::identifier("ins_");
        let sealed = self.vault.seal(card, &id)?;
        instrument::insert(connection, &id, customer, card_group, &sealed, now).await?;
        Ok(id)
    }

    /// Whether this looks like somebody who tries cards out.
    async fn is_suspicious(
        &self,
        connection: &mut SqliteConnection,
        customer: &str,
        card_group: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        let (by_customer, by_card) =
            attempt::failures_since(connection, customer, card_group, now - DAY_SECONDS).await?;
        Ok(by_customer >= DECLINES_PER_CUSTOMER_AND_DAY_MAX || by_card >= self.declines_per_card_and_day_max)
    }

    /// Asks 3-D Secure, then the issuer, or sends the person to their bank.
    async fn authenticate(
        &self,
        opened: Opened,
        code: VerificationCode,
        locale: Locale,
    ) -> Result<Next, ProcessError> {
        let session = &opened.session;
        let return_url = format!(
            "{}/pay/{}/3ds/return?lang={}",
            self.public_url,
            session.id,
            locale.tag()
        );
        let request = Request {
            transaction: &opened.three_ds_transaction,
            card: &opened.card,
            amount: session.amount,
            currency: session.currency.code(),
            return_url: &return_url,
            locale: locale.tag(),
        };
        match self.three_d_secure.request(&request).await {
            Ok(Verdict::Authenticated(authentication)) => {
                let proof = Proof::Code {
                    code,
                    authentication: Some(authentication),
                };
                self.authorize(
                    &opened.attempt_id,
                    session,
                    AttemptState::Created,
                    &opened.card,
                    proof,
                )
                .await
            }
            Ok(Verdict::Challenge { url }) => {
                // From here on the code is gone: the network takes the challenge's result in its place.
                drop(code);
                self.challenge(&opened, url).await
            }
            Ok(Verdict::Refused) => {
                let decline = Some(DeclineCode::AuthenticationFailed);
                self.abort(&opened.attempt_id, AttemptState::Created, decline)
                    .await?;
                Ok(Next::Page)
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "3-D Secure failed");
                let decline = Some(DeclineCode::ProcessingError);
                self.abort(&opened.attempt_id, AttemptState::Created, decline)
                    .await?;
                Ok(Next::Page)
            }
        }
    }

    async fn challenge(&self, opened: &Opened, url: String) -> Result<Next, ProcessError> {
        let now = clock::now();
        let mut transaction = self.store.begin().await?;
        let (from, to) = (AttemptState::Created, AttemptState::Challenged);
        if !attempt::advance(&mut transaction, &opened.attempt_id, from, to, None, now).await? {
            return Ok(Next::Page);
        }
        let kept = attempt::find(&mut transaction, &opened.attempt_id)
            .await?
            .and_then(|it| it.instrument_id);
        let instrument_id = match kept {
            Some(id) => id,
            None => {
                let hash = self.vault.card_hash(&opened.card.number);
                let card_group = instrument::card_group(&mut transaction, KEY_VERSION, &hash).await?;
                let customer = &opened.session.customer;
                self.seal(&mut transaction, customer, &card_group, &opened.card, now)
                    .await?
            }
        };
        attempt::set_challenge(&mut transaction, &opened.attempt_id, &url, &instrument_id).await?;
        let change = PaymentChange {
            event: Some(EventType::PaymentRequiresAction),
            ..PaymentChange::to(PaymentStatus::RequiresAction)
        };
        money::change_payment(&mut transaction, &opened.session.object_id, change, now).await?;
        transaction.commit().await?;
        self.events_wait.notify_one();
        Ok(Next::Challenge(url))
    }

    /// The browser is back from the bank. What happened there is asked for from server to server.
    pub(crate) async fn return_from_challenge(&self, session_id: &str) -> Result<Next, ProcessError> {
        let mut connection = self.store.read().await?;
        let Some(session) = session::find(&mut connection, session_id).await? else {
            return Ok(Next::Page);
        };
        let open = attempt::find_open(&mut connection, session_id).await?;
        let Some(open) = open.filter(|open| open.state == AttemptState::Challenged) else {
            return Ok(Next::Page);
        };
        let (Some(transaction), Some(instrument_id)) = (&open.three_ds_transaction, &open.instrument_id)
        else {
            return Ok(Next::Page);
        };
        let kept = instrument::find(&mut connection, instrument_id).await?;
        drop(connection);
        match (self.three_d_secure.result(transaction).await, kept) {
            (Ok(Verdict::Authenticated(authentication)), Some(kept)) => {
                let card = self.vault.unseal(&kept.sealed, &kept.id)?;
                self.authorize_challenged(&open.id, &session, &card, authentication)
                    .await
            }
            (Ok(Verdict::Challenge { .. }), Some(_)) => Ok(Next::Page),
            (Ok(_), _) => {
                let decline = Some(DeclineCode::AuthenticationFailed);
                self.abort(&open.id, AttemptState::Challenged, decline).await?;
                Ok(Next::Page)
            }
            (Err(error), _) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "3-D Secure failed");
                Ok(Next::Page)
            }
        }
    }

    async fn authorize_challenged(
        &self,
        attempt_id: &str,
        session: &Session,
        card: &Card,
        authentication: Authentication,
    ) -> Result<Next, ProcessError> {
        let proof = Proof::Challenge(authentication);
        self.authorize(attempt_id, session, AttemptState::Challenged, card, proof)
            .await
    }

    /// The person does not go on with their bank and takes another card.
    pub(crate) async fn leave_challenge(
        &self,
        session_id: &str,
        form_token: &str,
    ) -> Result<(), ProcessError> {
        let mut connection = self.store.read().await?;
        let session = session::find(&mut connection, session_id).await?;
        let open = attempt::find_open(&mut connection, session_id).await?;
        drop(connection);
        match (session, open) {
            (Some(session), Some(open)) if session.form_token == form_token => {
                self.abort(&open.id, AttemptState::Challenged, None).await
            }
            _ => Ok(()),
        }
    }

    /// Commits the message's identity, then asks the issuer.
    async fn authorize(
        &self,
        attempt_id: &str,
        session: &Session,
        from: AttemptState,
        card: &Card,
        proof: Proof,
    ) -> Result<Next, ProcessError> {
        let now = clock::now();
        let mut transaction = self.store.begin().await?;
        let patience = Some(self.patience(now));
        if !attempt::advance(
            &mut transaction,
            attempt_id,
            from,
            AttemptState::Submitted,
            patience,
            now,
        )
        .await?
        {
            return Ok(Next::Page);
        }
        let reference = new_reference(&mut transaction, attempt_id, now).await?;
        if from == AttemptState::Challenged {
            let change = PaymentChange::to(PaymentStatus::Processing);
            money::change_payment(&mut transaction, &session.object_id, change, now).await?;
        }
        transaction.commit().await?;
        failpoint::reach("submission_committed");
        let money = Money {
            amount: session.amount,
            currency: session.currency,
        };
        let answer = self.network.authorize(&reference, money, card, &proof).await;
        failpoint::reach("authorization_answered");
        drop(proof);
        match answer {
            Answer::Given(decision) => self.decided(attempt_id, &decision).await?,
            Answer::NotSent => {
                let decline = Some(DeclineCode::ProcessingError);
                self.abort(attempt_id, AttemptState::Submitted, decline).await?;
            }
            Answer::Unknown => self.unknown(attempt_id).await?,
        }
        self.next(&session.id).await
    }

    /// Sends the money to the card. The message's identity is committed already.
    async fn credit(&self, opened: Opened) -> Result<Next, ProcessError> {
        let Opened {
            attempt_id,
            session,
            card,
            reference,
            ..
        } = opened;
        let Some(reference) = reference else {
            return Ok(Next::Page);
        };
        failpoint::reach("submission_committed");
        let money = Money {
            amount: session.amount,
            currency: session.currency,
        };
        let answer = self.network.credit(&reference, money, &card).await;
        failpoint::reach("credit_answered");
        match answer {
            Answer::Given(decision) => self.decided(&attempt_id, &decision).await?,
            Answer::NotSent => {
                let decline = Some(DeclineCode::ProcessingError);
                self.abort(&attempt_id, AttemptState::Submitted, decline).await?;
            }
            Answer::Unknown => self.unknown(&attempt_id).await?,
        }
        self.next(&session.id).await
    }

    /// Back to the Service when the money has moved, else to the page.
    async fn next(&self, session_id: &str) -> Result<Next, ProcessError> {
        let mut connection = self.store.read().await?;
        let session = session::get(&mut connection, session_id).await?;
        let moved = match session.mode {
            Mode::Payment => money::find_payment(&mut connection, &session.object_id)
                .await?
                .is_some_and(|payment| payment.status == PaymentStatus::Succeeded),
            Mode::Payout => money::find_payout(&mut connection, &session.object_id)
                .await?
                .is_some_and(|payout| payout.status == PayoutStatus::Paid),
        };
        Ok(if moved {
            Next::Return(session.success_url)
        } else {
            Next::Page
        })
    }
}

/// Makes a message's identity and notes it with the attempt.
async fn new_reference(
    connection: &mut SqliteConnection,
    attempt_id: &str,
    now: i64,
) -> Result<NetworkReference, StoreError> {
    let reference = NetworkReference {
        trace_number: next_trace_number(connection).await?,
        transmission_date_time: clock::transmission_date_time(now),
        retrieval_reference: random::retrieval_reference(),
    };
    attempt::set_reference(connection, attempt_id, &reference).await?;
    Ok(reference)
}

/// Whether this session's money may go to this card.
async fn may_be_paid_to(
    connection: &mut SqliteConnection,
    session: &Session,
    card_group: &str,
) -> Result<bool, StoreError> {
    if session.payout_cards == PayoutCards::Any {
        return Ok(true);
    }
    let (customer, currency) = (&session.customer, session.currency.code());
    let paid = attempt::paid_and_not_paid_out(connection, customer, card_group, currency).await?;
    Ok(paid >= session.amount)
}

/// Too many cards were tried that will not do: the money stays where it is.
async fn end_payout(
    connection: &mut SqliteConnection,
    session: &Session,
    now: i64,
) -> Result<(), StoreError> {
    let change = PayoutChange {
        status: PayoutStatus::Canceled,
        outcome: None,
        decline: None,
        event: Some(EventType::PayoutCanceled),
    };
    money::change_payout(connection, &session.object_id, change, now).await?;
    session::close(connection, &session.id, CheckoutSessionStatus::Canceled).await
}

async fn refuse_for_good(
    connection: &mut SqliteConnection,
    session: &Session,
    now: i64,
) -> Result<(), StoreError> {
    let change = PaymentChange {
        status: PaymentStatus::Failed,
        outcome: None,
        decline: Some(DeclineCode::AttemptsExceeded),
        event: Some(EventType::PaymentFailed),
    };
    money::change_payment(connection, &session.object_id, change, now).await?;
    session::close(connection, &session.id, CheckoutSessionStatus::Canceled).await
}

/// Whether the session has used up its attempts.
pub(super) fn is_exhausted(session: &Session) -> bool {
    session.attempts >= ATTEMPTS_PER_SESSION_MAX
}
