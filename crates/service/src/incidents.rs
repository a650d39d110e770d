//! Watches the register of incidents that lies in the Service's folder: how many are open, and what is overdue.
//!
//! A duty that is not done in time (`ensoex_incidents`) is an error-level event, once while the Service runs, and stands in
//! `/health` until it is done. A register that was changed is an event each time that it is looked at. Who writes it is
//! `ensoex incident`; the Service only reads.

use crate::app::AppState;
use ensoex_incidents::Told;
use ensoex_incidents::register::Register;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use time::OffsetDateTime;

/// What was seen last.
#[derive(Default)]
pub(crate) struct Incidents {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    open: u64,
    overdue: u64,
    readable: bool,
    /// Numbers of incidents of which it was said that something is overdue.
    reported: BTreeSet<(u64, bool)>,
}

impl Incidents {
    /// Says nothing of what the incidents are.
    pub(crate) fn view(&self) -> Value {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        json!({ "open": seen.open, "overdue": seen.overdue, "readable": seen.readable })
    }
}

/// Reads the register and reports what became overdue.
pub(crate) async fn watch(app: &AppState, now: OffsetDateTime) {
    let folder: PathBuf = app.data_directory.clone();
    let read = tokio::task::spawn_blocking(move || Register::open(&folder)).await;
    let mut seen = app
        .duties
        .incidents
        .seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let register = match read {
        Ok(Ok(register)) => register,
        Ok(Err(error)) => {
            seen.readable = false;
            tracing::error!(%error, "the register of incidents cannot be read; nobody watches its deadlines");
            return;
        }
        Err(_) => return,
    };
    seen.readable = true;
    seen.open = register
        .incidents()
        .iter()
        .filter(|incident| incident.is_open())
        .count() as u64;
    seen.overdue = 0;
    for incident in register.incidents() {
        for duty in incident.overdue(now) {
            seen.overdue += 1;
            if seen
                .reported
                .insert((incident.number, duty.who == Told::Authority))
            {
                let whom = match duty.who {
                    Told::Authority => "the authority",
                    Told::Persons => "those affected",
                };
                tracing::error!(
                    incident = incident.number,
                    due = %duty.due_at,
                    "{whom} must be told of an incident, and the time for it is over: `ensoex incident show {}`",
                    incident.number
                );
            }
        }
    }
}
