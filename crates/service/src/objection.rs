//! Objection by the person (GDPR, article 21) to being counted in statistics: it holds at once, and they withdraw it themselves.
//! The vault holds it; this only asks. An objection to fraud prevention is a request that somebody decides (`rights`).

use crate::app::{App, AppState};
use crate::clock::text_ms;
use crate::guard::User;
use crate::problem::Problem;
use crate::rights;
use axum::Json;
use axum::extract::State;
use ensoex_vault::{Reason, Right, SubjectId, VaultError};
use serde::Serialize;
use utoipa::ToSchema;

/// Whether the person is left out of statistics.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatisticsObjection {
    objected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

async fn view(app: &AppState, subject: &SubjectId) -> Result<Json<StatisticsObjection>, Problem> {
    let since = app.vault.objected_since(subject).await?;
    Ok(Json(StatisticsObjection {
        objected: since.is_some(),
        since: since.map(text_ms),
    }))
}

/// Whether the person is left out of statistics.
#[utoipa::path(get, path = "/v1/me/objection", tag = "my data", responses((status = 200, body = StatisticsObjection)))]
pub(crate) async fn state(State(app): State<App>, user: User) -> Result<Json<StatisticsObjection>, Problem> {
    let subject = app.subject_of(user.account).await?;
    view(&app, &subject).await
}

/// Leaves the person out of statistics from now on.
#[utoipa::path(put, path = "/v1/me/objection", tag = "my data", responses((status = 200, body = StatisticsObjection)))]
pub(crate) async fn object(State(app): State<App>, user: User) -> Result<Json<StatisticsObjection>, Problem> {
    let subject = app.subject_of(user.account).await?;
    let _turn = app.turns.take(user.account).await;
    if app.vault.objected_since(&subject).await?.is_none() {
        let access = app.own_access(subject, Reason::RightsRequest)?;
        app.vault.object_to_statistics(&subject, &access).await?;
        rights::done_at_once(&app, user.account, Right::Objection, "statistics").await?;
    }
    view(&app, &subject).await
}

/// Counts them again.
#[utoipa::path(delete, path = "/v1/me/objection", tag = "my data", responses((status = 200, body = StatisticsObjection)))]
pub(crate) async fn withdraw(
    State(app): State<App>,
    user: User,
) -> Result<Json<StatisticsObjection>, Problem> {
    let subject = app.subject_of(user.account).await?;
    let _turn = app.turns.take(user.account).await;
    let access = app.own_access(subject, Reason::RightsRequest)?;
    match app.vault.withdraw_objection(&subject, &access).await {
        Ok(()) => rights::done_at_once(&app, user.account, Right::Objection, "statistics_withdrawn").await?,
        Err(VaultError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    view(&app, &subject).await
}
