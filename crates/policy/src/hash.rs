//! The hash by which a version is known.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

const PREFIX: &str = "sha256:";

/// The SHA-256 hash of a bundle. Text form: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionHash([u8; 32]);

impl VersionHash {
    /// The hash of the parts with their lengths, so that no two lists of parts have one hash.
    pub(crate) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }

    /// The 64 hexadecimal digits.
    pub fn digits(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Display for VersionHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}{}", self.digits())
    }
}

impl fmt::Debug for VersionHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The text is not a version hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version hash is written sha256: and 64 lower-case hexadecimal digits")]
pub struct VersionHashError;

impl FromStr for VersionHash {
    type Err = VersionHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(PREFIX).ok_or(VersionHashError)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| VersionHashError)?;
        // One hash has one text form.
        if hex::encode(bytes) == digits {
            Ok(Self(bytes))
        } else {
            Err(VersionHashError)
        }
    }
}

impl Serialize for VersionHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VersionHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_one_and_returns() {
        let hash = VersionHash::of([b"a".as_slice()]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.short().len(), 12);
        assert!(hash.to_string().starts_with(&format!("sha256:{}", hash.short())));
        let text = hash.to_string();
        for wrong in [&text[7..], &text.to_uppercase(), &text[..70], "sha256:"] {
            assert!(wrong.parse::<VersionHash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(
            VersionHash::of([b"ab".as_slice(), b"c"]),
            VersionHash::of([b"a".as_slice(), b"bc"])
        );
    }
}
