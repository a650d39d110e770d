//! What ends by itself: registrations that nobody finished lose their personal data, sessions that ended their rows.

use crate::app::App;
use crate::clock::now_us;
use crate::problem::Problem;
use ensoex_vault::{Reason, SubjectId, VaultError};
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(60);

/// Runs for ever.
pub(crate) async fn run(app: App) {
    loop {
        if let Err(problem) = clean(&app).await {
            tracing::error!(?problem, "housekeeping failed; trying again in a minute");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Erases what unfinished registrations left, and ended sessions.
pub(crate) async fn clean(app: &App) -> Result<(), Problem> {
    let now = now_us();
    let unfinished: Vec<(String, String)> = sqlx::query_as(
        "SELECT registration, subject FROM registrations WHERE account IS NULL AND expires_us < $1 LIMIT 1000",
    )
    .bind(now)
    .fetch_all(&app.database)
    .await?;
    for (registration, subject) in unfinished {
        if let Ok(subject) = subject.parse::<SubjectId>() {
            let access = app.component_access("housekeeping", Reason::Erasure)?;
            match app.vault.erase(&subject, &access).await {
                Ok(_) | Err(VaultError::UnknownSubject) => {}
                Err(error) => return Err(error.into()),
            }
        }
        sqlx::query("DELETE FROM registrations WHERE registration = $1")
            .bind(registration)
            .execute(&app.database)
            .await?;
    }
    sqlx::query("DELETE FROM sessions WHERE expires_us < $1")
        .bind(now)
        .execute(&app.database)
        .await?;
    Ok(())
}
