//! Second factors, fresh proofs and sessions: what a person does, and what a stolen password, session or code is worth.

mod common;

use common::answers::{post, refused, told};
use common::totp::code;
use common::{PASSWORD, Person, TestService};
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// The same person at another browser.
fn elsewhere(service: &TestService, person: &Person) -> Person {
    Person::new(service, &person.email, &person.phone)
}

async fn password(person: &Person) -> (u16, Value) {
    post(
        person,
        "/v1/session",
        json!({ "email": person.email, "password": PASSWORD }),
    )
    .await
}

async fn second_step(person: &Person, first: &Value, code: &str) -> (u16, Value) {
    post(
        person,
        "/v1/session/factor",
        json!({ "sign_in": first["sign_in"], "code": code }),
    )
    .await
}

/// Adds an authenticator app, confirmed with the code of the step before this one; gives its secret and the recovery codes.
async fn with_app(person: &Person) -> (String, Vec<String>) {
    let (status, offer) = post(person, "/v1/me/factors/totp", json!({})).await;
    assert_eq!(status, 201, "{offer}");
    let secret = offer["secret"].as_str().unwrap().to_owned();
    let confirm = json!({ "code": code(&secret, -1) });
    let (status, added) = post(person, "/v1/me/factors/totp/confirm", confirm).await;
    assert_eq!(status, 200, "{added}");
    let codes = added["recovery_codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned());
    (secret, codes.collect())
}

#[tokio::test]
async fn an_app_is_added_and_asked_for_at_sign_in() {
    let mut service = TestService::start().await;
    let person = service.person("app").await;
    let before = person.get("/v1/me/factors").await;
    assert_eq!(before["proofs"], json!(["password"]));
    assert_eq!(before["totp"], Value::Null);

    let (status, offer) = post(&person, "/v1/me/factors/totp", json!({})).await;
    assert_eq!(status, 201);
    let secret = offer["secret"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 32);
    let uri = offer["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/EnsoEx:") && uri.contains(&secret) && !uri.contains('@'));
    let other = elsewhere(&service, &person);
    assert_eq!(
        password(&other).await.0,
        200,
        "an offer that nobody confirmed asks nothing"
    );
    let wrong = post(
        &person,
        "/v1/me/factors/totp/confirm",
        json!({ "code": "000000" }),
    )
    .await;
    assert_eq!(refused(&wrong), (403, "wrong_factor"));
    let confirm = json!({ "code": code(&secret, -1) });
    let (status, added) = post(&person, "/v1/me/factors/totp/confirm", confirm).await;
    assert_eq!(
        (status, added["recovery_codes"].as_array().unwrap().len()),
        (200, 10)
    );
    let told = service.message_to(&person.email).await;
    assert!(
        told["body"]
            .as_str()
            .unwrap()
            .contains("authenticator app was added"),
        "{told}"
    );
    let now = person.get("/v1/me/factors").await;
    assert_eq!(now["proofs"], json!(["totp", "recovery_code"]));
    assert_eq!(now["recovery_codes_left"], 10);
    let again = post(&person, "/v1/me/factors/totp", json!({})).await;
    assert_eq!(refused(&again), (409, "factor_exists"));

    service.restart().await;
    let other = elsewhere(&service, &person);
    let (status, first) = password(&other).await;
    assert_eq!((status, &first["signed_in"]), (202, &json!(false)));
    assert_eq!(first["proofs"], json!(["totp", "recovery_code"]));
    assert_eq!(
        other.get("/v1/session").await,
        json!({ "signed_in": false }),
        "half a sign-in is none"
    );
    let wrong = second_step(&other, &first, "000000").await;
    assert_eq!(refused(&wrong), (403, "wrong_factor"));
    let (status, signed_in) = second_step(&other, &first, &code(&secret, 0)).await;
    assert_eq!((status, &signed_in["signed_in"]), (200, &json!(true)));
    assert_eq!(other.get("/v1/me").await["account"], person.account());
    let spent = second_step(&other, &first, &code(&secret, 1)).await;
    assert_eq!(
        refused(&spent),
        (410, "sign_in_expired"),
        "one password is good for one second step"
    );
}

/// A code that somebody saw, at the screen or on its way, was the last of its step.
///
/// Mechanism: `crates/service/src/totp.rs`
/// Control: the code of the next step is taken.
#[tokio::test]
async fn clause_13_a_used_code_is_good_for_nothing() {
    let service = TestService::start().await;
    let person = service.person("replay").await;
    let (secret, _) = with_app(&person).await;
    let used = code(&secret, 0);
    let other = elsewhere(&service, &person);
    let (_, first) = password(&other).await;
    assert_eq!(second_step(&other, &first, &used).await.0, 200);
    let thief = elsewhere(&service, &person);
    let (_, first) = password(&thief).await;
    let replayed = second_step(&thief, &first, &used).await;
    assert_eq!(refused(&replayed), (403, "wrong_factor"));
    let older = second_step(&thief, &first, &code(&secret, -1)).await;
    assert_eq!(refused(&older), (403, "wrong_factor"), "nor the one before it");
    assert_eq!(
        second_step(&thief, &first, &code(&secret, 1)).await.0,
        200,
        "control"
    );
}

#[tokio::test]
async fn each_recovery_code_is_good_once() {
    let service = TestService::start().await;
    let person = service.person("recovery").await;
    let (secret, codes) = with_app(&person).await;
    for (number, typed) in [codes[0].clone(), codes[1].to_uppercase().replace('-', " ")]
        .iter()
        .enumerate()
    {
        let other = elsewhere(&service, &person);
        let (_, first) = password(&other).await;
        assert_eq!(second_step(&other, &first, typed).await.0, 200, "{number}");
        let (_, first) = password(&other).await;
        let again = second_step(&other, &first, typed).await;
        assert_eq!(refused(&again), (403, "wrong_factor"), "{number}");
    }
    assert_eq!(person.get("/v1/me/factors").await["recovery_codes_left"], 8);
    let told = service.message_to(&person.email).await;
    assert!(
        told["body"]
            .as_str()
            .unwrap()
            .contains("recovery code of your account was used")
    );
    let (status, renewed) = post(&person, "/v1/me/factors/recovery-codes", json!({})).await;
    assert_eq!(
        (status, renewed["recovery_codes"].as_array().unwrap().len()),
        (201, 10)
    );
    let other = elsewhere(&service, &person);
    let (_, first) = password(&other).await;
    let old = second_step(&other, &first, &codes[2]).await;
    assert_eq!(refused(&old), (403, "wrong_factor"), "new codes void the old");
    let stranger = service.person("recovery-stranger").await;
    let none = post(&stranger, "/v1/me/factors/recovery-codes", json!({})).await;
    assert_eq!(refused(&none), (409, "no_factor"));

    // The last factor goes, and what stood in for it.
    let removed = person.delete("/v1/me/factors/totp").await;
    assert_eq!(removed.status(), 204);
    assert_eq!(person.get("/v1/me/factors").await["proofs"], json!(["password"]));
    assert_eq!(person.get("/v1/me/factors").await["recovery_codes_left"], 0);
    assert_eq!(password(&elsewhere(&service, &person)).await.0, 200);
    let (next, _) = with_app(&person).await;
    assert_ne!(next, secret, "another app has another secret");
}

/// Codes have six digits: whoever may try often finds one.
///
/// Mechanism: `crates/service/src/tries.rs`
/// Control: before the pause the right code is taken.
#[tokio::test]
async fn clause_13_wrong_codes_pause() {
    let service = TestService::start().await;
    let person = service.person("guessed").await;
    let (secret, codes) = with_app(&person).await;
    let other = elsewhere(&service, &person);
    let (_, first) = password(&other).await;
    for _ in 0..4 {
        assert_eq!(
            refused(&second_step(&other, &first, "000000").await),
            (403, "wrong_factor")
        );
    }
    assert_eq!(
        second_step(&other, &first, &code(&secret, 0)).await.0,
        200,
        "control"
    );
    for number in 0..5 {
        // A new sign-in begins no new count.
        let (_, first) = password(&other).await;
        let wrong = second_step(&other, &first, "000000").await;
        assert_eq!(refused(&wrong), (403, "wrong_factor"), "{number}");
    }
    let (_, first) = password(&other).await;
    for right in [code(&secret, 1), codes[0].clone()] {
        let paused = second_step(&other, &first, &right).await;
        assert_eq!(
            refused(&paused),
            (429, "locked_out"),
            "even the right one comes too late"
        );
        assert!(paused.1["retry_after_s"].as_i64().unwrap() > 800);
    }
}

/// Mechanism: `crates/service/src/session.rs`
/// Control: who knows the password is asked for the factor.
#[tokio::test]
async fn clause_13_without_the_password_nobody_learns_of_factors() {
    let service = TestService::start().await;
    let with = service.person("with-factor").await;
    with_app(&with).await;
    let without = service.person("without-factor").await;
    let mut answers = Vec::new();
    for email in [with.email.as_str(), without.email.as_str(), "nobody@example.org"] {
        let stranger = Person::new(&service, email, "");
        let wrong = json!({ "email": email, "password": "not the password at all" });
        answers.push(post(&stranger, "/v1/session", wrong).await);
        let guessed = json!({ "sign_in": "sgn_aaaaaaaaaaaaaaaaaaaaaaaa", "code": "123456" });
        answers.push(post(&stranger, "/v1/session/factor", guessed).await);
    }
    assert_eq!(refused(&answers[0]), (401, "wrong_credentials"));
    assert_eq!(refused(&answers[1]), (410, "sign_in_expired"));
    assert!(
        answers[2..].chunks(2).all(|pair| pair == &answers[..2]),
        "{answers:?}"
    );
    assert_eq!(password(&elsewhere(&service, &with)).await.0, 202, "control");
}

/// Everything that asks for a fresh proof, with a body that would do.
fn harmful() -> [(Method, &'static str, Value); 7] {
    [
        (
            Method::POST,
            "/v1/withdrawals",
            json!({ "asset": "EUR", "amount": "50.00" }),
        ),
        (
            Method::POST,
            "/v1/api-keys",
            json!({ "label": "bot", "type": "hmac" }),
        ),
        (Method::POST, "/v1/me/factors/totp", json!({})),
        (
            Method::POST,
            "/v1/me/factors/totp/confirm",
            json!({ "code": "000000" }),
        ),
        (Method::POST, "/v1/me/factors/recovery-codes", json!({})),
        (Method::DELETE, "/v1/me/factors/totp", json!({})),
        (Method::POST, "/v1/session/proof", json!({ "password": PASSWORD })),
    ]
}

async fn asked_for_proof(person: &Person, method: &Method, path: &str, body: &Value) -> bool {
    let request = person
        .client
        .request(method.clone(), format!("{}{path}", person.url))
        .header("EnsoEx-Client", "web")
        .header("Idempotency-Key", "wish-1");
    let answer = told(request.json(body).send().await.unwrap()).await;
    refused(&answer) == (403, "step_up_needed")
}

/// A session that somebody stole, or a browser left open, gets no money, no key and no factor.
///
/// Mechanism: `crates/service/src/step_up.rs`
/// Control: with a fresh proof each of the requests gets further.
#[tokio::test]
async fn clause_09_what_would_harm_asks_for_a_fresh_proof() {
    let service = TestService::start().await;
    let person = service.person("stepping").await;
    person.granted("EUR", "1000").await;
    service.change_records("UPDATE sessions SET proved_us = 0").await;
    for (method, path, body) in harmful().iter().take(6) {
        assert!(
            asked_for_proof(&person, method, path, body).await,
            "{method} {path}"
        );
    }
    assert_eq!(
        person.get("/v1/withdrawals").await["withdrawals"],
        json!([]),
        "nothing was held"
    );
    let wrong = post(
        &person,
        "/v1/session/proof",
        json!({ "password": "four other quiet words" }),
    )
    .await;
    assert_eq!(refused(&wrong), (403, "wrong_password"));
    for body in [json!({}), json!({ "password": PASSWORD, "code": "123456" })] {
        let unclear = post(&person, "/v1/session/proof", body).await;
        assert_eq!(refused(&unclear), (400, "one_proof"));
    }
    assert_eq!(
        post(&person, "/v1/session/proof", json!({ "password": PASSWORD }))
            .await
            .0,
        200
    );
    for (method, path, body) in harmful().iter().take(6) {
        assert!(
            !asked_for_proof(&person, method, path, body).await,
            "control: {method} {path}"
        );
    }

    // With a factor the password shows too little, however fresh.
    let (secret, _) = with_app(&person).await;
    service
        .change_records("UPDATE sessions SET proof = 'password'")
        .await;
    for (method, path, body) in &harmful() {
        assert!(
            asked_for_proof(&person, method, path, body).await,
            "{method} {path}"
        );
    }
    for (path, body) in [
        (
            "/v1/me/erasure",
            json!({ "password": PASSWORD, "leave_balances": true }),
        ),
        (
            "/v1/me/corrections/email",
            json!({ "password": PASSWORD, "value": "thief@example.org" }),
        ),
    ] {
        assert!(
            asked_for_proof(&person, &Method::POST, path, &body).await,
            "{path}"
        );
    }
    let proof = json!({ "code": code(&secret, 0) });
    assert_eq!(post(&person, "/v1/session/proof", proof).await.0, 200);
    let correction = json!({ "password": PASSWORD, "value": "stepped@example.org" });
    assert_eq!(
        post(&person, "/v1/me/corrections/email", correction).await.0,
        202,
        "control"
    );
    assert_eq!(
        person.delete("/v1/me/factors/totp").await.status(),
        204,
        "control"
    );
}

fn token_of(answer: &Response) -> String {
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    cookie.split(';').next().unwrap().to_owned()
}

/// A token that somebody learned before is worth nothing after a proof, and none is longer good than it was.
///
/// Mechanism: `crates/service/src/guard.rs`
/// Control: the token is good until then, and the new one is.
#[tokio::test]
async fn clause_13_a_proof_gives_the_session_a_new_token() {
    let service = TestService::start().await;
    let person = service.person("rotating").await;
    let credentials = json!({ "email": person.email, "password": PASSWORD });
    let other = elsewhere(&service, &person);
    let old = token_of(&other.send(Method::POST, "/v1/session", &credentials).await);
    let with_token = async |token: String| {
        let client = reqwest::Client::new();
        let asked = client
            .get(format!("{}/v1/session", service.url))
            .header("Cookie", token);
        let state: Value = asked.send().await.unwrap().json().await.unwrap();
        state
    };
    let before = with_token(old.clone()).await;
    assert_eq!(before["signed_in"], true, "control");
    let proof = json!({ "password": PASSWORD });
    let new = token_of(&other.send(Method::POST, "/v1/session/proof", &proof).await);
    assert_ne!(old, new);
    assert_eq!(with_token(old).await["signed_in"], false);
    let after = with_token(new).await;
    assert_eq!(after["signed_in"], true, "control");
    assert_eq!(
        after["expires_at"], before["expires_at"],
        "the absolute end stays"
    );
}

/// A person sees where they are signed in and ends what they do not know; nobody else can.
///
/// Mechanism: `crates/service/src/sessions.rs`
/// Control: before it was ended the session answered.
#[tokio::test]
async fn clause_13_sessions_are_seen_and_ended() {
    let service = TestService::start().await;
    let person = service.person("sessions").await;
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 canary-agent";
    let mut others = Vec::new();
    for _ in 0..3 {
        let mut other = elsewhere(&service, &person);
        let builder = reqwest::Client::builder().cookie_store(true).user_agent(agent);
        other.client = builder.build().unwrap();
        assert_eq!(password(&other).await.0, 200);
        others.push(other);
    }
    let listed = person.get("/v1/sessions").await;
    let listed = listed["sessions"].as_array().unwrap();
    assert_eq!(listed.len(), 4);
    assert_eq!(listed.iter().filter(|one| one["current"] == true).count(), 1);
    let firefox = listed
        .iter()
        .filter(|one| one["browser"] == "Firefox" && one["system"] == "Linux");
    assert_eq!(firefox.count(), 3);
    assert!(
        !serde_json::to_string(&listed).unwrap().contains("canary"),
        "a family and no more"
    );
    let export = person.get("/v1/me/export").await;
    assert_eq!(export["sessions"].as_array().unwrap().len(), 4);

    let first = others[0].get("/v1/sessions").await;
    let first = first["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["current"] == true);
    let name = first.unwrap()["session"].as_str().unwrap().to_owned();
    let path = format!("/v1/sessions/{name}");
    let stranger = service.person("sessions-stranger").await;
    assert_eq!(
        stranger.delete(&path).await.status(),
        404,
        "nobody ends the session of another"
    );
    assert_eq!(others[0].get("/v1/session").await["signed_in"], true);
    assert_eq!(person.delete(&path).await.status(), 204);
    assert_eq!(others[0].get("/v1/session").await["signed_in"], false);
    assert_eq!(person.delete(&path).await.status(), 404);
    let (status, ended) = told(person.delete("/v1/sessions").await).await;
    assert_eq!((status, &ended["ended"]), (200, &json!(2)));
    for other in &others[1..] {
        assert_eq!(other.get("/v1/session").await["signed_in"], false);
    }
    assert_eq!(person.get("/v1/session").await["signed_in"], true);
    assert_eq!(stranger.get("/v1/session").await["signed_in"], true);
}

#[tokio::test]
async fn an_offer_that_nobody_confirms_is_forgotten() {
    let mut service = TestService::start().await;
    let person = service.person("offered").await;
    let (_, offer) = post(&person, "/v1/me/factors/totp", json!({})).await;
    service.change_records("UPDATE totp SET made_us = 0").await;
    let late = json!({ "code": code(offer["secret"].as_str().unwrap(), 0) });
    let late = post(&person, "/v1/me/factors/totp/confirm", late).await;
    assert_eq!(refused(&late), (410, "offer_expired"));
    service.restart().await;
    for _ in 0..200 {
        if service.rows("totp", "1 = 1").await == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(service.rows("totp", "1 = 1").await, 0);
    let held = person.get("/v1/me/export").await;
    let held = held["personal"]["fields"].as_array().unwrap().clone();
    assert!(
        held.iter().all(|field| field["field"] != "totp_secret"),
        "its secret went with it"
    );
}

/// Nothing of a factor outlives its person.
///
/// Mechanism: `crates/service/src/erasure.rs`
/// Control: before the erasure the rows are there.
#[tokio::test]
async fn clause_09_an_erasure_takes_the_factors_along() {
    let service = TestService::start().await;
    let person = service.person("leaving-with-app").await;
    with_app(&person).await;
    assert_eq!(service.rows("totp", "1 = 1").await, 1, "control");
    assert_eq!(service.rows("recovery_codes", "1 = 1").await, 10, "control");
    let (status, _) = post(&person, "/v1/me/erasure", json!({ "password": PASSWORD })).await;
    assert_eq!(status, 200);
    for table in ["totp", "recovery_codes", "sessions"] {
        assert_eq!(service.rows(table, "1 = 1").await, 0, "{table}");
    }
}

async fn withdrawn(person: &Person, key: &str) -> (u16, Value) {
    let amount = json!({ "asset": "EUR", "amount": "50.00" });
    told(person.send_with_key("/v1/withdrawals", key, &amount).await).await
}

/// Who took an account over finds the money still there a day later.
///
/// Mechanism: `crates/service/src/cooling_off.rs`
/// Control: before the change and after the day the same withdrawal is made.
#[tokio::test]
async fn clause_09_nothing_is_withdrawn_for_a_day_after_a_change() {
    let service = TestService::start().await;
    for change in ["password", "contact", "factor"] {
        let person = service.person(&format!("cooling-{change}")).await;
        person.granted("EUR", "1000").await;
        let other = elsewhere(&service, &person);
        assert_eq!(password(&other).await.0, 200);
        let new = "four other quiet words";
        match change {
            "password" => {
                let weak = json!({ "password": PASSWORD, "new_password": "too short" });
                let weak = told(person.send(Method::PUT, "/v1/me/password", &weak).await).await;
                assert_eq!(refused(&weak), (400, "weak_password"));
                let wrong = json!({ "password": new, "new_password": new });
                let wrong = told(person.send(Method::PUT, "/v1/me/password", &wrong).await).await;
                assert_eq!(refused(&wrong), (403, "wrong_password"));
                assert_eq!(withdrawn(&person, "before").await.0, 201, "control");
                let changed = json!({ "password": PASSWORD, "new_password": new });
                let changed = person.send(Method::PUT, "/v1/me/password", &changed).await;
                assert_eq!(changed.status(), 204);
                assert_eq!(
                    other.get("/v1/session").await["signed_in"],
                    false,
                    "other sessions end"
                );
                assert_eq!(refused(&password(&other).await), (401, "wrong_credentials"));
                let signed_in = json!({ "email": person.email, "password": new });
                assert_eq!(post(&other, "/v1/session", signed_in).await.0, 200);
                let told = service.message_to(&person.email).await;
                assert!(
                    told["body"]
                        .as_str()
                        .unwrap()
                        .contains("password of your account was changed")
                );
            }
            "contact" => {
                assert_eq!(withdrawn(&person, "before").await.0, 201, "control");
                let email = "cooled@example.org";
                let start = json!({ "password": PASSWORD, "value": email });
                assert_eq!(post(&person, "/v1/me/corrections/email", start).await.0, 202);
                let code = json!({ "code": service.message_to(email).await["code"] });
                assert_eq!(
                    post(&person, "/v1/me/corrections/email/confirm", code).await.0,
                    200
                );
            }
            _ => {
                with_app(&person).await;
                assert_eq!(
                    withdrawn(&person, "before").await.0,
                    201,
                    "control: a factor more is no reason"
                );
                assert_eq!(person.delete("/v1/me/factors/totp").await.status(), 204);
            }
        }
        let paused = withdrawn(&person, "after").await;
        assert_eq!(refused(&paused), (403, "cooling_off"), "{change}");
        let left = paused.1["retry_after_s"].as_i64().unwrap();
        assert!((86_000..=86_400).contains(&left), "{change}: {left}");
        service
            .change_records("UPDATE users SET cooling_until_us = 1 WHERE cooling_until_us > 1")
            .await;
        assert_eq!(withdrawn(&person, "after").await.0, 201, "control: {change}");
    }
}
