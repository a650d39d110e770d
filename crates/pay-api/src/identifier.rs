//! Identifiers and references as types, so that one is never passed for another.

use serde::{Deserialize, Serialize};
use text::impl_text;
use thiserror::Error;

/// Longest client or customer reference, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 64;
/// Random characters behind an identifier's prefix.
const IDENTIFIER_RANDOM_BYTES: usize = 24;

/// Why a text is not an identifier or reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidIdentifier {
    /// The text does not start with the prefix of its kind, or its random part is not as issued.
    #[error("expected `{prefix}` followed by {IDENTIFIER_RANDOM_BYTES} characters of a-z and 0-9")]
    Identifier {
        /// The prefix expected.
        prefix: &'static str,
    },
    /// The text is empty, too long, or has a character outside `A-Z a-z 0-9 _ -`.
    #[error("expected 1 to {REFERENCE_BYTES_MAX} characters of A-Z, a-z, 0-9, `_` and `-`")]
    Reference,
    /// The text consists of digits only, as a card number does.
    #[error("a reference must hold at least one letter")]
    DigitsOnly,
}

mod text {
    macro_rules! impl_text {
        ($name:ident) => {
            impl $name {
                /// The text as it stands on the wire.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }
            impl core::fmt::Display for $name {
                fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    formatter.write_str(&self.0)
                }
            }
            impl core::str::FromStr for $name {
                type Err = InvalidIdentifier;
                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    Self::try_from(text.to_owned())
                }
            }
            impl From<$name> for String {
                fn from(value: $name) -> String {
                    value.0
                }
            }
        };
    }
    pub(super) use impl_text;
}

macro_rules! identifier {
    ($name:ident, $prefix:literal, $what:literal) => {
        #[doc = concat!("Identifier of ", $what, ": `", $prefix, "` and 24 random characters of a-z and 0-9.")]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every identifier of this kind begins with.
            pub const PREFIX: &'static str = $prefix;
        }

        impl TryFrom<String> for $name {
            type Error = InvalidIdentifier;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                let random = text.strip_prefix($prefix);
                match random {
                    Some(random) if is_random_part(random) => Ok(Self(text)),
                    _ => Err(InvalidIdentifier::Identifier { prefix: $prefix }),
                }
            }
        }
        impl_text!($name);
    };
}

macro_rules! reference {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = InvalidIdentifier;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                check_reference(&text)?;
                Ok(Self(text))
            }
        }
        impl_text!($name);
    };
}

identifier!(CheckoutSessionId, "cs_", "a checkout session");
identifier!(PaymentId, "pay_", "a payment");
identifier!(PayoutId, "po_", "a payout");
identifier!(EventId, "evt_", "an event");
reference!(
    ClientReference,
    "The Service's own name for a deposit or withdrawal; unique for ever among payments, and among payouts. \
     1 to 64 characters of `A-Z a-z 0-9 _ -`, at least one of them no digit."
);
reference!(
    CustomerReference,
    "An opaque, random name for the person, under which EnsoExPAY remembers instruments. It must not be derived \
     from personal data. 1 to 64 characters of `A-Z a-z 0-9 _ -`, at least one of them no digit."
);

fn is_random_part(text: &str) -> bool {
    text.len() == IDENTIFIER_RANDOM_BYTES
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn check_reference(text: &str) -> Result<(), InvalidIdentifier> {
    let permitted = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if text.is_empty() || text.len() > REFERENCE_BYTES_MAX || !text.bytes().all(permitted) {
        return Err(InvalidIdentifier::Reference);
    }
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return Err(InvalidIdentifier::DigitsOnly);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_keep_their_kind() {
        let text = "pay_0123456789abcdefghijklmn";
        assert_eq!(text.parse::<PaymentId>().unwrap().as_str(), text);
        assert!(text.parse::<PayoutId>().is_err());
        assert!("pay_0123456789ABCDEFGHIJKLMN".parse::<PaymentId>().is_err());
        assert!("pay_short".parse::<PaymentId>().is_err());
    }

    #[test]
    fn references_cannot_hold_a_card_number() {
        assert!("dep-42_x".parse::<ClientReference>().is_ok());
        for text in ["4242424242424242", "4242-4242-4242-4242"] {
            assert_eq!(
                text.parse::<ClientReference>(),
                Err(InvalidIdentifier::DigitsOnly)
            );
        }
        for text in ["", "a b", "a.b", "ü", &"a".repeat(65)] {
            assert_eq!(
                text.parse::<ClientReference>(),
                Err(InvalidIdentifier::Reference),
                "{text}"
            );
        }
    }
}
