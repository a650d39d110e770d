//! The rules that hold at run time; purposes are held by the compiler and by the keys.

use crate::error::Denial;
use crate::request::{AccessRequest, Actor, Reason};
use crate::subject::SubjectId;

/// Why the request must be denied; `None` if it is allowed.
pub(super) fn denial(subject: &SubjectId, request: &AccessRequest) -> Option<Denial> {
    match (&request.actor, &request.reason) {
        (Actor::Person(person), _) if person != subject => Some(Denial::OtherPerson),
        (Actor::Staff(_), Reason::Case(_)) => None,
        (Actor::Staff(_), _) => Some(Denial::StaffWithoutCase),
        _ => None,
    }
}
