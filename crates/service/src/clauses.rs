//! The Policy's clauses with what keeps them, as `cargo xtask clauses` wrote them down: words, mechanisms, tests.

use crate::problem::{Asked, Problem};
use crate::public::{LanguageQuery, language_of};
use axum::Json;
use ensoex_vault::catalogue::Language;
use serde_json::{Value, json};
use std::sync::LazyLock;

static CLAUSES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let written: Value =
        serde_json::from_str(include_str!("../../../policy/clauses.json")).unwrap_or_default();
    written["clauses"].as_array().cloned().unwrap_or_default()
});

/// How each clause of the Policy is kept, by which tests it is held, and how to check it oneself.
#[utoipa::path(get, path = "/v1/clauses", tag = "public", params(("language" = Option<String>, Query, description = "en or uk")),
    responses((status = 200, description = "every clause that is enforced")))]
pub(crate) async fn clauses(Asked(query): Asked<LanguageQuery>) -> Result<Json<Value>, Problem> {
    let language = match language_of(&query)? {
        Language::English => "en",
        Language::Ukrainian => "uk",
    };
    let clauses: Vec<Value> = CLAUSES
        .iter()
        .map(|clause| {
            let words = &clause[language];
            json!({
                "clause": clause["clause"], "title": words["title"], "how": words["how"], "check": words["check"],
                "tests": clause["tests"],
            })
        })
        .collect();
    Ok(Json(json!({ "clauses": clauses })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_read() {
        assert!(CLAUSES.len() > 10);
        for clause in CLAUSES.iter() {
            for language in ["en", "uk"] {
                assert!(clause[language]["title"].is_string(), "{}", clause["clause"]);
            }
        }
    }
}
