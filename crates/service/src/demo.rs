//! What exists in the demo only: the sink where messages can be read, and grants of operator capital.

use crate::app::App;
use crate::problem::{Body, Problem};
use crate::secret::random;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use ensoex_engine::{Command, Transfer, TransferCode};
use ensoex_types::{AccountId, TransferId};
use serde::Deserialize;
use serde_json::{Value, json};

/// The sink as JSON, newest first.
pub(crate) async fn messages_json(State(app): State<App>) -> Json<Value> {
    Json(json!({ "messages": app.messenger.sunk() }))
}

/// The sink as a page.
pub(crate) async fn messages_page(State(app): State<App>) -> Html<String> {
    let mut rows = String::new();
    for message in app.messenger.sunk() {
        let code = message
            .code
            .map(|code| format!("<p class=\"code\">{}</p>", escape(&code)))
            .unwrap_or_default();
        rows.push_str(&format!(
            "<article><header><b>{}</b><span>{:?}</span><time>{}</time></header><h2>{}</h2>{code}<p>{}</p></article>",
            escape(&message.to),
            message.channel,
            escape(&message.at),
            escape(&message.subject),
            escape(&message.body),
        ));
    }
    if rows.is_empty() {
        rows.push_str("<p>No messages yet. Register, and your codes appear here.</p>");
    }
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta http-equiv=\"refresh\" content=\"3\">\
         <title>Messages (demo)</title><link rel=\"stylesheet\" href=\"/dev/messages.css\">\
         <main><h1>Messages</h1><p class=\"note\">Demo only. E-mail and text messages that a person would receive; \
         kept in memory, gone at the next start.</p>{rows}</main></html>"
    ))
}

/// Its style sheet.
pub(crate) async fn messages_css() -> ([(axum::http::HeaderName, &'static str); 1], &'static str) {
    let css = ":root{color-scheme:light dark;--ink:#17181c;--paper:#faf9f6;--line:#d9d6cf;--soft:#6a6862}\
        @media(prefers-color-scheme:dark){:root{--ink:#eceae4;--paper:#141518;--line:#34363c;--soft:#a09d95}}\
        body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
        main{max-width:44rem;margin:0 auto;padding:32px 16px}h1{font-size:1.5rem;margin:0 0 4px}\
        .note{color:var(--soft);margin:0 0 24px}article{border-top:1px solid var(--line);padding:16px 0}\
        header{display:flex;flex-wrap:wrap;gap:4px 12px;color:var(--soft);font-size:.875rem}\
        header b{color:var(--ink);font-weight:600}h2{font-size:1rem;margin:8px 0 0}\
        .code{font-size:1.75rem;letter-spacing:.12em;font-variant-numeric:tabular-nums;margin:8px 0}p{margin:4px 0}";
    (
        [(axum::http::header::CONTENT_TYPE, "text/css; charset=utf-8")],
        css,
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Most of one grant, in whole units of the asset.
const GRANT_UNITS_MAX: i128 = 1_000_000_000;

/// Operator capital for an account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    account: String,
    asset: String,
    amount: String,
}

/// Moves operator capital to an account.
pub(crate) async fn grant(
    State(app): State<App>,
    Body(grant): Body<Grant>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let account = grant.account.parse().map(AccountId);
    let account = account.map_err(|_| Problem::bad_request("unknown_account", "The account is a number."))?;
    let asset = app.exchange.asset_by_code(&grant.asset);
    let asset = asset.ok_or_else(|| Problem::bad_request("unknown_asset", "There is no such asset."))?;
    if account < AccountId::FIRST_USER {
        return Err(Problem::bad_request(
            "unknown_account",
            "Grants go to accounts of users.",
        ));
    }
    let amount = asset.parse(&grant.amount);
    let amount = amount.map_err(|_| Problem::bad_request("invalid_amount", "Write the amount in digits."))?;
    if amount.0 > GRANT_UNITS_MAX * 10_i128.pow(u32::from(asset.scale)) {
        let detail = format!("A grant is at most {GRANT_UNITS_MAX} {}.", asset.code);
        return Err(Problem::bad_request("amount_too_high", detail));
    }
    let id = random::<16>().map_err(|error| Problem::internal("random source", &error))?;
    let command = Command::Transfer(Transfer {
        transfer: TransferId(u128::from_be_bytes(id)),
        debit: AccountId::OPERATOR_CAPITAL,
        credit: account,
        asset: asset.asset,
        amount,
        code: TransferCode::Capital,
    });
    match app.exchange.submit(command).await?.reject() {
        None => Ok((
            StatusCode::CREATED,
            Json(json!({ "granted": asset.text(amount), "asset": asset.code })),
        )),
        Some(reject) => Err(Problem::bad_request(
            "refused",
            format!("The exchange refused this (code {}).", reject.code()),
        )),
    }
}
