//! The card network as EnsoExPAY uses it: authorise, capture, credit, reverse, inquire; and 3-D Secure.
//!
//! Every operation says what is known afterwards. [`Answer::NotSent`] is the only one after which nothing can have
//! happened; [`Answer::Unknown`] means that anything can.

pub(crate) mod connection;
pub(crate) mod iso8583;
pub(crate) mod three_d_secure;

/// What is known after an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer<T> {
    /// The network answered.
    Given(T),
    /// Nothing was sent.
    NotSent,
    /// Something may have been sent, and no answer came.
    Unknown,
}

/// The issuer's answer to an authorisation or an original credit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Decision {
    /// Two characters; `00` is an approval.
    pub(crate) response_code: String,
    /// Present when approved.
    pub(crate) approval_code: Option<String>,
}

impl Decision {
    /// Whether the issuer approved.
    pub(crate) fn is_approved(&self) -> bool {
        self.response_code == "00"
    }
}

/// What an inquiry found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// The issuer decided so, and it stands.
    Decided(Decision),
    /// It was undone.
    Reversed,
    /// The message never arrived.
    Nothing,
}

/// The answer to a capture or a reversal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Confirmation {
    /// Done, now or before.
    Done,
    /// It cannot be done any more, or never could.
    Refused,
}
