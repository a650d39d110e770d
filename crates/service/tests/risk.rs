//! Fraud prevention at the Service: money waits, goes back to its card, or goes on after a human; nothing is decided in the dark.

mod common;

use common::{Person, TestService, payment, payout};
use ed25519_dalek::SigningKey;
use ensoex_risk::{Outcome, Place};
use ensoex_service::{
    DeskError, OperatorAsk, StaffAsk, ask_as_operator, ask_as_staff, backtest, explain_decision,
};
use ensoex_vault::staff_pseudonym;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn money(person: &Person, way: &str, key: &str, amount: &str) -> (u16, Value) {
    let body = json!({ "asset": "EUR", "amount": amount });
    let response = person.send_with_key(&format!("/v1/{way}"), key, &body).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn paid_in(service: &TestService, person: &Person, number: u32, amount: &str) {
    let (status, created) = money(person, "deposits", &format!("paid-in-{number}"), amount).await;
    assert_eq!(status, 201, "{created}");
    service
        .pay
        .happens("payment.succeeded", payment(number, &created, "succeeded"));
    let path = format!("/v1/deposits/{}", created["deposit"].as_str().unwrap());
    person.wait_for(&path, "credited").await;
}

async fn declined(service: &TestService, person: &Person, number: u32) {
    let (status, created) = money(person, "deposits", &format!("declined-{number}"), "20.00").await;
    assert_eq!(status, 201, "{created}");
    service
        .pay
        .happens("payment.failed", payment(number, &created, "failed"));
    let path = format!("/v1/deposits/{}", created["deposit"].as_str().unwrap());
    person.wait_for(&path, "failed").await;
}

/// To which cards EnsoExPAY was told a withdrawal may go.
fn cards_of(service: &TestService, withdrawal: &Value) -> Value {
    let sessions = service.pay.state.sessions.lock().unwrap();
    let of = sessions
        .iter()
        .find(|session| session["client_reference"] == withdrawal["withdrawal"]);
    of.map_or(Value::Null, |session| session["payout_cards"].clone())
}

async fn enrolled(service: &TestService, seed: u8) -> SigningKey {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let public_key = hex::encode(key.verifying_key().to_bytes());
    for _ in 0..400 {
        let ask = OperatorAsk::EnrolStaff {
            public_key: public_key.clone(),
        };
        match ask_as_operator(&service.directory, &ask).await {
            Err(DeskError::NoService { .. }) => tokio::time::sleep(Duration::from_millis(25)).await,
            answered => {
                answered.unwrap();
                return key;
            }
        }
    }
    panic!("no desk was opened");
}

async fn staff(service: &TestService, key: &SigningKey, ask: StaffAsk) -> Result<Value, String> {
    let answered = ask_as_staff(&service.directory, key, &ask).await;
    answered.map_err(|error| error.to_string())
}

async fn waiting(service: &TestService, key: &SigningKey) -> Vec<Value> {
    let listed = staff(service, key, StaffAsk::ListReviews).await.unwrap();
    listed["reviews"].as_array().unwrap().clone()
}

/// A case about whom a review concerns.
async fn case(service: &TestService, key: &SigningKey, review: &Value, purpose: &str) -> String {
    let ask = StaffAsk::OpenCase {
        subjects: vec![review["subject"].as_str().unwrap().parse().unwrap()],
        fields: vec!["email".to_owned()],
        purpose: purpose.to_owned(),
        reason: "fraud_suspicion".to_owned(),
        hours: 1,
        break_glass: false,
        order: None,
    };
    let opened = staff(service, key, ask).await.unwrap();
    opened["case"].as_str().unwrap().to_owned()
}

async fn decide(
    service: &TestService,
    key: &SigningKey,
    review: &Value,
    case: &str,
    finding: &str,
) -> Result<Value, String> {
    let ask = StaffAsk::DecideReview {
        review: review["review"].as_str().unwrap().to_owned(),
        case: case.to_owned(),
        finding: finding.to_owned(),
    };
    staff(service, key, ask).await
}

fn switched_off(service: &TestService) {
    let off = ensoex_risk::DEFAULT_BOOK.replace("mode = \"on\"", "mode = \"off\"");
    std::fs::write(service.directory.join("risk-rules.toml"), off).unwrap();
}

/// Money of a card that came an hour ago goes back to a card that paid in and to no other; what was never paid in by card does
/// not wait for that.
///
/// Mechanism: `crates/service/src/risk/mod.rs`
/// Control: with the rules off EnsoExPAY is told that any card will do.
#[tokio::test]
async fn clause_12_new_money_goes_back_to_the_card_that_it_came_from() {
    let mut service = TestService::start().await;
    let person = service.person("closed-loop").await;
    paid_in(&service, &person, 1, "100.00").await;
    let (status, first) = money(&person, "withdrawals", "first", "40.00").await;
    assert_eq!(
        (status, first["status"].as_str()),
        (201, Some("held")),
        "honest and small: it goes on"
    );
    assert_eq!(cards_of(&service, &first), "paying");
    assert_eq!(first["decision"]["reasons"][0]["code"], "paying_card_first");
    assert_eq!(first["decision"]["only_to_paying_card"], true);
    let (_, again) = money(&person, "withdrawals", "first", "40.00").await;
    assert_eq!(
        again["decision"]["decision"], first["decision"]["decision"],
        "decided once"
    );

    let granted = service.person("granted").await;
    granted.granted("EUR", "100").await;
    let (_, settled) = money(&granted, "withdrawals", "settled", "40.00").await;
    assert_eq!(cards_of(&service, &settled), "any", "it came from no card");
    assert_eq!(settled["decision"], Value::Null);

    switched_off(&service);
    service.restart().await;
    let (_, off) = money(&person, "withdrawals", "off", "20.00").await;
    assert_eq!(cards_of(&service, &off), "any", "control");
}

/// What cannot go back to the cards waits for a human, its money held. Staff decide within a case for preventing fraud, which the person
/// sees; approved, it goes on to any card; refused, the money is back.
///
/// Mechanism: `crates/service/src/risk/reviews.rs`
/// Control: the same withdrawal with the rules off goes on at once.
#[tokio::test]
async fn clause_12_a_human_is_behind_every_block() {
    let mut service = TestService::start().await;
    let person = service.person("waits").await;
    paid_in(&service, &person, 1, "100.00").await;
    person.granted("EUR", "50").await;
    let (status, waits) = money(&person, "withdrawals", "all", "140.00").await;
    assert_eq!(
        (status, waits["status"].as_str()),
        (201, Some("in_review")),
        "{waits}"
    );
    assert_eq!(waits["redirect_url"], Value::Null, "no page before a human");
    assert_eq!(
        person.balance("EUR").await,
        ("10.00000000".to_owned(), "140.00000000".to_owned())
    );
    assert_eq!(waits["decision"]["review"]["state"], "open");
    assert!(waits["decision"]["reasons"][0]["uk"].as_str().unwrap().len() > 20);
    let path = format!("/v1/withdrawals/{}", waits["withdrawal"].as_str().unwrap());
    let early = person
        .send(Method::POST, &format!("{path}/continue"), &json!({}))
        .await;
    assert_eq!(early.status(), 409, "nobody goes on by themselves");

    let anna = enrolled(&service, 1).await;
    let reviews = waiting(&service, &anna).await;
    assert_eq!(reviews.len(), 1);
    assert_eq!(
        (&reviews[0]["reference"], &reviews[0]["rules"][0]),
        (&waits["withdrawal"], &json!("hold-young"))
    );
    let stranger = SigningKey::from_bytes(&[9; 32]);
    assert!(
        staff(&service, &stranger, StaffAsk::ListReviews)
            .await
            .unwrap_err()
            .contains("not enrolled")
    );
    let wrong = case(&service, &anna, &reviews[0], "provide_service").await;
    let refused = decide(&service, &anna, &reviews[0], &wrong, "explained").await;
    assert!(
        refused.unwrap_err().contains("within a case"),
        "a case for another purpose"
    );
    let right = case(&service, &anna, &reviews[0], "prevent_fraud").await;
    let unknown = decide(&service, &anna, &reviews[0], &right, "because").await;
    assert!(unknown.unwrap_err().contains("stolen_card"));
    let decided = decide(&service, &anna, &reviews[0], &right, "explained")
        .await
        .unwrap();
    assert_eq!(decided["state"], "approved");
    assert!(
        decide(&service, &anna, &reviews[0], &right, "stolen_card")
            .await
            .is_err(),
        "decided once"
    );
    let approved = person.get(&path).await;
    assert_eq!(
        (approved["status"].as_str(), approved["redirect_url"].as_str()),
        (Some("approved"), None)
    );
    let going: Value = person
        .send(Method::POST, &format!("{path}/continue"), &json!({}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(going["status"], "held", "{going}");
    assert_eq!(cards_of(&service, &waits), "any", "a human said so");
    let paid = service.pay.happens("payout.paid", payout(1, &waits, "paid"));
    service.pay.deliver(&service.url, &paid, 0).await;
    person.wait_for(&path, "paid").await;
    assert_eq!(
        person.balance("EUR").await,
        ("10.00000000".to_owned(), "0.00000000".to_owned())
    );
    let log = person.get("/v1/me/access-log").await.to_string();
    assert!(
        log.contains(&staff_pseudonym(&anna.verifying_key().to_bytes()).to_string()),
        "the person sees who looked"
    );
    assert!(
        service.message_to(&person.email).await["subject"]
            .as_str()
            .unwrap()
            .contains("word")
    );

    // One that its owner cancels is nobody's to decide any more.
    person.granted("EUR", "200").await;
    let (_, second) = money(&person, "withdrawals", "second", "200.00").await;
    assert_eq!(second["status"], "in_review");
    let path = format!("/v1/withdrawals/{}", second["withdrawal"].as_str().unwrap());
    let canceled = person
        .send(Method::POST, &format!("{path}/cancel"), &json!({}))
        .await;
    assert_eq!(canceled.json::<Value>().await.unwrap()["status"], "canceled");
    assert_eq!(person.balance("EUR").await.0, "210.00000000");
    assert!(waiting(&service, &anna).await.is_empty());

    // Refused: the money is back, the person reads why, and nothing more is let through until a human does.
    let (_, third) = money(&person, "withdrawals", "third", "200.00").await;
    let reviews = waiting(&service, &anna).await;
    decide(&service, &anna, &reviews[0], &right, "stolen_card")
        .await
        .unwrap();
    let path = format!("/v1/withdrawals/{}", third["withdrawal"].as_str().unwrap());
    let refused = person.get(&path).await;
    assert_eq!(refused["status"], "refused");
    assert_eq!(refused["decision"]["review"]["finding"], "stolen_card");
    assert_eq!(person.balance("EUR").await.0, "210.00000000");
    let (status, next) = money(&person, "withdrawals", "next", "20.00").await;
    assert_eq!(
        (status, &next["reasons"][0]["code"]),
        (403, &json!("found_wrong"))
    );
    let ask = format!("/v1/me/decisions/{}/review", next["decision"].as_str().unwrap());
    assert_eq!(person.send(Method::POST, &ask, &json!({})).await.status(), 201);
    let review = waiting(&service, &anna).await.remove(0);
    decide(&service, &anna, &review, &right, "nothing_found")
        .await
        .unwrap();
    let (_, cleared) = money(&person, "withdrawals", "cleared", "20.00").await;
    assert_eq!(cleared["status"], "held", "{cleared}");

    switched_off(&service);
    service.restart().await;
    let (_, off) = money(&person, "withdrawals", "off", "190.00").await;
    assert_eq!(off["status"], "held", "control");
}

/// Two persons of staff approve a large sum; one of them alone cannot.
///
/// Mechanism: `crates/service/src/risk/reviews.rs`
/// Control: the second approves, and it goes on.
#[tokio::test]
async fn clause_12_a_large_sum_needs_two_of_staff() {
    let service = TestService::start().await;
    let person = service.person("large").await;
    paid_in(&service, &person, 1, "100.00").await;
    person.granted("EUR", "6000").await;
    let (_, waits) = money(&person, "withdrawals", "large", "6050.00").await;
    assert_eq!(waits["status"], "in_review", "{waits}");
    let (anna, ben) = (enrolled(&service, 1).await, enrolled(&service, 2).await);
    let review = waiting(&service, &anna).await.remove(0);
    let annas = case(&service, &anna, &review, "prevent_fraud").await;
    let bens = case(&service, &ben, &review, "prevent_fraud").await;
    assert_eq!(
        decide(&service, &anna, &review, &annas, "explained")
            .await
            .unwrap()["state"],
        "seconded"
    );
    let alone = decide(&service, &anna, &review, &annas, "explained").await;
    assert!(alone.unwrap_err().contains("another member of staff"));
    let borrowed = decide(&service, &ben, &review, &annas, "explained").await;
    assert!(borrowed.unwrap_err().contains("within a case of yours"));
    let path = format!("/v1/withdrawals/{}", waits["withdrawal"].as_str().unwrap());
    let between = person.get(&path).await;
    assert_eq!(
        (
            between["status"].as_str(),
            between["decision"]["review"]["state"].as_str()
        ),
        (Some("in_review"), Some("open"))
    );
    assert_eq!(
        decide(&service, &ben, &review, &bens, "nothing_found")
            .await
            .unwrap()["state"],
        "approved"
    );
    assert_eq!(person.get(&path).await["status"], "approved");
}

/// Two withdrawals at the same moment, of which one alone fits into the day's sum: one goes on, one waits.
///
/// Mechanism: `crates/service/src/risk/facts.rs`
/// Control: each of them alone goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clause_12_of_two_withdrawals_at_once_one_is_within_the_limit() {
    let service = TestService::start().await;
    for round in 0..4 {
        let person = service.person(&format!("twice-{round}")).await;
        person.granted("EUR", "20000").await;
        let both = futures_util::future::join_all(
            ["one", "two"].map(|key| money(&person, "withdrawals", key, "6000.00")),
        );
        let mut states: Vec<String> = both
            .await
            .iter()
            .map(|(_, made)| made["status"].as_str().unwrap().to_owned())
            .collect();
        states.sort();
        assert_eq!(states, ["held", "in_review"]);
        // What did not come about does not count.
        let listed = person.get("/v1/withdrawals").await;
        for made in listed["withdrawals"].as_array().unwrap() {
            let path = format!("/v1/withdrawals/{}/cancel", made["withdrawal"].as_str().unwrap());
            assert_eq!(person.send(Method::POST, &path, &json!({})).await.status(), 200);
        }
        let (_, alone) = money(&person, "withdrawals", "alone", "6000.00").await;
        assert_eq!(alone["status"], "held", "control: {alone}");
    }
}

/// Whoever is declined reads why, asks for a human, and gets an answer: among their requests with a deadline, and an approval lets the next
/// try through, once.
///
/// Mechanism: `crates/service/src/risk/mine.rs`
/// Control: without the approval the next try is declined too.
#[tokio::test]
async fn clause_12_whoever_is_declined_reads_why_and_reaches_a_human() {
    let service = TestService::start().await;
    let (person, eve) = (service.person("declined").await, service.person("eve").await);
    for number in 1..=5 {
        declined(&service, &person, number).await;
    }
    let (status, refused) = money(&person, "deposits", "sixth", "20.00").await;
    assert_eq!(
        (status, refused["code"].as_str()),
        (403, Some("not_let_through")),
        "{refused}"
    );
    assert!(refused["detail"].as_str().unwrap().contains("ask for a person"));
    let decisions = person.get("/v1/me/decisions").await;
    let newest = &decisions["decisions"][0];
    assert_eq!(
        (&newest["decision"], &newest["outcome"]),
        (&refused["decision"], &json!("decline"))
    );
    assert!(
        !newest["reasons"][0]["en"]
            .as_str()
            .unwrap()
            .contains(|c: char| c.is_ascii_digit()),
        "no limit is told"
    );
    let ask = format!(
        "/v1/me/decisions/{}/review",
        refused["decision"].as_str().unwrap()
    );
    assert_eq!(
        eve.send(Method::POST, &ask, &json!({})).await.status(),
        404,
        "not somebody else's"
    );
    let made = person.send(Method::POST, &ask, &json!({})).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    assert_eq!(
        (&made["right"], &made["matter"]),
        (&json!("objection"), &json!("automated_decision"))
    );
    assert!(made["due_at"].as_str().is_some());
    assert_eq!(
        person.send(Method::POST, &ask, &json!({})).await.status(),
        409,
        "asked once"
    );
    assert_eq!(
        money(&person, "deposits", "seventh", "20.00").await.0,
        403,
        "control"
    );

    let anna = enrolled(&service, 1).await;
    let review = waiting(&service, &anna).await.remove(0);
    assert_eq!(review["asked_by_person"], true);
    let case = case(&service, &anna, &review, "prevent_fraud").await;
    decide(&service, &anna, &review, &case, "nothing_found")
        .await
        .unwrap();
    let requests = service.rows("rights_requests", "decision = 'done'").await;
    assert_eq!(requests, 1, "its answer is stated with the others");
    assert_eq!(
        money(&person, "deposits", "eighth", "30.00").await.0,
        403,
        "more than was approved"
    );
    let (status, let_through) = money(&person, "deposits", "ninth", "20.00").await;
    assert_eq!(status, 201, "{let_through}");
    assert_eq!(money(&person, "deposits", "tenth", "20.00").await.0, 403, "once");
}

/// A changed contact: for a day nothing is withdrawn and no key is made.
///
/// Mechanism: `crates/service/src/correction.rs`
/// Control: before the change a key is made.
#[tokio::test]
async fn clause_12_after_a_changed_contact_nothing_leaves_in_a_hurry() {
    let service = TestService::start().await;
    let person = service.person("hurried").await;
    person.granted("EUR", "1000").await;
    let key = json!({ "label": "bot", "type": "hmac" });
    assert_eq!(
        person.send(Method::POST, "/v1/api-keys", &key).await.status(),
        201,
        "control"
    );
    let new = json!({ "value": "thief@example.org", "password": common::PASSWORD });
    let started = person.send(Method::POST, "/v1/me/corrections/email", &new).await;
    assert_eq!(started.status(), 202);
    let code = json!({ "code": service.message_to("thief@example.org").await["code"] });
    let confirmed = person
        .send(Method::POST, "/v1/me/corrections/email/confirm", &code)
        .await;
    assert_eq!(confirmed.status(), 200, "{}", confirmed.text().await.unwrap());
    let refused = person.send(Method::POST, "/v1/api-keys", &key).await;
    assert_eq!(refused.status(), 403);
    let (status, waits) = money(&person, "withdrawals", "empty", "1000.00").await;
    assert_eq!((status, &waits["code"]), (403, &json!("cooling_off")));
}

/// A stored decision, computed again from its book and the facts of its time, is the same; whoever alters a fact or the decision is noticed.
///
/// Mechanism: `crates/service/src/risk/explain.rs`
/// Control: before the alteration it comes out the same.
#[tokio::test]
async fn clause_12_a_decision_is_computed_again_and_a_change_is_noticed() {
    let mut service = TestService::start().await;
    let person = service.person("again").await;
    paid_in(&service, &person, 1, "100.00").await;
    money(&person, "withdrawals", "one", "40.00").await;
    paid_in(&service, &person, 2, "50.00").await;
    money(&person, "withdrawals", "two", "90.00").await;
    let listed = person.get("/v1/me/decisions").await;
    let decisions: Vec<String> = listed["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["decision"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(decisions.len(), 4);
    service.stop().await;
    for decision in &decisions {
        let explained = explain_decision(&service.records(), decision)
            .await
            .unwrap()
            .unwrap();
        assert!(explained.is_the_same(), "{explained:?}");
    }
    assert_eq!(
        explain_decision(&service.records(), "dcs_none").await.unwrap(),
        None
    );
    // Another book, tried on what happened: here nothing goes on that is above 80.
    let strict = ensoex_risk::DEFAULT_BOOK.replace(
        "when = \"withdrawals_cents_1d + amount_cents > 2500000\"",
        "when = \"amount_cents > 8000\"",
    );
    let strict = ensoex_risk::RuleBook::parse(&strict, true).unwrap();
    let tried = backtest(&service.records(), &strict, 0, i64::MAX).await.unwrap();
    let count = |then, now| {
        let count = tried.outcomes.get(&(Place::Withdrawal, then, now));
        count.map(|count| (count.decisions, count.cents))
    };
    assert_eq!(count(Outcome::Approve, Outcome::Approve), Some((1, 4_000)));
    assert_eq!(count(Outcome::Approve, Outcome::Review), Some((1, 9_000)));
    assert_eq!((tried.rules["sum-of-a-day"], tried.unreadable), (1, 0));
    let none = backtest(&service.records(), &strict, 0, 1).await.unwrap();
    assert!(none.outcomes.is_empty(), "before the first");
    service
        .change_records("UPDATE risk_facts SET cents = 1 WHERE kind = 'deposit_credited' AND cents = 10000")
        .await;
    let newest = explain_decision(&service.records(), &decisions[0])
        .await
        .unwrap()
        .unwrap();
    assert!(
        !newest.is_the_same()
            && newest
                .differing
                .iter()
                .any(|(name, _, _)| name == "paid_in_net_cents")
    );
}

/// Rules that cannot be trusted keep the Service from starting, and say which.
#[tokio::test]
async fn rules_that_are_refused_are_never_in_force() {
    let mut service = TestService::start().await;
    service.stop().await;
    let file = service.directory.join("risk-rules.toml");
    let bad =
        ensoex_risk::DEFAULT_BOOK.replacen("fresh_cents_7d > 0", "amount_cents / fresh_cents_7d > 0", 1);
    std::fs::write(&file, bad).unwrap();
    let refused = ensoex_service::run(service.config.clone(), std::future::pending()).await;
    let said = refused.unwrap_err().to_string();
    assert!(
        said.contains("closed-loop-young") && said.contains("divides"),
        "{said}"
    );
    std::fs::remove_file(&file).unwrap();
    service.launch().await;
}
