//! Erasure by the person: what stands in its way, the erasure itself, and its certificate.
//!
//! Order: the engine forbids the account to trade and withdraw, what stands in the way is looked at again, the vault destroys
//! the person's keys, the Service's rows lose what led to the person. A stop in between is finished at the next start
//! ([`finish`]), as is an erasure that a restored database has forgotten. A refusal lifts the restriction again. The ledger
//! keeps its pseudonym. Knows no personal value but the address to which the farewell goes.

use crate::app::{App, AppState};
use crate::cards::{CardTransfer, Kind};
use crate::clock::{now_us, text_ms};
use crate::guard::{User, ended_cookie};
use crate::me::attachment;
use crate::messages::{Channel, Locale, Message, texts};
use crate::problem::{Body, Problem};
use crate::session::confirm_password;
use crate::step_up;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use ensoex_engine::{Command, Restrictions};
use ensoex_types::{AccountId, Amount};
use ensoex_vault::{Email, LegalHold, ProvenStatement, ProvideService, Reason, SubjectId, VaultError};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use utoipa::ToSchema;
use zeroize::Zeroizing;

ensoex_sql::statements! {
    STATEMENTS;
    OPEN_TRANSFERS =
        "SELECT * FROM card_transfers WHERE account = $1 AND status IN ('created', 'in_review', 'approved', 'pending', 'held', 'submitted')
            ORDER BY created_us";
    LOCALE = "SELECT locale FROM users WHERE account = $1";
    NOT_ERASED = "SELECT account, subject FROM users WHERE erased_us IS NULL";
    DELETE_SESSIONS = "DELETE FROM sessions WHERE account = $1";
    DELETE_ACKNOWLEDGEMENTS = "DELETE FROM acknowledgements WHERE account = $1";
    DELETE_CONSENTS = "DELETE FROM consents WHERE account = $1";
    DELETE_KEYS = "DELETE FROM api_keys WHERE account = $1";
    DELETE_TOTP = "DELETE FROM totp WHERE account = $1";
    DELETE_PASSKEYS = "DELETE FROM passkeys WHERE account = $1";
    DELETE_RECOVERY_CODES = "DELETE FROM recovery_codes WHERE account = $1";
    DELETE_REGISTRATION = "DELETE FROM registrations WHERE account = $1";
    FORGET_TRANSFERS = "UPDATE card_transfers SET idempotency_key = id, redirect_url = NULL WHERE account = $1";
    FORGET_USER =
        "UPDATE users SET erased_us = $2, pay_customer = $3, locale = 'en', receipt = '' WHERE account = $1";
}

/// What an erased account may not do.
const NOTHING_ALLOWED: Restrictions = Restrictions {
    no_trade: true,
    no_withdraw: true,
};

/// Erasures that the vault has done and whose rows are still to be cleaned, if the flag is set.
#[derive(Default)]
pub(crate) struct Unfinished(AtomicBool);

/// Something that an erasure would harm, with what to do about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Obstacle {
    /// `open_orders`, `deposit`, `withdrawal` or `balance`.
    kind: &'static str,
    /// The deposit or withdrawal.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The asset of a deposit, withdrawal or balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<String>,
    /// How much; for open orders, how many.
    amount: String,
    /// What to do.
    todo: &'static str,
}

/// Whether the person's data can be erased now.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureState {
    /// Nothing stands in the way.
    possible: bool,
    /// What does.
    obstacles: Vec<Obstacle>,
    /// What law keeps all the same, and until when.
    held: Vec<Held>,
}

/// A field that law forbids to destroy.
#[derive(Serialize, ToSchema)]
pub(crate) struct Held {
    field: &'static str,
    /// `anti_money_laundering` or `court_order`.
    law: &'static str,
    until: String,
}

/// What an erasure takes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Erase {
    /// The password again.
    #[schema(value_type = String)]
    password: Zeroizing<String>,
    /// Give up what the account still has; it stays in the ledger under a number that leads to nobody.
    #[serde(default)]
    leave_balances: bool,
}

/// What stands in the way of an erasure, and what law keeps beyond it.
#[utoipa::path(get, path = "/v1/me/erasure", tag = "my data", responses((status = 200, body = ErasureState)))]
pub(crate) async fn state(State(app): State<App>, user: User) -> Result<Json<ErasureState>, Problem> {
    let obstacles = obstacles(&app, user.account).await?;
    let subject = app.subject_of(user.account).await?;
    let held = |hold: LegalHold| Held {
        field: hold.field.as_str(),
        law: hold.law.as_str(),
        until: text_ms(hold.until_ms),
    };
    let holds = app.vault.legal_holds(&subject).await?;
    Ok(Json(ErasureState {
        held: holds.into_iter().map(held).collect(),
        possible: obstacles.is_empty(),
        obstacles,
    }))
}

/// Erases the person's data for good; answers the certificate for `ensoex verify erasure`.
#[utoipa::path(post, path = "/v1/me/erasure", request_body = Erase, tag = "my data",
    responses((status = 200, description = "the erasure certificate; also at /v1/erasures/{subject} from now on"),
        (status = 403, description = "problem: wrong_password, step_up_needed"), (status = 429, description = "problem: locked_out with retry_after_s"),
        (status = 409, description = "problem: erasure_obstructed with `obstacles`")))]
pub(crate) async fn erase(
    State(app): State<App>,
    user: User,
    Body(wish): Body<Erase>,
) -> Result<(HeaderMap, Json<ProvenStatement>), Problem> {
    let account = user.account;
    let subject = app.subject_of(account).await?;
    step_up::require_factor(&app, &user).await?;
    confirm_password(&app, account, subject, wish.password, Reason::Erasure).await?;
    // It runs to its end even if the browser goes away.
    let erasing = tokio::spawn(async move { run(&app, account, subject, wish.leave_balances).await });
    let (cookie, certificate) = erasing
        .await
        .map_err(|error| Problem::internal("erasure", &error))??;
    let mut headers = attachment("ensoex-erasure.json");
    headers.insert(header::SET_COOKIE, cookie);
    Ok((headers, Json(certificate)))
}

async fn run(
    app: &App,
    account: AccountId,
    subject: SubjectId,
    leave_balances: bool,
) -> Result<(axum::http::HeaderValue, ProvenStatement), Problem> {
    let _turn = app.turns.take(account).await;
    let in_the_way = |mut obstacles: Vec<Obstacle>| {
        obstacles.retain(|obstacle| !(leave_balances && obstacle.kind == "balance"));
        match obstacles.is_empty() {
            true => Ok(()),
            false => Err(obstructed(&obstacles)),
        }
    };
    in_the_way(obstacles(app, account).await?)?;
    let before = app
        .exchange
        .read(|engine| engine.restrictions(account))
        .unwrap_or_default();
    restrict(app, account, NOTHING_ALLOWED).await?;
    // What programs began meanwhile is in the engine now; nothing more can come.
    let done = match obstacles(app, account).await.and_then(in_the_way) {
        Ok(()) => erase_in_vault(app, account, subject).await,
        Err(problem) => Err(problem),
    };
    let certificate = match done {
        Ok(certificate) => certificate,
        Err(problem) => {
            restrict(app, account, before).await?;
            return Err(problem);
        }
    };
    // The keys are gone: from here on nothing leads back.
    if let Err(problem) = forget(app, account).await {
        tracing::error!(
            ?problem,
            "an erased person's rows are still there; housekeeping goes on"
        );
        app.erasures.0.store(true, Ordering::Relaxed);
    }
    Ok((ended_cookie(app)?, certificate))
}

async fn erase_in_vault(
    app: &AppState,
    account: AccountId,
    subject: SubjectId,
) -> Result<ProvenStatement, Problem> {
    let letter = app.own_access(subject, Reason::DeliverMessage)?;
    let copy = |address: &String| Zeroizing::new(address.clone());
    let address = app
        .vault
        .read::<Email, ProvideService, _>(&subject, None, &letter, copy)
        .await?;
    let locale: String = app
        .database
        .fetch_value(LOCALE.bind(i64::from(account.0)))
        .await?;
    let entered = app.entered_message(&subject, Channel::Email).await;
    let access = app.own_access(subject, Reason::Erasure)?;
    app.vault.erase(&subject, &access).await?;
    let certificate = certify(app, &subject).await;
    let locale = Locale::from_tag(&locale);
    let where_it_is = format!("{}/v1/erasures/{subject}", app.public_url);
    let message = Message::notice(locale, texts::erased(locale, &where_it_is));
    let sent = entered.map(|entered| app.messenger.send(&entered, Channel::Email, &address, message));
    match sent {
        Ok(Ok(handed)) => handed.leave(),
        Ok(Err(error)) => tracing::warn!(%error, "the farewell after an erasure was not sent"),
        Err(problem) => tracing::warn!(?problem, "the farewell after an erasure cannot be sent"),
    }
    certificate
}

async fn certify(app: &AppState, subject: &SubjectId) -> Result<ProvenStatement, Problem> {
    let access = app.component_access("rights", Reason::Erasure)?;
    Ok(app.vault.erasure_certificate(subject, &access).await?)
}

/// The certificate of an erasure, for whoever has the pseudonym that it names.
#[utoipa::path(get, path = "/v1/erasures/{subject}", tag = "my data", params(("subject" = String, Path)),
    responses((status = 200, description = "certificate for `ensoex verify erasure`"), (status = 404, description = "problem: unknown_erasure")))]
pub(crate) async fn certificate(
    State(app): State<App>,
    Path(subject): Path<String>,
) -> Result<(HeaderMap, Json<ProvenStatement>), Problem> {
    let unknown = || Problem::not_found("unknown_erasure", "Nobody was erased under this pseudonym.");
    let subject: SubjectId = subject.parse().map_err(|_| unknown())?;
    let access = app.component_access("rights", Reason::Erasure)?;
    match app.vault.erasure_certificate(&subject, &access).await {
        Ok(certificate) => Ok((attachment("ensoex-erasure.json"), Json(certificate))),
        Err(VaultError::NotFound) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

/// Everything that an erasure would harm.
async fn obstacles(app: &AppState, account: AccountId) -> Result<Vec<Obstacle>, Problem> {
    let assets = app.exchange.assets();
    let (orders, balances) = app.exchange.read(|engine| {
        let balance = |asset: &ensoex_exchange::AssetListing| {
            let balance = engine.balance(account, asset.asset);
            let total = Amount(balance.available.0.saturating_add(balance.held.0));
            (total != Amount::ZERO).then(|| (asset.code.clone(), asset.text(total)))
        };
        let balances: Vec<_> = assets.iter().filter_map(balance).collect();
        (engine.open_orders(account, None).len(), balances)
    });
    let mut obstacles = Vec::new();
    if orders > 0 {
        obstacles.push(Obstacle {
            kind: "open_orders",
            id: None,
            asset: None,
            amount: orders.to_string(),
            todo: "Cancel your open orders.",
        });
    }
    let transfers = app
        .database
        .fetch_all(OPEN_TRANSFERS.bind(i64::from(account.0)))
        .await?;
    for row in &transfers {
        let transfer = CardTransfer::read(row)?;
        obstacles.push(Obstacle {
            kind: transfer.kind.text(),
            amount: ensoex_types::format_decimal(i128::from(transfer.minor), 2),
            id: Some(transfer.id),
            asset: Some(transfer.asset),
            todo: match transfer.kind {
                Kind::Deposit => "Finish this deposit, or wait until its page has expired.",
                Kind::Withdrawal => "Cancel this withdrawal, or wait until it has ended.",
            },
        });
    }
    obstacles.extend(balances.into_iter().map(|(asset, amount)| Obstacle {
        kind: "balance",
        id: None,
        asset: Some(asset),
        amount,
        todo: "Withdraw or exchange it, or say that you give it up.",
    }));
    Ok(obstacles)
}

fn obstructed(obstacles: &[Obstacle]) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "erasure_obstructed",
        "Nothing was erased, because you would lose what is still under way. Settle it first; each has a word on how.",
    )
    .with("obstacles", serde_json::to_value(obstacles).unwrap_or_default())
}

async fn restrict(app: &AppState, account: AccountId, restrictions: Restrictions) -> Result<(), Problem> {
    let command = Command::RestrictAccount {
        account,
        restrictions,
    };
    match app.exchange.submit(command).await?.reject() {
        None => Ok(()),
        Some(reject) => {
            tracing::error!(?reject, "an account could not be restricted");
            Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "exchange_unavailable",
                "The exchange cannot close your account at the moment. Nothing was erased; try again in a moment.",
            ))
        }
    }
}

/// Takes everything out of the Service's rows that led to the person.
async fn forget(app: &AppState, account: AccountId) -> Result<(), Problem> {
    let number = i64::from(account.0);
    let mut transaction = app.database.begin().await?;
    for statement in [
        DELETE_SESSIONS,
        DELETE_KEYS,
        DELETE_ACKNOWLEDGEMENTS,
        DELETE_CONSENTS,
        DELETE_TOTP,
        DELETE_PASSKEYS,
        DELETE_RECOVERY_CODES,
        DELETE_REGISTRATION,
        FORGET_TRANSFERS,
    ] {
        transaction.execute(statement.bind(number)).await?;
    }
    let nobody = format!("erased_{number}");
    transaction
        .execute(FORGET_USER.bind(number).bind(now_us()).bind(nobody))
        .await?;
    Ok(transaction.commit().await?)
}

/// Finishes what a stop, a failed write or a restored database left undone: the vault knows who was erased.
pub(crate) async fn finish(app: &AppState) -> Result<(), Problem> {
    let erased: HashSet<SubjectId> = app.vault.erased_subjects().await?.into_iter().collect();
    let users = app.database.fetch_all(NOT_ERASED).await?;
    for row in &users {
        let (account, subject): (i64, String) = (row.get(0)?, row.get(1)?);
        let account = AccountId(u32::try_from(account).unwrap_or_default());
        if subject
            .parse()
            .is_ok_and(|subject: SubjectId| erased.contains(&subject))
        {
            restrict(app, account, NOTHING_ALLOWED).await?;
            forget(app, account).await?;
        }
    }
    app.erasures.0.store(false, Ordering::Relaxed);
    Ok(())
}

/// The same, if something is known to be left.
pub(crate) async fn finish_if_needed(app: &AppState) -> Result<(), Problem> {
    match app.erasures.0.load(Ordering::Relaxed) {
        true => finish(app).await,
        false => Ok(()),
    }
}
