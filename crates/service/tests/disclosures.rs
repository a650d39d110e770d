//! What recipients are given of a person is told to that person, and to everybody how often.

mod common;

use common::TestService;
use serde_json::{Value, json};
use std::time::Duration;

/// Everything that leaves is an entry that its person sees: each message in the sink has one, and the payment has one.
/// Mechanism: `crates/service/src/disclosures.rs`
/// Control: the messages that left are counted at the other end, and one more of them than entries is noticed.
#[tokio::test]
async fn clause_08_a_person_sees_what_was_given_to_whom_and_why() {
    let mut service = TestService::start().await;
    let person = service.person("told").await;
    let other = service.person("other").await;
    let body = json!({ "asset": "EUR", "amount": "100.00" });
    let created = person.send_with_key("/v1/deposits", "wish", &body).await;
    assert_eq!(created.status(), 201);

    let given = person.get("/v1/me/disclosures").await;
    let given = given["disclosures"].as_array().unwrap();
    let to = |recipient: &str| -> Vec<&Value> {
        given.iter().filter(|one| one["recipient"] == recipient).collect()
    };
    assert_eq!(given.len(), 3, "{given:?}");
    assert_eq!(to("mail_relay")[0]["items"], json!(["email", "message"]));
    assert_eq!(to("sms_carrier")[0]["items"], json!(["mobile_phone", "message"]));
    assert_eq!(
        to("enso_ex_pay")[0]["items"],
        json!(["amount", "currency", "reference"])
    );
    assert_eq!(to("mail_relay")[0]["reason"], "deliver_message");
    assert_eq!(to("enso_ex_pay")[0]["reason"], "card_transfer");
    let others = other.get("/v1/me/disclosures").await;
    assert_eq!(others["disclosures"].as_array().unwrap().len(), 2);

    // What arrived at the other end, and what was entered, are the same number.
    let arrived = arrived(&service, &person.email).await + arrived(&service, &person.phone).await;
    let entered = to("mail_relay").len() + to("sms_carrier").len();
    assert!(unentered(arrived, entered).is_none(), "{arrived} {entered}");
    assert_eq!(unentered(arrived, entered - 1), Some(1), "control");

    // The entries are in the file that is checked offline, and in the export.
    let report = person.get("/v1/me/access-report").await;
    assert_eq!(
        report
            .to_string()
            .matches("\\\"operation\\\":\\\"disclose\\\"")
            .count(),
        3
    );
    let export = person.get("/v1/me/export").await;
    assert_eq!(export["disclosures"].as_array().unwrap().len(), 3);

    // Everybody sees the register with counts, and nobody's name.
    service.restart().await;
    let mut counts = Value::Null;
    for _ in 0..200 {
        counts = service
            .get("/v1/transparency/disclosures")
            .await
            .json()
            .await
            .unwrap();
        if counts["recipients"][0]["disclosures"] != 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let count = |recipient: &str| {
        let all = counts["recipients"].as_array().unwrap();
        all.iter().find(|one| one["id"] == recipient).unwrap()["disclosures"].clone()
    };
    assert_eq!((count("mail_relay"), count("sms_carrier")), (2.into(), 2.into()));
    assert_eq!((count("enso_ex_pay"), count("authority")), (1.into(), 0.into()));
    assert!(!counts.to_string().contains("person"));
}

/// How many things arrived that were not entered.
fn unentered(arrived: usize, entered: usize) -> Option<usize> {
    arrived.checked_sub(entered).filter(|more| *more > 0)
}

async fn arrived(service: &TestService, to: &str) -> usize {
    let sink: Value = service.get("/dev/messages.json").await.json().await.unwrap();
    let messages = sink["messages"].as_array().unwrap().iter();
    messages.filter(|message| message["to"] == to).count()
}

/// Section 8 of the Policy in force is the register, word for word, in both languages.
/// Mechanism: `crates/service/src/publication.rs`
/// Control: words that the register does not have are not found in the section.
#[tokio::test]
async fn clause_08_the_policy_in_force_names_the_register() {
    let service = TestService::start().await;
    let policy: Value = service.get("/v1/policy").await.json().await.unwrap();
    let section = |language: &str| -> String {
        let documents = policy["documents"].as_array().unwrap().iter();
        let mut privacy = documents.filter(|one| one["id"] == "privacy" && one["language"] == language);
        let html = privacy.next().unwrap()["html"].as_str().unwrap().to_owned();
        let start = html.find(">8. ").unwrap();
        let end = html.find(">9. ").unwrap();
        html[start..end].to_owned()
    };
    let (english, ukrainian) = (section("en"), section("uk"));
    for recipient in ensoex_egress::Recipient::ALL {
        let entry = recipient.entry();
        for words in [
            entry.name,
            entry.why,
            entry.given,
            entry.ground,
            entry.operated_by,
        ] {
            assert!(english.contains(words.en), "{}", words.en);
            assert!(ukrainian.contains(words.uk), "{}", words.uk);
        }
    }
    let rows = |section: &str| section.matches("<tr>").count();
    assert_eq!(
        (rows(&english), rows(&ukrainian)),
        (6, 6),
        "a head and five recipients"
    );
    assert!(!english.contains("advertis") && !ukrainian.contains("реклам"));
}

/// The register changes only together with this file, so that nobody changes what is given in passing.
#[test]
fn the_register_is_the_one_on_file() {
    let lines: Vec<String> = ensoex_egress::Recipient::ALL
        .iter()
        .map(|recipient| {
            let items: Vec<&str> = recipient.entry().items.iter().map(|item| item.as_str()).collect();
            format!("{}: {}", recipient.as_str(), items.join(" "))
        })
        .collect();
    let on_file = "mail_relay: email message\nsms_carrier: mobile_phone message\n\
                   enso_ex_pay: amount currency reference\nstorage: sealed\nauthority: ordered";
    assert_eq!(lines.join("\n"), on_file);
}
