//! Messages on their way to a carrier: handed over one by one, tried again while they are of use, counted for the operator.
//!
//! A message waits in memory only, because it holds an address and perhaps a code: a stop forgets it. A person asks for
//! another code; who owes a notice waits for [`Handed`] and keeps owing it until then. Lines and counts say what went wrong, never for whom.
//!
//! States: waiting → taken by the carrier, or undelivered (refused for good, or of no use any more).

use crate::limits::{
    CODE_VALIDITY, MESSAGES_AT_ONCE_MAX, MESSAGES_WAITING_MAX, NOTICE_PATIENCE, OWED_PATIENCE,
};
use crate::messages::{Channel, Locale, NotSent};
use ensoex_egress::NotTaken;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// First pause before a message is tried again; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_secs(2);
/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// A message to one person.
pub(crate) struct Outgoing {
    pub(crate) to: Zeroizing<String>,
    pub(crate) subject: String,
    pub(crate) body: Zeroizing<String>,
    pub(crate) locale: Locale,
    pub(crate) patience: Patience,
}

/// How long a message that is not taken is tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as the code in it is good.
    Code,
    /// For some time: nobody asks for it again.
    Notice,
    /// Shortly: who owes it will.
    Owed,
}

impl Patience {
    fn length(self) -> Duration {
        match self {
            Patience::Code => CODE_VALIDITY,
            Patience::Notice => NOTICE_PATIENCE,
            Patience::Owed => OWED_PATIENCE,
        }
    }
}

/// Who delivers messages of one channel.
pub(crate) trait Carrier: Send + Sync + 'static {
    /// Hands one message over; whoever answers has it from then on.
    fn carry(&self, letter: &Outgoing) -> impl Future<Output = Result<(), NotTaken>> + Send;
}

/// What became of a message, once that is known.
#[must_use = "a notice that is owed is owed until it was taken"]
pub(crate) struct Handed(Option<oneshot::Receiver<bool>>);

impl Handed {
    /// It is with the carrier already.
    pub(crate) fn taken() -> Handed {
        Handed(None)
    }

    /// Waits until the carrier has it, or will not have it.
    pub(crate) async fn until_taken(self) -> bool {
        match self.0 {
            None => true,
            Some(outcome) => outcome.await.unwrap_or(false),
        }
    }

    /// Nobody waits for this one: it is tried as long as it is of use.
    pub(crate) fn leave(self) {}
}

/// How messages of one channel fare, for the operator.
#[derive(Default)]
pub(crate) struct Tally {
    waiting: AtomicUsize,
    taken: AtomicU64,
    undelivered: AtomicU64,
    last_failure: Mutex<Option<String>>,
}

impl Tally {
    fn view(&self) -> Value {
        let last_failure = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        json!({
            "waiting": self.waiting.load(Ordering::Relaxed),
            "taken": self.taken.load(Ordering::Relaxed),
            "undelivered": self.undelivered.load(Ordering::Relaxed),
            "last_failure": last_failure,
        })
    }

    fn failed(&self, why: &NotTaken) {
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_string());
    }
}

/// Both channels' counts, since the start.
#[derive(Default)]
pub(crate) struct Tallies {
    email: Arc<Tally>,
    sms: Arc<Tally>,
}

impl Tallies {
    pub(crate) fn of(&self, channel: Channel) -> Arc<Tally> {
        match channel {
            Channel::Email => Arc::clone(&self.email),
            Channel::Sms => Arc::clone(&self.sms),
        }
    }

    pub(crate) fn view(&self) -> Value {
        json!({ "email": self.email.view(), "sms": self.sms.view() })
    }
}

/// The way to one carrier.
pub(crate) struct Outbox<C> {
    carrier: Arc<C>,
    at_once: Arc<Semaphore>,
    tally: Arc<Tally>,
}

impl<C: Carrier> Outbox<C> {
    pub(crate) fn new(carrier: C, tally: Arc<Tally>) -> Outbox<C> {
        Outbox {
            carrier: Arc::new(carrier),
            at_once: Arc::new(Semaphore::new(MESSAGES_AT_ONCE_MAX)),
            tally,
        }
    }

    /// Sets a message on its way. Returns at once, so that the time of an answer tells nothing of the carrier.
    pub(crate) fn post(&self, letter: Outgoing) -> Result<Handed, NotSent> {
        if self.tally.waiting.fetch_add(1, Ordering::Relaxed) >= MESSAGES_WAITING_MAX {
            self.tally.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(NotSent::TooMany);
        }
        let (done, outcome) = oneshot::channel();
        let (carrier, tally, at_once) = (
            Arc::clone(&self.carrier),
            Arc::clone(&self.tally),
            Arc::clone(&self.at_once),
        );
        tokio::spawn(async move {
            let taken = carry(&*carrier, &tally, &at_once, &letter).await;
            tally.waiting.fetch_sub(1, Ordering::Relaxed);
            let count = if taken { &tally.taken } else { &tally.undelivered };
            count.fetch_add(1, Ordering::Relaxed);
            let _nobody_waits = done.send(taken);
        });
        Ok(Handed(Some(outcome)))
    }
}

/// Whether the carrier took the message in the end.
async fn carry<C: Carrier>(carrier: &C, tally: &Tally, at_once: &Semaphore, letter: &Outgoing) -> bool {
    let until = Instant::now() + letter.patience.length();
    let mut pause = PAUSE_FIRST;
    loop {
        let tried = match at_once.acquire().await {
            Ok(_turn) => carrier.carry(letter).await,
            Err(_closed) => return false,
        };
        let why = match tried {
            Ok(()) => return true,
            Err(why) => why,
        };
        tally.failed(&why);
        if matches!(why, NotTaken::ForGood(_)) || Instant::now() + pause >= until {
            tracing::error!(%why, "a message was not delivered");
            return false;
        }
        tracing::warn!(%why, again_in_s = pause.as_secs(), "a message is tried again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers as told, and says for good when it is asked more often.
    struct Told(Mutex<Vec<Result<(), NotTaken>>>);

    impl Carrier for Told {
        async fn carry(&self, _letter: &Outgoing) -> Result<(), NotTaken> {
            let next = self.0.lock().unwrap().pop();
            next.unwrap_or_else(|| Err(NotTaken::ForGood("asked once too often".to_owned())))
        }
    }

    fn outbox(mut answers: Vec<Result<(), NotTaken>>) -> Outbox<Told> {
        answers.reverse();
        Outbox::new(Told(Mutex::new(answers)), Arc::default())
    }

    fn letter(patience: Patience) -> Outgoing {
        Outgoing {
            to: Zeroizing::new("person@example.net".to_owned()),
            subject: "subject".to_owned(),
            body: Zeroizing::new("body".to_owned()),
            locale: Locale::En,
            patience,
        }
    }

    fn for_now() -> Result<(), NotTaken> {
        Err(NotTaken::ForNow("the relay answered 451".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_taken_for_now_is_tried_again() {
        let outbox = outbox(vec![for_now(), for_now(), Ok(())]);
        let handed = outbox.post(letter(Patience::Code)).unwrap();
        assert_eq!(outbox.tally.view()["waiting"], 1);
        assert!(handed.until_taken().await);
        let view = outbox.tally.view();
        assert_eq!((&view["waiting"], &view["taken"]), (&json!(0), &json!(1)));
        assert_eq!(view["last_failure"], "not taken for now: the relay answered 451");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_good_is_not() {
        let refused = Err(NotTaken::ForGood("the relay answered 550".to_owned()));
        let outbox = outbox(vec![refused, Ok(())]);
        assert!(!outbox.post(letter(Patience::Notice)).unwrap().until_taken().await);
        let view = outbox.tally.view();
        assert_eq!(view["undelivered"], 1);
        assert_eq!(view["last_failure"], "refused for good: the relay answered 550");
    }

    /// A code that is no longer good is not sent any more.
    #[tokio::test(start_paused = true)]
    async fn no_message_is_tried_for_longer_than_it_is_of_use() {
        for patience in [Patience::Code, Patience::Notice, Patience::Owed] {
            let outbox = outbox(std::iter::repeat_with(for_now).take(1_000).collect());
            let began = Instant::now();
            assert!(!outbox.post(letter(patience)).unwrap().until_taken().await);
            let took = began.elapsed();
            assert!(took < patience.length(), "{took:?}");
            assert!(took * 4 > patience.length(), "given up after {took:?} already");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_may_wait_are_refused() {
        let outbox = outbox(Vec::new());
        outbox
            .tally
            .waiting
            .store(MESSAGES_WAITING_MAX, Ordering::Relaxed);
        assert!(matches!(
            outbox.post(letter(Patience::Code)),
            Err(NotSent::TooMany)
        ));
        assert_eq!(outbox.tally.view()["waiting"], MESSAGES_WAITING_MAX);
    }
}
