//! Restriction by the person (GDPR, article 18): their data is kept and shown to them, and otherwise not used. They lift it
//! themselves. The vault holds it; this only asks.

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

/// Whether the use of the person's data is restricted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Restriction {
    restricted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

fn view(app: &AppState, subject: &SubjectId) -> Json<Restriction> {
    let since = app.vault.restricted_since(subject);
    Json(Restriction {
        restricted: since.is_some(),
        since: since.map(text_ms),
    })
}

/// Whether the use of the person's data is restricted.
#[utoipa::path(get, path = "/v1/me/restriction", tag = "my data", responses((status = 200, body = Restriction)))]
pub(crate) async fn state(State(app): State<App>, user: User) -> Result<Json<Restriction>, Problem> {
    let subject = app.subject_of(user.account).await?;
    Ok(view(&app, &subject))
}

/// Restricts the use of the person's data at once.
#[utoipa::path(put, path = "/v1/me/restriction", tag = "my data", responses((status = 200, body = Restriction)))]
pub(crate) async fn restrict(State(app): State<App>, user: User) -> Result<Json<Restriction>, Problem> {
    let subject = app.subject_of(user.account).await?;
    let _turn = app.turns.take(user.account).await;
    if app.vault.restricted_since(&subject).is_none() {
        let access = app.own_access(subject, Reason::RightsRequest)?;
        app.vault.restrict(&subject, &access).await?;
        rights::done_at_once(&app, user.account, Right::Restriction, "restricted").await?;
    }
    Ok(view(&app, &subject))
}

/// Lifts the restriction.
#[utoipa::path(delete, path = "/v1/me/restriction", tag = "my data", responses((status = 200, body = Restriction)))]
pub(crate) async fn lift(State(app): State<App>, user: User) -> Result<Json<Restriction>, Problem> {
    let subject = app.subject_of(user.account).await?;
    let _turn = app.turns.take(user.account).await;
    let access = app.own_access(subject, Reason::RightsRequest)?;
    match app.vault.lift_restriction(&subject, &access).await {
        Ok(()) => rights::done_at_once(&app, user.account, Right::Restriction, "lifted").await?,
        Err(VaultError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(view(&app, &subject))
}
