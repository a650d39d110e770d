//! Improving the Service: what it may know of its users as a whole. Questions of a closed list, answered by the vault with noise,
//! once a quarter, from the users' rows: when each registered, and in which language. Only who agreed is counted; it is told counts,
//! never persons.

use crate::app::AppState;
use crate::clock::{now_us, text_ms};
use crate::problem::Problem;
use ensoex_sql::Row;
use ensoex_vault::{Question, Reason, Release, SubjectId, VaultError};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError, RwLock};
use time::OffsetDateTime;

ensoex_sql::statements! {
    STATEMENTS;
    USERS = "SELECT subject, registered_us, locale FROM users WHERE erased_us IS NULL";
}

/// Months of which the registrations are counted: whole ones, before the quarter.
const MONTHS: usize = 12;
const LANGUAGES: [&str; 2] = ["en", "uk"];

/// What was released, for everybody to see.
#[derive(Default)]
pub(crate) struct Published(RwLock<Vec<Release>>);

impl Published {
    /// As JSON.
    pub(crate) fn view(&self) -> Value {
        let releases = self.0.read().unwrap_or_else(PoisonError::into_inner);
        json!({ "releases": releases.iter().map(view).collect::<Vec<Value>>() })
    }
}

/// Shows what the vault has released.
pub(crate) async fn publish(app: &AppState) -> Result<Arc<Published>, Problem> {
    let releases = app.vault.releases().await?;
    *app.published.0.write().unwrap_or_else(PoisonError::into_inner) = releases;
    Ok(Arc::clone(&app.published))
}

/// Releases the answers for the present quarter, if they were not, and publishes them.
pub(crate) async fn release(app: &AppState) -> Result<Value, VaultOrProblem> {
    let now = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now_us()) * 1_000)
        .map_err(|error| Problem::internal("clock", &error))?;
    let quarter_starts = i32::from((u8::from(now.month()) - 1) / 3 * 3);
    let quarter = format!("{}-Q{}", now.year(), quarter_starts / 3 + 1);
    let months: Vec<String> = months_before(now.year(), quarter_starts);
    let rows = app.database.fetch_all(USERS).await.map_err(Problem::from)?;
    let access = app.component_access("improvement", Reason::Improvement)?;
    for question in Question::ALL {
        let groups: Vec<String> = match question {
            Question::RegisteredByMonth => months.clone(),
            Question::Language => LANGUAGES.map(str::to_owned).to_vec(),
        };
        let mut members: Vec<(SubjectId, String)> = Vec::with_capacity(rows.len());
        for row in &rows {
            members.extend(member(row, question).map_err(Problem::from)?);
        }
        app.vault
            .statistics(question, &quarter, &groups, &members, &access)
            .await?;
    }
    Ok(publish(app).await?.view())
}

/// Why nothing was released.
pub(crate) enum VaultOrProblem {
    /// The vault refuses or fails.
    Vault(VaultError),
    /// Something else failed.
    Problem(Problem),
}

impl From<VaultError> for VaultOrProblem {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<Problem> for VaultOrProblem {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// In which group of the question a user is.
fn member(row: &Row, question: Question) -> Result<Option<(SubjectId, String)>, ensoex_sql::SqlError> {
    let Ok(subject) = row.get::<String>("subject")?.parse() else {
        return Ok(None);
    };
    let group = match question {
        Question::RegisteredByMonth => {
            let registered =
                OffsetDateTime::from_unix_timestamp(row.get::<i64>("registered_us")? / 1_000_000);
            let Ok(registered) = registered else {
                return Ok(None);
            };
            format!("{}-{:02}", registered.year(), u8::from(registered.month()))
        }
        Question::Language => row.get("locale")?,
    };
    Ok(Some((subject, group)))
}

/// The months before the one that follows `past` others of a year.
fn months_before(year: i32, past: i32) -> Vec<String> {
    let last = year * 12 + past;
    (last - MONTHS as i32..last)
        .map(|month| format!("{}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1))
        .collect()
}

fn view(release: &Release) -> Value {
    json!({
        "question": release.question,
        "quarter": release.quarter,
        "released_at": text_ms(release.released_at_ms),
        "epsilon": release.epsilon_milli as f64 / 1_000.0,
        "group_persons_min": release.group_persons_min,
        "groups": release.groups,
    })
}

#[cfg(test)]
mod tests {
    use super::months_before;

    #[test]
    fn the_months_are_whole_and_end_before_the_quarter() {
        let months = months_before(2026, 9);
        assert_eq!(
            (months.len(), months[0].as_str(), months[11].as_str()),
            (12, "2025-10", "2026-09")
        );
        assert_eq!(months_before(2027, 0)[11], "2026-12");
    }
}
