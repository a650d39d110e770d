//! Whoever guesses the number of what belongs to somebody else learns no more than from one that nobody has.

mod common;

use std::collections::BTreeMap;

use common::{PASSWORD, Person, TestService};
use reqwest::Method;
use serde_json::{Value, json};

/// Paths whose parameter is a word of a closed list, counts in one's own list, names what is published, or is a secret that only
/// its holder has. Passkeys take a device, so their numbers are tried in `passkeys.rs`.
const NOT_NUMBERED: [&str; 9] = [
    "/v1/me/consents/receipts/{number}",
    "/v1/me/consents/{purpose}",
    "/v1/me/corrections/{field}",
    "/v1/me/corrections/{field}/confirm",
    "/v1/me/factors/passkeys/{passkey}",
    "/v1/me/receipts/{number}",
    "/v1/policy/versions/{version}",
    "/v1/registrations/{registration}/codes",
    "/v1/registrations/{registration}/confirm",
];

/// What somebody has under numbers: by method and path of the document, the path with a gap for the number, and the number.
type Owned = BTreeMap<(&'static str, &'static str), (String, String)>;

async fn made(person: &Person, path: &str, body: &Value) -> Value {
    let answer = person.send_with_key(path, "wish-1", body).await;
    assert!(
        answer.status().is_success(),
        "{path}: {}",
        answer.text().await.unwrap()
    );
    answer.json().await.unwrap()
}

async fn everything_of(service: &TestService, person: &Person) -> Owned {
    let elsewhere = Person::new(service, &person.email, &person.phone);
    let credentials = json!({ "email": person.email, "password": PASSWORD });
    made(&elsewhere, "/v1/session", &credentials).await;
    let sessions = elsewhere.get("/v1/sessions").await;
    let current = |one: &&Value| one["current"] == true;
    let session = sessions["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(current)
        .unwrap()["session"]
        .clone();
    let number = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let amount = json!({ "asset": "EUR", "amount": "50.00" });
    let deposit = number(&made(person, "/v1/deposits", &amount).await["deposit"]);
    let withdrawal = number(&made(person, "/v1/withdrawals", &amount).await["withdrawal"]);
    let key = json!({ "label": "bot", "type": "hmac", "permissions": ["read"] });
    let key = number(&made(person, "/v1/api-keys", &key).await["key"]);
    let order =
        json!({ "symbol": "BTCEUR", "side": "buy", "type": "limit", "price": "1000.00", "quantity": "0.01" });
    let order = number(&made(person, "/v1/orders", &order).await["order"]);
    let objection = json!({ "right": "objection", "matter": "fraud_prevention" });
    let request = number(&made(person, "/v1/me/requests", &objection).await["request"]);
    let decisions = person.get("/v1/me/decisions").await;
    let decision = number(&decisions["decisions"][0]["decision"]);
    let me = person.get("/v1/me").await;
    let subject = number(&me["subject"]);
    let at = |path: &str, number: &String| (path.to_owned(), number.clone());
    BTreeMap::from([
        (("get", "/v1/deposits/{id}"), at("/v1/deposits/{}", &deposit)),
        (
            ("get", "/v1/withdrawals/{id}"),
            at("/v1/withdrawals/{}", &withdrawal),
        ),
        (
            ("post", "/v1/withdrawals/{id}/cancel"),
            at("/v1/withdrawals/{}/cancel", &withdrawal),
        ),
        (
            ("post", "/v1/withdrawals/{id}/continue"),
            at("/v1/withdrawals/{}/continue", &withdrawal),
        ),
        (
            ("post", "/v1/me/decisions/{decision}/review"),
            at("/v1/me/decisions/{}/review", &decision),
        ),
        (("delete", "/v1/api-keys/{key}"), at("/v1/api-keys/{}", &key)),
        (
            ("delete", "/v1/sessions/{session}"),
            at("/v1/sessions/{}", &number(&session)),
        ),
        (
            ("get", "/v1/orders/{symbol}/{order}"),
            at("/v1/orders/BTCEUR/{}", &order),
        ),
        (
            ("delete", "/v1/orders/{symbol}/{order}"),
            at("/v1/orders/BTCEUR/{}", &order),
        ),
        (
            ("get", "/v1/me/requests/{request}/receipt"),
            at("/v1/me/requests/{}/receipt", &request),
        ),
        (("get", "/v1/erasures/{subject}"), at("/v1/erasures/{}", &subject)),
    ])
}

/// Another number of the same form: its last digits are others.
fn another(number: &str) -> String {
    let (head, tail) = number.split_at(number.len().saturating_sub(6));
    let is_hexadecimal = tail.chars().all(|letter| letter.is_ascii_hexdigit());
    let last = if is_hexadecimal { 'f' } else { 'z' };
    let other = |letter: char| match letter {
        '9' => '1',
        'A'..='Y' | '0'..='8' => char::from(letter as u8 + 1),
        'a'..='z' if letter < last => char::from(letter as u8 + 1),
        'Z' => 'A',
        _ if letter == last => 'a',
        other => other,
    };
    format!("{head}{}", tail.chars().map(other).collect::<String>())
}

/// Status, headers but the date, and body of the answer for the path with this number in its gap.
async fn answer(
    person: &Person,
    method: &str,
    path: &str,
    number: &str,
) -> (u16, Vec<(String, String)>, String) {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let path = path.replace("{}", number);
    let answer = person.send(method, &path, &json!({})).await;
    let mut headers: Vec<(String, String)> = answer
        .headers()
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let status = answer.status().as_u16();
    (status, headers, answer.text().await.unwrap())
}

/// Every numbered path answers a stranger the same for what is somebody's and for what is nobody's: status, headers, body.
/// Mechanism: `crates/service/src/rights.rs`
/// Control: its owner gets another answer on each of them.
#[tokio::test]
async fn clause_13_guessed_numbers_tell_nothing() {
    let service = TestService::start().await;
    let (person, stranger) = (service.person("owner").await, service.person("stranger").await);
    person.granted("EUR", "1000").await;
    let owned = everything_of(&service, &person).await;
    let document: Value = service.get("/v1/openapi.json").await.json().await.unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let numbered =
            path.starts_with("/v1/") && path.contains('{') && !NOT_NUMBERED.contains(&path.as_str());
        for method in methods.as_object().unwrap().keys().filter(|_| numbered) {
            assert!(
                owned.contains_key(&(method.as_str(), path.as_str())),
                "{method} {path} is not tried; is its parameter a number of somebody's?"
            );
        }
    }
    for ((method, route), (path, number)) in &owned {
        let guess = another(number);
        assert_ne!(&guess, number);
        let theirs = answer(&stranger, method, path, number).await;
        let nobodys = answer(&stranger, method, path, &guess).await;
        assert_eq!(theirs, nobodys, "{method} {route}");
        assert!((400..500).contains(&theirs.0), "{method} {route}: {}", theirs.0);
    }
    // The control, the least harmful first; who is erased has nothing left to ask for.
    let harmless = |((method, _), _): &(&(&str, &str), _)| *method == "get";
    let (reads, others): (Vec<_>, Vec<_>) = owned.iter().partition(harmless);
    for ((method, route), (path, number)) in reads.into_iter().chain(others) {
        if *route == "/v1/erasures/{subject}" {
            continue;
        }
        let own = answer(&person, method, path, number).await;
        let nobodys = answer(&stranger, method, path, &another(number)).await;
        assert_ne!(own, nobodys, "{method} {route}");
        assert!(own.0 < 300 || own.0 == 409, "{method} {route}: {own:?}");
    }
    let leaving = service.person("leaving-too").await;
    let subject = leaving.get("/v1/me").await["subject"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = "/v1/erasures/{}";
    let before = answer(&stranger, "get", path, &subject).await;
    let (_, there) = &owned[&("get", "/v1/erasures/{subject}")];
    assert_eq!(before, answer(&stranger, "get", path, there).await);
    let erased = json!({ "password": PASSWORD });
    assert_eq!(
        leaving
            .send(Method::POST, "/v1/me/erasure", &erased)
            .await
            .status(),
        200
    );
    assert_eq!(answer(&stranger, "get", path, &subject).await.0, 200, "control");
}
