//! The wallet of a signed-in user: balances, ledger entries, deposits and withdrawals.

use crate::app::{App, AppState};
use crate::cards::{self, CardTransfer, Kind};
use crate::clock::{text, text_ms};
use crate::cooling_off;
use crate::guard::User;
use crate::limits::{IDEMPOTENCY_KEY_LENGTH_MAX, PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use crate::problem::{Asked, Body, Problem};
use crate::risk::mine;
use crate::step_up;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use ensoex_risk::Place;
use ensoex_sql::SqlError;
use ensoex_types::{AccountId, Amount};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

ensoex_sql::statements! {
    STATEMENTS;
    TRANSFERS =
        "SELECT * FROM card_transfers WHERE account = $1 AND kind = $2 ORDER BY created_us DESC LIMIT $3";
    STATES = "SELECT state, at_us FROM card_transfer_states WHERE id = $1 ORDER BY at_us, state";
}

/// What an account has of one asset.
#[derive(Serialize, ToSchema)]
pub(crate) struct BalanceView {
    asset: String,
    available: String,
    held: String,
    total: String,
}

/// All balances at one place in the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct Balances {
    balances: Vec<BalanceView>,
    sequence: u64,
}

/// All assets, zeros included.
#[utoipa::path(get, path = "/v1/balances", tag = "wallet", responses((status = 200, body = Balances)))]
pub(crate) async fn balances(State(app): State<App>, user: User) -> Json<Balances> {
    Json(balances_of(&app, user.account))
}

pub(crate) fn balances_of(app: &AppState, account: AccountId) -> Balances {
    let assets = app.exchange.assets();
    app.exchange.read(|engine| {
        let view = |asset: &ensoex_exchange::AssetListing| {
            let balance = engine.balance(account, asset.asset);
            BalanceView {
                asset: asset.code.clone(),
                available: asset.text(balance.available),
                held: asset.text(balance.held),
                total: asset.text(Amount(balance.available.0.saturating_add(balance.held.0))),
            }
        };
        Balances {
            balances: assets.iter().map(view).collect(),
            sequence: engine.sequence().0,
        }
    })
}

/// Which ledger entries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerQuery {
    asset: Option<String>,
    limit: Option<u32>,
    before: Option<i64>,
}

/// Every change of a balance's total, newest first.
#[utoipa::path(get, path = "/v1/ledger", tag = "wallet",
    params(("asset" = Option<String>, Query), ("limit" = Option<u32>, Query), ("before" = Option<i64>, Query)),
    responses((status = 200, description = "entries and the `before` of the next page")))]
pub(crate) async fn ledger(
    State(app): State<App>,
    user: User,
    Asked(query): Asked<LedgerQuery>,
) -> Result<Json<Value>, Problem> {
    let assets = app.exchange.assets();
    let asset = match &query.asset {
        None => None,
        Some(code) => Some(
            assets
                .iter()
                .find(|asset| &asset.code == code)
                .ok_or_else(|| {
                    Problem::bad_request("unknown_asset", "There is no such asset.").field("asset")
                })?
                .asset,
        ),
    };
    let limit = query.limit.unwrap_or(PAGE_ROWS_DEFAULT).clamp(1, PAGE_ROWS_MAX);
    let rows = app
        .exchange
        .history()
        .entries(user.account, asset, query.before, limit)
        .await?;
    let next = (rows.len() == limit as usize)
        .then(|| rows.last().map(|row| row.entry))
        .flatten();
    let entries: Vec<Value> = rows
        .iter()
        .filter_map(|row| {
            let asset = assets.get(usize::from(row.asset.0))?;
            Some(json!({
                "entry": row.entry.to_string(),
                "sequence": row.sequence.0,
                "asset": asset.code,
                "amount": asset.text(row.amount),
                "code": row.code,
                "reference": row.reference,
                "at": text_ms(row.at_ms),
            }))
        })
        .collect();
    Ok(Json(
        json!({ "entries": entries, "next": next.map(|entry| entry.to_string()) }),
    ))
}

/// How much, of what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCardTransfer {
    /// `EUR` or `UAH`.
    asset: String,
    /// With at most 2 decimals, for example `100.00`.
    amount: String,
}

/// Which page of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    limit: Option<u32>,
}

/// Starts a deposit; the answer says where to send the browser.
#[utoipa::path(post, path = "/v1/deposits", request_body = NewCardTransfer, tag = "wallet",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Deposit with redirect_url"), (status = 400, description = "problem: amount_too_low, amount_too_high, too_many_decimals, invalid_amount, asset_not_by_card"), (status = 503, description = "problem: pay_unavailable")))]
pub(crate) async fn create_deposit(
    state: State<App>,
    user: User,
    headers: HeaderMap,
    body: Body<NewCardTransfer>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    create(state, user, headers, body, Kind::Deposit).await
}

/// Starts a withdrawal: holds the money, then the answer says where to send the browser.
#[utoipa::path(post, path = "/v1/withdrawals", request_body = NewCardTransfer, tag = "wallet",
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Withdrawal with redirect_url"), (status = 400, description = "problem: as for deposits, and insufficient_balance"), (status = 403, description = "problem: step_up_needed, cooling_off with retry_after_s"), (status = 503, description = "problem: pay_unavailable")))]
pub(crate) async fn create_withdrawal(
    state: State<App>,
    user: User,
    headers: HeaderMap,
    body: Body<NewCardTransfer>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    step_up::require(&state.0, &user).await?;
    cooling_off::refuse(&state.0, user.account).await?;
    create(state, user, headers, body, Kind::Withdrawal).await
}

async fn create(
    State(app): State<App>,
    user: User,
    headers: HeaderMap,
    Body(new): Body<NewCardTransfer>,
    kind: Kind,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if key.is_empty() {
        return Err(Problem::bad_request(
            "idempotency_key_missing",
            "Send a header Idempotency-Key, new for each wish to move money, the same for each retry.",
        ));
    }
    let usable = !key.is_empty()
        && key.len() <= IDEMPOTENCY_KEY_LENGTH_MAX
        && key.bytes().all(|b| b.is_ascii_graphic());
    if !usable {
        return Err(Problem::bad_request(
            "idempotency_key_invalid",
            "An Idempotency-Key has 1 to 64 visible ASCII characters, without blanks.",
        ));
    }
    // In a task of its own, so that a browser that goes away cannot stop it half-way.
    let working = Arc::clone(&app);
    let origin = return_origin(&app, &headers);
    let key = key.to_owned();
    let created = tokio::spawn(async move {
        cards::create(
            &working,
            user.account,
            kind,
            &key,
            &new.asset,
            &new.amount,
            &origin,
        )
        .await
    });
    let transfer = created
        .await
        .map_err(|error| Problem::internal("card transfer", &error))??;
    Ok((
        StatusCode::CREATED,
        Json(card_transfer_json(&app, &transfer).await?),
    ))
}

/// Where the browser comes back to. In the demo both names of this machine are used, and the session belongs to the one
/// that the person opened; anywhere else it is the configured origin.
fn return_origin(app: &AppState, headers: &HeaderMap) -> String {
    let host = headers
        .get("host")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let is_this_machine = name == "localhost" || name == "127.0.0.1";
    if app.demo && is_this_machine && app.public_url.ends_with(&format!(":{port}")) {
        return format!("http://{host}");
    }
    app.public_url.clone()
}

/// Deposits, newest first.
#[utoipa::path(get, path = "/v1/deposits", tag = "wallet", params(("limit" = Option<u32>, Query)),
    responses((status = 200, description = "deposits")))]
pub(crate) async fn deposits(
    state: State<App>,
    user: User,
    query: Asked<ListQuery>,
) -> Result<Json<Value>, Problem> {
    list(state, user, query, Kind::Deposit, "deposits").await
}

/// Withdrawals, newest first.
#[utoipa::path(get, path = "/v1/withdrawals", tag = "wallet", params(("limit" = Option<u32>, Query)),
    responses((status = 200, description = "withdrawals")))]
pub(crate) async fn withdrawals(
    state: State<App>,
    user: User,
    query: Asked<ListQuery>,
) -> Result<Json<Value>, Problem> {
    list(state, user, query, Kind::Withdrawal, "withdrawals").await
}

async fn list(
    State(app): State<App>,
    user: User,
    Asked(query): Asked<ListQuery>,
    kind: Kind,
    name: &'static str,
) -> Result<Json<Value>, Problem> {
    let rows = app
        .database
        .fetch_all(
            TRANSFERS
                .bind(i64::from(user.account.0))
                .bind(kind.text())
                .bind(i64::from(
                    query.limit.unwrap_or(PAGE_ROWS_DEFAULT).clamp(1, PAGE_ROWS_MAX),
                )),
        )
        .await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in &rows {
        views.push(card_transfer_json(&app, &CardTransfer::read(row)?).await?);
    }
    Ok(Json(json!({ name: views })))
}

/// One deposit.
#[utoipa::path(get, path = "/v1/deposits/{id}", tag = "wallet", params(("id" = String, Path)),
    responses((status = 200, description = "the deposit"), (status = 404)))]
pub(crate) async fn deposit(state: State<App>, user: User, id: Path<String>) -> Result<Json<Value>, Problem> {
    one(state, user, id, Kind::Deposit).await
}

/// One withdrawal.
#[utoipa::path(get, path = "/v1/withdrawals/{id}", tag = "wallet", params(("id" = String, Path)),
    responses((status = 200, description = "the withdrawal"), (status = 404)))]
pub(crate) async fn withdrawal(
    state: State<App>,
    user: User,
    id: Path<String>,
) -> Result<Json<Value>, Problem> {
    one(state, user, id, Kind::Withdrawal).await
}

async fn one(
    State(app): State<App>,
    user: User,
    Path(id): Path<String>,
    kind: Kind,
) -> Result<Json<Value>, Problem> {
    let transfer = owned(&app, user, &id, kind).await?;
    Ok(Json(card_transfer_json(&app, &transfer).await?))
}

async fn owned(app: &AppState, user: User, id: &str, kind: Kind) -> Result<CardTransfer, Problem> {
    let found = cards::load(app, id).await?;
    found
        .filter(|transfer| transfer.account == user.account && transfer.kind == kind)
        .ok_or_else(|| cards::unknown(kind))
}

/// Goes on with a withdrawal that a human approved: the answer says where to send the browser.
#[utoipa::path(post, path = "/v1/withdrawals/{id}/continue", tag = "wallet", params(("id" = String, Path)),
    responses((status = 200, description = "the withdrawal with redirect_url"), (status = 409, description = "problem: not_approved"), (status = 503, description = "problem: pay_unavailable")))]
pub(crate) async fn continue_withdrawal(
    State(app): State<App>,
    user: User,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let transfer = owned(&app, user, &id, Kind::Withdrawal).await?;
    let origin = return_origin(&app, &headers);
    let working = Arc::clone(&app);
    // In a task of its own, so that a browser that goes away cannot stop it half-way.
    let gone_on = tokio::spawn(async move { cards::go_on(&working, &transfer.id, &origin).await });
    let transfer = gone_on
        .await
        .map_err(|error| Problem::internal("card transfer", &error))??;
    Ok(Json(card_transfer_json(&app, &transfer).await?))
}

/// Cancels a withdrawal while its money is only held.
#[utoipa::path(post, path = "/v1/withdrawals/{id}/cancel", tag = "wallet", params(("id" = String, Path)),
    responses((status = 200, description = "the withdrawal"), (status = 409, description = "problem: not_cancelable")))]
pub(crate) async fn cancel_withdrawal(
    State(app): State<App>,
    user: User,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let transfer = owned(&app, user, &id, Kind::Withdrawal).await?;
    let transfer = cards::cancel(&app, &transfer).await?;
    Ok(Json(card_transfer_json(&app, &transfer).await?))
}

pub(crate) async fn card_transfer_json(app: &AppState, transfer: &CardTransfer) -> Result<Value, Problem> {
    let states = app.database.fetch_all(STATES.bind(&transfer.id)).await?;
    let timeline: Vec<Value> = states
        .iter()
        .map(|row| Ok(json!({ "state": row.get::<String>(0)?, "at": text(row.get(1)?) })))
        .collect::<Result<_, SqlError>>()?;
    let amount = ensoex_types::format_decimal(i128::from(transfer.minor), 2);
    let mut view = json!({
        transfer.kind.text(): transfer.id,
        "asset": transfer.asset,
        "amount": amount,
        "status": transfer.status,
        "reference": transfer.id,
        "created_at": text(transfer.created_us),
        "updated_at": text(transfer.updated_us),
        "timeline": timeline,
    });
    if let Some(object) = view.as_object_mut() {
        if let Some(url) = transfer
            .redirect_url
            .as_ref()
            .filter(|_| cards::is_open(transfer))
        {
            object.insert("redirect_url".to_owned(), json!(url));
        }
        if let Some((code, message)) = &transfer.decline {
            let message = match (transfer.kind, code.as_str()) {
                (_, "not_let_through") => "Nothing was moved.",
                (_, "refused_by_staff") => {
                    "A person of our staff looked at it and did not let it go on. The money is available in your account."
                }
                (_, "insufficient_balance") => "Your available balance did not cover it. Nothing was moved.",
                (Kind::Withdrawal, _) => {
                    "The card's bank did not accept the money. It is available in your account again."
                }
                (Kind::Deposit, _) => message,
            };
            object.insert("decline".to_owned(), json!({ "code": code, "message": message }));
        }
    }
    let place = match transfer.kind {
        Kind::Deposit => Place::Deposit,
        Kind::Withdrawal => Place::Withdrawal,
    };
    if let (Some(decision), Some(object)) =
        (mine::about(app, place, &transfer.id).await?, view.as_object_mut())
    {
        object.insert("decision".to_owned(), decision);
    }
    Ok(view)
}
