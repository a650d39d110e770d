//! 3-D Secure: the issuer's access control server. Decides whether the cardholder is asked, asks, and keeps the
//! result for the merchant's server to fetch. The browser only ever learns the challenge's own identifier.

use crate::currency::Currency;
use crate::ledger::{CardKey, Ledger};
use crate::random;
use crate::test_card::behaviour;
use ensoex_iso8583::CardNumber;
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqlitePool};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// How long a challenge may take.
const CHALLENGE_SECONDS_MAX: i64 = 600;
/// Wrong codes before the challenge fails.
const CODE_TRIES_MAX: i64 = 3;
/// Longest text of an authentication request's field, in bytes.
const TEXT_BYTES_MAX: usize = 2048;

/// `POST /3ds/areq`: the merchant's server asks whether the cardholder is who they say. No `Debug`.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthenticationRequest {
    /// The merchant server's own random name for it, 16 to 64 characters; whoever knows it can fetch the result.
    pub three_ds_server_transaction_id: String,
    /// The card number.
    pub card_number: String,
    /// Whole minor units.
    pub amount: i64,
    /// ISO 4217 alphabetic code.
    pub currency: String,
    /// Shown to the cardholder.
    pub merchant_name: String,
    /// Where the browser goes after a challenge.
    pub return_url: String,
    /// `en` or `uk`.
    pub locale: String,
}

/// The answer to an [`AuthenticationRequest`], and of `GET /3ds/result/{three_ds_server_transaction_id}`.
#[derive(Clone, Serialize, PartialEq, Eq, Debug)]
pub(crate) struct AuthenticationResponse {
    /// Y authenticated, C challenge required or pending, N refused.
    pub status: String,
    /// The page to send the browser to, while the status is C.
    pub challenge_url: Option<String>,
    /// Proof for the authorisation, when the status is Y.
    pub authentication_value: Option<String>,
    /// Electronic commerce indicator, when the status is Y.
    pub commerce_indicator: Option<String>,
}

/// Why an authentication request is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum InvalidAuthentication {
    /// A field is missing, too long, or not acceptable.
    #[error("the authentication request is not acceptable")]
    Field,
}

/// What the challenge page shows. The code stands on the page because this is a simulator.
pub(crate) struct Challenge {
    pub(crate) merchant: String,
    pub(crate) amount: i64,
    pub(crate) currency: Currency,
    pub(crate) last_four: String,
    pub(crate) code: String,
    pub(crate) return_url: String,
    pub(crate) ukrainian: bool,
    pub(crate) pending: bool,
    pub(crate) tries_left: i64,
}

/// The access control server.
#[derive(Clone)]
pub(crate) struct ThreeDSecure {
    pool: SqlitePool,
    ledger: Ledger,
    public_url: String,
}

impl ThreeDSecure {
    pub(crate) fn new(ledger: Ledger, public_url: String) -> Self {
        Self {
            pool: ledger.pool().clone(),
            ledger,
            public_url,
        }
    }

    /// Decides on an authentication, and remembers it. The same request again gets the same answer.
    pub(crate) async fn request(
        &self,
        request: &AuthenticationRequest,
        now: i64,
    ) -> Result<Result<AuthenticationResponse, InvalidAuthentication>, sqlx::Error> {
        let card = CardNumber::parse(&request.card_number).ok();
        let (Some(card), Some(currency), true) = (
            card,
            Currency::from_code(&request.currency),
            is_acceptable(request),
        ) else {
            return Ok(Err(InvalidAuthentication::Field));
        };
        let status = if behaviour(&card).challenge { "C" } else { "Y" };
        sqlx::query(
            "INSERT INTO authentication (server_transaction, challenge, card_key, last_four, amount, currency,
                merchant, return_url, locale, status, code, authentication_value, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (server_transaction) DO NOTHING",
        )
        .bind(&request.three_ds_server_transaction_id)
        .bind(random::identifier())
        .bind(self.ledger.card_key(&card).as_slice())
        .bind(card.last_four())
        .bind(request.amount)
        .bind(currency.code())
        .bind(&request.merchant_name)
        .bind(&request.return_url)
        .bind(&request.locale)
        .bind(status)
        .bind(random::digits::<6>())
        .bind(hex::encode(random::bytes::<20>()))
        .bind(now + CHALLENGE_SECONDS_MAX)
        .execute(&self.pool)
        .await?;
        let known = self.result(&request.three_ds_server_transaction_id, now).await?;
        Ok(known.ok_or(InvalidAuthentication::Field))
    }

    /// What is known of an authentication.
    pub(crate) async fn result(
        &self,
        server_transaction: &str,
        now: i64,
    ) -> Result<Option<AuthenticationResponse>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT challenge, status, authentication_value, expires_at FROM authentication
             WHERE server_transaction = $1",
        )
        .bind(server_transaction)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let status: &str = row.try_get("status")?;
        let expired = row.try_get::<i64, _>("expires_at")? < now;
        let status = if status == "C" && expired { "N" } else { status };
        let challenge: &str = row.try_get("challenge")?;
        Ok(Some(AuthenticationResponse {
            status: status.to_owned(),
            challenge_url: (status == "C").then(|| format!("{}/3ds/challenge/{challenge}", self.public_url)),
            authentication_value: if status == "Y" {
                row.try_get("authentication_value")?
            } else {
                None
            },
            commerce_indicator: (status == "Y").then(|| "05".to_owned()),
        }))
    }

    /// What the challenge page shows.
    pub(crate) async fn challenge(&self, id: &str, now: i64) -> Result<Option<Challenge>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM authentication WHERE challenge = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let Some(currency) = Currency::from_code(row.try_get("currency")?) else {
            return Ok(None);
        };
        Ok(Some(Challenge {
            merchant: row.try_get("merchant")?,
            amount: row.try_get("amount")?,
            currency,
            last_four: row.try_get("last_four")?,
            code: row.try_get("code")?,
            return_url: row.try_get("return_url")?,
            ukrainian: row.try_get::<&str, _>("locale")? == "uk",
            pending: row.try_get::<&str, _>("status")? == "C" && row.try_get::<i64, _>("expires_at")? >= now,
            tries_left: CODE_TRIES_MAX - row.try_get::<i64, _>("tries")?,
        }))
    }

    /// The cardholder typed a code. A wrong one is counted; the third fails the challenge.
    pub(crate) async fn confirm(&self, id: &str, code: &str, now: i64) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE authentication SET
                tries = tries + (code <> $2),
                status = CASE WHEN code = $2 THEN 'Y' WHEN tries + 1 >= $3 THEN 'N' ELSE 'C' END
             WHERE challenge = $1 AND status = 'C' AND expires_at >= $4",
        )
        .bind(id)
        .bind(code)
        .bind(CODE_TRIES_MAX)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The cardholder says that this is not theirs.
    pub(crate) async fn refuse(&self, id: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE authentication SET status = 'N' WHERE challenge = $1 AND status = 'C'")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Whether a value proves an authentication of this card for this amount and currency.
    pub(crate) async fn is_authenticated(
        &self,
        card: &CardKey,
        amount: i64,
        currency: Currency,
        authentication_value: &str,
    ) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM authentication WHERE authentication_value = $1 AND card_key = $2
                AND amount = $3 AND currency = $4 AND status = 'Y')",
        )
        .bind(authentication_value)
        .bind(card.as_slice())
        .bind(amount)
        .bind(currency.code())
        .fetch_one(&self.pool)
        .await
    }
}

fn is_acceptable(request: &AuthenticationRequest) -> bool {
    let id = &request.three_ds_server_transaction_id;
    let web = request.return_url.starts_with("http://") || request.return_url.starts_with("https://");
    (16..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && request.amount > 0
        && web
        && request.return_url.len() <= TEXT_BYTES_MAX
        && request.return_url.bytes().all(|byte| byte.is_ascii_graphic())
        && request.merchant_name.len() <= TEXT_BYTES_MAX
        && matches!(request.locale.as_str(), "en" | "uk")
}
