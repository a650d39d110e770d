//! The rules that hold at run time; purposes are held by the compiler and by the keys.

use crate::error::Denial;
use crate::request::{AccessRequest, Actor, Reason};
use crate::subject::SubjectId;

/// Why a read must be denied while its subject restricts the use of their data; `None` if it serves the person, or only
/// compares or renews inside the vault to keep the value.
pub(super) fn denial_while_restricted(request: &AccessRequest) -> Option<Denial> {
    match (&request.actor, &request.reason) {
        (Actor::Person(_), _)
        | (
            Actor::Component(_),
            Reason::SignIn
            | Reason::AuthenticateRequest
            | Reason::CheckUniqueness
            | Reason::KeyRotation
            | Reason::Erasure
            | Reason::RightsRequest,
        ) => None,
        _ => Some(Denial::Restricted),
    }
}

/// Why the request must be denied; `None` if it is allowed.
pub(super) fn denial(subject: &SubjectId, request: &AccessRequest) -> Option<Denial> {
    match (&request.actor, &request.reason) {
        (Actor::Person(person), _) if person != subject => Some(Denial::OtherPerson),
        (Actor::Staff(_), Reason::Case(_)) => None,
        (Actor::Staff(_), _) => Some(Denial::StaffWithoutCase),
        _ => None,
    }
}
