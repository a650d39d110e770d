//! A message: a type and its fields.

use crate::{FieldError, Length, MessageType, ParseError, definition};
use zeroize::Zeroizing;

const FIELDS: usize = 129;
const BITMAP_BYTES: usize = 8;

/// An ISO 8583 message. It may hold a card number: no `Debug`, wiped when dropped.
#[derive(Clone)]
pub struct Message {
    message_type: MessageType,
    fields: Vec<Option<Zeroizing<Vec<u8>>>>,
}

impl Message {
    /// A message without fields.
    pub fn new(message_type: MessageType) -> Self {
        Self {
            message_type,
            fields: vec![None; FIELDS],
        }
    }

    /// The message's type.
    pub fn message_type(&self) -> MessageType {
        self.message_type
    }

    /// The value of a field, in bytes.
    pub fn get(&self, field: u8) -> Option<&[u8]> {
        self.fields
            .get(usize::from(field))?
            .as_ref()
            .map(|value| value.as_slice())
    }

    /// The value of a field as text; none for a binary field that is no text.
    pub fn text(&self, field: u8) -> Option<&str> {
        core::str::from_utf8(self.get(field)?).ok()
    }

    /// The value of a numeric field of at most 18 digits.
    pub fn integer(&self, field: u8) -> Option<i64> {
        let text = self.text(field)?;
        if text.is_empty() || text.len() > 18 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        text.parse().ok()
    }

    /// Sets a field to a value of its exact type and length.
    pub fn set(&mut self, field: u8, value: &[u8]) -> Result<(), FieldError> {
        let defined = definition(field).ok_or(FieldError::Undefined { field })?;
        if !defined.length.admits(value.len()) {
            return Err(FieldError::Length {
                field,
                length: value.len(),
            });
        }
        if !defined.content.admits(value) {
            return Err(FieldError::Content { field });
        }
        self.fields[usize::from(field)] = Some(Zeroizing::new(value.to_vec()));
        Ok(())
    }

    /// Sets a numeric field of fixed length from a number, with leading zeros.
    pub fn set_integer(&mut self, field: u8, value: u64) -> Result<(), FieldError> {
        let width = match definition(field).ok_or(FieldError::Undefined { field })?.length {
            Length::Fixed(width) => width,
            Length::TwoDigits(_) | Length::ThreeDigits(_) => 0,
        };
        self.set(field, format!("{value:0width$}").as_bytes())
    }

    /// Sets a text field of fixed length, filled up with blanks on the right.
    pub fn set_padded(&mut self, field: u8, value: &str) -> Result<(), FieldError> {
        let width = match definition(field).ok_or(FieldError::Undefined { field })?.length {
            Length::Fixed(width) => width,
            Length::TwoDigits(_) | Length::ThreeDigits(_) => 0,
        };
        self.set(field, format!("{value:<width$}").as_bytes())
    }

    /// Copies a field of another message, if it has it.
    pub fn copy(&mut self, field: u8, from: &Message) {
        if let (Some(slot), Some(value)) = (
            self.fields.get_mut(usize::from(field)),
            from.fields.get(usize::from(field)),
        ) {
            slot.clone_from(value);
        }
    }

    /// The numbers of the fields present, ascending.
    pub fn field_numbers(&self) -> impl Iterator<Item = u8> + '_ {
        (2..=128u8).filter(|field| self.fields[usize::from(*field)].is_some())
    }

    /// The message as bytes, without the frame's length.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let secondary = self.field_numbers().any(|field| field > 64);
        let mut bitmap = [0u8; 2 * BITMAP_BYTES];
        if secondary {
            set_bit(&mut bitmap, 1);
        }
        let mut fields_bytes = 0;
        for field in self.field_numbers() {
            set_bit(&mut bitmap, field);
            fields_bytes += 3 + self.get(field).map_or(0, <[u8]>::len);
        }
        // Room for all of it at once: growing would leave copies of the card number behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 + bitmap.len() + fields_bytes));
        bytes.extend_from_slice(&self.message_type.digits());
        bytes.extend_from_slice(if secondary {
            &bitmap
        } else {
            &bitmap[..BITMAP_BYTES]
        });
        for field in self.field_numbers() {
            let (Some(value), Some(defined)) = (self.get(field), definition(field)) else {
                continue;
            };
            let digits = defined.length.indicator_digits();
            if digits > 0 {
                bytes.extend_from_slice(format!("{:0digits$}", value.len()).as_bytes());
            }
            bytes.extend_from_slice(value);
        }
        bytes
    }

    /// Reads a message from the bytes of one frame. Refuses anything left over.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut rest = bytes;
        let message_type = MessageType::parse(take(&mut rest, 4, None)?)?;
        let primary = take(&mut rest, BITMAP_BYTES, None)?;
        let mut bitmap = [0u8; 2 * BITMAP_BYTES];
        bitmap[..BITMAP_BYTES].copy_from_slice(primary);
        if bit(&bitmap, 1) {
            bitmap[BITMAP_BYTES..].copy_from_slice(take(&mut rest, BITMAP_BYTES, None)?);
        }
        let mut message = Self::new(message_type);
        for field in (2..=128u8).filter(|field| bit(&bitmap, *field)) {
            let defined = definition(field).ok_or(ParseError::Undefined { field })?;
            let length = match defined.length {
                Length::Fixed(length) => length,
                Length::TwoDigits(_) | Length::ThreeDigits(_) => {
                    let indicator = take(&mut rest, defined.length.indicator_digits(), Some(field))?;
                    parse_length(indicator).ok_or(ParseError::Length { field })?
                }
            };
            if !defined.length.admits(length) {
                return Err(ParseError::Length { field });
            }
            let value = take(&mut rest, length, Some(field))?;
            message.set(field, value)?;
        }
        if !rest.is_empty() {
            return Err(ParseError::Trailing { count: rest.len() });
        }
        Ok(message)
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize, field: Option<u8>) -> Result<&'a [u8], ParseError> {
    let (taken, left) = rest
        .split_at_checked(count)
        .ok_or(ParseError::Truncated { field })?;
    *rest = left;
    Ok(taken)
}

fn parse_length(digits: &[u8]) -> Option<usize> {
    digits.iter().try_fold(0usize, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + usize::from(digit - b'0'))
    })
}

/// Bit 1 is the highest bit of the first byte.
fn bit(bitmap: &[u8; 16], field: u8) -> bool {
    let index = usize::from(field - 1);
    bitmap[index / 8] & (0x80 >> (index % 8)) != 0
}

fn set_bit(bitmap: &mut [u8; 16], field: u8) {
    let index = usize::from(field - 1);
    bitmap[index / 8] |= 0x80 >> (index % 8);
}
