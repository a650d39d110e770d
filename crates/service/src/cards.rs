//! Deposits and withdrawals by card: the Service's side of the meeting with EnsoExPAY.
//!
//! Deposit: created → pending (page known) → credited | failed | canceled | expired; created → refused.
//! Withdrawal: created → held (money held, page known) → submitted → paid | failed | canceled | expired; paid → returned;
//! created → refused; created → in_review (money held, no page) → approved → held, or refused, canceled.
//! Fraud prevention decides before a page is made (`risk`), and every end is a fact that it counts.
//!
//! Exactly once: the engine refuses a second transfer under the same id, and each id is derived from (object, effect).
//! So every step here may be repeated after a crash. The page's address is revealed only after the money is held.

use crate::app::{App, AppState};
use crate::clock::now_us;
use crate::pay_client::{PayClient, PayError};
use crate::problem::Problem;
use crate::risk::{self, Asked, facts, reviews};
use crate::secret::{digest, random_id};
use axum::http::StatusCode;
use ensoex_egress::Recipient;
use ensoex_engine::{Balance, Command, Reject, Transfer, TransferCode};
use ensoex_exchange::AssetListing;
use ensoex_pay_api::{
    CheckoutSessionStatus, CreateCheckoutSession, Currency, Documents, Locale, Mode, PayoutCards,
};
use ensoex_risk::{Destination, FactKind, Outcome, Place};
use ensoex_sql::{Row, SqlError, Transaction};
use ensoex_types::{AccountId, Amount, DecimalError, TransferId};
use ensoex_vault::Reason;
use tokio::sync::Notify;

ensoex_sql::statements! {
    STATEMENTS;
    SET_PAGE = "UPDATE card_transfers SET redirect_url = $1, pay_session = $2 WHERE id = $3";
    INSERT_TRANSFER =
        "INSERT INTO card_transfers (id, kind, account, asset, amount, minor, idempotency_key, status, created_us,
            updated_us) VALUES ($1, $2, $3, $4, $5, $6, $7, 'created', $8, $8)
            ON CONFLICT (account, kind, idempotency_key) DO NOTHING";
    TRANSFER_BY_KEY = "SELECT * FROM card_transfers WHERE account = $1 AND kind = $2 AND idempotency_key = $3";
    CUSTOMER = "SELECT pay_customer, locale FROM users WHERE account = $1";
    TRANSFER = "SELECT * FROM card_transfers WHERE id = $1";
    SET_STATUS =
        "UPDATE card_transfers SET status = $1, decline_code = COALESCE($2, decline_code),
            decline_message = COALESCE($3, decline_message), updated_us = $4 WHERE id = $5 AND status <> $1
            AND (status IN ('created', 'in_review', 'approved', 'pending', 'held', 'submitted')
                OR $1 IN ('credited', 'returned'))";
    RECORD_STATE =
        "INSERT INTO card_transfer_states (id, state, at_us) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
}

/// Decimals of the money on cards (EUR and UAH alike).
const MINOR_SCALE: u8 = 2;

/// Least and most of one deposit or withdrawal, in minor units.
pub(crate) struct CardLimit {
    pub(crate) currency: Currency,
    pub(crate) minor_min: i64,
    pub(crate) minor_max: i64,
}

/// Limits of the first verification tier: 10 to 10,000 EUR, 400 to 400,000 UAH.
pub(crate) const CARD_LIMITS: [CardLimit; 2] = [
    CardLimit {
        currency: Currency::Eur,
        minor_min: 1_000,
        minor_max: 1_000_000,
    },
    CardLimit {
        currency: Currency::Uah,
        minor_min: 40_000,
        minor_max: 40_000_000,
    },
];

/// What the handlers need to reach EnsoExPAY.
pub(crate) struct Cards {
    pub(crate) pay: PayClient,
    /// Wakes the worker that processes the inbox.
    pub(crate) inbox: Notify,
}

/// Which way the money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Deposit,
    Withdrawal,
}

impl Kind {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Kind::Deposit => "deposit",
            Kind::Withdrawal => "withdrawal",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Kind::Deposit => "dep_",
            Kind::Withdrawal => "wd_",
        }
    }

    /// The web page where the browser comes back to.
    fn page(self) -> &'static str {
        match self {
            Kind::Deposit => "deposit",
            Kind::Withdrawal => "withdraw",
        }
    }
}

/// A deposit or withdrawal as stored.
#[derive(Clone, Debug)]
pub(crate) struct CardTransfer {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) account: AccountId,
    pub(crate) asset: String,
    pub(crate) amount: Amount,
    pub(crate) minor: i64,
    pub(crate) status: String,
    pub(crate) redirect_url: Option<String>,
    pub(crate) pay_session: Option<String>,
    pub(crate) decline: Option<(String, String)>,
    pub(crate) created_us: i64,
    pub(crate) updated_us: i64,
}

impl CardTransfer {
    pub(crate) fn read(row: &Row) -> Result<CardTransfer, SqlError> {
        let kind = if row.get::<String>("kind")? == "deposit" {
            Kind::Deposit
        } else {
            Kind::Withdrawal
        };
        let decline_code: Option<String> = row.get("decline_code")?;
        let decline_message: Option<String> = row.get("decline_message")?;
        Ok(CardTransfer {
            id: row.get("id")?,
            kind,
            account: AccountId(u32::try_from(row.get::<i64>("account")?).unwrap_or_default()),
            asset: row.get("asset")?,
            amount: Amount(
                row.get::<String>("amount")?
                    .parse()
                    .map_err(|_| SqlError::malformed("amount"))?,
            ),
            minor: row.get("minor")?,
            status: row.get("status")?,
            redirect_url: row.get("redirect_url")?,
            pay_session: row.get("pay_session")?,
            decline: decline_code.map(|code| (code, decline_message.unwrap_or_default())),
            created_us: row.get("created_us")?,
            updated_us: row.get("updated_us")?,
        })
    }

    fn is_open(&self) -> bool {
        matches!(
            self.status.as_str(),
            "created" | "in_review" | "approved" | "pending" | "held" | "submitted"
        )
    }
}

/// The engine's name for one effect of one object, for ever.
pub(crate) fn transfer_id(object: &str, effect: &str) -> TransferId {
    let mut text = Vec::from(effect.as_bytes());
    text.push(0);
    text.extend_from_slice(object.as_bytes());
    let hash = digest(&text);
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    TransferId(u128::from_be_bytes(first))
}

/// Reads an amount of card money: exact, within the limits.
fn read_amount(asset: &AssetListing, limit: &CardLimit, text: &str) -> Result<(Amount, i64), Problem> {
    let refuse = |code, detail: String| Problem::bad_request(code, detail).field("amount");
    let minor = ensoex_types::parse_decimal(text, MINOR_SCALE).map_err(|error| match error {
        DecimalError::TooPrecise => refuse(
            "too_many_decimals",
            format!("{} on cards has at most 2 decimals.", asset.code),
        ),
        DecimalError::TooLarge => refuse("amount_too_high", "This amount is too high.".to_owned()),
        DecimalError::Malformed => refuse(
            "invalid_amount",
            "Write the amount in digits with a point, for example 100.00.".to_owned(),
        ),
    })?;
    let bound = |minor: i64| ensoex_types::format_decimal(i128::from(minor), MINOR_SCALE);
    if minor == 0 {
        return Err(refuse("invalid_amount", "Enter an amount above zero.".to_owned()));
    }
    if minor < i128::from(limit.minor_min) {
        let least = bound(limit.minor_min);
        return Err(refuse(
            "amount_too_low",
            format!("At least {least} {} at a time.", asset.code),
        )
        .with("limit", least));
    }
    if minor > i128::from(limit.minor_max) {
        let most = bound(limit.minor_max);
        return Err(refuse(
            "amount_too_high",
            format!("At most {most} {} at a time.", asset.code),
        )
        .with("limit", most));
    }
    let unit = 10_i128.pow(u32::from(asset.scale.saturating_sub(MINOR_SCALE)));
    let minor_i64 = i64::try_from(minor).unwrap_or(i64::MAX);
    Ok((Amount(minor.saturating_mul(unit)), minor_i64))
}

/// Creates a deposit or withdrawal, or goes on with the one under the same idempotency key, until its page is known.
pub(crate) async fn create(
    app: &App,
    account: AccountId,
    kind: Kind,
    idempotency_key: &str,
    asset: &str,
    amount: &str,
    return_origin: &str,
) -> Result<CardTransfer, Problem> {
    let listing = app.exchange.asset_by_code(asset);
    let limit = CARD_LIMITS.iter().find(|limit| limit.currency.code() == asset);
    let (Some(listing), Some(limit)) = (listing, limit) else {
        let codes: Vec<&str> = CARD_LIMITS.iter().map(|limit| limit.currency.code()).collect();
        let detail = format!("By card you can move {}.", codes.join(" and "));
        return Err(Problem::bad_request("asset_not_by_card", detail).field("asset"));
    };
    let (amount, minor) = read_amount(&listing, limit, amount)?;
    let _turn = app.turns.take(account).await;
    let transfer = insert(app, account, kind, idempotency_key, asset, amount, minor).await?;
    if transfer.asset != asset || transfer.amount != amount {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another amount. Use a new one.",
        ));
    }
    if transfer.status != "created" {
        return Ok(transfer);
    }
    if kind == Kind::Withdrawal && !is_held(app, &transfer) {
        let balance = app.exchange.read(|engine| engine.balance(account, listing.asset));
        if balance.available < amount {
            set_status(app, &transfer, "failed", Some(("insufficient_balance", ""))).await?;
            return Err(insufficient(&listing, balance));
        }
    }
    let decided = risk::decide(app, &asked(app, &transfer, &listing)).await?;
    match (kind, decided.outcome()) {
        (_, Outcome::Decline) | (Kind::Deposit, Outcome::BlockAndReview) => {
            set_status(app, &transfer, "refused", Some(("not_let_through", ""))).await?;
            return Err(risk::refusal(&decided));
        }
        (Kind::Withdrawal, Outcome::Review | Outcome::BlockAndReview) => {
            hold(app, &transfer, &listing, None).await?;
            set_status(app, &transfer, "in_review", None).await?;
        }
        (Kind::Withdrawal, Outcome::Approve) => {
            let cards = match decided.decision.destination {
                Destination::AnyCard => PayoutCards::Any,
                Destination::PayingCard => PayoutCards::Paying,
            };
            proceed(app, &transfer, &listing, (limit.currency, cards), return_origin).await?;
        }
        (Kind::Deposit, Outcome::Approve | Outcome::Review) => {
            let page = (limit.currency, PayoutCards::Any);
            proceed(app, &transfer, &listing, page, return_origin).await?;
        }
    }
    load(app, &transfer.id).await?.ok_or_else(|| unknown(kind))
}

/// Makes the page, holds the money, and only then shows the page's address.
async fn proceed(
    app: &App,
    transfer: &CardTransfer,
    listing: &AssetListing,
    (currency, cards): (Currency, PayoutCards),
    return_origin: &str,
) -> Result<(), Problem> {
    let (page, session) = open_page(app, transfer, (currency, cards), return_origin).await?;
    if transfer.kind == Kind::Withdrawal {
        hold(app, transfer, listing, Some(&session)).await?;
    }
    let next = if transfer.kind == Kind::Deposit {
        "pending"
    } else {
        "held"
    };
    app.database
        .execute(SET_PAGE.bind(&page).bind(&session).bind(&transfer.id))
        .await?;
    set_status(app, transfer, next, None).await
}

/// Goes on with a withdrawal that a human approved, to any card of the person's.
pub(crate) async fn go_on(app: &App, id: &str, return_origin: &str) -> Result<CardTransfer, Problem> {
    let missing = || unknown(Kind::Withdrawal);
    let transfer = load(app, id).await?.ok_or_else(missing)?;
    let _turn = app.turns.take(transfer.account).await;
    // What it is after the turn came: somebody may have cancelled it meanwhile.
    let transfer = load(app, id).await?.ok_or_else(missing)?;
    if transfer.status == "held" {
        return Ok(transfer);
    }
    let listing = app.exchange.asset_by_code(&transfer.asset);
    let limit = CARD_LIMITS
        .iter()
        .find(|limit| limit.currency.code() == transfer.asset);
    let (Some(listing), Some(limit), "approved") = (listing, limit, &*transfer.status) else {
        let detail = "This withdrawal does not wait for you to go on.";
        return Err(Problem::new(StatusCode::CONFLICT, "not_approved", detail));
    };
    let page = (limit.currency, PayoutCards::Any);
    proceed(app, &transfer, &listing, page, return_origin).await?;
    load(app, id).await?.ok_or_else(missing)
}

/// What fraud prevention is asked about it.
fn asked<'a>(app: &AppState, transfer: &'a CardTransfer, listing: &AssetListing) -> Asked<'a> {
    let balance = app
        .exchange
        .read(|engine| engine.balance(transfer.account, listing.asset));
    let unit = 10_i128.pow(u32::from(listing.scale.saturating_sub(MINOR_SCALE)));
    Asked {
        account: transfer.account,
        place: match transfer.kind {
            Kind::Deposit => Place::Deposit,
            Kind::Withdrawal => Place::Withdrawal,
        },
        reference: &transfer.id,
        money: Some((&transfer.asset, transfer.minor)),
        available_minor: i64::try_from(balance.available.0 / unit).unwrap_or(i64::MAX),
    }
}

/// The money is held already, by a try that did not come to its end.
fn is_held(app: &AppState, transfer: &CardTransfer) -> bool {
    let hold = transfer_id(&transfer.id, "withdrawal");
    app.exchange.read(|engine| engine.transfer_exists(hold))
}

fn insufficient(listing: &AssetListing, balance: Balance) -> Problem {
    let available = listing.text(balance.available);
    let rest = if balance.held == Amount::ZERO {
        ""
    } else {
        "; the rest is held for orders or withdrawals"
    };
    let detail = format!("You have {available} {} available{rest}.", listing.code);
    Problem::bad_request("insufficient_balance", detail)
        .field("amount")
        .with("available", available)
}

async fn insert(
    app: &AppState,
    account: AccountId,
    kind: Kind,
    idempotency_key: &str,
    asset: &str,
    amount: Amount,
    minor: i64,
) -> Result<CardTransfer, Problem> {
    let id = random_id(kind.prefix()).map_err(|error| Problem::internal("random source", &error))?;
    let now = now_us();
    app.database
        .execute(
            INSERT_TRANSFER
                .bind(&id)
                .bind(kind.text())
                .bind(i64::from(account.0))
                .bind(asset)
                .bind(amount.0.to_string())
                .bind(minor)
                .bind(idempotency_key)
                .bind(now),
        )
        .await?;
    let row = app
        .database
        .fetch_one(
            TRANSFER_BY_KEY
                .bind(i64::from(account.0))
                .bind(kind.text())
                .bind(idempotency_key),
        )
        .await?;
    let transfer = CardTransfer::read(&row)?;
    let mut transaction = app.database.begin().await?;
    record_state(&mut transaction, &transfer.id, "created").await?;
    transaction.commit().await?;
    Ok(transfer)
}

/// Has EnsoExPAY make its page. Moves no money: nobody knows the address yet.
async fn open_page(
    app: &AppState,
    transfer: &CardTransfer,
    (currency, payout_cards): (Currency, PayoutCards),
    return_origin: &str,
) -> Result<(String, String), Problem> {
    let row = app
        .database
        .fetch_one(CUSTOMER.bind(i64::from(transfer.account.0)))
        .await?;
    let invalid = |error: ensoex_pay_api::InvalidIdentifier| Problem::internal("EnsoExPAY reference", &error);
    let locale = Locale::from_tag(&row.get::<String>("locale")?).unwrap_or_default();
    let back = format!("{return_origin}/{}/{}", transfer.kind.page(), transfer.id);
    let request = CreateCheckoutSession {
        client_reference: transfer.id.parse().map_err(invalid)?,
        mode: if transfer.kind == Kind::Deposit {
            Mode::Payment
        } else {
            Mode::Payout
        },
        amount: transfer.minor,
        currency,
        customer: row.get::<String>("pay_customer")?.parse().map_err(invalid)?,
        payout_cards,
        success_url: back.clone(),
        cancel_url: back,
        locale,
        // Of the moment at which it was asked for, so that the same wish is the same request however often it is sent.
        documents: documents_of(app, transfer.created_us, locale, return_origin),
    };
    let subject = app.subject_of(transfer.account).await?;
    let access = app.own_access(subject, Reason::CardTransfer)?;
    let items = Recipient::EnsoExPay.entry().items;
    let entered = app
        .vault
        .disclose(&subject, Recipient::EnsoExPay, items, &access)
        .await?;
    let session = app
        .cards
        .pay
        .create_session(&entered, &transfer.id, &request)
        .await
        .map_err(|error| pay_problem(&error))?;
    Ok((session.url, session.id.to_string()))
}

/// The Terms and the Policy that were in force at a moment, in microseconds since 1970, for the footer of EnsoExPAY's pages.
fn documents_of(app: &AppState, at_us: i64, locale: Locale, origin: &str) -> Documents {
    let version = app.policy.version_at(at_us).hash.to_string();
    let language = match locale {
        Locale::En => "",
        Locale::Uk => "/uk",
    };
    Documents {
        url: format!("{origin}{language}/documents/versions/{version}/privacy"),
        version,
    }
}

fn pay_problem(error: &PayError) -> Problem {
    tracing::warn!(%error, "EnsoExPAY gave no page");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "pay_unavailable",
        "The card service EnsoExPAY does not answer at the moment. Nothing was charged or moved. Try again in a moment.",
    )
}

async fn hold(
    app: &App,
    transfer: &CardTransfer,
    listing: &AssetListing,
    session: Option<&str>,
) -> Result<(), Problem> {
    let command = Command::HoldTransfer(Transfer {
        transfer: transfer_id(&transfer.id, "withdrawal"),
        debit: transfer.account,
        credit: AccountId::PAY_CLEARING,
        asset: listing.asset,
        amount: transfer.amount,
        code: TransferCode::Withdrawal,
    });
    match app.exchange.submit(command).await?.reject() {
        None | Some(Reject::TransferExists) => Ok(()),
        Some(reject) => {
            // The address of the page was never shown; ending it is tidiness.
            if let Some(session) = session
                && let Err(error) = app.cards.pay.expire_session(session).await
            {
                tracing::warn!(%error, "an unused page of EnsoExPAY stays open until it expires");
            }
            set_status(app, transfer, "failed", Some(("insufficient_balance", ""))).await?;
            let balance = app
                .exchange
                .read(|engine| engine.balance(transfer.account, listing.asset));
            tracing::info!(?reject, "withdrawal refused");
            Err(insufficient(listing, balance))
        }
    }
}

/// Ends a withdrawal that is not paid out yet, at its owner's wish. The money comes back once EnsoExPAY has confirmed that
/// nothing will be sent.
pub(crate) async fn cancel(app: &App, transfer: &CardTransfer) -> Result<CardTransfer, Problem> {
    let too_late = || {
        Problem::new(
            StatusCode::CONFLICT,
            "not_cancelable",
            "This withdrawal is on its way or has ended; it can no longer be cancelled.",
        )
    };
    let _turn = app.turns.take(transfer.account).await;
    let transfer = &load(app, &transfer.id)
        .await?
        .ok_or_else(|| unknown(Kind::Withdrawal))?;
    if matches!(&*transfer.status, "in_review" | "approved") {
        give_back(app, transfer).await?;
        set_status(app, transfer, "canceled", None).await?;
        reviews::end(app, transfer).await?;
        return load(app, &transfer.id)
            .await?
            .ok_or_else(|| unknown(Kind::Withdrawal));
    }
    let session = transfer
        .pay_session
        .as_deref()
        .filter(|_| transfer.status == "held")
        .ok_or_else(too_late)?;
    let ended = match app.cards.pay.expire_session(session).await {
        Ok(session) => session.status,
        Err(PayError::Refused { .. }) => return Err(too_late()),
        Err(error) => return Err(pay_problem(&error)),
    };
    if !matches!(
        ended,
        CheckoutSessionStatus::Expired | CheckoutSessionStatus::Canceled
    ) {
        return Err(too_late());
    }
    let give_back = Command::VoidTransfer {
        transfer: transfer_id(&transfer.id, "withdrawal"),
    };
    match app.exchange.submit(give_back).await?.reject() {
        // Given back before: EnsoExPAY's own word was faster.
        None | Some(Reject::UnknownTransfer | Reject::TransferExists) => {}
        Some(_) => return Err(too_late()),
    }
    set_status(app, transfer, "canceled", None).await?;
    load(app, &transfer.id)
        .await?
        .ok_or_else(|| unknown(Kind::Withdrawal))
}

/// Gives back what is held for a withdrawal of which EnsoExPAY knows nothing yet.
pub(crate) async fn give_back(app: &App, transfer: &CardTransfer) -> Result<(), Problem> {
    let command = Command::VoidTransfer {
        transfer: transfer_id(&transfer.id, "withdrawal"),
    };
    match app.exchange.submit(command).await?.reject() {
        // Given back before, by a try that did not come to its end.
        None | Some(Reject::UnknownTransfer | Reject::TransferExists) => Ok(()),
        Some(reject) => {
            tracing::error!(
                ?reject,
                withdrawal = transfer.id,
                "held money cannot be given back"
            );
            let detail = "This cannot be cancelled at the moment. Nothing was moved; try again later.";
            Err(Problem::new(StatusCode::CONFLICT, "not_cancelable", detail))
        }
    }
}

/// What a state says to fraud prevention, if anything.
fn fact_of(kind: Kind, status: &str) -> Option<FactKind> {
    match (kind, status) {
        (Kind::Deposit, "credited") => Some(FactKind::DepositCredited),
        (Kind::Deposit, "failed") => Some(FactKind::DepositDeclined),
        (Kind::Withdrawal, "failed" | "canceled" | "expired" | "returned" | "refused") => {
            Some(FactKind::WithdrawalUndone)
        }
        _ => None,
    }
}

/// One deposit or withdrawal by id.
pub(crate) async fn load(app: &AppState, id: &str) -> Result<Option<CardTransfer>, Problem> {
    let row = app.database.fetch_optional(TRANSFER.bind(id)).await?;
    Ok(row.as_ref().map(CardTransfer::read).transpose()?)
}

pub(crate) fn unknown(kind: Kind) -> Problem {
    Problem::not_found("unknown_transfer", format!("You have no such {}.", kind.text()))
}

/// Moves to the next state. An ended one is left as it is, but for money that arrived or came back after all.
pub(crate) async fn set_status(
    app: &AppState,
    transfer: &CardTransfer,
    status: &str,
    decline: Option<(&str, &str)>,
) -> Result<(), Problem> {
    let (code, message) = decline.unzip();
    let now = now_us();
    let mut transaction = app.database.begin().await?;
    let moved = transaction
        .execute(
            SET_STATUS
                .bind(status)
                .bind(code)
                .bind(message)
                .bind(now)
                .bind(&transfer.id),
        )
        .await?;
    if moved == 0 {
        return Ok(());
    }
    record_state(&mut transaction, &transfer.id, status).await?;
    if let Some(fact) = fact_of(transfer.kind, status) {
        let cents = app.books.current().cents(&transfer.asset, transfer.minor);
        let cents = cents.unwrap_or_default();
        facts::note(&mut transaction, transfer.account, fact, &transfer.id, cents, now).await?;
    }
    transaction.commit().await?;
    let _nobody_listens = app.card_changes.send((transfer.account, transfer.id.clone()));
    Ok(())
}

async fn record_state(transaction: &mut Transaction, id: &str, state: &str) -> Result<(), Problem> {
    transaction
        .execute(RECORD_STATE.bind(id).bind(state).bind(now_us()))
        .await?;
    Ok(())
}

/// Whether EnsoExPAY may still change it.
pub(crate) fn is_open(transfer: &CardTransfer) -> bool {
    transfer.is_open()
}
