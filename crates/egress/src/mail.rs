//! SMTP with the mail relay: every message goes to the one server that is configured.
//!
//! The relay is named by an address of three kinds: `smtps://` (TLS from the first byte, port 465), `smtp://` (TLS by STARTTLS, and nothing is
//! said before, port 587) and `smtp+plain://` (no TLS, port 25), which is for a relay on this very machine. Behind TLS there must be
//! who the machine's authorities say.
//!
//! Errors tell what the relay answered by its code alone: its words often repeat the address.

use crate::destination::Destinations;
use crate::register::Recipient;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;
use url::{Host, Url};
use zeroize::Zeroizing;

/// How long one step with the relay may take.
const STEP_TIME_MAX: Duration = Duration::from_secs(20);
/// Connections at the same time.
const CONNECTIONS_MAX: u32 = 4;
/// How long a connection is kept that nobody uses.
const IDLE_TIME_MAX: Duration = Duration::from_secs(30);

/// Where the relay is and who writes.
pub struct MailSettings {
    /// For example `smtps://user@relay.example`.
    pub relay: String,
    /// The password of the user in it.
    pub password: Option<Zeroizing<String>>,
    /// For example `EnsoEx <no-reply@example.org>`.
    pub from: String,
}

/// Why there can be no relay by these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// Not the address of a relay.
    #[error(
        "the mail relay must be smtps://USER@HOST (TLS), smtp://USER@HOST (STARTTLS) or, on this machine only, \
         smtp+plain://127.0.0.1, each with :PORT if it is not the usual one, and no more"
    )]
    Address,
    /// Everybody on the way could read the messages.
    #[error("smtp+plain:// is for a relay on this machine only; use smtps:// or smtp:// for {0}")]
    Plain(String),
    /// A user without a password, or the reverse.
    #[error("a mail relay with a user needs a password file, and one without a user takes none")]
    Password,
    /// Nobody can be answered.
    #[error("the sender of mail must be an address, for example 'EnsoEx <no-reply@example.org>'")]
    From,
    /// TLS cannot be set up.
    #[error("TLS with the mail relay cannot be set up: {0}; install the package ca-certificates")]
    Tls(String),
}

/// A message to one person.
pub struct Mail<'a> {
    /// The address.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// The text.
    pub plain: &'a str,
    /// The same for readers who show HTML.
    pub html: &'a str,
}

/// Why the relay did not take a message. No word of it is personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It will never take this one.
    #[error("refused for good: {0}")]
    ForGood(String),
    /// It may take it later.
    #[error("not taken for now: {0}")]
    ForNow(String),
}

/// The relay.
pub struct MailRelay {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl MailRelay {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// [`MailSettingsError`].
    pub fn new(settings: &MailSettings) -> Result<MailRelay, MailSettingsError> {
        let from: Mailbox = settings.from.parse().map_err(|_| MailSettingsError::From)?;
        let url = Url::parse(&settings.relay).map_err(|_| MailSettingsError::Address)?;
        let is_bare = ["", "/"].contains(&url.path()) && url.query().is_none() && url.fragment().is_none();
        if !is_bare || url.password().is_some() {
            return Err(MailSettingsError::Address);
        }
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or(MailSettingsError::Address)?;
        // A name for certificates and connections has no brackets.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let encrypted =
            || TlsParameters::new(host.clone()).map_err(|error| MailSettingsError::Tls(error.to_string()));
        let (port, tls) = match url.scheme() {
            "smtps" => (465, Tls::Wrapper(encrypted()?)),
            "smtp" => (587, Tls::Required(encrypted()?)),
            "smtp+plain" if is_this_machine(&host) => (25, Tls::None),
            "smtp+plain" => return Err(MailSettingsError::Plain(host)),
            _ => return Err(MailSettingsError::Address),
        };
        let places = Destinations::new(Recipient::MailRelay, [host.clone()]);
        places
            .check(Some(&host))
            .map_err(|_| MailSettingsError::Address)?;
        let domain = from.email.domain().to_owned();
        let pool = PoolConfig::new()
            .max_size(CONNECTIONS_MAX)
            .idle_timeout(IDLE_TIME_MAX);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(url.port().unwrap_or(port))
            .tls(tls)
            .hello_name(ClientId::Domain(domain))
            .timeout(Some(STEP_TIME_MAX))
            .pool_config(pool);
        match (url.username(), &settings.password) {
            ("", None) => {}
            (user, Some(password)) if !user.is_empty() => {
                let user = percent_decoded(user);
                builder = builder.credentials(Credentials::new(user, password.to_string()));
            }
            _ => return Err(MailSettingsError::Password),
        }
        Ok(MailRelay {
            transport: builder.build(),
            from,
        })
    }

    /// Hands one message over.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn send(&self, mail: &Mail<'_>) -> Result<(), NotTaken> {
        let message = self.message(mail)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(reason(&error)),
        }
    }

    fn message(&self, mail: &Mail<'_>) -> Result<Message, NotTaken> {
        let for_good = |what: &str| NotTaken::ForGood(what.to_owned());
        let to = mail.to.parse().map_err(|_| for_good("not an address for SMTP"))?;
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| NotTaken::ForNow("no random bytes".to_owned()))?;
        let id = format!("<{}@{}>", hex::encode(random), self.from.email.domain());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject)
            .message_id(Some(id))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(
                mail.plain.to_owned(),
                mail.html.to_owned(),
            ))
            .map_err(|_| for_good("not a message for SMTP"))
    }
}

fn is_this_machine(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        _ => host == "::1",
    }
}

fn percent_decoded(user: &str) -> String {
    let bytes = user.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let hex = user.get(index + 1..index + 3).filter(|_| byte == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                index += 3;
            }
            None => {
                decoded.push(byte);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn reason(error: &lettre::transport::smtp::Error) -> NotTaken {
    let code = error.status().map(|code| code.to_string());
    match code {
        Some(code) if error.is_permanent() => NotTaken::ForGood(format!("the relay answered {code}")),
        Some(code) => NotTaken::ForNow(format!("the relay answered {code}")),
        None if error.is_timeout() => NotTaken::ForNow("the relay does not answer in time".to_owned()),
        None => NotTaken::ForNow(
            "the relay cannot be reached, or no certificate that this machine trusts is its own".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay(url: &str, password: Option<&str>, from: &str) -> Result<MailRelay, MailSettingsError> {
        MailRelay::new(&MailSettings {
            relay: url.to_owned(),
            password: password.map(|text| Zeroizing::new(text.to_owned())),
            from: from.to_owned(),
        })
    }

    #[tokio::test]
    async fn only_safe_relays_are_accepted() {
        const FROM: &str = "EnsoEx <no-reply@example.org>";
        assert!(relay("smtps://user@relay.example", Some("secret"), FROM).is_ok());
        assert!(relay("smtp://user%40firm@relay.example:2525", Some("secret"), FROM).is_ok());
        assert!(relay("smtp+plain://127.0.0.1:2525", None, FROM).is_ok());
        let address = [
            "relay.example",
            "http://relay.example",
            "smtps://relay.example/path",
            "smtps://relay.example?tls=no",
            "smtps://user:secret@relay.example",
            "smtps://",
        ];
        for wrong in address {
            let refused = relay(wrong, None, FROM);
            assert!(matches!(refused, Err(MailSettingsError::Address)), "{wrong}");
        }
        for (url, password) in [
            ("smtps://user@relay.example", None),
            ("smtps://relay.example", Some("x")),
        ] {
            assert!(
                matches!(relay(url, password, FROM), Err(MailSettingsError::Password)),
                "{url}"
            );
        }
        let plain = relay("smtp+plain://relay.example", None, FROM);
        assert!(matches!(plain, Err(MailSettingsError::Plain(host)) if host == "relay.example"));
        let nobody = relay("smtps://relay.example", None, "nobody");
        assert!(matches!(nobody, Err(MailSettingsError::From)));
    }

    #[tokio::test]
    async fn a_line_in_a_subject_is_no_header() {
        let relay = relay("smtp+plain://127.0.0.1", None, "no-reply@example.org").unwrap();
        let mail = Mail {
            to: "person@example.net",
            subject: "Hello\r\nBcc: everybody@example.com",
            plain: "text",
            html: "<p>text</p>",
        };
        let message = String::from_utf8(relay.message(&mail).unwrap().formatted()).unwrap();
        assert!(!message.contains("\nBcc:"), "{message}");
        assert!(message.contains("Auto-Submitted: auto-generated\r\n"));
        let to_many = Mail {
            to: "person@example.net, other@example.com",
            ..mail
        };
        assert!(matches!(relay.message(&to_many), Err(NotTaken::ForGood(_))));
    }
}
