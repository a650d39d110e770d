//! What a person may ask for, and what becomes of it.

mod common;

use common::{Person, TestService};
use ensoex_vault::{RequestState, RequestStatement, Right, Statement, verify_statement};
use reqwest::Method;
use serde_json::{Value, json};

fn objection() -> Value {
    json!({ "right": "objection", "matter": "fraud_prevention" })
}

async fn receipt(person: &Person, request: &Value) -> RequestStatement {
    let path = format!(
        "{}/v1/me/requests/{}/receipt",
        person.url,
        request.as_str().unwrap()
    );
    let file = person.client.get(path).send().await.unwrap();
    assert_eq!(file.status(), 200);
    let file = file.bytes().await.unwrap();
    let Statement::Request(stated) = verify_statement(&file, None).unwrap().statement else {
        panic!("another statement")
    };
    let altered =
        String::from_utf8(file.to_vec())
            .unwrap()
            .replacen("\"due_at_ms\": 1", "\"due_at_ms\": 2", 1);
    assert!(
        verify_statement(altered.as_bytes(), None).is_err(),
        "control: a deadline that was moved is noticed"
    );
    stated
}

/// Mechanism: `crates/service/src/rights.rs`
/// Control: another person does not see it, and the receipt says the month.
#[tokio::test]
async fn clause_11_every_request_has_a_deadline_and_a_receipt() {
    let service = TestService::start().await;
    let person = service.person("asking").await;
    assert_eq!(person.get("/v1/me/requests").await, json!({ "requests": [] }));
    person.get("/v1/me/export").await;
    let asked = person.send(Method::POST, "/v1/me/requests", &objection()).await;
    assert_eq!(asked.status(), 201);
    let asked: Value = asked.json().await.unwrap();
    let again = person.send(Method::POST, "/v1/me/requests", &objection()).await;
    assert_eq!(again.status(), 409);
    let listed = person.get("/v1/me/requests").await;
    let rights: Vec<(&str, &str)> = listed["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["right"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    assert_eq!(rights, [("objection", "open"), ("export", "done")]);
    let stated = receipt(&person, &asked["request"]).await;
    assert_eq!(
        (stated.right, stated.state),
        (Right::Objection, RequestState::Open)
    );
    let days = (stated.due_at_ms - stated.made_at_ms) / 86_400_000;
    assert!((28..=31).contains(&days), "a month: {days} days");
    let other = service.person("curious").await;
    let path = format!("/v1/me/requests/{}/receipt", asked["request"].as_str().unwrap());
    assert_eq!(
        service.try_get(&other, &path).await,
        404,
        "another person's request is none of theirs"
    );
}

/// Mechanism: `crates/service/src/rights.rs`
/// Control: in time it is no event.
#[tokio::test]
async fn clause_11_a_missed_deadline_is_an_event() {
    let mut service = TestService::start().await;
    let person = service.person("waiting").await;
    let asked = person.send(Method::POST, "/v1/me/requests", &objection()).await;
    let asked: Value = asked.json().await.unwrap();
    let health = async |service: &TestService| -> Value {
        service
            .get("/health/primary")
            .await
            .json::<Value>()
            .await
            .unwrap()["requests"]
            .clone()
    };
    service.restart().await;
    let overdue = async |service: &TestService, number: u64| {
        for _ in 0..400 {
            let seen = health(service).await;
            if seen == json!({ "open": 1, "overdue": number }) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("health does not say that {number} are overdue");
    };
    overdue(&service, 0).await;
    assert_eq!(
        receipt(&person, &asked["request"]).await.state,
        RequestState::Open,
        "control: in time it is no event"
    );
    service.stop().await;
    // Forty days pass.
    service
        .change_records(
            "UPDATE rights_requests SET made_us = made_us - 3456000000000, due_us = due_us - 3456000000000",
        )
        .await;
    service.launch().await;
    overdue(&service, 1).await;
    let stated = receipt(&person, &asked["request"]).await;
    assert_eq!(stated.state, RequestState::Overdue);
    let log = person.get("/v1/me/access-log").await;
    let states: Vec<&Value> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["operation"] == "state")
        .collect();
    assert_eq!(states.len(), 2, "made, and missed");
    assert_eq!(states[0]["reason"], "rights_request");
}

async fn correct(person: &Person, field: &str, value: &str) -> u16 {
    let body = json!({ "value": value, "password": common::PASSWORD });
    let path = format!("/v1/me/corrections/{field}");
    person.send(Method::POST, &path, &body).await.status().as_u16()
}

async fn confirm(person: &Person, field: &str, code: &Value) -> u16 {
    let path = format!("/v1/me/corrections/{field}/confirm");
    person
        .send(Method::POST, &path, &json!({ "code": code }))
        .await
        .status()
        .as_u16()
}

/// Mechanism: `crates/service/src/correction.rs`
/// Control: nothing changes before the code, and the new value is found where the old one is not.
#[tokio::test]
async fn clause_11_a_contact_is_corrected_with_a_code_and_its_history_is_told() {
    let service = TestService::start().await;
    let person = service.person("before").await;
    let wrong = json!({ "value": "after@example.org", "password": "not the right words" });
    let refused = person
        .send(Method::POST, "/v1/me/corrections/email", &wrong)
        .await;
    assert_eq!(refused.status(), 403);
    for (field, value) in [
        ("email", "no address"),
        ("mobile_phone", "0441234567"),
        ("mobile_phone", &"1".repeat(300)),
    ] {
        assert_eq!(correct(&person, field, value).await, 400, "{field} {value}");
    }
    assert_eq!(
        correct(&person, "password_hash", "x").await,
        400,
        "nothing but contacts"
    );
    assert_eq!(correct(&person, "email", "after@example.org").await, 202);
    assert_eq!(
        person.get("/v1/me").await["email"],
        person.email.as_str(),
        "nothing changes before the code"
    );
    assert_eq!(confirm(&person, "email", &json!("000000")).await, 400);
    let code = service.message_to("after@example.org").await["code"].clone();
    assert_eq!(confirm(&person, "email", &code).await, 200);
    assert_eq!(confirm(&person, "email", &code).await, 410, "a code is good once");
    assert_eq!(correct(&person, "mobile_phone", "+49 30 1234567").await, 202);
    let code = service.message_to("+49 30 1234567").await["code"].clone();
    assert_eq!(confirm(&person, "mobile_phone", &code).await, 200);
    let me = person.get("/v1/me").await;
    assert_eq!(
        (me["email"].as_str(), me["phone"].as_str()),
        (Some("after@example.org"), Some("+49301234567"))
    );
    for old in [&person.email, &person.phone] {
        let notice = service.message_to(old).await;
        assert!(
            notice["subject"].as_str().unwrap().contains("was changed"),
            "{notice}"
        );
    }
    let history = person.get("/v1/me/corrections").await;
    let own: Vec<(&str, bool)> = history["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["reason"] == "correction")
        .map(|change| {
            (
                change["field"].as_str().unwrap(),
                change["actor"].as_str().unwrap().starts_with("person:"),
            )
        })
        .collect();
    assert_eq!(own, [("mobile_phone", true), ("email", true)]);
    // The old value is held nowhere: the export has one of each, and the address is free again.
    let export = person.get("/v1/me/export").await.to_string();
    assert!(!export.contains(&person.email) && !export.contains("proposed"));
    assert!(
        export.contains("after@example.org"),
        "control: the new one is there"
    );
    assert_eq!(service.person("before").await.email, person.email);
    let sign_in = json!({ "email": "after@example.org", "password": common::PASSWORD });
    assert_eq!(
        person.send(Method::POST, "/v1/session", &sign_in).await.status(),
        200
    );
}

#[tokio::test]
async fn a_correction_tells_nothing_about_others_and_ends_by_itself() {
    let mut service = TestService::start().await;
    let owner = service.person("owner").await;
    let person = service.person("climber").await;
    let mut answers = Vec::new();
    for value in [owner.email.to_uppercase(), "free@example.org".to_owned()] {
        let body = json!({ "value": value, "password": common::PASSWORD });
        let answer = person.send(Method::POST, "/v1/me/corrections/email", &body).await;
        let mut answer: (u16, Value) = (answer.status().as_u16(), answer.json().await.unwrap());
        answer.1["code_expires_at"] = Value::Null;
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1]);
    for (field, value) in [("email", &owner.email), ("mobile_phone", &owner.phone)] {
        assert_eq!(correct(&person, field, value).await, 202);
        let notice = service.message_to(value).await;
        assert_eq!(notice["code"], Value::Null, "the owner gets a notice, not a code");
        assert!(
            notice["subject"].as_str().unwrap().contains("Somebody entered"),
            "{notice}"
        );
        assert_eq!(confirm(&person, field, &json!("000000")).await, 400);
    }
    assert_eq!(correct(&person, "email", "slow@example.org").await, 202);
    let held = async |person: &Person| person.get("/v1/me/export").await["personal"].to_string();
    assert!(
        held(&person).await.contains("slow@example.org"),
        "what waits for its code is in the export"
    );
    service.stop().await;
    // Eleven minutes pass.
    service
        .change_records("UPDATE corrections SET codes_sent_us = codes_sent_us - 660000000")
        .await;
    service.launch().await;
    for _ in 0..400 {
        if service.rows("corrections", "1 = 1").await == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert!(
        !held(&person).await.contains("slow@example.org"),
        "then it is forgotten"
    );
}

#[tokio::test]
async fn a_person_restricts_the_use_of_their_data_and_lifts_it() {
    let mut service = TestService::start().await;
    let person = service.person("quiet").await;
    assert_eq!(
        person.get("/v1/me/restriction").await,
        json!({ "restricted": false })
    );
    let put = person.send(Method::PUT, "/v1/me/restriction", &json!({})).await;
    assert_eq!(put.status(), 200);
    service.restart().await;
    assert_eq!(
        person.get("/v1/me/restriction").await["restricted"],
        true,
        "a restart does not lift it"
    );
    assert_eq!(
        person.get("/v1/me").await["email"],
        person.email.as_str(),
        "the person still sees it"
    );
    let sign_in = json!({ "email": person.email, "password": common::PASSWORD });
    assert_eq!(
        person.send(Method::POST, "/v1/session", &sign_in).await.status(),
        200
    );
    assert_eq!(person.delete("/v1/me/restriction").await.status(), 200);
    assert_eq!(
        person.get("/v1/me/restriction").await,
        json!({ "restricted": false })
    );
    let requests = person.get("/v1/me/requests").await;
    let matters: Vec<&str> = requests["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["matter"].as_str().unwrap())
        .collect();
    assert_eq!(matters, ["lifted", "restricted"]);
}

/// Whether a value is of a schema, as far as the export's schema goes.
fn fits(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
    if let Some(path) = schema["$ref"].as_str() {
        let target = root
            .pointer(path.trim_start_matches('#'))
            .ok_or(format!("{path} leads nowhere"))?;
        return fits(value, target, root);
    }
    let wrong = |what: &str| Err(format!("{value} is not {what} of {schema}"));
    if !schema["const"].is_null() && schema["const"] != *value {
        return wrong("the constant");
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|allowed| !allowed.contains(value))
    {
        return wrong("one");
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices
            .iter()
            .filter(|choice| fits(value, choice, root).is_ok())
            .count();
        return if fitting == 1 {
            Ok(())
        } else {
            wrong("exactly one")
        };
    }
    match schema["type"].as_str() {
        Some("string") if !value.is_string() => return wrong("a string"),
        Some("integer") if !value.is_u64() => return wrong("an integer"),
        Some("array") => {
            for item in value.as_array().ok_or("no array")? {
                fits(item, &schema["items"], root)?;
            }
        }
        Some("object") => {
            let object = value.as_object().ok_or("no object")?;
            for name in schema["required"].as_array().into_iter().flatten() {
                if !object.contains_key(name.as_str().unwrap()) {
                    return wrong("complete");
                }
            }
            for (name, member) in object {
                match &schema["properties"][name] {
                    Value::Null if schema["additionalProperties"] == false => {
                        return wrong("within the properties");
                    }
                    Value::Null => {}
                    inner => fits(member, inner, root)?,
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Mechanism: `crates/service/src/me.rs`
/// Control: a field that the catalogue does not know, and a credential, do not fit the schema.
#[tokio::test]
async fn clause_01_the_export_is_of_its_schema_and_can_be_read() {
    let service = TestService::start().await;
    let person = service.person("exported").await;
    let key = json!({ "label": "bot", "type": "hmac" });
    assert_eq!(
        person.send(Method::POST, "/v1/api-keys", &key).await.status(),
        201
    );
    let schema: Value = service.get("/v1/me/export/schema").await.json().await.unwrap();
    let export = person.get("/v1/me/export").await;
    fits(&export, &schema, &schema).unwrap();
    let mut more = export.clone();
    more["personal"]["fields"][0]["birthplace"] = json!("Lviv");
    assert!(
        fits(&more, &schema, &schema).is_err(),
        "control: a field that the catalogue does not know is found"
    );
    let mut secret = export.clone();
    for field in secret["personal"]["fields"].as_array_mut().unwrap() {
        if field["field"] == "password_hash" {
            field["value"] = json!("$argon2id$");
        }
    }
    assert!(
        fits(&secret, &schema, &schema).is_err(),
        "control: a credential may not stand in it"
    );
    for (language, word) in [("en", "E-mail address"), ("uk", "Адреса електронної пошти")]
    {
        let path = format!("{}/v1/me/export?format=html&language={language}", person.url);
        let page = person.client.get(path).send().await.unwrap();
        assert!(
            page.headers()["content-disposition"]
                .to_str()
                .unwrap()
                .contains("ensoex-export.html")
        );
        let page = page.text().await.unwrap();
        for text in [word, &person.email, &person.phone] {
            assert!(page.contains(text), "{text} is missing");
        }
        assert!(
            !page.contains("src=") && !page.contains("<script") && !page.contains("<link"),
            "it needs no network"
        );
    }
}

/// Mechanism: `crates/service/src/answers.rs`
/// Control: an unknown request takes no answer, and a second extension is refused.
#[tokio::test]
async fn clause_11_a_request_is_answered_by_somebody_and_extended_once() {
    use ensoex_service::{Answer, answer_request, waiting_requests};
    use ensoex_vault::Extension;
    let mut service = TestService::start().await;
    let person = service.person("patient").await;
    let asked = person.send(Method::POST, "/v1/me/requests", &objection()).await;
    let asked: Value = asked.json().await.unwrap();
    let (name, records) = (asked["request"].as_str().unwrap(), service.records());
    let waiting = waiting_requests(&records).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].request.as_str(), waiting[0].asked.as_str()),
        (name, "objection: fraud_prevention")
    );
    let before = receipt(&person, &asked["request"]).await;
    let later = Answer::Extended(Extension::Complex);
    assert!(!answer_request(&records, "req_none", later).await.unwrap());
    assert!(answer_request(&records, name, later).await.unwrap());
    service.restart().await;
    let settled = async |wanted: &dyn Fn(&Value) -> bool| -> Value {
        for _ in 0..400 {
            let listed = person.get("/v1/me/requests").await["requests"][0].clone();
            if wanted(&listed) {
                return listed;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("the answer was not stated")
    };
    settled(&|one| one["extended"] == "complex" && one["state"] == "open").await;
    let longer = receipt(&person, &asked["request"]).await;
    assert_eq!(
        (longer.extended, longer.state),
        (Some(Extension::Complex), RequestState::Open)
    );
    let days = (longer.due_at_ms - before.due_at_ms) / 86_400_000;
    assert!((58..=62).contains(&days), "two months: {days} days");
    assert!(!answer_request(&records, name, later).await.unwrap(), "once only");
    assert!(answer_request(&records, name, Answer::Refused).await.unwrap());
    service.restart().await;
    settled(&|one| one["state"] == "refused").await;
    assert_eq!(
        receipt(&person, &asked["request"]).await.state,
        RequestState::Refused
    );
    assert!(waiting_requests(&records).await.unwrap().is_empty());
    assert!(
        !answer_request(&records, name, Answer::Done).await.unwrap(),
        "an answer is the last word"
    );
    // The person hears of it once the answer is written down.
    for _ in 0..400 {
        let word = service.message_to(&person.email).await;
        let body = word["body"].as_str().unwrap_or_default();
        if body.contains("data protection authority") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the person was not told of the answer");
}
