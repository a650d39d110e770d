//! ISO 8583:1987 messages: fields, bitmaps, frames, and the card number type.
//!
//! Layout on the wire: a two-byte big-endian length, then the message type in four ASCII digits, a binary
//! bitmap of 8 or 16 bytes, and the fields in ascending order; digits and text in ASCII, variable lengths as two
//! or three ASCII digits, binary fields raw. Messages may hold card numbers, so they have no `Debug` and are
//! wiped when dropped.
//!
//! What this crate does not know: sockets, clocks, and what a network does with a message.

mod additional_data;
mod card_number;
mod error;
mod field;
mod frame;
mod message;
mod message_type;
mod original_data;
mod response_code;

pub use additional_data::{AdditionalData, tag};
pub use card_number::{Brand, CARD_NUMBER_DIGITS_MAX, CARD_NUMBER_DIGITS_MIN, CardNumber, InvalidCardNumber};
pub use error::{FieldError, ParseError};
pub use field::{Content, FieldDefinition, Length, definition, number};
pub use frame::{FRAME_BYTES_MAX, FrameBuffer, FrameError, encode_frame};
pub use message::Message;
pub use message_type::MessageType;
pub use original_data::OriginalDataElements;
pub use response_code::ResponseCode;
