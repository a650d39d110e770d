//! What EnsoExPAY tells the Service: webhooks into an inbox, a poll behind them, and one worker that turns each event into
//! its effect exactly once.
//!
//! The webhook stores and answers; it moves nothing. The worker takes events in sequence. Crediting is a transfer whose
//! id is derived from the payment, so a repeated, replayed or re-sent event finds the transfer there and changes
//! nothing. An event that fits no deposit or withdrawal is quarantined with its reason and holds up nobody.

use crate::app::{App, AppState};
use crate::cards::{self, CardTransfer, Kind, transfer_id};
use crate::clock::{now_seconds, now_us};
use crate::limits::PAY_POLL_INTERVAL;
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use ensoex_engine::{Command, Reject, Transfer, TransferCode};
use ensoex_pay_api::{
    Currency, Decline, Event, EventObject, Payment, PaymentStatus, Payout, PayoutStatus,
    WEBHOOK_SIGNATURE_HEADER, verify_webhook,
};
use ensoex_types::{AccountId, AssetId};
use std::time::Duration;

ensoex_sql::statements! {
    STATEMENTS;
    STORE_EVENT =
        "INSERT INTO pay_inbox (seq, body, state, received_us) VALUES ($1, $2, 'new', $3) ON CONFLICT (seq) DO NOTHING";
    SEEN =
        "SELECT COALESCE(MAX(seq), 0) FROM (SELECT seq, ROW_NUMBER() OVER (ORDER BY seq) AS place FROM pay_inbox) AS places
            WHERE seq = place";
    NEW_EVENTS = "SELECT seq, body FROM pay_inbox WHERE state = 'new' ORDER BY seq LIMIT 500";
    EVENT_DONE = "UPDATE pay_inbox SET state = $1, reason = $2 WHERE seq = $3";
    REMEMBER_OBJECT = "UPDATE card_transfers SET pay_object = $1 WHERE id = $2";
}

const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Takes a webhook in. 200 means stored; a repeated one is 200 too.
#[utoipa::path(post, path = "/v1/webhooks/pay", tag = "webhooks",
    responses((status = 200, description = "stored"), (status = 401, description = "problem: bad_signature")))]
pub(crate) async fn webhook(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let header = headers
        .get(WEBHOOK_SIGNATURE_HEADER)
        .and_then(|value| value.to_str().ok());
    let secrets = std::slice::from_ref(&app.cards.pay.secrets().webhook);
    verify_webhook(secrets, header, now_seconds(), &body).map_err(|error| {
        tracing::warn!(%error, "webhook refused");
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "bad_signature",
            format!("The webhook is refused: {error}."),
        )
    })?;
    let event: Event = serde_json::from_slice(&body).map_err(|error| {
        tracing::error!(%error, "webhook with a good signature in another form");
        Problem::bad_request("malformed_event", "The event is not of the agreed form.")
    })?;
    store(&app, &event).await?;
    app.cards.inbox.notify_one();
    Ok(StatusCode::OK)
}

async fn store(app: &AppState, event: &Event) -> Result<(), Problem> {
    let body = serde_json::to_string(event).map_err(|error| Problem::internal("event", &error))?;
    app.database
        .execute(STORE_EVENT.bind(event.seq).bind(body).bind(now_us()))
        .await?;
    Ok(())
}

/// Runs for ever: processes the inbox when something arrives, and asks for what no webhook brought.
pub(crate) async fn run(app: App) {
    let mut reached = true;
    loop {
        match fetch_missing(&app).await {
            Ok(()) => reached = true,
            Err(problem) => {
                if std::mem::take(&mut reached) {
                    tracing::warn!(?problem, "EnsoExPAY's events cannot be read; trying again");
                }
            }
        }
        if let Err(problem) = process_inbox(&app).await {
            tracing::error!(?problem, "the inbox waits");
            tokio::time::sleep(RETRY_INTERVAL).await;
            continue;
        }
        let _until_something_arrives = tokio::time::timeout(PAY_POLL_INTERVAL, async {
            loop {
                app.cards.inbox.notified().await;
                if process_inbox(&app).await.is_err() {
                    break;
                }
            }
        })
        .await;
    }
}

/// Everything after the last gap-free sequence number.
async fn fetch_missing(app: &AppState) -> Result<(), Problem> {
    loop {
        let seen: i64 = app.database.fetch_value(SEEN).await?;
        let events =
            app.cards.pay.events_after(seen).await.map_err(|error| {
                Problem::new(StatusCode::BAD_GATEWAY, "pay_unavailable", error.to_string())
            })?;
        for event in &events.data {
            store(app, event).await?;
        }
        if !events.has_more || events.data.is_empty() {
            return Ok(());
        }
    }
}

async fn process_inbox(app: &App) -> Result<(), Problem> {
    let new = app.database.fetch_all(NEW_EVENTS).await?;
    for row in &new {
        let (seq, body): (i64, String) = (row.get(0)?, row.get(1)?);
        let (state, reason) = match serde_json::from_str::<Event>(&body) {
            Ok(event) => match process(app, &event).await? {
                None => ("done", None),
                Some(reason) => ("quarantined", Some(reason)),
            },
            Err(_) => ("quarantined", Some("not of the agreed form")),
        };
        if let Some(reason) = reason {
            tracing::error!(seq, reason, "event of EnsoExPAY quarantined");
        }
        app.database
            .execute(EVENT_DONE.bind(state).bind(reason).bind(seq))
            .await?;
    }
    Ok(())
}

/// Carries one event out. Answers why it cannot be, if it never can; `Err` is worth another try.
async fn process(app: &App, event: &Event) -> Result<Option<&'static str>, Problem> {
    match &event.data.object {
        EventObject::Payment(payment) => {
            match find(app, payment.client_reference.as_str(), Kind::Deposit).await? {
                Some(deposit) => deposit_event(app, &deposit, payment).await,
                None => Ok(Some("no such deposit")),
            }
        }
        EventObject::Payout(payout) => {
            match find(app, payout.client_reference.as_str(), Kind::Withdrawal).await? {
                Some(withdrawal) => withdrawal_event(app, &withdrawal, payout).await,
                None => Ok(Some("no such withdrawal")),
            }
        }
    }
}

async fn find(app: &AppState, reference: &str, kind: Kind) -> Result<Option<CardTransfer>, Problem> {
    Ok(cards::load(app, reference)
        .await?
        .filter(|transfer| transfer.kind == kind))
}

/// The asset, if amount and currency are what was asked for.
fn agreed(app: &AppState, transfer: &CardTransfer, amount: i64, currency: Currency) -> Option<AssetId> {
    let listing = app.exchange.asset_by_code(&transfer.asset)?;
    (currency.code() == transfer.asset && amount == transfer.minor).then_some(listing.asset)
}

async fn deposit_event(
    app: &App,
    deposit: &CardTransfer,
    payment: &Payment,
) -> Result<Option<&'static str>, Problem> {
    let status = match payment.status {
        PaymentStatus::Succeeded => {
            let Some(asset) = agreed(app, deposit, payment.amount, payment.currency) else {
                return Ok(Some("another amount or currency than asked for"));
            };
            let credit = Command::Transfer(Transfer {
                transfer: transfer_id(payment.id.as_str(), "credit"),
                debit: AccountId::PAY_CLEARING,
                credit: deposit.account,
                asset,
                amount: deposit.amount,
                code: TransferCode::Deposit,
            });
            match app.exchange.submit(credit).await?.reject() {
                None | Some(Reject::TransferExists) => {}
                Some(_) => return Ok(Some("the engine refused the credit")),
            }
            "credited"
        }
        PaymentStatus::Failed => "failed",
        PaymentStatus::Canceled => "canceled",
        PaymentStatus::Expired => "expired",
        PaymentStatus::RequiresPaymentMethod
        | PaymentStatus::RequiresAction
        | PaymentStatus::Processing
        | PaymentStatus::RequiresCapture => return Ok(None),
    };
    // Only a success may follow another end: money that arrived is always credited.
    if status == "credited" || cards::is_open(deposit) {
        remember_object(app, deposit, payment.id.as_str()).await?;
        finish(app, deposit, status, payment.decline.as_ref()).await?;
    }
    Ok(None)
}

async fn withdrawal_event(
    app: &App,
    withdrawal: &CardTransfer,
    payout: &Payout,
) -> Result<Option<&'static str>, Problem> {
    let Some(asset) = agreed(app, withdrawal, payout.amount, payout.currency) else {
        return Ok(Some("another amount or currency than asked for"));
    };
    let held = transfer_id(&withdrawal.id, "withdrawal");
    let (status, command) = match payout.status {
        PayoutStatus::Created | PayoutStatus::InReview => return Ok(None),
        PayoutStatus::Submitted => ("submitted", None),
        PayoutStatus::Paid => ("paid", Some(Command::PostTransfer { transfer: held })),
        PayoutStatus::Failed => ("failed", Some(Command::VoidTransfer { transfer: held })),
        PayoutStatus::Canceled => ("canceled", Some(Command::VoidTransfer { transfer: held })),
        PayoutStatus::Expired => ("expired", Some(Command::VoidTransfer { transfer: held })),
        PayoutStatus::Returned => {
            let back = Command::Transfer(Transfer {
                transfer: transfer_id(payout.id.as_str(), "return"),
                debit: AccountId::PAY_CLEARING,
                credit: withdrawal.account,
                asset,
                amount: withdrawal.amount,
                code: TransferCode::Correction { of: held },
            });
            ("returned", Some(back))
        }
    };
    if let Some(command) = command {
        match app.exchange.submit(command).await?.reject() {
            None => {}
            Some(Reject::UnknownTransfer)
                if status == "paid" && matches!(&*withdrawal.status, "failed" | "canceled" | "expired") =>
            {
                return Ok(Some(
                    "paid although the hold was given back before: EnsoExPAY contradicts itself",
                ));
            }
            Some(Reject::UnknownTransfer) if status == "returned" => {
                return Ok(Some(
                    "returned although nothing was held: EnsoExPAY contradicts itself",
                ));
            }
            // Posted, voided or returned before: this is a repetition.
            Some(Reject::TransferExists | Reject::UnknownTransfer) => {}
            Some(_) => return Ok(Some("the engine refused the end of the hold")),
        }
    }
    remember_object(app, withdrawal, payout.id.as_str()).await?;
    if cards::is_open(withdrawal) || status == "returned" {
        finish(app, withdrawal, status, payout.decline.as_ref()).await?;
    }
    Ok(None)
}

async fn finish(
    app: &AppState,
    transfer: &CardTransfer,
    status: &str,
    decline: Option<&Decline>,
) -> Result<(), Problem> {
    let code = decline.and_then(|decline| serde_json::to_value(decline.code).ok());
    let code = code.as_ref().and_then(serde_json::Value::as_str);
    let decline = code.zip(decline.map(|decline| decline.message.as_str()));
    cards::set_status(app, transfer, status, decline).await
}

async fn remember_object(app: &AppState, transfer: &CardTransfer, object: &str) -> Result<(), Problem> {
    app.database
        .execute(REMEMBER_OBJECT.bind(object).bind(&transfer.id))
        .await?;
    Ok(())
}
