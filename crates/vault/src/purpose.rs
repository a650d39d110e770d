//! The three purposes for which personal information may be used, as types and as names.
//!
//! There is no fourth, and no other crate can add one. This module does not know which field is
//! granted to which purpose: that is `catalogue`.

use serde::{Deserialize, Serialize};

mod sealed {
    pub trait Sealed {}
}

/// A purpose as a type, so that an ungranted use does not compile.
pub trait Purpose: sealed::Sealed {
    /// The purpose's name at run time, in logs and in the key store.
    const NAME: PurposeName;
}

/// Providing the service under the Terms of Use.
pub enum ProvideService {}
/// Facilitating the use of the service and improving it. No field grants it: it sees aggregates only.
pub enum ImproveService {}
/// Preventing fraud and other illegal actions.
pub enum PreventFraud {}

impl sealed::Sealed for ProvideService {}
impl sealed::Sealed for ImproveService {}
impl sealed::Sealed for PreventFraud {}

impl Purpose for ProvideService {
    const NAME: PurposeName = PurposeName::ProvideService;
}
impl Purpose for ImproveService {
    const NAME: PurposeName = PurposeName::ImproveService;
}
impl Purpose for PreventFraud {
    const NAME: PurposeName = PurposeName::PreventFraud;
}

/// The name of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurposeName {
    /// See [`ProvideService`].
    ProvideService,
    /// See [`ImproveService`].
    ImproveService,
    /// See [`PreventFraud`].
    PreventFraud,
}

impl PurposeName {
    /// Every purpose that exists.
    pub const ALL: [Self; 3] = [Self::ProvideService, Self::ImproveService, Self::PreventFraud];

    /// The stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProvideService => "provide_service",
            Self::ImproveService => "improve_service",
            Self::PreventFraud => "prevent_fraud",
        }
    }

    /// The W3C Data Privacy Vocabulary term.
    pub const fn vocabulary_term(self) -> &'static str {
        match self {
            Self::ProvideService => "dpv:ServiceProvision",
            Self::ImproveService => "dpv:ServiceOptimisation",
            Self::PreventFraud => "dpv:FraudPreventionAndDetection",
        }
    }
}
