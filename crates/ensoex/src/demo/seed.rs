//! The demo's first people: traders and one user, who register, fund themselves and create API keys through the
//! public API like anyone else. Only the traders' capital comes by `/dev/grant`, which plays the operator.
//!
//! Every step looks first whether it was done already, so an interrupted start is simply repeated.

use super::accounts::{DemoAccount, DemoAccounts};
use super::pay_form::{self, TypedCard};
use super::site::{Site, SiteError, field};
use anyhow::{Context, bail};
use ensoex_types::{format_decimal, parse_decimal};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long codes, credits and a restarting process are waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a payment may take from the first look at its page to the credit.
const DEPOSIT_PATIENCE: Duration = Duration::from_secs(30);
/// When the payment page is looked at again, if the credit does not come.
const PAY_AGAIN_AFTER: Duration = Duration::from_secs(2);
const LOOK_INTERVAL: Duration = Duration::from_millis(25);
/// Scale of all amounts here.
const SCALE: u8 = 8;
/// The card that pays for the user's deposits.
const FUNDING_CARD: &str = "4242424242424242";

/// What each trader has to work with.
pub const TRADER_CAPITAL: [(&str, &str); 4] = [
    ("BTC", "200"),
    ("ETH", "4000"),
    ("EUR", "20000000"),
    ("UAH", "500000000"),
];
/// What the user pays in by card, as far as the limits allow.
const USER_DEPOSITS: [(&str, &str); 2] = [("EUR", "10000.00"), ("UAH", "100000.00")];
/// What the user is given, to have something to sell.
const USER_GRANTS: [(&str, &str); 2] = [("BTC", "0.5"), ("ETH", "5")];

/// Registers and funds whoever is missing. `accounts` is kept at `path` after each step.
///
/// # Errors
/// A sentence for the step that failed.
pub async fn seed(base: &str, accounts: &mut DemoAccounts, path: &Path) -> anyhow::Result<()> {
    if accounts.ready {
        return Ok(());
    }
    let mut traders = JoinSet::new();
    for (place, trader) in accounts.traders.iter().cloned().enumerate() {
        let base = base.to_owned();
        traders.spawn(async move {
            (
                place,
                patiently(|| register_and_fund(&base, trader.clone(), &TRADER_CAPITAL)).await,
            )
        });
    }
    while let Some(done) = traders.join_next().await {
        let (place, trader) = done.context("a trader's registration broke off")?;
        accounts.traders[place] = trader.context("a trader cannot be set up")?;
        accounts.save(path)?;
    }
    let (user, run) = (accounts.user.clone(), accounts.run.clone());
    accounts.user = patiently(|| seed_user(base, user.clone(), &run))
        .await
        .context("the demo's user cannot be set up")?;
    accounts.ready = true;
    accounts.save(path)
}

/// Again, while the failure may pass.
async fn patiently<Work, Running>(mut work: Work) -> anyhow::Result<DemoAccount>
where
    Work: FnMut() -> Running,
    Running: Future<Output = anyhow::Result<DemoAccount>>,
{
    let until = Instant::now() + PATIENCE;
    loop {
        match work().await {
            Err(error) if Instant::now() < until && may_pass(&error) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            other => return other,
        }
    }
}

fn may_pass(error: &anyhow::Error) -> bool {
    error.downcast_ref::<SiteError>().is_some_and(SiteError::may_pass)
        || error
            .downcast_ref::<pay_form::PayFormError>()
            .is_some_and(|error| matches!(error, pay_form::PayFormError::Unreachable(_)))
}

/// An account with an API key and with capital.
///
/// # Errors
/// The step that failed.
pub async fn register_and_fund(
    base: &str,
    mut person: DemoAccount,
    capital: &[(&str, &str)],
) -> anyhow::Result<DemoAccount> {
    let site = Site::new(base)?;
    let account = enter(&site, &person).await?;
    top_up(&site, &account, capital).await?;
    create_key(&site, &mut person).await?;
    person.account = Some(account);
    Ok(person)
}

async fn seed_user(base: &str, mut user: DemoAccount, run: &str) -> anyhow::Result<DemoAccount> {
    let site = Site::new(base)?;
    let account = enter(&site, &user).await?;
    top_up(&site, &account, &USER_GRANTS).await?;
    for (asset, amount) in USER_DEPOSITS {
        deposit(&site, asset, amount, &format!("demo-{run}-{asset}")).await?;
    }
    create_key(&site, &mut user).await?;
    user.account = Some(account);
    Ok(user)
}

/// Signs in, or registers first. Returns the account's number.
async fn enter(site: &Site, person: &DemoAccount) -> anyhow::Result<String> {
    let login = json!({ "email": person.email, "password": person.password });
    match site.post("/v1/session", &login).await {
        Ok(answer) => return Ok(field(&answer, "/v1/session", "account")?),
        Err(error) if error.code() == Some("wrong_credentials") => {}
        Err(error) => return Err(error.into()),
    }
    let policy = site.get("/v1/policy").await?;
    let policy_hash = field(&policy, "/v1/policy", "hash")?;
    let last_message = newest_message(site).await?;
    let registration = json!({
        "email": person.email, "phone": person.phone, "password": person.password,
        "policy_hash": policy_hash, "locale": "en",
    });
    let answer = site.post("/v1/registrations", &registration).await?;
    let registration = field(&answer, "/v1/registrations", "registration")?;
    let email_code = code_for(site, &person.email, last_message).await?;
    let phone_code = code_for(site, &person.phone, last_message).await?;
    let codes = json!({ "email_code": email_code, "phone_code": phone_code });
    let answer = site
        .post(&format!("/v1/registrations/{registration}/confirm"), &codes)
        .await?;
    Ok(field(&answer, "/v1/registrations/…/confirm", "account")?)
}

async fn messages(site: &Site) -> Result<Vec<Value>, SiteError> {
    let answer = site.get("/dev/messages.json").await?;
    match answer.get("messages").and_then(Value::as_array) {
        Some(messages) => Ok(messages.clone()),
        None => Err(SiteError::Incomplete {
            path: "/dev/messages.json".to_owned(),
            missing: "messages",
        }),
    }
}

/// Ids are numbers, whether or not they are written as strings.
fn message_id(message: &Value) -> Option<u64> {
    let id = message.get("id")?;
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

async fn newest_message(site: &Site) -> Result<u64, SiteError> {
    Ok(messages(site)
        .await?
        .iter()
        .filter_map(message_id)
        .max()
        .unwrap_or_default())
}

/// The code in the newest message to `to` after the given one.
async fn code_for(site: &Site, to: &str, after: u64) -> anyhow::Result<String> {
    let until = Instant::now() + PATIENCE;
    loop {
        let messages = messages(site).await?;
        let code = messages
            .iter()
            .filter(|message| message.get("to").and_then(Value::as_str) == Some(to))
            .filter_map(|message| Some((message_id(message)?, message.get("code")?.as_str()?)))
            .filter(|(id, _)| *id > after)
            .max();
        if let Some((_, code)) = code {
            return Ok(code.to_owned());
        }
        if Instant::now() > until {
            bail!(
                "no code arrived at /dev/messages for {to}; if an earlier demo registered this address and its \
                 demo-accounts.json was lost, start over with --fresh"
            );
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

async fn create_key(site: &Site, person: &mut DemoAccount) -> Result<(), SiteError> {
    if person.api_key.is_some() && person.api_secret.is_some() {
        return Ok(());
    }
    let path = "/v1/api-keys";
    let wanted = json!({ "label": "demo", "type": "hmac", "permissions": ["read", "trade"] });
    let answer = site.post(path, &wanted).await?;
    person.api_key = Some(field(&answer, path, "key")?);
    person.api_secret = Some(field(&answer, path, "secret")?);
    Ok(())
}

/// Grants what an account lacks of the wanted balances.
async fn top_up(site: &Site, account: &str, wanted: &[(&str, &str)]) -> anyhow::Result<()> {
    let answer = site.get("/v1/balances").await?;
    for (asset, wanted) in wanted {
        let missing = amount(wanted)? - total(&answer, asset)?;
        if missing > 0 {
            grant(site, account, asset, missing).await?;
        }
    }
    Ok(())
}

fn amount(text: &str) -> anyhow::Result<i128> {
    match parse_decimal(text, SCALE) {
        Ok(amount) => Ok(amount),
        Err(error) => bail!("{text} is no amount ({error:?})"),
    }
}

fn total(balances: &Value, asset: &str) -> anyhow::Result<i128> {
    let balances = balances.get("balances").and_then(Value::as_array);
    let of_asset = balances
        .into_iter()
        .flatten()
        .find(|balance| balance.get("asset").and_then(Value::as_str) == Some(asset));
    match of_asset.and_then(|balance| balance.get("total")?.as_str()) {
        Some(total) => amount(total),
        None => bail!("/v1/balances does not know {asset}"),
    }
}

/// Operator's capital for an account, in the unit 10^-8. Exists in the demo only.
///
/// # Errors
/// [`SiteError`]
pub async fn grant(site: &Site, account: &str, asset: &str, amount: i128) -> Result<(), SiteError> {
    let body = json!({ "account": account, "asset": asset, "amount": format_decimal(amount, SCALE) });
    site.post("/dev/grant", &body).await.map(drop)
}

/// Pays in by card, once for each key, and waits for the credit.
///
/// # Errors
/// When the payment is not credited.
pub async fn deposit(site: &Site, asset: &str, wanted: &str, key: &str) -> anyhow::Result<()> {
    let limits = site.get("/v1/registration/limits").await?;
    let limit = |bound: &str| limits.get("deposit")?.get(asset)?.get(bound)?.as_str();
    let mut wanted = amount(wanted)?;
    if let Some(max) = limit("max") {
        wanted = wanted.min(amount(max)?);
    }
    let path = "/v1/deposits";
    // By card: two decimals.
    let text = format_decimal(wanted / 1_000_000, 2);
    let created = site
        .post_once(path, &json!({ "asset": asset, "amount": text }), key)
        .await?;
    let id = field(&created, path, "deposit")?;
    let browser = super::site::local_client(true)?;
    let until = Instant::now() + DEPOSIT_PATIENCE;
    let mut next_try = Instant::now();
    let mut hindrance = None;
    loop {
        let deposit = site.get(&format!("{path}/{id}")).await?;
        match field(&deposit, path, "status")?.as_str() {
            "credited" => return Ok(()),
            "created" | "pending" if Instant::now() < until => {}
            status => bail!(
                "the deposit of {text} {asset} by test card is {status}{}",
                because(hindrance)
            ),
        }
        if Instant::now() >= next_try {
            // Looking at the page again is safe at any time: it never charges twice.
            if let Ok(checkout) = field(&deposit, path, "redirect_url") {
                let paid =
                    pay_form::pay(&browser, &checkout, site.base(), TypedCard::test(FUNDING_CARD)).await;
                hindrance = paid.err();
            }
            next_try = Instant::now() + PAY_AGAIN_AFTER;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn because(hindrance: Option<pay_form::PayFormError>) -> String {
    hindrance.map_or_else(String::new, |error| format!(" ({error})"))
}

#[cfg(test)]
mod tests {
    use super::{amount, message_id, total};
    use serde_json::json;

    #[test]
    fn balances_are_read() {
        let answer = json!({ "balances": [
            { "asset": "EUR", "available": "1.5", "held": "0.5", "total": "2.00000000" },
        ] });
        assert_eq!(total(&answer, "EUR").expect("there"), 200_000_000);
        assert!(total(&answer, "BTC").is_err());
        assert!(amount("1.123456789").is_err());
    }

    #[test]
    fn message_ids_are_numbers() {
        assert_eq!(message_id(&json!({ "id": 7 })), Some(7));
        assert_eq!(message_id(&json!({ "id": "8" })), Some(8));
        assert_eq!(message_id(&json!({})), None);
    }
}
