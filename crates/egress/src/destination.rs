//! Where a recipient is: the hosts that are configured for it, and no others.
//!
//! It opens nothing; whoever opens a connection asks first.

use crate::register::Recipient;
use std::collections::BTreeSet;

/// The hosts of one recipient, as names or addresses in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destinations {
    recipient: Recipient,
    hosts: BTreeSet<String>,
}

/// Something was to be sent where nobody of the register is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing is sent to {host}: it is not configured for the recipient {recipient}; configure its address if it is meant"
)]
pub struct NotRegistered {
    /// Who was meant.
    pub recipient: &'static str,
    /// Where it would have gone.
    pub host: String,
}

impl Destinations {
    /// The recipient is at these hosts.
    pub fn new(recipient: Recipient, hosts: impl IntoIterator<Item = String>) -> Destinations {
        let hosts = hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect();
        Destinations { recipient, hosts }
    }

    /// Who is there.
    pub const fn recipient(&self) -> Recipient {
        self.recipient
    }

    /// Whether the recipient is at this host.
    ///
    /// # Errors
    /// [`NotRegistered`] for any other host, and for none.
    pub fn check(&self, host: Option<&str>) -> Result<(), NotRegistered> {
        let host = host.unwrap_or_default().to_ascii_lowercase();
        if self.hosts.contains(&host) {
            return Ok(());
        }
        Err(NotRegistered {
            recipient: self.recipient.as_str(),
            host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mechanism: `crates/egress/src/destination.rs`
    /// Control: the host that is configured passes, however its letters are written.
    #[test]
    fn clause_08_a_host_that_is_not_configured_is_none_of_a_recipients() {
        let places = Destinations::new(Recipient::Storage, ["Bucket.Example".to_owned()]);
        assert_eq!(places.check(Some("bucket.example")), Ok(()));
        for other in [
            Some("evil.bucket.example"),
            Some("bucket.example.evil"),
            Some("192.0.2.1"),
            None,
        ] {
            assert!(places.check(other).is_err(), "{other:?}");
        }
    }
}
