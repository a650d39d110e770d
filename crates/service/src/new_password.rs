//! Change of the password by the person: the old one in the same request, a code of the factor if there is one, and then every other
//! session ends, nothing is withdrawn for a day, and the person is told.

use crate::app::App;
use crate::cooling_off;
use crate::factors::{self, Change, with_cookie};
use crate::guard::User;
use crate::password;
use crate::problem::{Body, Problem};
use crate::session::confirm_password;
use crate::sessions;
use crate::step_up;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use ensoex_vault::{Email, PasswordHash, Personal, ProvideService, Reason};
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// The one in use.
    #[schema(value_type = String)]
    password: Zeroizing<String>,
    /// At least 15 characters.
    #[schema(value_type = String)]
    new_password: Zeroizing<String>,
}

/// Changes the password; every other session ends.
#[utoipa::path(put, path = "/v1/me/password", request_body = NewPassword, tag = "security",
    responses((status = 204), (status = 400, description = "problem: weak_password"),
        (status = 403, description = "problem: wrong_password, step_up_needed"), (status = 429, description = "problem: locked_out with retry_after_s")))]
pub(crate) async fn change(
    State(app): State<App>,
    user: User,
    Body(new): Body<NewPassword>,
) -> Result<(StatusCode, HeaderMap), Problem> {
    step_up::require_factor(&app, &user).await?;
    let account = user.account;
    let subject = app.subject_of(account).await?;
    confirm_password(&app, account, subject, new.password, Reason::CredentialChange).await?;
    let access = app.own_access(subject, Reason::CredentialChange)?;
    let weak = app
        .vault
        .read::<Email, ProvideService, _>(&subject, None, &access, |email| {
            password::check(&new.new_password, email)
        })
        .await?;
    weak.map_err(|problem| problem.field("new_password"))?;
    let hash = app.passwords.hash(new.new_password).await?;
    let _turn = app.turns.take(account).await;
    app.vault
        .store::<PasswordHash>(&subject, None, Personal::new(hash), &access)
        .await?;
    sessions::end_all_but(&app, &user).await?;
    cooling_off::begin(&app, account).await?;
    factors::tell(&app, account, subject, Change::Password).await;
    Ok((
        StatusCode::NO_CONTENT,
        with_cookie(step_up::renewed(&app, &user).await?),
    ))
}
