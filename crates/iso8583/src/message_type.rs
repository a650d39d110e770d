//! Message type indicators: version, class, function, origin.

use crate::ParseError;

/// A message type indicator, such as 0100.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType([u8; 4]);

impl MessageType {
    /// Asks the issuer to authorise and hold an amount.
    pub const AUTHORIZATION_REQUEST: Self = Self(*b"0100");
    /// Asks for money to move at once; carries original credits here.
    pub const FINANCIAL_REQUEST: Self = Self(*b"0200");
    /// Tells the issuer that an authorised amount is taken (capture).
    pub const FINANCIAL_ADVICE: Self = Self(*b"0220");
    /// The same, told again.
    pub const FINANCIAL_ADVICE_REPEAT: Self = Self(*b"0221");
    /// Asks to undo.
    pub const REVERSAL_REQUEST: Self = Self(*b"0400");
    /// Tells the issuer to undo.
    pub const REVERSAL_ADVICE: Self = Self(*b"0420");
    /// The same, told again.
    pub const REVERSAL_ADVICE_REPEAT: Self = Self(*b"0421");
    /// Asks what became of an earlier message.
    pub const INQUIRY_REQUEST: Self = Self(*b"0600");
    /// Sign-on, sign-off, echo.
    pub const NETWORK_MANAGEMENT_REQUEST: Self = Self(*b"0800");

    /// Reads four ASCII digits of the 1987 version.
    pub fn parse(digits: &[u8]) -> Result<Self, ParseError> {
        let digits: [u8; 4] = digits.try_into().map_err(|_| ParseError::MessageType)?;
        if digits[0] == b'0' && digits.iter().all(u8::is_ascii_digit) {
            Ok(Self(digits))
        } else {
            Err(ParseError::MessageType)
        }
    }

    /// The four ASCII digits.
    pub const fn digits(self) -> [u8; 4] {
        self.0
    }

    /// The type that answers this one: 0110 for 0100 and 0101, 0230 for 0220 and 0221. None for an answer.
    pub const fn response(self) -> Option<Self> {
        let [version, class, function, _] = self.0;
        match function {
            b'0' | b'2' | b'4' => Some(Self([version, class, function + 1, b'0'])),
            _ => None,
        }
    }
}

impl core::fmt::Display for MessageType {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for digit in self.0 {
            write!(formatter, "{}", char::from(digit))?;
        }
        Ok(())
    }
}

impl core::fmt::Debug for MessageType {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(self, formatter)
    }
}
