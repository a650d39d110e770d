//! Fraud prevention at the Service: a decision before money moves or a way in is added, and what follows from it.
//!
//! A decision is made once for each (place, reference), in the transaction that counts the fact that it lets happen and that saw every
//! fact before it: writers of the records come one after the other, so that two withdrawals at once cannot both be the last that
//! a limit allows. It is stored with its inputs and its book and can be computed again ([`explain`]).
//!
//! A withdrawal: created → (approve) held …; → (review, block and review) in_review, its money held, → approved → held …, or refused,
//! its money given back; → (decline) refused. A deposit is declined or goes on; a key or a new contact as well. Whoever was
//! not simply let through sees why and may ask for a human ([`mine`]); staff decide within a case ([`reviews`]).
//!
//! It reads nothing from the vault: what it counts are an account's movements, not its person.

pub(crate) mod backtest;
mod books;
pub(crate) mod explain;
pub(crate) mod facts;
pub(crate) mod mine;
pub(crate) mod reviews;

use crate::app::AppState;
use crate::clock::now_us;
use crate::problem::Problem;
use crate::secret::random_id;
use axum::http::StatusCode;
use ensoex_risk::{Decision, Destination, FactKind, Features, Outcome, Place, RuleBook, windows};
use ensoex_sql::{Row, SqlError, Transaction};
use ensoex_types::AccountId;

pub(crate) use self::books::Books;
pub use self::books::RulesError;

ensoex_sql::statements! {
    STATEMENTS;
    DECISION_OF = "SELECT decision, body FROM risk_decisions WHERE place = $1 AND reference = $2";
    INSERT_BOOK = "INSERT INTO risk_books (book, body, since_us) VALUES ($1, $2, $3) ON CONFLICT (book) DO NOTHING";
    INSERT_DECISION =
        "INSERT INTO risk_decisions (decision, account, place, reference, at_us, facts_through, outcome, book, body)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    BLOCKING =
        "SELECT count(*) FROM risk_reviews WHERE account = $1 AND blocking = 1 AND state IN ('open', 'seconded')";
    FOUND_WRONG =
        "SELECT count(*) FROM risk_reviews WHERE account = $1 AND state = 'refused' AND finding <> 'no_answer' AND state_us >=
            (SELECT COALESCE(MAX(state_us), 0) FROM risk_reviews WHERE account = $1 AND state IN ('approved', 'refused'))";
    APPROVAL =
        "SELECT review FROM risk_reviews WHERE account = $1 AND place = $2 AND state = 'approved' AND used_for IS NULL
            AND cents >= $3 AND state_us > $4 ORDER BY state_us LIMIT 1";
    USE_APPROVAL = "UPDATE risk_reviews SET used_for = $2 WHERE review = $1";
}

/// What is to be decided.
pub(crate) struct Asked<'a> {
    pub(crate) account: AccountId,
    pub(crate) place: Place,
    /// Of which deposit or withdrawal; a new one for what happens once.
    pub(crate) reference: &'a str,
    /// Asset and minor units of what is asked for.
    pub(crate) money: Option<(&'a str, i64)>,
    /// Minor units of that asset that are available.
    pub(crate) available_minor: i64,
}

/// A decision with its name.
pub(crate) struct Decided {
    pub(crate) id: String,
    pub(crate) decision: Decision,
}

impl Decided {
    fn read(row: &Row) -> Result<Decided, SqlError> {
        Ok(Decided {
            id: row.get("decision")?,
            decision: serde_json::from_str(&row.get::<String>("body")?)
                .map_err(|_| SqlError::malformed("body"))?,
        })
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.decision.outcome
    }
}

/// Decides, once for each place and reference.
pub(crate) async fn decide(app: &AppState, asked: &Asked<'_>) -> Result<Decided, Problem> {
    let book = app.books.current();
    let id = random_id("dcs_").map_err(|error| Problem::internal("random source", &error))?;
    let mut transaction = app.database.begin().await?;
    let known = DECISION_OF.bind(asked.place.word()).bind(asked.reference);
    if let Some(row) = transaction.fetch_optional(known).await? {
        return Ok(Decided::read(&row)?);
    }
    let now = now_us();
    let cents = match asked.money {
        Some((asset, minor)) => cents_of(&book, asset, minor)?,
        None => 0,
    };
    let (mut features, through) = features(&mut transaction, &book, asked, cents, now).await?;
    let approval = approval(&mut transaction, asked, cents, now).await?;
    features.put("human_approvals", i64::from(approval.is_some()));
    let decision = book.decide(asked.place, asked.account.0, &features);
    let account = i64::from(asked.account.0);
    let body = serde_json::to_string(&decision).map_err(|error| Problem::internal("decision", &error))?;
    transaction
        .execute(INSERT_BOOK.bind(book.hash()).bind(book.text()).bind(now))
        .await?;
    transaction
        .execute(
            INSERT_DECISION
                .bind(&id)
                .bind(account)
                .bind(asked.place.word())
                .bind(asked.reference)
                .bind(now)
                .bind(through)
                .bind(decision.outcome.word())
                .bind(book.hash())
                .bind(body),
        )
        .await?;
    if let Some(review) = approval {
        transaction
            .execute(USE_APPROVAL.bind(review).bind(asked.reference))
            .await?;
    }
    if let Some(kind) = fact_of(&decision) {
        facts::note(&mut transaction, asked.account, kind, asked.reference, cents, now).await?;
    }
    if matches!(decision.outcome, Outcome::Review | Outcome::BlockAndReview) {
        reviews::open(&mut transaction, &book, (&id, &decision), cents, now, None).await?;
    }
    transaction.commit().await?;
    if decision.outcome != Outcome::Approve {
        tracing::info!(
            decision = id,
            outcome = decision.outcome.word(),
            place = asked.place.word(),
            "fraud prevention"
        );
    }
    Ok(Decided { id, decision })
}

fn cents_of(book: &RuleBook, asset: &str, minor: i64) -> Result<i64, Problem> {
    book.cents(asset, minor).ok_or_else(|| {
        tracing::error!(
            asset,
            "the rule book has no rate for this asset; add one under [rates_ppm]"
        );
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_possible_now",
            "This currency cannot be moved by card at the moment. Nothing was moved; try again later.",
        )
    })
}

/// What is known now, and the last fact that it was counted from.
async fn features(
    transaction: &mut Transaction,
    book: &RuleBook,
    asked: &Asked<'_>,
    cents: i64,
    now: i64,
) -> Result<(Features, i64), Problem> {
    let known = facts::as_of(transaction, asked.account, None, now).await?;
    let mut features = windows::features(&known.facts, &known.earlier, book.limits().near_limit, now);
    let blocking: i64 = transaction
        .fetch_value(BLOCKING.bind(i64::from(asked.account.0)))
        .await?;
    let found_wrong: i64 = transaction
        .fetch_value(FOUND_WRONG.bind(i64::from(asked.account.0)))
        .await?;
    features.put("blocking_reviews", blocking);
    features.put("refused_reviews", i64::from(found_wrong > 0));
    features.put("amount_cents", cents);
    if let (Place::Withdrawal, Some((asset, _))) = (asked.place, asked.money) {
        features.put("available_cents", cents_of(book, asset, asked.available_minor)?);
    }
    Ok((features, known.through))
}

/// A human's approval that was not used yet.
async fn approval(
    transaction: &mut Transaction,
    asked: &Asked<'_>,
    cents: i64,
    now: i64,
) -> Result<Option<String>, Problem> {
    let query = APPROVAL
        .bind(i64::from(asked.account.0))
        .bind(asked.place.word())
        .bind(cents)
        .bind(now - crate::clock::micros(crate::limits::APPROVAL_VALIDITY));
    Ok(transaction.fetch_optional_value(query).await?)
}

/// What happens because of a decision. A withdrawal that waits for a human counts: its money is on its way out.
fn fact_of(decision: &Decision) -> Option<FactKind> {
    match (decision.place, decision.outcome, decision.destination) {
        (_, Outcome::Decline, _) | (Place::Deposit, Outcome::BlockAndReview, _) => None,
        (Place::Deposit, ..) => Some(FactKind::DepositStarted),
        (Place::Withdrawal, Outcome::Approve, Destination::PayingCard) => {
            Some(FactKind::WithdrawalToPayingCard)
        }
        (Place::Withdrawal, ..) => Some(FactKind::Withdrawal),
        // Noted when it has happened: a code may still be wrong.
        (Place::ContactChange | Place::KeyCreation, ..) => None,
    }
}

/// Why something is not done, as the person is told.
pub(crate) fn refusal(decided: &Decided) -> Problem {
    let reasons = decided.decision.reasons();
    let texts: Vec<&str> = reasons
        .iter()
        .map(|reason| reason.text(ensoex_risk::Language::English))
        .collect();
    let detail = format!(
        "{} If you think that this is wrong, ask for a person under My data.",
        texts.join(" ")
    );
    Problem::new(StatusCode::FORBIDDEN, "not_let_through", detail)
        .with("decision", decided.id.as_str())
        .with("reasons", mine::reasons(&decided.decision))
}

/// Decides about something that is done or not, and nothing in between.
pub(crate) async fn permit(app: &AppState, account: AccountId, place: Place) -> Result<(), Problem> {
    let reference = random_id("ask_").map_err(|error| Problem::internal("random source", &error))?;
    let asked = Asked {
        account,
        place,
        reference: &reference,
        money: None,
        available_minor: 0,
    };
    let decided = decide(app, &asked).await?;
    match decided.outcome() {
        Outcome::Approve | Outcome::Review => Ok(()),
        Outcome::BlockAndReview | Outcome::Decline => Err(refusal(&decided)),
    }
}
