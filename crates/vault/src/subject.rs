//! The pseudonym under which a person is known everywhere outside the vault.
//!
//! It is random: it does not know the person, their account or when they came.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::VaultError;

/// A random 128-bit pseudonym. Text form: 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectId([u8; 16]);

impl SubjectId {
    /// Draws a new pseudonym from the operating system's randomness.
    pub(crate) fn random() -> Result<Self, VaultError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| VaultError::Randomness)?;
        Ok(Self(bytes))
    }

    /// The pseudonym with these 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes of the pseudonym.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SubjectId({self})")
    }
}

/// The text is not a pseudonym: 32 lower-case hexadecimal digits are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject pseudonym is 32 lower-case hexadecimal digits")]
pub struct SubjectIdError;

impl FromStr for SubjectId {
    type Err = SubjectIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(SubjectIdError);
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| SubjectIdError)?;
        Ok(Self(bytes))
    }
}

impl Serialize for SubjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SubjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_returns_to_the_same_pseudonym() {
        let subject = SubjectId::random().unwrap();
        assert_eq!(subject.to_string().parse::<SubjectId>().unwrap(), subject);
        let json = serde_json::to_string(&subject).unwrap();
        assert_eq!(serde_json::from_str::<SubjectId>(&json).unwrap(), subject);
    }

    #[test]
    fn refuses_other_texts() {
        for text in [
            "",
            "00",
            "zz",
            "0123456789ABCDEF0123456789abcdef",
            "0123456789abcdef0123456789abcdef0",
        ] {
            assert!(text.parse::<SubjectId>().is_err(), "{text}");
        }
    }
}
