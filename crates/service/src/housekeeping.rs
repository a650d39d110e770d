//! What ends by itself: registrations that nobody finished lose their personal data, sessions that ended and
//! counts of wrong passwords their rows; erasures that were broken off are finished. Deadlines of requests and reviews are watched,
//! a changed rule book is taken over, corrections and offers of authenticator apps that nobody finished are forgotten. What is kept
//! for a term only is destroyed when that is over, an API key together with its secret. The clocks of incidents are watched.
//! Disclosures are counted for everybody to see. Phone numbers that an earlier version stored without a claim are claimed.

use crate::app::App;
use crate::clock::{micros, now_us};
use crate::correction;
use crate::disclosures;
use crate::erasure;
use crate::incidents;
use crate::limits::SIGN_IN_PAUSE;
use crate::problem::Problem;
use crate::registration;
use crate::rights;
use crate::risk::reviews;
use crate::totp;
use ensoex_vault::{FieldName, Reason, SubjectId, VaultError};
use std::time::Duration;

ensoex_sql::statements! {
    STATEMENTS;
    UNFINISHED =
        "SELECT registration, subject FROM registrations WHERE account IS NULL AND expires_us < $1 LIMIT 1000";
    DELETE_REGISTRATION = "DELETE FROM registrations WHERE registration = $1";
    DELETE_KEY = "DELETE FROM api_keys WHERE api_key = $1";
    DELETE_FAILURES = "DELETE FROM sign_in_failures WHERE first_us < $1";
    DELETE_SESSIONS = "DELETE FROM sessions WHERE expires_us < $1";
}

const INTERVAL: Duration = Duration::from_secs(60);

/// Runs for ever.
pub(crate) async fn run(app: App) {
    tokio::join!(clean_up(&app), claim_older_phones(&app));
}

async fn clean_up(app: &App) {
    loop {
        if let Err(problem) = clean(app).await {
            tracing::error!(?problem, "housekeeping failed; trying again in a minute");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Once through everybody; beside all else, since among a million it takes its time.
async fn claim_older_phones(app: &App) {
    let mut after = None;
    loop {
        match registration::claim_older_phones(app, after.as_ref()).await {
            Ok(None) => return,
            Ok(last) => after = last,
            Err(problem) => {
                tracing::error!(
                    ?problem,
                    "older phone numbers were not all claimed; trying again in a minute"
                );
                tokio::time::sleep(INTERVAL).await;
            }
        }
    }
}

/// Erases what unfinished registrations left, and ended sessions.
pub(crate) async fn clean(app: &App) -> Result<(), Problem> {
    let now = now_us();
    let unfinished = app.database.fetch_all(UNFINISHED.bind(now)).await?;
    for row in &unfinished {
        let (registration, subject): (String, String) = (row.get(0)?, row.get(1)?);
        if let Ok(subject) = subject.parse::<SubjectId>() {
            let access = app.component_access("housekeeping", Reason::Erasure)?;
            match app.vault.erase(&subject, &access).await {
                Ok(_) | Err(VaultError::UnknownSubject) => {}
                Err(error) => return Err(error.into()),
            }
        }
        app.database
            .execute(DELETE_REGISTRATION.bind(registration))
            .await?;
    }
    app.database.execute(DELETE_SESSIONS.bind(now)).await?;
    let pause_over = now - micros(SIGN_IN_PAUSE);
    app.database.execute(DELETE_FAILURES.bind(pause_over)).await?;
    erasure::finish_if_needed(app).await?;
    app.books.look_again();
    reviews::watch(app, now).await?;
    rights::watch(app, now).await?;
    correction::forget_expired(app, now).await?;
    totp::forget_offers(app, now).await?;
    destroy_expired(app).await?;
    incidents::watch(app, time::OffsetDateTime::now_utc()).await;
    disclosures::publish(app).await
}

/// Has the vault destroy what is due.
async fn destroy_expired(app: &App) -> Result<(), Problem> {
    let access = app.component_access("retention", Reason::Retention)?;
    for expired in app.vault.sweep_retention(&access).await? {
        if expired.field == FieldName::ApiKeySecret {
            app.database.execute(DELETE_KEY.bind(expired.record)).await?;
        }
    }
    app.duties.kept_too_long(app.vault.retention_overdue().await?);
    Ok(())
}
