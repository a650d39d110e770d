//! The carriers of messages outside the demo: a mail relay over SMTP, and an SMS provider over the HTTP API that Twilio published
//! (`POST /2010-04-01/Accounts/{account}/Messages.json` with `To`, `From`, `Body`), which others speak too.
//!
//! Mail goes out as plain text and as HTML without anything that a reader would fetch. Each is configured by its own settings; one of them
//! alone is not enough to register people.

use crate::limits::{SMS_LENGTH_MAX, SMS_REQUEST_TIMEOUT};
use crate::messages::{Channel, Locale, Messenger};
use crate::outbox::{Carrier, Outbox, Outgoing, Tallies};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ensoex_egress::{
    FormClient, FormClientError, Mail, MailRelay, MailSettings, MailSettingsError, NotAnswered, NotTaken,
    Recipient,
};
use form_urlencoded::Serializer;
use maud::{DOCTYPE, html};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest line of a password file.
const SECRET_LENGTH_MAX: usize = 1_024;

/// How messages leave a Service that is not a demo.
#[derive(Clone, Debug, Default)]
pub struct MessageSettings {
    /// The mail relay.
    pub mail: Option<MailRelaySettings>,
    /// The SMS provider.
    pub sms: Option<SmsSettings>,
}

/// See [`ensoex_egress::MailSettings`].
#[derive(Clone, Debug)]
pub struct MailRelaySettings {
    /// `smtps://USER@HOST`, `smtp://USER@HOST` or `smtp+plain://127.0.0.1`.
    pub relay: String,
    /// File with the password of the user.
    pub password: Option<PathBuf>,
    /// Whose mail it is.
    pub from: String,
}

/// An SMS provider with Twilio's API.
#[derive(Clone, Debug)]
pub struct SmsSettings {
    /// For example `https://api.provider.example`.
    pub url: String,
    /// The account's name there.
    pub account: String,
    /// File with the account's token.
    pub token: PathBuf,
    /// Number or name that people see.
    pub from: String,
}

/// Why messages cannot leave by these settings.
#[derive(Debug, thiserror::Error)]
pub enum MessageSettingsError {
    /// A relay that cannot be used.
    #[error(transparent)]
    Mail(#[from] MailSettingsError),
    /// A provider that cannot be reached.
    #[error("the SMS provider cannot be used: {0}")]
    Sms(#[from] FormClientError),
    /// A word that would be another request.
    #[error("the SMS provider's account must be 1 to 64 letters and digits")]
    SmsAccount,
    /// A secret that cannot be read.
    #[error("the secret in {path} cannot be used: {why}")]
    Secret {
        /// The file.
        path: PathBuf,
        /// What to do about it.
        why: String,
    },
}

/// The carriers by these settings; nothing is opened yet.
pub(crate) fn connect(
    settings: &MessageSettings,
    tallies: &Tallies,
) -> Result<Messenger, MessageSettingsError> {
    let mail = match &settings.mail {
        None => None,
        Some(mail) => {
            let password = mail.password.as_deref().map(secret).transpose()?;
            let relay = MailRelay::new(&MailSettings {
                relay: mail.relay.clone(),
                password,
                from: mail.from.clone(),
            })?;
            Some(Outbox::new(relay, tallies.of(Channel::Email)))
        }
    };
    let sms = match &settings.sms {
        None => None,
        Some(sms) => Some(Outbox::new(SmsProvider::new(sms)?, tallies.of(Channel::Sms))),
    };
    Ok(match (mail, sms) {
        (None, None) => Messenger::None,
        (mail, sms) => Messenger::Carriers(Arc::new(Carriers { mail, sms })),
    })
}

/// See the module's doc.
pub(crate) struct Carriers {
    pub(crate) mail: Option<Outbox<MailRelay>>,
    pub(crate) sms: Option<Outbox<SmsProvider>>,
}

fn secret(path: &Path) -> Result<Zeroizing<String>, MessageSettingsError> {
    let failed = |why: String| MessageSettingsError::Secret {
        path: path.to_path_buf(),
        why,
    };
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?);
    let line = text.trim();
    if line.is_empty() || line.len() > SECRET_LENGTH_MAX || line.chars().any(char::is_control) {
        let why = format!("the file must hold one line of 1 to {SECRET_LENGTH_MAX} characters");
        return Err(failed(why));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

impl Carrier for MailRelay {
    async fn carry(&self, message: &Outgoing) -> Result<(), NotTaken> {
        let html = Zeroizing::new(page(&message.subject, &message.body, message.locale));
        let mail = Mail {
            to: &message.to,
            subject: &message.subject,
            plain: &message.body,
            html: &html,
        };
        self.send(&mail).await
    }
}

/// The text as a page that fetches nothing.
fn page(subject: &str, body: &str, locale: Locale) -> String {
    html! {
        (DOCTYPE)
        html lang=(locale.tag()) {
            head {
                meta charset="utf-8";
                meta name="color-scheme" content="light dark";
                title { (subject) }
            }
            body style="font-family: sans-serif; line-height: 1.5; max-width: 36em; margin: 1.5em auto; padding: 0 1em" {
                h1 style="font-size: 1.2em" { (subject) }
                @for paragraph in body.split("\n\n") {
                    p style="white-space: pre-line" { (paragraph) }
                }
                p style="opacity: 0.7" { "EnsoEx" }
            }
        }
    }
    .into_string()
}

/// An SMS provider's HTTP API.
pub(crate) struct SmsProvider {
    http: FormClient,
    path: String,
    authorization: Zeroizing<String>,
    from: String,
}

impl SmsProvider {
    fn new(settings: &SmsSettings) -> Result<SmsProvider, MessageSettingsError> {
        let account = settings.account.clone();
        let is_word = account.chars().all(|character| character.is_ascii_alphanumeric());
        if !is_word || account.is_empty() || account.len() > 64 {
            return Err(MessageSettingsError::SmsAccount);
        }
        let token = secret(&settings.token)?;
        let pair = Zeroizing::new(format!("{account}:{}", token.as_str()));
        Ok(SmsProvider {
            http: FormClient::new(Recipient::SmsCarrier, &settings.url, SMS_REQUEST_TIMEOUT)?,
            path: format!("/2010-04-01/Accounts/{account}/Messages.json"),
            authorization: Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))),
            from: settings.from.clone(),
        })
    }
}

impl Carrier for SmsProvider {
    async fn carry(&self, message: &Outgoing) -> Result<(), NotTaken> {
        let body: String = message.body.chars().take(SMS_LENGTH_MAX).collect();
        let form = Serializer::new(String::new())
            .append_pair("To", &message.to)
            .append_pair("From", &self.from)
            .append_pair("Body", &body)
            .finish();
        // The provider's words often repeat the number: the status says enough.
        let status = match self.http.post(&self.path, &self.authorization, form).await {
            Ok(status) => status,
            Err(NotAnswered::Malformed) => return Err(NotTaken::ForGood("not a message for SMS".to_owned())),
            Err(NotAnswered::Late) => {
                return Err(NotTaken::ForNow(
                    "the provider does not answer in time".to_owned(),
                ));
            }
            Err(NotAnswered::Away) => {
                return Err(NotTaken::ForNow(
                    "the provider cannot be reached, or no certificate that this machine trusts is its own"
                        .to_owned(),
                ));
            }
        };
        let why = format!("the provider answered {status}");
        match status {
            200..=299 => Ok(()),
            // Busy, or a wrong token, which is the operator's to mend while the message waits.
            401 | 403 | 408 | 429 => Err(NotTaken::ForNow(why)),
            400..=499 => Err(NotTaken::ForGood(why)),
            _ => Err(NotTaken::ForNow(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_text_only() {
        let page = page(
            "A <b>subject</b>",
            "<img src=http://evil.example> & more",
            Locale::Uk,
        );
        assert!(page.contains("&lt;img src=http://evil.example&gt; &amp; more"));
        assert!(page.contains("<html lang=\"uk\">"));
        for fetched in ["<img", "<link", "<script", "url(", "href"] {
            assert!(!page.contains(fetched), "{fetched}");
        }
    }

    #[test]
    fn providers_over_a_network_are_behind_tls() {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        std::fs::write(&token, "secret\n").unwrap();
        let new = |url: &str, account: &str, token: &Path| {
            SmsProvider::new(&SmsSettings {
                url: url.to_owned(),
                account: account.to_owned(),
                token: token.to_path_buf(),
                from: "EnsoEx".to_owned(),
            })
        };
        assert!(new("http://127.0.0.1:8025", "AC1", &token).is_ok());
        let plain = new("http://provider.example", "AC1", &token);
        assert!(matches!(plain, Err(MessageSettingsError::Sms(_))));
        for account in ["", "../../x", "a b"] {
            let refused = new("http://127.0.0.1", account, &token);
            assert!(
                matches!(refused, Err(MessageSettingsError::SmsAccount)),
                "{account}"
            );
        }
        std::fs::write(&token, "two\nlines\n").unwrap();
        let refused = new("http://127.0.0.1", "AC1", &token);
        assert!(matches!(refused, Err(MessageSettingsError::Secret { .. })));
        let missing = new("http://127.0.0.1", "AC1", &folder.path().join("none"));
        assert!(matches!(missing, Err(MessageSettingsError::Secret { .. })));
    }
}
