//! The desk: the operator and staff ask a running Service on its own machine.

mod common;

use common::TestService;
use ed25519_dalek::SigningKey;
use ensoex_service::{DeskError, OperatorAsk, OrderAsk, StaffAsk, ask_as_operator, ask_as_staff};
use ensoex_vault::{StaffLimits, SubjectId, sign_as_staff, staff_pseudonym};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::{SystemTime, UNIX_EPOCH};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

async fn operator(service: &TestService, ask: OperatorAsk) -> Result<Value, DeskError> {
    // The desk opens a moment after the Service serves.
    for _ in 0..400 {
        match ask_as_operator(&service.directory, &ask).await {
            Err(DeskError::NoService { .. }) => {
                tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            }
            answered => return answered,
        }
    }
    panic!("no desk was opened");
}

async fn enrolled(service: &TestService, seed: u8) -> SigningKey {
    let key = key(seed);
    let public_key = key.verifying_key().to_bytes();
    let ask = OperatorAsk::EnrolStaff {
        public_key: hex::encode(public_key),
    };
    let answer = operator(service, ask).await.unwrap();
    assert_eq!(answer["staff"], json!(staff_pseudonym(&public_key)));
    key
}

async fn staff(service: &TestService, key: &SigningKey, ask: StaffAsk) -> Result<Value, String> {
    let answered = ask_as_staff(&service.directory, key, &ask).await;
    answered.map_err(|error| error.to_string())
}

fn find(email: &str) -> StaffAsk {
    StaffAsk::Find {
        field: "email".to_owned(),
        value: email.to_owned().into(),
    }
}

fn open(subjects: Vec<SubjectId>, fields: &[&str]) -> StaffAsk {
    StaffAsk::OpenCase {
        subjects,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        purpose: "provide_service".to_owned(),
        reason: "support_request".to_owned(),
        hours: 1,
        break_glass: false,
        order: None,
    }
}

fn list(after: Option<&Value>) -> StaffAsk {
    StaffAsk::ListCases {
        after: after.map(|case| case.as_str().unwrap().to_owned()),
    }
}

fn read(case: &Value, subject: &SubjectId, field: &str) -> StaffAsk {
    StaffAsk::Read {
        case: case["case"].as_str().unwrap().to_owned(),
        subject: *subject,
        field: field.to_owned(),
    }
}

/// Mechanism: `crates/service/src/desk/mod.rs`
/// Control: an enrolled key reads.
#[tokio::test]
async fn clause_13_staff_read_within_a_case_under_their_own_key_and_the_person_sees_it() {
    let service = TestService::start().await;
    let (ada, eve) = (service.person("ada").await, service.person("eve").await);
    let anna = enrolled(&service, 1).await;
    let found = staff(&service, &anna, find(&ada.email)).await.unwrap();
    let subject: SubjectId = found["subject"].as_str().unwrap().parse().unwrap();
    let by_number = StaffAsk::Find {
        field: "mobile_phone".to_owned(),
        value: ada.phone.clone().into(),
    };
    assert_eq!(staff(&service, &anna, by_number).await.unwrap(), found);
    assert_eq!(
        staff(&service, &anna, find("nobody@example.org")).await.unwrap(),
        json!({ "subject": null })
    );
    let case = staff(&service, &anna, open(vec![subject], &["email"]))
        .await
        .unwrap();
    let value = staff(&service, &anna, read(&case, &subject, "email"))
        .await
        .unwrap();
    assert_eq!(
        value["value"],
        ada.email.as_str(),
        "control: an enrolled key reads"
    );
    let outside = staff(&service, &anna, read(&case, &subject, "mobile_phone")).await;
    assert!(outside.unwrap_err().contains("does not cover"));
    let eves: SubjectId = eve.get("/v1/me").await["subject"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let others = staff(&service, &anna, read(&case, &eves, "email")).await;
    assert!(others.unwrap_err().contains("does not cover"));
    let credential = staff(&service, &anna, read(&case, &subject, "password_hash")).await;
    assert!(credential.unwrap_err().contains("nobody"));

    let stranger = key(9);
    let entries = async || {
        let head = service.get("/v1/transparency/access").await;
        head.json::<Value>().await.unwrap()["size"].as_u64().unwrap()
    };
    let before = entries().await;
    for ask in [
        find(&ada.email),
        read(&case, &subject, "email"),
        open(vec![subject, eves], &["email"]),
        list(None),
    ] {
        let refused = staff(&service, &stranger, ask).await;
        assert!(refused.unwrap_err().contains("not enrolled"));
    }
    assert_eq!(entries().await, before, "a stranger cannot write into the log");
    let suspend = OperatorAsk::SuspendStaff {
        staff: staff_pseudonym(&anna.verifying_key().to_bytes()),
    };
    operator(&service, suspend).await.unwrap();
    let before = entries().await;
    let suspended = staff(&service, &anna, read(&case, &subject, "email")).await;
    assert!(suspended.unwrap_err().contains("suspended"));
    assert_eq!(entries().await, before + 1, "control: an entry is counted");

    let log = ada.get("/v1/me/access-log").await;
    let actor = format!("staff:{}", staff_pseudonym(&anna.verifying_key().to_bytes()));
    let mut seen: Vec<(&str, bool)> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["actor"] == actor.as_str())
        .map(|entry| {
            (
                entry["operation"].as_str().unwrap(),
                entry["granted"].as_bool().unwrap(),
            )
        })
        .collect();
    seen.reverse();
    assert_eq!(
        seen,
        [
            ("find", true),
            ("find", true),
            ("open_case", true),
            ("read", true),
            ("read", false),
            ("read", false)
        ],
        "what was refused is there too"
    );
}

/// Asks with what was signed before, or not for this question.
fn ask_raw(service: &TestService, line: impl FnOnce([u8; 32]) -> Value) -> String {
    let stream = UnixStream::connect(service.directory.join("staff.socket")).unwrap();
    let mut from = BufReader::new(stream.try_clone().unwrap());
    let mut greeting = String::new();
    from.read_line(&mut greeting).unwrap();
    let greeting: Value = serde_json::from_str(&greeting).unwrap();
    let mut challenge = [0; 32];
    hex::decode_to_slice(greeting["challenge"].as_str().unwrap(), &mut challenge).unwrap();
    writeln!(&stream, "{}", line(challenge)).unwrap();
    let mut answer = String::new();
    from.read_line(&mut answer).unwrap();
    answer
}

/// Mechanism: `crates/service/src/desk/mod.rs`
/// Control: signed for this question it is answered.
#[tokio::test(flavor = "multi_thread")]
async fn clause_13_a_question_counts_once_and_signed_by_its_key_only() {
    let service = TestService::start().await;
    let (anna, mallory) = (enrolled(&service, 1).await, key(9));
    let request = json!({ "ask": "list_cases" }).to_string();
    let signed = |by: &SigningKey, as_key: &SigningKey, challenge: [u8; 32]| {
        json!({
            "public_key": hex::encode(as_key.verifying_key().to_bytes()),
            "signature": hex::encode(sign_as_staff(by, &challenge, request.as_bytes())),
            "request": request,
        })
    };
    let mut heard = json!(null);
    let right = ask_raw(&service, |challenge| {
        heard = signed(&anna, &anna, challenge);
        heard.clone()
    });
    assert_eq!(
        right, "{\"answer\":{\"cases\":[],\"next\":null}}\n",
        "control: signed for this question"
    );
    let replayed = ask_raw(&service, |_| heard.clone());
    let forged = ask_raw(&service, |challenge| signed(&mallory, &anna, challenge));
    for refused in [replayed, forged] {
        assert!(refused.contains("not signed"), "{refused}");
    }
    let mode = |name: &str| {
        let metadata = std::fs::metadata(service.directory.join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode("operator.socket"), mode("staff.socket")), (0o600, 0o666));
    for nonsense in [
        json!({}),
        json!({ "ask": "enrol_staff", "public_key": "00" }),
        json!("x".repeat(100_000)),
    ] {
        assert!(ask_raw(&service, |_| nonsense).contains("refused"));
    }
    let echoed = ask_raw(&service, |_| json!({ "whisper": "whisper" }));
    assert!(
        echoed.contains("one line of JSON") && !echoed.contains("whisper"),
        "{echoed}"
    );
}

/// Mechanism: `crates/service/src/desk/mod.rs`
/// Control: within the limit it is answered.
#[tokio::test]
async fn clause_13_finding_persons_is_counted_and_noticed() {
    let service = TestService::start().await;
    let ada = service.person("ada").await;
    let anna = enrolled(&service, 1).await;
    for number in 0..StaffLimits::default().records_per_hour_max {
        let found = staff(&service, &anna, find(&ada.email)).await;
        assert!(found.is_ok(), "control: number {number} is within the limit");
    }
    let refused = staff(&service, &anna, find(&ada.email)).await;
    assert!(refused.unwrap_err().contains("limit"));
    let listed = operator(&service, OperatorAsk::ListStaff).await.unwrap();
    assert_eq!(listed["events"][0]["event"], "limit_reached");
    assert_eq!(listed["staff"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_operator_places_holds_and_makes_honeytokens() {
    let service = TestService::start().await;
    let ada = service.person("ada").await;
    let subject: SubjectId = ada.get("/v1/me").await["subject"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let until_ms = now.as_millis() as u64 + 90 * 86_400_000;
    let place = |field: &str, law: &str| OperatorAsk::PlaceHold {
        subject,
        field: field.to_owned(),
        law: law.to_owned(),
        until_ms,
    };
    let wrong = operator(&service, place("shoe_size", "court_order"))
        .await
        .unwrap_err();
    assert!(wrong.to_string().contains("email, mobile_phone"), "{wrong}");
    assert!(
        operator(&service, place("password_hash", "court_order"))
            .await
            .is_err()
    );
    let placed = operator(&service, place("email", "court_order")).await.unwrap();
    assert_eq!(placed["holds"][0]["law"], "court_order");
    let shown = ada.get("/v1/me/erasure").await;
    assert_eq!(
        shown["held"], placed["holds"],
        "the person sees what the operator sees"
    );
    let correction = json!({ "value": "new@example.org", "password": common::PASSWORD });
    let correct = async || {
        ada.send(Method::POST, "/v1/me/corrections/email", &correction)
            .await
    };
    let refused = correct().await;
    assert_eq!(refused.status(), 409);
    assert_eq!(
        refused.json::<Value>().await.unwrap()["code"],
        "held_by_law",
        "what law holds is not corrected away"
    );
    let lift = OperatorAsk::LiftHold {
        subject,
        field: "email".to_owned(),
    };
    operator(&service, lift).await.unwrap();
    assert_eq!(ada.get("/v1/me/erasure").await["held"], json!([]));
    assert_eq!(correct().await.status(), 202, "control: without a hold it is");

    let make = |count| OperatorAsk::MakeHoneytokens {
        count,
        email_domain: "example.net".to_owned(),
    };
    assert!(operator(&service, make(0)).await.is_err());
    assert_eq!(
        operator(&service, make(2)).await.unwrap(),
        json!({ "honeytokens": 2 })
    );
}

/// Mechanism: `crates/service/src/improvement.rs`
/// Control: nothing is released by itself.
#[tokio::test]
async fn clause_07_what_improvement_learns_is_public() {
    let mut service = TestService::start().await;
    service.person("ada").await;
    let releases = async |service: &TestService| -> Value {
        let public = service.get("/v1/transparency/statistics").await;
        public.json::<Value>().await.unwrap()["releases"].clone()
    };
    assert_eq!(
        releases(&service).await,
        json!([]),
        "control: nothing is released by itself"
    );
    let released = operator(&service, OperatorAsk::Statistics).await.unwrap();
    let shown = releases(&service).await;
    assert_eq!(released["releases"], shown);
    let questions: Vec<&str> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["question"].as_str().unwrap())
        .collect();
    assert_eq!(questions, ["language", "registered_by_month"]);
    assert_eq!(shown[1]["groups"].as_array().unwrap().len(), 12);
    for group in shown[0]["groups"].as_array().unwrap() {
        assert!(
            group["about"].is_null() || group["about"].as_i64().unwrap() >= 20,
            "{group}"
        );
    }
    service.restart().await;
    assert_eq!(releases(&service).await, shown);
    let again = operator(&service, OperatorAsk::Statistics).await.unwrap();
    assert_eq!(again["releases"], shown, "once a quarter");
}

/// Mechanism: `crates/service/src/desk/staff.rs`
/// Control: with a second member of staff the file has what the order names.
#[tokio::test]
async fn clause_08_what_an_authority_was_given_is_seen_by_the_person() {
    let service = TestService::start().await;
    let ada = service.person("ada").await;
    let (anna, bohdan) = (enrolled(&service, 1).await, enrolled(&service, 2).await);
    let found = staff(&service, &anna, find(&ada.email)).await.unwrap();
    let subject: SubjectId = found["subject"].as_str().unwrap().parse().unwrap();
    let opening = StaffAsk::OpenCase {
        subjects: vec![subject],
        fields: vec!["email".to_owned()],
        purpose: "provide_service".to_owned(),
        reason: "legal_order".to_owned(),
        hours: 1,
        break_glass: false,
        order: Some(OrderAsk {
            reference: "757/12345/26-k".to_owned(),
            silent_until_ms: None,
        }),
    };
    let case = staff(&service, &anna, opening).await.unwrap();
    let name = case["case"].as_str().unwrap().to_owned();
    let hand_over = |fields: &[&str]| StaffAsk::Disclose {
        case: name.clone(),
        subject,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
    };
    let alone = staff(&service, &anna, hand_over(&["email"])).await;
    assert!(alone.unwrap_err().contains("approval of a second member"));
    let approve = StaffAsk::ApproveCase { case: name.clone() };
    staff(&service, &bohdan, approve).await.unwrap();
    for (fields, said) in [
        (&[][..], "name the fields"),
        (&["mobile_phone"], "does not cover"),
        (&["password_hash"], "nobody"),
        (&["shoe_size"], "is none of"),
    ] {
        let refused = staff(&service, &anna, hand_over(fields)).await.unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
    let given = staff(&service, &anna, hand_over(&["email"])).await.unwrap();
    assert_eq!(given["fields"], json!({ "email": ada.email }), "control");
    assert_eq!(given["reference"], "757/12345/26-k");
    assert_ne!(given["approved_by"], given["disclosed_by"]);
    let told = ada.get("/v1/me/disclosures").await;
    let told = &told["disclosures"][0];
    assert_eq!(
        (told["recipient"].as_str(), told["field"].as_str()),
        (Some("authority"), Some("email"))
    );
    assert_eq!(
        (told["reason"].as_str(), told["case"].as_str()),
        (Some("legal_order"), Some(name.as_str()))
    );
}

/// Cases of many persons: more of them than one answer holds come in several, and none is missing.
#[tokio::test]
async fn cases_are_listed_in_answers_of_bounded_size() {
    let service = TestService::start().await;
    let anna = enrolled(&service, 1).await;
    let mut opened = Vec::new();
    let many: Vec<SubjectId> = (0..StaffLimits::default().bulk_subjects_max as u128)
        .map(|number| SubjectId::from_bytes(number.to_be_bytes()))
        .collect();
    for _ in 0..20 {
        let case = staff(&service, &anna, open(many.clone(), &["email"]))
            .await
            .unwrap();
        opened.push(case["case"].clone());
    }
    let first = staff(&service, &anna, list(None)).await.unwrap();
    let (mut listed, mut next, mut answers) = (Vec::new(), first["next"].clone(), 1);
    assert!(next.is_string(), "control: they do not fit into one");
    let mut page = first;
    loop {
        assert!(page.to_string().len() < 256 * 1_024);
        listed.extend(
            page["cases"]
                .as_array()
                .unwrap()
                .iter()
                .map(|case| case["case"].clone()),
        );
        if next.is_null() {
            break;
        }
        page = staff(&service, &anna, list(Some(&next))).await.unwrap();
        next = page["next"].clone();
        answers += 1;
    }
    assert!(answers > 1, "{answers}");
    let mut expected: Vec<String> = opened.iter().map(Value::to_string).collect();
    let mut listed: Vec<String> = listed.iter().map(Value::to_string).collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected, "each once");
    let unknown = staff(&service, &anna, list(Some(&json!("case_0")))).await;
    assert!(unknown.unwrap_err().contains("no such case"));
}
