//! What can be asked at the desk: by the operator, and by staff. Words of closed lists, pseudonyms and dates; of personal data
//! only the address or number by which a member of staff looks somebody up.

use crate::newsletter::Letter;
use ensoex_vault::SubjectId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the operator asks for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum OperatorAsk {
    /// Lets whoever has a key work as staff.
    EnrolStaff {
        /// Ed25519 public key, 64 hexadecimal digits.
        public_key: String,
    },
    /// Suspends a member of staff.
    SuspendStaff {
        /// Their pseudonym.
        staff: SubjectId,
    },
    /// Lets them work again.
    ReinstateStaff {
        /// Their pseudonym.
        staff: SubjectId,
    },
    /// Everybody who was enrolled, and what the operator must hear of.
    ListStaff,
    /// Makes subjects that nobody is.
    MakeHoneytokens {
        /// How many.
        count: usize,
        /// A domain of the operator's own, for their addresses.
        email_domain: String,
    },
    /// Releases the quarter's statistics, if they were not, and shows all.
    Statistics,
    /// Sends a newsletter to whoever agreed to it.
    SendNewsletter {
        /// In English.
        en: Letter,
        /// In Ukrainian.
        uk: Letter,
    },
    /// The newest newsletters.
    ListNewsletters,
    /// Forbids by law to destroy a field.
    PlaceHold {
        /// Whose.
        subject: SubjectId,
        /// Which field.
        field: String,
        /// Which law.
        law: String,
        /// Until when, in milliseconds since 1970-01-01 UTC.
        until_ms: u64,
    },
    /// Ends that.
    LiftHold {
        /// Whose.
        subject: SubjectId,
        /// Which field.
        field: String,
    },
    /// What law holds of somebody.
    ListHolds {
        /// Whose.
        subject: SubjectId,
    },
}

/// What a member of staff asks for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum StaffAsk {
    /// Opens a case.
    OpenCase {
        /// Whom it concerns.
        subjects: Vec<SubjectId>,
        /// Which fields.
        fields: Vec<String>,
        /// For which purpose.
        purpose: String,
        /// Why.
        reason: String,
        /// For how many hours.
        hours: u32,
        /// Without the approval that many persons need.
        break_glass: bool,
        /// The order of an authority that it answers.
        #[serde(default)]
        order: Option<OrderAsk>,
    },
    /// Approves another's case.
    ApproveCase {
        /// Which.
        case: String,
    },
    /// Lets another member of staff work on a case.
    AssignCase {
        /// Which.
        case: String,
        /// Whom.
        to: SubjectId,
    },
    /// Closes a case.
    CloseCase {
        /// Which.
        case: String,
    },
    /// The newest cases that are not over, as many as fit into an answer, and after which one to ask for more.
    ListCases {
        /// The older ones after this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// Opens a value within a case.
    Read {
        /// Which case.
        case: String,
        /// Whose.
        subject: SubjectId,
        /// Which field.
        field: String,
    },
    /// Hands fields of a person over to the authority whose order the case names.
    Disclose {
        /// Which case.
        case: String,
        /// Whose.
        subject: SubjectId,
        /// Which fields.
        fields: Vec<String>,
    },
    /// What waits for a human's decision, the most urgent first.
    ListReviews,
    /// Decides about one of them, within a case about its person.
    DecideReview {
        /// Which.
        review: String,
        /// The case.
        case: String,
        /// What was found.
        finding: String,
    },
    /// Who has an address or number.
    Find {
        /// Which field.
        field: String,
        /// Its value.
        value: Zeroizing<String>,
    },
}

/// An order of an authority, as a case names it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderAsk {
    /// The authority's own reference.
    pub reference: String,
    /// Until when the persons must not learn of it, in milliseconds since 1970-01-01 UTC, if it says so.
    pub silent_until_ms: Option<u64>,
}

/// A question by staff, signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signed {
    /// Ed25519, hexadecimal.
    pub(crate) public_key: String,
    /// Over the challenge and `request`, hexadecimal.
    pub(crate) signature: String,
    /// A [`StaffAsk`] as JSON, as it was signed.
    pub(crate) request: Zeroizing<String>,
}
