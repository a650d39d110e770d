//! Messages that persons are owed, handed over in rounds: notices of emergency access, word of a new version, newsletters.
//!
//! Each kind has a loop of its own, beside housekeeping: a message waits for its carrier, and neither deadlines nor the other
//! kinds wait with it. A round goes through everybody who is owed the same, in order. Whoever cannot be told does not hold up the
//! others; when nobody can, the carrier is away, and the round rests and goes on with the next person.

use crate::app::App;
use crate::limits::FAILED_IN_A_ROW_MAX;
use crate::messages::NotSent;
use crate::outbox::Handed;
use crate::problem::Problem;
use crate::registration::undeliverable;
use crate::{newsletter, notices, policy_notices};
use ensoex_vault::VaultError;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(60);

/// Runs for ever.
pub(crate) async fn run(app: App) {
    let notices = async {
        loop {
            rest(notices::hand_over(&app).await).await;
        }
    };
    let versions = async {
        let mut round = Round::default();
        loop {
            rest(policy_notices::tell_all(&app, &mut round).await).await;
        }
    };
    let newsletters = async {
        let mut round = Round::default();
        loop {
            rest(newsletter::send_all(&app, &mut round).await).await;
        }
    };
    tokio::join!(notices, versions, newsletters);
}

async fn rest(outcome: Result<(), Problem>) {
    if let Err(problem) = outcome {
        tracing::error!(
            ?problem,
            "messages that are owed could not be handed over; trying again in a minute"
        );
    }
    tokio::time::sleep(INTERVAL).await;
}

/// How far a round has come, so that it can rest and go on.
pub(crate) struct Round<K> {
    after: Option<K>,
    failed_in_a_row: u32,
}

impl<K> Default for Round<K> {
    fn default() -> Round<K> {
        Round {
            after: None,
            failed_in_a_row: 0,
        }
    }
}

impl<K: Copy + PartialOrd> Round<K> {
    /// The last one whose turn it was.
    pub(crate) fn after(&self) -> Option<K> {
        self.after
    }

    /// Whether this one's turn is still to come.
    pub(crate) fn has_before_it(&self, who: &K) -> bool {
        self.after.is_none_or(|after| after < *who)
    }

    /// Their turn is over. `Break` when so many failed in a row that the round should rest.
    pub(crate) fn tried(&mut self, who: K, delivered: bool) -> std::ops::ControlFlow<()> {
        self.after = Some(who);
        self.failed_in_a_row = if delivered { 0 } else { self.failed_in_a_row + 1 };
        if self.failed_in_a_row < FAILED_IN_A_ROW_MAX {
            return std::ops::ControlFlow::Continue(());
        }
        self.failed_in_a_row = 0;
        std::ops::ControlFlow::Break(())
    }

    /// Everybody had their turn; the next round begins with the first.
    pub(crate) fn complete(&mut self) {
        *self = Round::default();
    }
}

/// Waits until a message to somebody's opened address is with its carrier. Whom there is no address of any more is not told.
pub(crate) async fn delivered(sent: Result<Result<Handed, NotSent>, VaultError>) -> Result<(), Problem> {
    match sent {
        Ok(Ok(handed)) => match handed.until_taken().await {
            true => Ok(()),
            false => Err(undeliverable(&NotSent::NotTaken)),
        },
        Err(VaultError::UnknownSubject | VaultError::NotFound) => Ok(()),
        Ok(Err(error)) => Err(undeliverable(&error)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One round, in which whoever `fails` cannot be told; who had their turn.
    fn go(round: &mut Round<u32>, persons: u32, fails: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut tried = Vec::new();
        for who in 0..persons {
            if !round.has_before_it(&who) {
                continue;
            }
            tried.push(who);
            if round.tried(who, !fails(who)).is_break() {
                return tried;
            }
        }
        round.complete();
        tried
    }

    #[test]
    fn everybody_has_a_turn_in_each_round() {
        let mut round = Round::default();
        for _ in 0..2 {
            assert_eq!(go(&mut round, 50, |_| false), (0..50).collect::<Vec<_>>());
        }
    }

    /// Every second address is refused: nobody's turn is lost, and nobody waits for a later round.
    #[test]
    fn whoever_cannot_be_told_does_not_hold_up_the_others() {
        let mut round = Round::default();
        assert_eq!(
            go(&mut round, 500, |who| who.is_multiple_of(2)),
            (0..500).collect::<Vec<_>>()
        );
    }

    /// A carrier that is away is asked a few times in a round, and after that others are the first to be told.
    #[test]
    fn a_round_rests_while_the_carrier_is_away_and_goes_on_with_the_next() {
        let mut round = Round::default();
        let away = go(&mut round, 500, |_| true);
        assert_eq!(away, (0..FAILED_IN_A_ROW_MAX).collect::<Vec<_>>());
        let back = go(&mut round, 500, |_| false);
        assert_eq!(back, (FAILED_IN_A_ROW_MAX..500).collect::<Vec<_>>());
        assert_eq!(go(&mut round, 500, |_| false).first(), Some(&0));
    }
}
