//! What a person sees of decisions about them, and their way to a human (GDPR, article 22).

use super::{Decided, reviews};
use crate::app::{App, AppState};
use crate::clock::text;
use crate::guard::User;
use crate::limits::DECISIONS_LISTED_MAX;
use crate::problem::Problem;
use crate::rights;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ensoex_risk::{Decision, Destination, Language, Outcome, Place};
use ensoex_sql::{Row, SqlError};
use serde_json::{Value, json};

ensoex_sql::statements! {
    STATEMENTS;
    DECISIONS =
        "SELECT risk_decisions.decision AS decision, risk_decisions.body AS body, risk_decisions.at_us AS at_us,
                risk_decisions.reference AS reference, risk_reviews.state AS review_state, risk_reviews.due_us AS due_us,
                risk_reviews.finding AS finding, risk_reviews.request AS request
            FROM risk_decisions LEFT JOIN risk_reviews ON risk_reviews.decision = risk_decisions.decision
            WHERE risk_decisions.account = $1 ORDER BY risk_decisions.at_us DESC LIMIT $2";
    DECISION_ABOUT =
        "SELECT risk_decisions.decision AS decision, risk_decisions.body AS body, risk_decisions.at_us AS at_us,
                risk_decisions.reference AS reference, risk_reviews.state AS review_state, risk_reviews.due_us AS due_us,
                risk_reviews.finding AS finding, risk_reviews.request AS request
            FROM risk_decisions LEFT JOIN risk_reviews ON risk_reviews.decision = risk_decisions.decision
            WHERE risk_decisions.place = $1 AND risk_decisions.reference = $2";
    MINE = "SELECT decision, body FROM risk_decisions WHERE decision = $1 AND account = $2";
    REVIEW_OF = "SELECT request FROM risk_reviews WHERE decision = $1";
    LINK_REQUEST = "UPDATE risk_reviews SET request = $2 WHERE decision = $1 AND request IS NULL";
}

/// Each reason once, in both languages.
pub(super) fn reasons(decision: &Decision) -> Vec<Value> {
    let reasons = decision.reasons();
    let view = |reason: &ensoex_risk::Reason| {
        json!({
            "code": reason,
            "en": reason.text(Language::English),
            "uk": reason.text(Language::Ukrainian),
        })
    };
    reasons.iter().map(view).collect()
}

fn view(row: &Row) -> Result<Value, SqlError> {
    let Decided { id, decision } = Decided::read(row)?;
    let state: Option<String> = row.get("review_state")?;
    let due: Option<i64> = row.get("due_us")?;
    let review = state.map(|state| -> Result<Value, SqlError> {
        Ok(json!({
            // That a first of two has approved is between them.
            "state": if state == "seconded" { "open" } else { &state },
            "due_at": due.map(text),
            "finding": row.get::<Option<String>>("finding")?.filter(|_| matches!(&*state, "approved" | "refused")),
            "asked": row.get::<Option<String>>("request")?.is_some(),
        }))
    });
    let place_of_money = matches!(decision.place, Place::Deposit | Place::Withdrawal);
    Ok(json!({
        "decision": id,
        "place": decision.place,
        "about": row.get::<Option<String>>("reference")?.filter(|_| place_of_money),
        "at": text(row.get("at_us")?),
        "outcome": decision.outcome,
        // A human who lets it through lets it go to any card.
        "only_to_paying_card":
            decision.outcome == Outcome::Approve && decision.destination == Destination::PayingCard,
        "reasons": reasons(&decision),
        "review": review.transpose()?,
    }))
}

/// Whether somebody was not simply let through.
fn touches(decision: &Value) -> bool {
    decision["outcome"] != json!(Outcome::Approve) || decision["only_to_paying_card"] == json!(true)
}

/// What was decided about a deposit or withdrawal, if its owner was not simply let through.
pub(crate) async fn about(app: &AppState, place: Place, reference: &str) -> Result<Option<Value>, Problem> {
    let row = app
        .database
        .fetch_optional(DECISION_ABOUT.bind(place.word()).bind(reference))
        .await?;
    Ok(row.as_ref().map(view).transpose()?.filter(touches))
}

/// Automated decisions about the person, newest first.
#[utoipa::path(get, path = "/v1/me/decisions", tag = "my data",
    responses((status = 200, description = "decisions with reasons in both languages, and what a human said")))]
pub(crate) async fn list(State(app): State<App>, user: User) -> Result<Json<Value>, Problem> {
    let query = DECISIONS
        .bind(i64::from(user.account.0))
        .bind(i64::from(DECISIONS_LISTED_MAX));
    let rows = app.database.fetch_all(query).await?;
    let decisions = rows.iter().map(view).collect::<Result<Vec<_>, SqlError>>()?;
    Ok(Json(json!({ "decisions": decisions })))
}

/// Asks for a human to look at a decision. Entered among the person's requests, with a receipt and a watched deadline.
#[utoipa::path(post, path = "/v1/me/decisions/{decision}/review", tag = "my data", params(("decision" = String, Path)),
    responses((status = 201, description = "the request, with its deadline"), (status = 404, description = "problem: unknown_decision"),
        (status = 409, description = "problem: already_asked, too_many_requests, nothing_to_review")))]
pub(crate) async fn ask(
    State(app): State<App>,
    user: User,
    Path(decision): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let _turn = app.turns.take(user.account).await;
    let mine = MINE.bind(&decision).bind(i64::from(user.account.0));
    let row = app.database.fetch_optional(mine).await?;
    let row =
        row.ok_or_else(|| Problem::not_found("unknown_decision", "There is no such decision about you."))?;
    let decided = Decided::read(&row)?;
    if decided.outcome() == Outcome::Approve && decided.decision.destination == Destination::AnyCard {
        let detail = "This was let through without a condition, so there is nothing for a person to look at.";
        return Err(Problem::new(StatusCode::CONFLICT, "nothing_to_review", detail));
    }
    let review = app.database.fetch_optional(REVIEW_OF.bind(&decision)).await?;
    let asked = review
        .as_ref()
        .map(|row| row.get::<Option<String>>(0))
        .transpose()?;
    if let Some(Some(request)) = &asked {
        let detail = "You asked for a person already; the answer stands here once there is one.";
        let problem = Problem::new(StatusCode::CONFLICT, "already_asked", detail);
        return Err(problem.with("request", request.as_str()));
    }
    let (request, view) = rights::ask_for_a_human(&app, user.account).await?;
    match asked {
        Some(_) => {
            app.database
                .execute(LINK_REQUEST.bind(&decision).bind(&request))
                .await?;
        }
        None => reviews::open_for_person(&app, &decided, &request).await?,
    }
    Ok((StatusCode::CREATED, Json(view)))
}
