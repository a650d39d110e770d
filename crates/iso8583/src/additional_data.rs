//! Additional data, private (field 48): elements of a two-digit tag, a two-digit length and a value.
//!
//! The card verification code travels here, so values are wiped when dropped.

use zeroize::Zeroizing;

/// Tags of the elements in use.
pub mod tag {
    /// Electronic commerce indicator, two digits.
    pub const COMMERCE_INDICATOR: u8 = 42;
    /// Authentication value of 3-D Secure.
    pub const AUTHENTICATION_VALUE: u8 = 43;
    /// Card verification code, three or four digits.
    pub const VERIFICATION_CODE: u8 = 92;
}

/// Elements by tag, in the order given. No `Debug`; wiped when dropped.
#[derive(Clone, Default)]
pub struct AdditionalData(Vec<(u8, Zeroizing<Vec<u8>>)>);

impl AdditionalData {
    /// Adds an element of printable ASCII; refuses tags and values above 99.
    pub fn push(&mut self, tag: u8, value: &[u8]) -> Option<()> {
        let printable = value.iter().all(|byte| (0x20..=0x7e).contains(byte));
        if tag > 99 || value.len() > 99 || !printable {
            return None;
        }
        self.0.push((tag, Zeroizing::new(value.to_vec())));
        Some(())
    }

    /// The first element of a tag.
    pub fn get(&self, tag: u8) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|(candidate, _)| *candidate == tag)
            .map(|(_, value)| value.as_slice())
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The field's value.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let length = self.0.iter().map(|(_, value)| 4 + value.len()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        for (tag, value) in &self.0 {
            bytes.extend_from_slice(format!("{tag:02}{:02}", value.len()).as_bytes());
            bytes.extend_from_slice(value);
        }
        bytes
    }

    /// Reads a field's value; none if an element is cut or a tag or length is not decimal.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut data = Self::default();
        let mut rest = value;
        while !rest.is_empty() {
            let (head, after) = rest.split_at_checked(4)?;
            if !head.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let tag = (head[0] - b'0') * 10 + (head[1] - b'0');
            let length = usize::from((head[2] - b'0') * 10 + (head[3] - b'0'));
            let (element, left) = after.split_at_checked(length)?;
            data.push(tag, element)?;
            rest = left;
        }
        Some(data)
    }
}
