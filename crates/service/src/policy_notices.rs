//! Word of a new version: everybody gets a message at its publication, although the Policy need not tell.
//!
//! What somebody was told of last stands with the user, after the message was handed over, so that a stop or a relay that is
//! away loses none. A kill between the two tells that one person twice.

use crate::app::{App, AppState};
use crate::messages::{Channel, Locale, Message, texts};
use crate::owed::{self, Round};
use crate::policy_store::rfc3339;
use crate::problem::Problem;
use ensoex_policy::PublishedVersion;
use ensoex_vault::{Email, ProvideService, Reason, SubjectId};

ensoex_sql::statements! {
    STATEMENTS;
    NOT_TOLD =
        "SELECT account, subject, locale, policy_told FROM users WHERE policy_told < $1 AND account > $2
            AND erased_us IS NULL ORDER BY account LIMIT 100";
    TOLD = "UPDATE users SET policy_told = $2 WHERE account = $1 AND policy_told < $2";
}

/// Tells whoever was not told of the newest version. Without a relay nobody is told, until there is one.
pub(crate) async fn tell_all(app: &App, round: &mut Round<i64>) -> Result<(), Problem> {
    let newest = app.policy.versions().all().last().cloned();
    let Some(newest) = newest.filter(|newest| newest.version > 1) else {
        return Ok(());
    };
    if !app.messenger.is_connected(Channel::Email) {
        return Ok(());
    }
    let number = i64::try_from(newest.version).unwrap_or(i64::MAX);
    loop {
        let after = round.after().unwrap_or(-1);
        let rows = app.database.fetch_all(NOT_TOLD.bind(number).bind(after)).await?;
        if rows.is_empty() {
            round.complete();
            return Ok(());
        }
        for row in rows {
            let (account, told): (i64, i64) = (row.get("account")?, row.get("policy_told")?);
            let locale = Locale::from_tag(&row.get::<String>("locale")?);
            let outcome = match row.get::<String>("subject")?.parse::<SubjectId>() {
                Ok(subject) => tell(app, &subject, locale, told.max(1), &newest).await,
                Err(_) => continue,
            };
            match &outcome {
                Ok(()) => {
                    app.database.execute(TOLD.bind(account).bind(number)).await?;
                }
                Err(problem) => tracing::error!(
                    ?problem,
                    "word of a new version could not be sent; it is tried again"
                ),
            }
            if round.tried(account, outcome.is_ok()).is_break() {
                return Ok(());
            }
        }
    }
}

async fn tell(
    app: &AppState,
    subject: &SubjectId,
    locale: Locale,
    from: i64,
    newest: &PublishedVersion,
) -> Result<(), Problem> {
    let entered = app.entered_message(subject, Channel::Email).await?;
    let text = texts::new_version(
        locale,
        &app.public_url,
        from,
        newest.version,
        &newest.summary,
        &rfc3339(newest.effective_at),
    );
    let deliver = |to: &String| {
        let message = Message::owed(locale, text);
        app.messenger.send(&entered, Channel::Email, to, message)
    };
    let access = app.component_access("messenger", Reason::DeliverMessage)?;
    let sent = app
        .vault
        .read::<Email, ProvideService, _>(subject, None, &access, deliver)
        .await;
    owed::delivered(sent).await
}
