//! Why a message or a field is refused. No error repeats a value.

use thiserror::Error;

/// Why bytes are no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ParseError {
    /// The bytes end inside the message type, a bitmap, a length or a field.
    #[error("the message ends inside {}", Place(*field))]
    Truncated {
        /// The field that is cut, or none for the message type and bitmaps.
        field: Option<u8>,
    },
    /// The message type is not four digits, or of no known version.
    #[error("the message type is not four digits")]
    MessageType,
    /// A length indicator is not decimal, or above the field's maximum.
    #[error("field {field} has an impossible length")]
    Length {
        /// The field.
        field: u8,
    },
    /// A field's value has characters that its type does not permit.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The bitmap names a field that the standard does not define.
    #[error("field {field} is not defined")]
    Undefined {
        /// The field.
        field: u8,
    },
    /// Bytes follow the last field.
    #[error("{count} bytes follow the last field")]
    Trailing {
        /// How many.
        count: usize,
    },
}

/// Why a value does not fit a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FieldError {
    /// The standard does not define the field, or it is the bitmap's own bit.
    #[error("field {field} is not defined")]
    Undefined {
        /// The field.
        field: u8,
    },
    /// The value is too long, or not of the fixed length.
    #[error("field {field} has {length} bytes, which it cannot hold")]
    Length {
        /// The field.
        field: u8,
        /// The value's length in bytes.
        length: usize,
    },
    /// The value has characters that the field's type does not permit.
    #[error("field {field} has characters that its type does not permit")]
    Content {
        /// The field.
        field: u8,
    },
}

struct Place(Option<u8>);

impl core::fmt::Display for Place {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(field) => write!(formatter, "field {field}"),
            None => formatter.write_str("the message type or a bitmap"),
        }
    }
}
