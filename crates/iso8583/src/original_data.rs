//! Original data elements (field 90): which earlier message a reversal, capture or inquiry speaks of.

use crate::MessageType;

/// The identity of an earlier message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OriginalDataElements {
    /// Its type.
    pub message_type: MessageType,
    /// Its systems trace audit number, 0 to 999999.
    pub trace_number: u32,
    /// Its transmission date and time, MMDDhhmmss.
    pub transmission_date_time: [u8; 10],
    /// Its acquiring institution, at most eleven digits.
    pub acquirer: u64,
}

impl OriginalDataElements {
    /// The 42 digits; the forwarding institution is zero.
    pub fn encode(&self) -> Option<[u8; 42]> {
        if self.trace_number > 999_999
            || self.acquirer > 99_999_999_999
            || !self.transmission_date_time.iter().all(u8::is_ascii_digit)
        {
            return None;
        }
        let mut digits = [b'0'; 42];
        digits[..4].copy_from_slice(&self.message_type.digits());
        digits[4..10].copy_from_slice(format!("{:06}", self.trace_number).as_bytes());
        digits[10..20].copy_from_slice(&self.transmission_date_time);
        digits[20..31].copy_from_slice(format!("{:011}", self.acquirer).as_bytes());
        Some(digits)
    }

    /// Reads 42 digits.
    pub fn parse(value: &[u8]) -> Option<Self> {
        if value.len() != 42 || !value.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let text = core::str::from_utf8(value).ok()?;
        Some(Self {
            message_type: MessageType::parse(&value[..4]).ok()?,
            trace_number: text[4..10].parse().ok()?,
            transmission_date_time: value[10..20].try_into().ok()?,
            acquirer: text[20..31].parse().ok()?,
        })
    }
}
