//! Whom the Service sends anything, and the only ways out to them.
//!
//! [`Recipient`] is the closed register: section 8 of the Privacy Policy is made from it, the catalogue of personal data names
//! recipients by it, and every disclosure is recorded under one of its names. A connection goes to the place that is
//! configured for one recipient ([`Destinations`], and with the features `http`, `https` and `mail` clients of its own) and to no other: redirects
//! are not followed, the environment's proxies not asked, and no other name is looked up.
//!
//! Two connections are opened elsewhere, because a library opens them: those of the databases (`sql`, `log`), which are the
//! operator's own. It does not know what is said on a connection, nor whether the recipient keeps its word.

mod destination;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "https")]
mod https;
#[cfg(feature = "mail")]
mod mail;
mod register;

pub use destination::{Destinations, NotRegistered};
#[cfg(feature = "http")]
pub use http::{ClientError, HttpClient};
#[cfg(feature = "https")]
pub use https::{FormClient, FormClientError, NotAnswered};
#[cfg(feature = "mail")]
pub use mail::{Mail, MailRelay, MailSettings, MailSettingsError, NotTaken};
pub use register::{Item, Recipient, RecipientEntry, Words};
