//! What is optional: asked at no registration, off until a person agrees, withdrawn where it was given; and the newsletter that reaches
//! only who agreed.

mod common;

use common::{PASSWORD, Person, TestService};
use ensoex_policy::{ReceiptKind, verify_receipt};
use ensoex_service::{DeskError, Letter, OperatorAsk, ask_as_operator};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn wish(person: &Person, purpose: &str, given: bool) -> u16 {
    let path = format!("/v1/me/consents/{purpose}");
    let body = json!({ "given": given, "language": "uk" });
    person.send(Method::PUT, &path, &body).await.status().as_u16()
}

/// Which purposes are on.
fn on(consents: &Value) -> Vec<&str> {
    let all = consents["consents"].as_array().unwrap();
    all.iter()
        .filter(|one| one["given"] == true)
        .map(|one| one["purpose"].as_str().unwrap())
        .collect()
}

fn history(consents: &Value) -> Vec<(&str, &str)> {
    let all = consents["receipts"].as_array().unwrap();
    all.iter()
        .map(|one| (one["purpose"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect()
}

/// What is optional is off when somebody has registered, and cannot be had from them at registration; it is given and withdrawn by
/// the same request, each with a receipt of its own kind that is checked offline, and nothing else changes with it.
/// Mechanism: `crates/service/src/consents.rs`
/// Control: the same registration without the field that asks for consent goes through, and what was given is shown as given.
#[tokio::test]
async fn clause_02_what_is_optional_is_off_until_agreed_and_withdrawn_as_easily() {
    let mut service = TestService::start().await;
    let asked = Person::new(&service, "asked@example.org", "+380449999999");
    for purpose in ["newsletter", "statistics", "consents"] {
        let mut body = json!({ "email": asked.email, "phone": asked.phone, "password": PASSWORD,
            "policy_hash": service.policy_hash().await });
        body[purpose] = json!(true);
        let refused = asked.send(Method::POST, "/v1/registrations", &body).await;
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(
            problem["code"], "unknown_field",
            "registration knows no {purpose}"
        );
    }
    assert_eq!(asked.register(PASSWORD).await.status(), 202, "control");

    let ada = service.person("ada").await;
    let state = ada.get("/v1/me/consents").await;
    assert!(on(&state).is_empty() && history(&state).is_empty(), "{state}");
    assert_eq!(state["consents"].as_array().unwrap().len(), 2);
    let acknowledgements = ada.get("/v1/me/receipts").await;

    for purpose in ["newsletter", "statistics"] {
        assert_eq!(wish(&ada, purpose, true).await, 200);
        assert_eq!(
            wish(&ada, purpose, true).await,
            200,
            "agreeing twice is agreeing once"
        );
    }
    let state = ada.get("/v1/me/consents").await;
    assert_eq!(on(&state), ["newsletter", "statistics"], "control");
    assert_eq!(wish(&ada, "statistics", false).await, 200);
    assert_eq!(wish(&ada, "statistics", false).await, 200);
    service.restart().await;
    let state = ada.get("/v1/me/consents").await;
    assert_eq!(on(&state), ["newsletter"]);
    let expected = [
        ("newsletter", "given"),
        ("statistics", "given"),
        ("statistics", "withdrawn"),
    ];
    assert_eq!(history(&state), expected);
    for (number, (purpose, _), kind) in [
        (1, expected[0], ReceiptKind::ConsentGiven),
        (2, expected[1], ReceiptKind::ConsentGiven),
        (3, expected[2], ReceiptKind::ConsentWithdrawn),
    ] {
        let receipt = ada.get(&format!("/v1/me/consents/receipts/{number}")).await;
        let verified = verify_receipt(receipt.to_string().as_bytes(), None).unwrap();
        assert_eq!(verified.kind, kind);
        assert_eq!(verified.receipt.purposes[0].purpose, purpose);
        let hash = verified.receipt.privacy_notice.hash.to_string();
        assert_eq!(hash, service.policy_hash().await);
    }
    assert_eq!(service.try_get(&ada, "/v1/me/consents/receipts/4").await, 404);
    assert_eq!(service.try_get(&ada, "/v1/me/consents/receipts/x").await, 404);
    assert_eq!(wish(&ada, "tracking", true).await, 404);
    assert_eq!(
        ada.get("/v1/me/receipts").await,
        acknowledgements,
        "consent is no acknowledgement"
    );
    let export = ada.get("/v1/me/export").await;
    assert_eq!(export["consents"].as_array().unwrap().len(), 3);
    let entries = ada.get("/v1/me/access-log").await;
    let entries = entries["entries"].as_array().unwrap();
    let of = |operation: &str| {
        entries
            .iter()
            .filter(|entry| entry["operation"] == operation)
            .count()
    };
    assert_eq!((of("agree"), of("withdraw")), (2, 1));
    let eve = service.person("eve").await;
    assert_eq!(service.try_get(&eve, "/v1/me/consents/receipts/1").await, 404);
}

/// Whoever changes their mind very often waits with the next agreement, and never with a withdrawal.
#[tokio::test]
async fn a_withdrawal_is_never_refused() {
    let service = TestService::start().await;
    let ada = service.person("ada").await;
    let mut refused = 0;
    for _ in 0..25 {
        match wish(&ada, "newsletter", true).await {
            200 => {}
            429 => refused += 1,
            other => panic!("{other}"),
        }
        assert_eq!(wish(&ada, "newsletter", false).await, 200);
    }
    assert_eq!(refused, 5, "40 changes a day");
    let state = ada.get("/v1/me/consents").await;
    assert_eq!(history(&state).len(), 40);
}

async fn operator(service: &TestService, ask: OperatorAsk) -> Result<Value, String> {
    for _ in 0..400 {
        match ask_as_operator(&service.directory, &ask).await {
            Err(DeskError::NoService { .. }) => tokio::time::sleep(Duration::from_millis(25)).await,
            answered => return answered.map_err(|error| error.to_string()),
        }
    }
    panic!("no desk was opened");
}

fn news(text: &str) -> OperatorAsk {
    let letter = |title: &str| Letter {
        title: title.to_owned(),
        text: text.to_owned(),
    };
    OperatorAsk::SendNewsletter {
        en: letter("News of November"),
        uk: letter("Новини листопада"),
    }
}

/// The newsletter goes to who agreed and to nobody else, each sending is a disclosure that its person sees, and each says how to end it;
/// who withdrew gets no other, and who agreed later nothing older.
/// Mechanism: `crates/service/src/newsletter.rs`
/// Control: who agreed gets it, once.
#[tokio::test]
async fn clause_08_a_newsletter_goes_to_who_agreed_and_is_a_disclosure() {
    let mut service = TestService::start().await;
    let (ada, bob, eve) = (
        service.person("ada").await,
        service.person("bob").await,
        service.person("eve").await,
    );
    assert_eq!(wish(&ada, "newsletter", true).await, 200);
    assert_eq!(wish(&bob, "newsletter", true).await, 200);
    assert_eq!(wish(&bob, "newsletter", false).await, 200);
    let taken = operator(&service, news("Markets open earlier.")).await.unwrap();
    assert_eq!(taken, json!({ "newsletter": 1, "to_persons": 1 }));
    let twice = operator(&service, news("Markets open earlier."))
        .await
        .unwrap_err();
    assert!(twice.contains("newsletter 1"), "{twice}");
    let wrong = operator(&service, news("Turn \u{202e}around."))
        .await
        .unwrap_err();
    assert!(
        wrong.contains("English") && wrong.contains("invisible"),
        "{wrong}"
    );
    // Who agrees after it was taken does not get it.
    assert_eq!(wish(&eve, "newsletter", true).await, 200);

    // Housekeeping sends it; this start does at once.
    sent(&mut service, 1).await;
    let got = async |service: &TestService, person: &Person| {
        let sink: Value = service.get("/dev/messages.json").await.json().await.unwrap();
        let all = sink["messages"].as_array().unwrap();
        let is_news =
            |one: &&Value| one["to"] == person.email.as_str() && one["subject"] == "News of November";
        all.iter().filter(is_news).cloned().collect::<Vec<Value>>()
    };
    let of_ada = got(&service, &ada).await;
    assert_eq!(of_ada.len(), 1, "control");
    let body = of_ada[0]["body"].as_str().unwrap();
    assert!(body.starts_with("Markets open earlier.") && body.contains("One click ends it"));
    assert!(body.contains("/my-data"), "{body}");
    assert!(got(&service, &bob).await.is_empty() && got(&service, &eve).await.is_empty());
    let disclosed = async |person: &Person| {
        let given = person.get("/v1/me/disclosures").await;
        let all = given["disclosures"].as_array().unwrap();
        all.iter().filter(|one| one["reason"] == "newsletter").count()
    };
    assert_eq!((disclosed(&ada).await, disclosed(&bob).await), (1, 0));

    // Once withdrawn, or while restricted, there is no next one.
    assert_eq!(wish(&ada, "newsletter", false).await, 200);
    operator(&service, news("Something else.")).await.unwrap();
    sent(&mut service, 2).await;
    assert_eq!(got(&service, &eve).await.len(), 1, "control");
    assert_eq!((disclosed(&ada).await, disclosed(&eve).await), (1, 1));
    let restricted = eve.send(Method::PUT, "/v1/me/restriction", &json!({})).await;
    assert_eq!(restricted.status(), 200);
    let taken = operator(&service, news("A third.")).await.unwrap();
    assert_eq!(taken["to_persons"], 0, "a restriction wins");
    sent(&mut service, 3).await;
    assert_eq!(disclosed(&eve).await, 1);
    let listed = operator(&service, OperatorAsk::ListNewsletters).await.unwrap();
    assert_eq!(listed["newsletters"].as_array().unwrap().len(), 3);
}

/// Waits until so many newsletters were sent to everybody who agreed.
async fn sent(service: &mut TestService, newsletters: u64) {
    service.restart().await;
    for _ in 0..400 {
        if service.rows("newsletters", "finished_us IS NOT NULL").await == newsletters {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("newsletter {newsletters} was not sent");
}
