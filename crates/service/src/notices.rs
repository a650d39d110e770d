//! Notices that persons are owed: whoever could be read by staff without approval is told.
//!
//! The vault remembers who is owed one until it was handed over, so that a crash or a relay that is away loses none.

use crate::app::{App, AppState};
use crate::clock::text;
use crate::messages::{Channel, Locale, Message, texts};
use crate::problem::Problem;
use ensoex_vault::{Email, OwedNotice, ProvideService, Reason, VaultError};

ensoex_sql::statements! {
    STATEMENTS;
    LOCALE = "SELECT locale FROM users WHERE subject = $1";
}

/// Hands over what is owed. Who could not be told is still owed a notice, and does not hold up the others.
pub(crate) async fn hand_over(app: &App) -> Result<(), Problem> {
    for owed in app.vault.notices_owed().await? {
        if tell(app, &owed).await? {
            app.vault.notice_given(&owed.case.id, &owed.subject).await?;
        }
    }
    Ok(())
}

/// Whether the person was told, or cannot be any more.
async fn tell(app: &AppState, owed: &OwedNotice) -> Result<bool, Problem> {
    let locale: Option<String> = app
        .database
        .fetch_optional_value(LOCALE.bind(owed.subject.to_string()))
        .await?;
    let locale = Locale::from_tag(&locale.unwrap_or_default());
    let opened_us = i64::try_from(owed.case.opened_at_ms).unwrap_or_default();
    let body = texts::broken_glass(locale, &text(opened_us.saturating_mul(1_000)));
    let entered = match app.entered_message(&owed.subject, Channel::Email).await {
        Ok(entered) => entered,
        Err(problem) => {
            tracing::error!(
                ?problem,
                "a notice of emergency access cannot be sent; it is tried again"
            );
            return Ok(false);
        }
    };
    let deliver = |to: &String| {
        let message = Message::owed(locale, (texts::broken_glass_subject(locale), body));
        app.messenger.send(&entered, Channel::Email, to, message)
    };
    let access = app.component_access("messenger", Reason::DeliverMessage)?;
    match app
        .vault
        .read::<Email, ProvideService, _>(&owed.subject, None, &access, deliver)
        .await
    {
        Ok(Ok(handed)) => Ok(handed.until_taken().await),
        Err(VaultError::UnknownSubject | VaultError::NotFound) => Ok(true),
        Ok(Err(error)) => {
            tracing::error!(%error, "a notice of emergency access could not be sent; it is tried again");
            Ok(false)
        }
        Err(error) => {
            tracing::error!(%error, "whom a notice is owed to cannot be read; it is tried again");
            Ok(false)
        }
    }
}
