//! What a person may agree to and need not: it is off until they agree, and off again when they withdraw.

use serde::{Deserialize, Serialize};

/// Something optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optional {
    /// E-mails with news about the Service.
    Newsletter,
    /// Being counted in the statistics by which the Service is improved.
    Statistics,
}

impl Optional {
    /// All that is optional.
    pub const ALL: [Self; 2] = [Self::Newsletter, Self::Statistics];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newsletter => "newsletter",
            Self::Statistics => "statistics",
        }
    }

    /// Of a stable word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == word)
    }
}
