//! Response codes (field 39).

/// A response code: two characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ResponseCode([u8; 2]);

impl ResponseCode {
    /// Approved, or done.
    pub const APPROVED: Self = Self(*b"00");
    /// Do not honour.
    pub const DO_NOT_HONOUR: Self = Self(*b"05");
    /// Invalid transaction.
    pub const INVALID_TRANSACTION: Self = Self(*b"12");
    /// Invalid amount.
    pub const INVALID_AMOUNT: Self = Self(*b"13");
    /// No such card number.
    pub const INVALID_CARD_NUMBER: Self = Self(*b"14");
    /// No action taken: the original cannot be undone any more.
    pub const NO_ACTION_TAKEN: Self = Self(*b"21");
    /// The original was not found.
    pub const RECORD_NOT_FOUND: Self = Self(*b"25");
    /// Format error.
    pub const FORMAT_ERROR: Self = Self(*b"30");
    /// Lost card.
    pub const LOST_CARD: Self = Self(*b"41");
    /// Not sufficient funds.
    pub const INSUFFICIENT_FUNDS: Self = Self(*b"51");
    /// Expired card.
    pub const EXPIRED_CARD: Self = Self(*b"54");
    /// Transaction not permitted to the cardholder.
    pub const NOT_PERMITTED: Self = Self(*b"57");
    /// Cardholder authentication is required.
    pub const AUTHENTICATION_REQUIRED: Self = Self(*b"1A");
    /// Duplicate transmission of something undone.
    pub const DUPLICATE: Self = Self(*b"94");
    /// System malfunction.
    pub const SYSTEM_MALFUNCTION: Self = Self(*b"96");

    /// Reads two printable characters.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let code: [u8; 2] = value.try_into().ok()?;
        code.iter().all(u8::is_ascii_alphanumeric).then_some(Self(code))
    }

    /// The two characters.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// The two characters as bytes.
    pub const fn bytes(self) -> [u8; 2] {
        self.0
    }
}
