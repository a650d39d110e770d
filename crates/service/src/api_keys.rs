//! API keys: made, listed and ended by their owner; found by the trading API.
//!
//! Of an Ed25519 key the Service stores the public half only. The secret of an HMAC key is sealed in the vault and opened
//! under a logged lease of some minutes while the key is in use.

use crate::app::{App, AppState};
use crate::clock::{now_us, text};
use crate::guard::User;
use crate::limits::{API_KEY_LABEL_LENGTH_MAX, API_KEYS_MAX};
use crate::problem::{Body, Problem};
use crate::risk::{self, facts};
use crate::secret::random;
use crate::step_up;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey;
use ensoex_risk::{FactKind, Place};
use ensoex_spot_api::{ApiKey, ApiKeys, ApiKeysUnavailable, KeyVerifier, Permissions};
use ensoex_sql::SqlError;
use ensoex_types::AccountId;
use ensoex_vault::{ApiKeySecret, LEASE_SECONDS_MAX, Lease, Personal, ProvideService, Reason, VaultError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;
use zeroize::Zeroizing;

ensoex_sql::statements! {
    STATEMENTS;
    COUNT = "SELECT COUNT(*) FROM api_keys WHERE account = $1";
    INSERT_KEY =
        "INSERT INTO api_keys (api_key, account, label, kind, public_key, can_trade, created_us)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
    KEYS = "SELECT * FROM api_keys WHERE account = $1 ORDER BY created_us";
    DELETE_KEY = "DELETE FROM api_keys WHERE api_key = $1 AND account = $2 RETURNING kind";
    KEY = "SELECT account, kind, public_key, can_trade, last_used_us FROM api_keys WHERE api_key = $1";
    KEY_USED = "UPDATE api_keys SET last_used_us = $1 WHERE api_key = $2";
}

/// Longest public key text.
const PUBLIC_KEY_TEXT_MAX: usize = 1_024;
/// Keys whose leases are kept at hand.
const LEASES_MAX: usize = 4_096;
/// `last_used` is written at most this often.
const LAST_USED_STEP_US: i64 = 60 * 1_000_000;

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApiKey {
    /// For your own orientation; at most 40 characters.
    label: String,
    /// `ed25519` (preferred: no secret with us) or `hmac`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: KeyKind,
    /// PEM of the public key, for `ed25519`.
    public_key: Option<String>,
    /// `read`, or `read` and `trade` (the default).
    permissions: Option<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum KeyKind {
    Hmac,
    Ed25519,
}

/// Makes a key. The secret of an HMAC key is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/api-keys", request_body = NewApiKey, tag = "API keys",
    responses((status = 201, description = "the key; with `secret` for hmac"), (status = 400, description = "problem: invalid_label, invalid_public_key, invalid_permissions, too_many_keys"), (status = 403, description = "problem: step_up_needed")))]
pub(crate) async fn create(
    State(app): State<App>,
    user: User,
    Body(new): Body<NewApiKey>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    step_up::require(&app, &user).await?;
    let label = new.label.trim().to_owned();
    let digits = label.chars().filter(char::is_ascii_digit).count();
    if label.is_empty()
        || label.chars().count() > API_KEY_LABEL_LENGTH_MAX
        || label.chars().any(char::is_control)
    {
        let detail = format!("Give the key a label of 1 to {API_KEY_LABEL_LENGTH_MAX} characters.");
        return Err(Problem::bad_request("invalid_label", detail).field("label"));
    }
    if digits >= 12 {
        let detail = "A label has fewer than 12 digits: no card or phone numbers here.";
        return Err(Problem::bad_request("invalid_label", detail).field("label"));
    }
    let can_trade = read_permissions(new.permissions.as_deref())?;
    let count: i64 = app
        .database
        .fetch_value(COUNT.bind(i64::from(user.account.0)))
        .await?;
    if count >= API_KEYS_MAX {
        let detail =
            format!("An account has at most {API_KEYS_MAX} keys. Delete one that you no longer use.");
        return Err(Problem::bad_request("too_many_keys", detail));
    }
    risk::permit(&app, user.account, Place::KeyCreation).await?;
    let random_failed = |error: getrandom::Error| Problem::internal("random source", &error);
    let key = Zeroizing::new(alphanumeric(&random::<64>().map_err(random_failed)?));
    let (public_key, secret) = match new.kind {
        KeyKind::Ed25519 => (Some(read_public_key(new.public_key.as_deref())?), None),
        KeyKind::Hmac if new.public_key.is_some() => {
            let detail = "An HMAC key has no public key; leave it out, or choose the type ed25519.";
            return Err(Problem::bad_request("unexpected_field", detail).field("public_key"));
        }
        KeyKind::Hmac => {
            let secret = Zeroizing::new(alphanumeric(&random::<64>().map_err(random_failed)?));
            let subject = app.subject_of(user.account).await?;
            let access = app.own_access(subject, Reason::CredentialChange)?;
            let sealed = Personal::new(secret.as_bytes().to_vec());
            app.vault
                .store::<ApiKeySecret>(&subject, Some(&key), sealed, &access)
                .await?;
            (None, Some(secret))
        }
    };
    let now = now_us();
    let mut transaction = app.database.begin().await?;
    transaction
        .execute(
            INSERT_KEY
                .bind(key.as_str())
                .bind(i64::from(user.account.0))
                .bind(&label)
                .bind(if new.kind == KeyKind::Hmac {
                    "hmac"
                } else {
                    "ed25519"
                })
                .bind(public_key.map(Vec::from))
                .bind(can_trade)
                .bind(now),
        )
        .await?;
    let reference = format!("key:{now}");
    facts::note(
        &mut transaction,
        user.account,
        FactKind::KeyCreated,
        &reference,
        0,
        now,
    )
    .await?;
    transaction.commit().await?;
    let mut view = json!({
        "key": key.as_str(), "label": label, "type": new.kind, "permissions": permission_names(can_trade),
        "created_at": text(now), "last_used_at": null,
    });
    if let (Some(secret), Some(object)) = (secret, view.as_object_mut()) {
        object.insert("secret".to_owned(), json!(secret.as_str()));
    }
    Ok((StatusCode::CREATED, Json(view)))
}

fn read_permissions(names: Option<&[String]>) -> Result<bool, Problem> {
    let Some(names) = names else { return Ok(true) };
    let known = names.iter().all(|name| name == "read" || name == "trade");
    if !known || !names.iter().any(|name| name == "read") {
        let detail = "A key has the permission read, or read and trade.";
        return Err(Problem::bad_request("invalid_permissions", detail).field("permissions"));
    }
    Ok(names.iter().any(|name| name == "trade"))
}

fn permission_names(can_trade: bool) -> Vec<&'static str> {
    if can_trade {
        vec!["read", "trade"]
    } else {
        vec!["read"]
    }
}

fn read_public_key(pem: Option<&str>) -> Result<[u8; 32], Problem> {
    let invalid = || {
        let detail = "Paste the public key as PEM, from -----BEGIN PUBLIC KEY----- on. Make one with: \
                      openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout";
        Problem::bad_request("invalid_public_key", detail).field("public_key")
    };
    let pem = pem
        .filter(|pem| pem.len() <= PUBLIC_KEY_TEXT_MAX)
        .ok_or_else(invalid)?;
    let key = VerifyingKey::from_public_key_pem(pem.trim()).map_err(|_| invalid())?;
    if key.is_weak() {
        return Err(invalid());
    }
    Ok(key.to_bytes())
}

fn alphanumeric(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789xY";
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 64)]))
        .collect()
}

/// The keys of the account.
#[utoipa::path(get, path = "/v1/api-keys", tag = "API keys", responses((status = 200, description = "keys without secrets")))]
pub(crate) async fn list(State(app): State<App>, user: User) -> Result<Json<Value>, Problem> {
    let rows = app
        .database
        .fetch_all(KEYS.bind(i64::from(user.account.0)))
        .await?;
    let keys: Vec<Value> = rows
        .iter()
        .map(|row| {
            Ok(json!({
                "key": row.get::<String>("api_key")?,
                "label": row.get::<String>("label")?,
                "type": row.get::<String>("kind")?,
                "permissions": permission_names(row.flag("can_trade")?),
                "created_at": text(row.get("created_us")?),
                "last_used_at": row.get::<Option<i64>>("last_used_us")?.map(text),
            }))
        })
        .collect::<Result<_, SqlError>>()?;
    Ok(Json(json!({ "keys": keys })))
}

/// Ends a key at once.
#[utoipa::path(delete, path = "/v1/api-keys/{key}", tag = "API keys", params(("key" = String, Path)),
    responses((status = 204), (status = 404, description = "problem: unknown_key")))]
pub(crate) async fn delete(
    State(app): State<App>,
    user: User,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    let deleted = app
        .database
        .fetch_optional(DELETE_KEY.bind(&key).bind(i64::from(user.account.0)))
        .await?;
    let Some(row) = deleted else {
        return Err(Problem::not_found("unknown_key", "You have no such key."));
    };
    if row.get::<String>("kind")? == "hmac" {
        let subject = app.subject_of(user.account).await?;
        let access = app.own_access(subject, Reason::CredentialChange)?;
        match app
            .vault
            .remove::<ApiKeySecret>(&subject, Some(&key), &access)
            .await
        {
            Ok(()) | Err(VaultError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The trading API's view of the keys.
pub(crate) struct StoredKeys {
    app: App,
    leases: Mutex<HashMap<String, Arc<Lease<ApiKeySecret>>>>,
}

impl StoredKeys {
    pub(crate) fn new(app: App) -> StoredKeys {
        StoredKeys {
            app,
            leases: Mutex::new(HashMap::new()),
        }
    }

    async fn find_key(&self, key: &str) -> Result<Option<ApiKey>, Problem> {
        let row = self.app.database.fetch_optional(KEY.bind(key)).await?;
        let Some(row) = row else { return Ok(None) };
        let account = AccountId(u32::try_from(row.get::<i64>("account")?).unwrap_or_default());
        let verifier = if row.get::<String>("kind")? == "hmac" {
            KeyVerifier::Hmac(self.secret(key, account).await?)
        } else {
            let public_key = row
                .get::<Option<Vec<u8>>>("public_key")?
                .and_then(|key| key.try_into().ok());
            let Some(public_key) = public_key else {
                return Ok(None);
            };
            KeyVerifier::Ed25519(public_key)
        };
        let now = now_us();
        if row
            .get::<Option<i64>>("last_used_us")?
            .is_none_or(|last| now - last > LAST_USED_STEP_US)
        {
            let noted = self.app.database.execute(KEY_USED.bind(now).bind(key)).await;
            // Programs can still look when nothing can be written.
            if let Err(error) = noted {
                tracing::warn!(%error, "the last use of a key could not be noted");
            }
        }
        let permissions = Permissions {
            read: true,
            trade: row.flag("can_trade")?,
            withdraw: false,
        };
        Ok(Some(ApiKey {
            account,
            permissions,
            verifier,
        }))
    }

    /// The secret, while its lease lasts; a new lease is a new entry in the access log.
    async fn secret(&self, key: &str, account: AccountId) -> Result<Arc<Zeroizing<Vec<u8>>>, Problem> {
        let copy = |secret: &Vec<u8>| Arc::new(Zeroizing::new(secret.clone()));
        let at_hand = self
            .leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned();
        if let Some(secret) = at_hand.and_then(|lease| lease.expose(copy).ok()) {
            return Ok(secret);
        }
        let app: &AppState = &self.app;
        let subject = app.subject_of(account).await?;
        let access = app.component_access("trading-api", Reason::AuthenticateRequest)?;
        let lease = app
            .vault
            .lease::<ApiKeySecret, ProvideService>(&subject, Some(key), &access, LEASE_SECONDS_MAX)
            .await?;
        let secret = lease
            .expose(copy)
            .map_err(|error| Problem::internal("key lease", &error))?;
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        if leases.len() >= LEASES_MAX {
            leases.clear();
        }
        leases.insert(key.to_owned(), Arc::new(lease));
        Ok(secret)
    }
}

impl ApiKeys for StoredKeys {
    fn find(
        &self,
        key: &str,
    ) -> Pin<Box<dyn Future<Output = Result<Option<ApiKey>, ApiKeysUnavailable>> + Send + '_>> {
        let key = key.to_owned();
        Box::pin(async move {
            self.find_key(&key)
                .await
                .map_err(|_logged| ApiKeysUnavailable("the key store did not answer".into()))
        })
    }
}
