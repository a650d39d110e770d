//! Erasure by the person, through the Service: what stands in the way, what is left, and that nothing brings it back.

mod common;

use common::{PASSWORD, Person, TestService};
use ensoex_vault::{Statement, verify_statement};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::path::Path;

async fn erase(person: &Person, body: Value) -> Response {
    person.send(Method::POST, "/v1/me/erasure", &body).await
}

async fn problem_of(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}

fn kinds(problem: &Value) -> Vec<&str> {
    let obstacles = problem["obstacles"].as_array().unwrap();
    obstacles
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn what_stands_in_the_way_of_an_erasure_is_said() {
    let service = TestService::start().await;
    let person = service.person("busy").await;
    assert_eq!(
        person.get("/v1/me/erasure").await,
        json!({ "possible": true, "obstacles": [], "held": [] })
    );
    person.granted("EUR", "1000").await;
    let order =
        json!({ "symbol": "BTCEUR", "side": "buy", "type": "limit", "price": "1000.00", "quantity": "0.1" });
    let placed = person.send(Method::POST, "/v1/orders", &order).await;
    assert_eq!(placed.status(), 201, "{}", placed.text().await.unwrap());
    let deposit = person
        .send_with_key(
            "/v1/deposits",
            "first",
            &json!({ "asset": "EUR", "amount": "50.00" }),
        )
        .await;
    assert_eq!(deposit.status(), 201);
    let state = person.get("/v1/me/erasure").await;
    assert_eq!(kinds(&state), ["open_orders", "deposit", "balance"]);
    for body in [
        json!({ "password": PASSWORD }),
        json!({ "password": PASSWORD, "leave_balances": true }),
    ] {
        let (status, problem) = problem_of(erase(&person, body).await).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (409, Some("erasure_obstructed"))
        );
        for obstacle in problem["obstacles"].as_array().unwrap() {
            assert!(obstacle["todo"].as_str().unwrap().ends_with('.'), "{obstacle}");
        }
    }
    // A refusal leaves everything as it was.
    let again =
        json!({ "symbol": "BTCEUR", "side": "buy", "type": "limit", "price": "1001.00", "quantity": "0.1" });
    assert_eq!(
        person.send(Method::POST, "/v1/orders", &again).await.status(),
        201
    );
    assert_eq!(person.get("/v1/me").await["email"], person.email.as_str());
}

/// Mechanism: `crates/service/src/erasure.rs`
/// Control: before, there is no certificate, and the scan finds who is still there.
#[tokio::test]
async fn clause_11_a_person_erases_themselves_and_keeps_a_certificate() {
    let service = TestService::start().await;
    let person = service.person("leaving").await;
    let me = person.get("/v1/me").await;
    let subject = me["subject"].as_str().unwrap().to_owned();
    person.granted("EUR", "0.005").await;
    let key = json!({ "label": "my old laptop", "type": "hmac" });
    let key: Value = person
        .send(Method::POST, "/v1/api-keys", &key)
        .await
        .json()
        .await
        .unwrap();
    let second = Person::new(&service, &person.email, "");
    let sign_in = json!({ "email": person.email, "password": PASSWORD });
    assert_eq!(
        second.send(Method::POST, "/v1/session", &sign_in).await.status(),
        200
    );

    let (status, problem) =
        problem_of(erase(&person, json!({ "password": "not the right words" })).await).await;
    assert_eq!((status, problem["code"].as_str()), (403, Some("wrong_password")));
    let unknown = service.get(&format!("/v1/erasures/{subject}")).await;
    assert_eq!(unknown.status(), 404, "control: nobody was erased yet");

    let erased = erase(&person, json!({ "password": PASSWORD, "leave_balances": true })).await;
    assert_eq!(erased.status(), 200);
    assert!(
        erased.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    let file = erased.bytes().await.unwrap();
    let certificate = verify_statement(&file, None).unwrap();
    let Statement::Erasure(stated) = &certificate.statement else {
        panic!("another statement")
    };
    assert_eq!(stated.subject.to_string(), subject);
    let fields: Vec<&str> = stated.destroyed.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(
        fields,
        ["api_key_secret", "email", "mobile_phone", "password_hash"]
    );
    let later = service.get(&format!("/v1/erasures/{subject}")).await;
    let later = verify_statement(&later.bytes().await.unwrap(), None).unwrap();
    assert_eq!(
        (later.statement, later.leaf),
        (certificate.statement.clone(), certificate.leaf)
    );

    // Every session and key is gone, and so is the way to sign in.
    for gone in [&person, &second] {
        let refused = gone
            .client
            .get(format!("{}/v1/me", gone.url))
            .send()
            .await
            .unwrap();
        assert_eq!(refused.status(), 401);
    }
    assert_eq!(
        second.send(Method::POST, "/v1/session", &sign_in).await.status(),
        401
    );
    let signed = second
        .client
        .get(format!("{}/api/v3/account?timestamp=1&signature=00", service.url))
        .header("X-MBX-APIKEY", key["key"].as_str().unwrap());
    assert_eq!(signed.send().await.unwrap().status(), 401);
    let farewell = service.message_to(&person.email).await;
    assert!(farewell["body"].as_str().unwrap().contains(&subject));

    // Nothing in the Service's rows leads to the person; the scan finds who is still there.
    let staying = service.person("staying").await;
    let kept = json!({ "label": "my new laptop", "type": "ed25519", "public_key": PUBLIC_KEY });
    assert_eq!(
        staying.send(Method::POST, "/v1/api-keys", &kept).await.status(),
        201
    );
    assert_eq!(service.rows("api_keys", "label = 'my new laptop'").await, 1);
    assert_eq!(service.rows("api_keys", "label = 'my old laptop'").await, 0);
    assert_eq!(service.rows("sessions", "1 = 1").await, 1);
    assert_eq!(service.rows("registrations", "1 = 1").await, 1);
    assert_eq!(service.rows("users", "receipt <> ''").await, 1);

    // The address is free, and the newcomer is somebody else with another account.
    let newcomer = service.person("leaving").await;
    let new = newcomer.get("/v1/me").await;
    assert_ne!(
        (&new["account"], &new["subject"]),
        (&me["account"], &me["subject"])
    );
    assert_eq!(newcomer.balance("EUR").await.0, "0.00000000");
}

/// Mechanism: `crates/service/src/erasure.rs`
/// Control: the restored databases do know sessions and data of those days.
#[tokio::test]
async fn clause_09_no_restored_database_brings_an_erased_person_back_to_the_service() {
    // It copies files; that databases in PostgreSQL are restored the same is held by the tests of backups.
    if ensoex_sql_test::postgres_url().is_some() {
        return;
    }
    let mut service = TestService::start().await;
    let person = service.person("restored").await;
    let other = service.person("other").await;
    let backup = tempfile::tempdir().unwrap();
    let files = ["service.db", "vault/vault.db"];
    for file in files {
        back_up(&service.directory.join(file), &backup.path().join(file)).await;
    }
    assert_eq!(
        erase(&person, json!({ "password": PASSWORD })).await.status(),
        200
    );
    assert_eq!(service.try_get(&person, "/v1/me").await, 401);
    service.stop().await;
    for file in files {
        copy(&backup.path().join(file), &service.directory.join(file));
    }
    service.launch().await;
    assert_eq!(
        other.get("/v1/me").await["email"],
        other.email.as_str(),
        "control: the restored databases do know sessions and data of those days"
    );
    assert_eq!(
        service.try_get(&person, "/v1/me").await,
        401,
        "the session did not come back"
    );
    let sign_in = json!({ "email": person.email, "password": PASSWORD });
    assert_eq!(
        person.send(Method::POST, "/v1/session", &sign_in).await.status(),
        401
    );
    assert_eq!(service.rows("users", "erased_us IS NOT NULL").await, 1);
}

const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

/// A copy as of one moment, as a backup makes it: what lies in the write-ahead log only is in it too.
async fn back_up(database: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let copy = format!("VACUUM INTO '{}'", to.display());
    ensoex_sql_test::run_in_schema(database, "", &copy).await;
}

/// Copies a database that nobody has open.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let with = |path: &Path| {
            path.with_file_name(format!("{}{suffix}", path.file_name().unwrap().to_str().unwrap()))
        };
        let (from, to) = (with(from), with(to));
        if to.exists() {
            std::fs::remove_file(&to).unwrap();
        }
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}
