//! The fields of ISO 8583:1987: what each may hold and how long it is.

/// Names of the field numbers that card payments use.
pub mod number {
    /// Primary account number.
    pub const CARD_NUMBER: u8 = 2;
    /// Processing code: transaction type, from account, to account.
    pub const PROCESSING_CODE: u8 = 3;
    /// Amount in minor units of the transaction currency.
    pub const AMOUNT: u8 = 4;
    /// Transmission date and time, MMDDhhmmss, UTC.
    pub const TRANSMISSION_DATE_TIME: u8 = 7;
    /// Systems trace audit number.
    pub const TRACE_NUMBER: u8 = 11;
    /// Local time of the transaction, hhmmss.
    pub const LOCAL_TIME: u8 = 12;
    /// Local date of the transaction, MMDD.
    pub const LOCAL_DATE: u8 = 13;
    /// Card expiry, YYMM.
    pub const EXPIRY: u8 = 14;
    /// Merchant category code.
    pub const MERCHANT_CATEGORY: u8 = 18;
    /// Point of service entry mode.
    pub const ENTRY_MODE: u8 = 22;
    /// Point of service condition code.
    pub const CONDITION_CODE: u8 = 25;
    /// Acquiring institution.
    pub const ACQUIRER: u8 = 32;
    /// Retrieval reference number.
    pub const RETRIEVAL_REFERENCE: u8 = 37;
    /// Authorisation identification response.
    pub const APPROVAL_CODE: u8 = 38;
    /// Response code.
    pub const RESPONSE_CODE: u8 = 39;
    /// Card acceptor terminal.
    pub const TERMINAL: u8 = 41;
    /// Card acceptor.
    pub const MERCHANT: u8 = 42;
    /// Card acceptor name and location.
    pub const MERCHANT_NAME: u8 = 43;
    /// Additional response data.
    pub const ADDITIONAL_RESPONSE: u8 = 44;
    /// Additional data, private: see `AdditionalData`.
    pub const ADDITIONAL_DATA: u8 = 48;
    /// Transaction currency, ISO 4217 numeric.
    pub const CURRENCY: u8 = 49;
    /// Network management information code.
    pub const NETWORK_MANAGEMENT: u8 = 70;
    /// Original data elements.
    pub const ORIGINAL_DATA: u8 = 90;
}

/// What a field may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// Digits.
    Numeric,
    /// A sign, `C` or `D`, and digits.
    SignedNumeric,
    /// Printable ASCII.
    Text,
    /// Track data: digits, `=`, `D` and other printable ASCII.
    Track,
    /// Any bytes.
    Binary,
}

/// How long a field is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    /// Always so long.
    Fixed(usize),
    /// Up to so long, after two digits of length.
    TwoDigits(usize),
    /// Up to so long, after three digits of length.
    ThreeDigits(usize),
}

/// A field's definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldDefinition {
    /// What it may hold.
    pub content: Content,
    /// How long it is.
    pub length: Length,
}

/// The definition of field 2 to 128; none for 0, 1, 65 and numbers above.
pub const fn definition(field: u8) -> Option<FieldDefinition> {
    use Content::{Binary, Numeric, SignedNumeric, Text, Track};
    use Length::{Fixed, ThreeDigits, TwoDigits};
    let (content, length) = match field {
        2 => (Numeric, TwoDigits(19)),
        3 => (Numeric, Fixed(6)),
        4..=6 => (Numeric, Fixed(12)),
        7 => (Numeric, Fixed(10)),
        8..=10 => (Numeric, Fixed(8)),
        11 | 12 => (Numeric, Fixed(6)),
        13..=18 => (Numeric, Fixed(4)),
        19..=24 => (Numeric, Fixed(3)),
        25 | 26 => (Numeric, Fixed(2)),
        27 => (Numeric, Fixed(1)),
        28..=31 => (SignedNumeric, Fixed(9)),
        32 | 33 => (Numeric, TwoDigits(11)),
        34 => (Text, TwoDigits(28)),
        35 => (Track, TwoDigits(37)),
        36 => (Track, ThreeDigits(104)),
        37 => (Text, Fixed(12)),
        38 => (Text, Fixed(6)),
        39 => (Text, Fixed(2)),
        40 => (Text, Fixed(3)),
        41 => (Text, Fixed(8)),
        42 => (Text, Fixed(15)),
        43 => (Text, Fixed(40)),
        44 => (Text, TwoDigits(25)),
        45 => (Text, TwoDigits(76)),
        46..=48 => (Text, ThreeDigits(999)),
        49..=51 => (Numeric, Fixed(3)),
        52 => (Binary, Fixed(8)),
        53 => (Numeric, Fixed(16)),
        54 => (Text, ThreeDigits(120)),
        55 => (Binary, ThreeDigits(999)),
        56..=63 => (Text, ThreeDigits(999)),
        64 => (Binary, Fixed(8)),
        66 => (Numeric, Fixed(1)),
        67 => (Numeric, Fixed(2)),
        68..=70 => (Numeric, Fixed(3)),
        71 | 72 => (Numeric, Fixed(4)),
        73 => (Numeric, Fixed(6)),
        74..=81 => (Numeric, Fixed(10)),
        82..=85 => (Numeric, Fixed(12)),
        86..=89 => (Numeric, Fixed(16)),
        90 => (Numeric, Fixed(42)),
        91 => (Text, Fixed(1)),
        92 => (Text, Fixed(2)),
        93 => (Text, Fixed(5)),
        94 => (Text, Fixed(7)),
        95 => (Text, Fixed(42)),
        96 => (Binary, Fixed(8)),
        97 => (SignedNumeric, Fixed(17)),
        98 => (Text, Fixed(25)),
        99 | 100 => (Numeric, TwoDigits(11)),
        101 => (Text, TwoDigits(17)),
        102 | 103 => (Text, TwoDigits(28)),
        104 => (Text, ThreeDigits(100)),
        105..=127 => (Text, ThreeDigits(999)),
        128 => (Binary, Fixed(8)),
        _ => return None,
    };
    Some(FieldDefinition { content, length })
}

impl Length {
    /// Whether a value of `length` bytes fits. Variable fields may be empty.
    pub const fn admits(self, length: usize) -> bool {
        match self {
            Length::Fixed(exact) => length == exact,
            Length::TwoDigits(max) | Length::ThreeDigits(max) => length <= max,
        }
    }

    /// How many digits of length precede the value.
    pub const fn indicator_digits(self) -> usize {
        match self {
            Length::Fixed(_) => 0,
            Length::TwoDigits(_) => 2,
            Length::ThreeDigits(_) => 3,
        }
    }
}

impl Content {
    /// Whether the bytes are of this type.
    pub fn admits(self, value: &[u8]) -> bool {
        let printable = |byte: &u8| (0x20..=0x7e).contains(byte);
        match self {
            Content::Numeric => value.iter().all(u8::is_ascii_digit),
            Content::SignedNumeric => match value {
                [b'C' | b'D', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
                _ => false,
            },
            Content::Text | Content::Track => value.iter().all(printable),
            Content::Binary => true,
        }
    }
}
