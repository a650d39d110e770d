//! The owner's own name for an order, kept inline so that it costs no allocation.

use core::fmt;
use core::hash::{Hash, Hasher};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A client order id: empty (none), or 1 to 36 of `A-Za-z0-9.:/_-`. Unique among an account's open orders.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientOrderId {
    length: u8,
    bytes: [u8; ClientOrderId::LENGTH_MAX],
}

/// Why a text is no client order id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOrderIdError {
    /// Longer than [`ClientOrderId::LENGTH_MAX`] bytes.
    TooLong,
    /// A character outside `A-Za-z0-9.:/_-`.
    Character,
}

impl ClientOrderId {
    /// Longest, in bytes.
    pub const LENGTH_MAX: usize = 36;
    /// No name.
    pub const NONE: ClientOrderId = ClientOrderId {
        length: 0,
        bytes: [0; ClientOrderId::LENGTH_MAX],
    };

    /// Reads a name; the empty text is [`ClientOrderId::NONE`].
    ///
    /// # Errors
    /// Too long, or a character that is not allowed.
    pub fn new(text: &str) -> Result<ClientOrderId, ClientOrderIdError> {
        let mut name = ClientOrderId::NONE;
        let bytes = name
            .bytes
            .get_mut(..text.len())
            .ok_or(ClientOrderIdError::TooLong)?;
        if !text.bytes().all(is_allowed) {
            return Err(ClientOrderIdError::Character);
        }
        bytes.copy_from_slice(text.as_bytes());
        name.length = text.len() as u8;
        Ok(name)
    }

    /// There is no name.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'/' | b'_' | b'-')
}

impl Default for ClientOrderId {
    fn default() -> ClientOrderId {
        ClientOrderId::NONE
    }
}

impl Hash for ClientOrderId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}

impl fmt::Debug for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ClientOrderIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientOrderIdError::TooLong => write!(
                f,
                "a client order id has at most {} characters",
                ClientOrderId::LENGTH_MAX
            ),
            ClientOrderIdError::Character => {
                f.write_str("a client order id has letters, digits and . : / _ - only")
            }
        }
    }
}

impl core::error::Error for ClientOrderIdError {}

impl Serialize for ClientOrderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ClientOrderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ClientOrderId, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ClientOrderId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a client order id of at most 36 characters")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ClientOrderId, E> {
                ClientOrderId::new(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_or_refused() {
        let cases = [
            ("", Ok("")),
            ("a", Ok("a")),
            ("x-HNA2TXFJ.1:2/3_4", Ok("x-HNA2TXFJ.1:2/3_4")),
            (
                "123456789012345678901234567890123456",
                Ok("123456789012345678901234567890123456"),
            ),
            (
                "1234567890123456789012345678901234567",
                Err(ClientOrderIdError::TooLong),
            ),
            ("a b", Err(ClientOrderIdError::Character)),
            ("é", Err(ClientOrderIdError::Character)),
            ("a\n", Err(ClientOrderIdError::Character)),
        ];
        for (text, expected) in cases {
            let read = ClientOrderId::new(text);
            assert_eq!(
                read.as_ref().map(ClientOrderId::as_str),
                expected.as_ref().copied(),
                "{text:?}"
            );
        }
        assert!(ClientOrderId::NONE.is_empty());
    }
}
