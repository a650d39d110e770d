//! The newsletter: written by the operator in both languages, sent to whoever agreed to it, and to nobody else.
//!
//! Who agreed is the vault's to say, once more for each person when their address is opened. What somebody was sent last stands with
//! the user after it was handed over, so that a stop or a relay that is away loses none; a kill between the two sends one person
//! one newsletter twice. Whose carrier does not take it is tried again for some days; the next newsletter does not wait for that. This
//! module knows no address.

use crate::app::{App, AppState};
use crate::clock::{micros, now_us, text};
use crate::limits::{
    NEWSLETTER_PATIENCE, NEWSLETTER_TEXT_BYTES_MAX, NEWSLETTER_TITLE_CHARACTERS_MAX, NEWSLETTERS_LISTED_MAX,
};
use crate::messages::{Channel, Locale, Message, texts};
use crate::owed::{self, Round};
use crate::problem::Problem;
use ensoex_sql::Row;
use ensoex_types::AccountId;
use ensoex_vault::{Email, Optional, ProvideService, Reason, SubjectId, VaultError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

ensoex_sql::statements! {
    STATEMENTS;
    NEWEST = "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) FROM newsletters";
    KNOWN = "SELECT number FROM newsletters WHERE text_en = $1 AND text_uk = $2";
    INSERT =
        "INSERT INTO newsletters (number, made_us, title_en, text_en, title_uk, text_uk) VALUES ($1, $2, $3, $4, $5, $6)";
    UNFINISHED = "SELECT * FROM newsletters WHERE finished_us IS NULL ORDER BY number LIMIT 10";
    FINISHED = "UPDATE newsletters SET finished_us = $2 WHERE number = $1";
    LISTED = "SELECT number, made_us, title_en, finished_us FROM newsletters ORDER BY number DESC LIMIT $1";
    READER =
        "SELECT account, locale FROM users WHERE subject = $1 AND newsletter_sent < $2 AND erased_us IS NULL";
    SENT = "UPDATE users SET newsletter_sent = $2 WHERE account = $1 AND newsletter_sent < $2";
}

/// A newsletter in one language.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// The subject of the e-mail: one line.
    pub title: String,
    /// Its text: plain, without control characters but line feeds.
    pub text: String,
}

impl Letter {
    /// Why it cannot be sent; `None` if it can.
    fn fault(&self) -> Option<String> {
        let title = self.title.chars().count();
        if title == 0 || title > NEWSLETTER_TITLE_CHARACTERS_MAX {
            return Some(format!(
                "its first line is its title, of 1 to {NEWSLETTER_TITLE_CHARACTERS_MAX} characters; it has {title}"
            ));
        }
        if self.text.trim().is_empty() || self.text.len() > NEWSLETTER_TEXT_BYTES_MAX {
            let bytes = self.text.len();
            return Some(format!(
                "its text has 1 to {NEWSLETTER_TEXT_BYTES_MAX} bytes; it has {bytes}"
            ));
        }
        if self.title.contains('\n')
            || self
                .title
                .chars()
                .chain(self.text.chars())
                .any(ensoex_policy::is_invisible)
        {
            return Some(
                "it holds a control character or an invisible one; take it out, and write plain text"
                    .to_owned(),
            );
        }
        let card = [&self.title, &self.text]
            .into_iter()
            .any(|text| ensoex_card_firewall::find(text).is_some());
        card.then(|| "it holds what looks like a card number; take it out".to_owned())
    }
}

/// Takes a newsletter, which is sent from then on. The text of an error is for the operator.
pub(crate) async fn take(app: &AppState, en: &Letter, uk: &Letter) -> Result<Result<Value, String>, Problem> {
    for (language, letter) in [("English", en), ("Ukrainian", uk)] {
        if let Some(fault) = letter.fault() {
            return Ok(Err(format!("the {language} newsletter is not sent: {fault}")));
        }
    }
    let known: Option<i64> = app
        .database
        .fetch_optional_value(KNOWN.bind(&en.text).bind(&uk.text))
        .await?;
    if let Some(number) = known {
        return Ok(Err(format!(
            "this was taken already, as newsletter {number}; look with `ensoex newsletter list`"
        )));
    }
    let number: i64 = app.database.fetch_value::<i64>(NEWEST).await? + 1;
    let insert = INSERT
        .bind(number)
        .bind(now_us())
        .bind(&en.title)
        .bind(&en.text)
        .bind(&uk.title)
        .bind(&uk.text);
    app.database.execute(insert).await?;
    let to = app.vault.agreed(Optional::Newsletter).await?.len();
    Ok(Ok(json!({ "newsletter": number, "to_persons": to })))
}

/// The newest newsletters.
pub(crate) async fn list(app: &AppState) -> Result<Value, Problem> {
    let rows = app
        .database
        .fetch_all(LISTED.bind(NEWSLETTERS_LISTED_MAX))
        .await?;
    let view = |row: &Row| {
        Ok(json!({
            "newsletter": row.get::<i64>("number")?,
            "title": row.get::<String>("title_en")?,
            "taken_at": text(row.get("made_us")?),
            "sent_at": row.get::<Option<i64>>("finished_us")?.map(text),
        }))
    };
    let newsletters = rows
        .iter()
        .map(view)
        .collect::<Result<Vec<Value>, ensoex_sql::SqlError>>()?;
    Ok(json!({ "newsletters": newsletters }))
}

/// Who agrees now gets what is taken from now on, and nothing older.
pub(crate) async fn begin_after_those_sent(app: &AppState, account: AccountId) -> Result<(), Problem> {
    let newest: i64 = app.database.fetch_value(NEWEST).await?;
    app.database
        .execute(SENT.bind(i64::from(account.0)).bind(newest))
        .await?;
    Ok(())
}

/// Sends what is not sent yet. Without a relay nobody is sent anything, until there is one.
pub(crate) async fn send_all(app: &App, round: &mut Round<(i64, SubjectId)>) -> Result<(), Problem> {
    if !app.messenger.is_connected(Channel::Email) {
        return Ok(());
    }
    for row in app.database.fetch_all(UNFINISHED).await? {
        let number: i64 = row.get("number")?;
        let letter = |title, text| -> Result<Letter, ensoex_sql::SqlError> {
            Ok(Letter {
                title: row.get(title)?,
                text: row.get(text)?,
            })
        };
        let (en, uk) = (letter("title_en", "text_en")?, letter("title_uk", "text_uk")?);
        let mut readers: Vec<SubjectId> = app
            .vault
            .agreed(Optional::Newsletter)
            .await?
            .into_iter()
            .collect();
        readers.sort_unstable();
        let mut all_sent = round.after().is_none_or(|(at, _)| at < number);
        for subject in readers {
            if !round.has_before_it(&(number, subject)) {
                continue;
            }
            let reader = READER.bind(subject.to_string()).bind(number);
            let Some(reader) = app.database.fetch_optional(reader).await? else {
                continue;
            };
            let account: i64 = reader.get("account")?;
            let locale = Locale::from_tag(&reader.get::<String>("locale")?);
            let letter = match locale {
                Locale::En => &en,
                Locale::Uk => &uk,
            };
            let outcome = send(app, &subject, locale, letter).await;
            match &outcome {
                Ok(()) => {
                    app.database.execute(SENT.bind(account).bind(number)).await?;
                }
                Err(problem) => {
                    all_sent = false;
                    tracing::error!(?problem, "a newsletter could not be sent; it is tried again");
                }
            }
            if round.tried((number, subject), outcome.is_ok()).is_break() {
                return Ok(());
            }
        }
        let given_up = now_us() - row.get::<i64>("made_us")? > micros(NEWSLETTER_PATIENCE);
        if all_sent || given_up {
            app.database.execute(FINISHED.bind(number).bind(now_us())).await?;
        }
    }
    round.complete();
    Ok(())
}

async fn send(app: &AppState, subject: &SubjectId, locale: Locale, letter: &Letter) -> Result<(), Problem> {
    let access = app.component_access("newsletter", Reason::Newsletter)?;
    let (recipient, items) = (Channel::Email.recipient(), Channel::Email.items());
    let entered = match app.vault.disclose(subject, recipient, &items, &access).await {
        Ok(entered) => entered,
        // They withdrew, or restricted the use of their data, a moment ago.
        Err(VaultError::Denied(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let body = texts::newsletter(locale, &letter.text, &app.public_url);
    let deliver = |to: &String| {
        let message = Message::owed(locale, (&letter.title, body));
        app.messenger.send(&entered, Channel::Email, to, message)
    };
    let sent = app
        .vault
        .read::<Email, ProvideService, _>(subject, None, &access, deliver)
        .await;
    match sent {
        Err(VaultError::Denied(_)) => Ok(()),
        sent => owed::delivered(sent).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newsletter_that_cannot_be_sent_is_refused_with_the_reason() {
        let letter = |title: &str, text: &str| Letter {
            title: title.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(letter("News", "One line.\nAnother.").fault(), None);
        let long = "a".repeat(NEWSLETTER_TITLE_CHARACTERS_MAX + 1);
        let large = "a".repeat(NEWSLETTER_TEXT_BYTES_MAX + 1);
        for (title, text, said) in [
            ("", "Text.", "first line is its title"),
            (&long, "Text.", "first line is its title"),
            ("News", " \n", "bytes"),
            ("News", &large, "bytes"),
            ("News\nmore", "Text.", "control character"),
            ("News", "Pay \u{202e}em", "invisible"),
            ("News", "Bell \u{7}", "control character"),
            ("News", "Pay with 4111 1111 1111 1111.", "card number"),
        ] {
            let fault = letter(title, text).fault().unwrap_or_default();
            assert!(fault.contains(said), "{title:?} {text:?}: {fault:?}");
        }
    }
}
