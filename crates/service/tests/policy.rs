//! Publication as everybody meets it: versions, past moments, the log and its proofs, while the Service runs.

mod common;

use common::TestService;
use ensoex_policy::{
    Bundle, DataRow, DataTable, DocumentKind, Language, ProvenVersion, PublishedVersion, RecipientRow,
    SignedHead, Source, Sources, verify_inclusion,
};
use ensoex_service::PolicyFiles;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The built-in texts with a sentence more in the English Terms.
fn texts_with(sentence: &str) -> Bundle {
    let mut sources = Sources::embedded();
    let terms = sources.languages[&Language::English].documents[&DocumentKind::Terms].clone();
    let text = format!("{}\n{sentence}\n", terms.text);
    let source = Source {
        file: terms.file,
        text,
    };
    sources.insert(Language::English, DocumentKind::Terms, source);
    let row = DataRow {
        label: "E-mail address".to_owned(),
        asked: "at registration".to_owned(),
        reason: "to write to you".to_owned(),
        purposes: Vec::new(),
        recipients: Vec::new(),
        retention: "a year".to_owned(),
        legal_hold: None,
    };
    let recipient = RecipientRow {
        name: "The mail relay".to_owned(),
        why: "to write to you".to_owned(),
        given: "the message".to_owned(),
        ground: "it is asked for".to_owned(),
        operated_by: "the operator".to_owned(),
    };
    let table = DataTable {
        rows: BTreeMap::from(Language::ALL.map(|language| (language, vec![row.clone()]))),
        recipients: BTreeMap::from(Language::ALL.map(|language| (language, vec![recipient.clone()]))),
    };
    Bundle::compile(&sources, &table).unwrap()
}

/// Publishes beside the running Service, as the command line does.
fn publish(service: &TestService, sentence: &str, effective_at: Option<OffsetDateTime>) -> PublishedVersion {
    let mut log = PolicyFiles::of(&service.directory).open_log().unwrap();
    let now = OffsetDateTime::now_utc();
    log.publish(&texts_with(sentence), now, effective_at, sentence)
        .unwrap()
}

async fn json_of(service: &TestService, path: &str) -> Value {
    let answer = service.get(path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn refused(service: &TestService, path: &str) -> (u16, String) {
    let answer = service.get(path).await;
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    assert!(!problem["detail"].as_str().unwrap().is_empty(), "{path}");
    (status, problem["code"].as_str().unwrap().to_owned())
}

/// Longest wait for what the Service does by itself: whoever waits for ever fails nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that the Service does by itself.
async fn in_time<T>(what: &str, coming: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(PATIENCE, coming).await;
    came.unwrap_or_else(|_| panic!("{what}: not within {} s", PATIENCE.as_secs()))
}

/// Waits until the running Service knows so many versions.
async fn known(service: &TestService, versions: usize) {
    let knows = async {
        while json_of(service, "/v1/policy/versions").await["versions"]
            .as_array()
            .unwrap()
            .len()
            < versions
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    in_time("a published version is known", knows).await;
}

fn text(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap()
}

/// A Service that runs notices what is published, applies it from its time on, and answers what applied at any past moment, to
/// everybody and to a person.
/// Mechanism: `crates/service/src/policy_history.rs`
/// Control: just before a version took effect the answer is the version before.
#[tokio::test]
async fn clause_14_the_version_of_any_moment_is_answered() {
    let service = TestService::start().await;
    let person = service.person("olha").await;
    let first = service.policy_hash().await;
    let at_once = publish(&service, "One thing more.", None);
    known(&service, 2).await;
    assert_eq!(service.policy_hash().await, at_once.hash.to_string());
    let later = publish(
        &service,
        "Another thing.",
        Some(OffsetDateTime::now_utc() + Duration::from_secs(86_400)),
    );
    known(&service, 3).await;
    assert_eq!(
        service.policy_hash().await,
        at_once.hash.to_string(),
        "it waits for its time"
    );
    let before = text(at_once.effective_at - Duration::from_micros(1));
    for (time, hash) in [
        (before.clone(), first.clone()),
        (text(at_once.effective_at), at_once.hash.to_string()),
    ] {
        let at = json_of(&service, &format!("/v1/policy/at?time={time}")).await;
        assert_eq!(at["hash"].as_str(), Some(hash.as_str()), "{time}");
        assert_eq!(at["documents"].as_array().unwrap().len(), 6);
        let mine = person.get(&format!("/v1/me/policy/at?time={time}")).await;
        assert_eq!(mine["in_force"]["hash"].as_str(), Some(hash.as_str()));
        assert_eq!(
            mine["acknowledged"]["version"]["hash"].as_str(),
            Some(first.as_str())
        );
    }
    for (path, expected) in [
        ("/v1/policy/at?time=2001-01-01", (404, "before_first_version")),
        ("/v1/policy/at?time=yesterday", (400, "invalid_time")),
        ("/v1/policy/at?time=sequence:1", (400, "invalid_time")),
        ("/v1/policy/at?time=9999-01-01", (400, "time_ahead")),
        ("/v1/policy/at", (400, "invalid_query")),
        ("/v1/policy/versions/4", (404, "unknown_version")),
        ("/v1/policy/versions/latest", (400, "invalid_version")),
        (
            "/v1/transparency/policy/inclusion?version=4",
            (404, "unknown_version"),
        ),
        (
            "/v1/transparency/policy/consistency?first=0&second=2",
            (400, "invalid_sizes"),
        ),
        (
            "/v1/transparency/policy/consistency?first=3&second=4",
            (400, "invalid_sizes"),
        ),
    ] {
        let (status, code) = refused(&service, path).await;
        assert_eq!((status, code.as_str()), expected, "{path}");
    }
    for version in ["3".to_owned(), later.hash.to_string()] {
        let found = json_of(&service, &format!("/v1/policy/versions/{version}")).await;
        assert_eq!(found["version"], 3);
        assert!(found["documents"].to_string().contains("Another thing."));
    }
}

/// What the Service publishes of its log proves itself to whoever has nothing else.
/// Mechanism: `crates/service/src/policy_history.rs`
/// Control: the proof of one version does not prove another.
#[tokio::test]
async fn clause_14_the_public_log_proves_itself() {
    let service = TestService::start().await;
    let earlier: SignedHead =
        serde_json::from_value(json_of(&service, "/v1/transparency/policy").await).unwrap();
    publish(&service, "Two.", None);
    publish(&service, "Three.", None);
    known(&service, 3).await;
    let head = json_of(&service, "/v1/transparency/policy").await;
    let head = SignedHead::verified(head.to_string().as_bytes(), None).unwrap();
    assert_eq!((earlier.size, head.size), (1, 3));
    assert_eq!(earlier.public_key, head.public_key);
    let log = service
        .get("/v1/transparency/policy/log")
        .await
        .text()
        .await
        .unwrap();
    let log = ensoex_policy::PolicyLog::of_text(&log).unwrap();
    log.continues(&earlier).unwrap();
    log.continues(&head).unwrap();
    let consistency = json_of(&service, "/v1/transparency/policy/consistency?first=1&second=3").await;
    assert_eq!(
        consistency["proof"],
        serde_json::to_value(log.consistency(1, 3)).unwrap()
    );
    let mut proven: ProvenVersion =
        serde_json::from_value(json_of(&service, "/v1/transparency/policy/inclusion?version=2").await)
            .unwrap();
    assert!(verify_inclusion(&proven, &head));
    proven.index = 2;
    assert!(!verify_inclusion(&proven, &head));
}

/// Software that says something else than what was published does not start, until somebody publishes it.
/// Mechanism: `crates/service/src/publication.rs`
/// Control: once its texts are published it starts.
#[tokio::test]
async fn clause_14_a_program_of_other_texts_does_not_start() {
    let mut service = TestService::start().await;
    publish(&service, "What this program does not do.", None);
    service.stop().await;
    let started = ensoex_service::run(service.config.clone(), std::future::pending());
    let refused = in_time("the program is refused", started).await;
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("ensoex policy publish"), "{told}");
    let files = PolicyFiles::of(&service.directory);
    let version = ensoex_service::publish_policy(&files, None, "Back to what it does.").unwrap();
    assert_eq!(version.version, 3);
    service.launch().await;
    assert_eq!(service.policy_hash().await, version.hash.to_string());
}

/// Every document, every version and what changed between them are plain pages: no script, no cookie, nothing from elsewhere,
/// the version in force in the footer.
/// Mechanism: `crates/service/src/documents/mod.rs`
/// Control: the page of another version does not say what this one says.
#[tokio::test]
async fn clause_14_every_version_is_a_page_without_script() {
    let service = TestService::start().await;
    let second = publish(&service, "One \\<thing\\> & more.", None);
    known(&service, 2).await;
    let page = async |path: &str, status: u16| {
        let answer = service.get(path).await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert!(!answer.headers().contains_key("set-cookie"), "{path}");
        let text = answer.text().await.unwrap();
        for forbidden in [
            "<script",
            "style=",
            "onclick",
            "http://",
            "https://",
            "javascript:",
        ] {
            assert!(!text.contains(forbidden), "{path} holds {forbidden}");
        }
        assert!(
            text.contains(&second.hash.short()),
            "{path} lacks the version in force"
        );
        text
    };
    for language in ["", "/uk"] {
        for path in [
            "",
            "/terms",
            "/privacy",
            "/glossary",
            "/versions",
            "/versions/1/terms",
            "/diff",
            "/diff?from=2&to=1",
        ] {
            let text = page(&format!("{language}/documents{path}"), 200).await;
            let tag = if language.is_empty() { "en" } else { "uk" };
            assert!(
                text.contains(&format!("<html lang=\"{tag}\">")),
                "{language}{path}"
            );
        }
        for path in [
            "/other",
            "/versions/3/terms",
            "/versions/x/terms",
            "/versions/1/other",
            "/diff?from=3",
            "/diff?than=1",
        ] {
            page(&format!("{language}/documents{path}"), 404).await;
        }
    }
    let says = "One &lt;thing&gt; &amp; more.";
    assert!(page("/documents/terms", 200).await.contains(says));
    assert!(!page("/documents/versions/1/terms", 200).await.contains(says));
    let by_hash = format!("/documents/versions/{}/terms", second.hash);
    assert!(page(&by_hash, 200).await.contains(says));
    let difference = page("/documents/diff?from=1&to=2", 200).await;
    assert!(difference.contains(&format!("<ins>{says}</ins>")), "{difference}");
    assert!(difference.contains("<details><summary>"));
    let back = page("/documents/diff?from=2&to=1", 200).await;
    assert!(back.contains(&format!("<del>{says}</del>")));
    let feed = service.get("/documents/feed.atom").await;
    assert_eq!(
        feed.headers()["content-type"],
        "application/atom+xml; charset=utf-8"
    );
    let feed = feed.text().await.unwrap();
    assert_eq!(feed.matches("<entry>").count(), 2);
    assert!(feed.contains("One \\&lt;thing\\&gt; &amp; more."), "{feed}");
    let style = service.get("/documents/style.css").await;
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
}

/// A new version is told by e-mail and asked for at the next use; its acknowledgement leaves a receipt of its own that is
/// checked offline, and only the version in force can be acknowledged.
/// Mechanism: `crates/service/src/my_policy.rs`
/// Control: before it was published nothing is due and nothing was told.
#[tokio::test]
async fn clause_02_a_new_version_is_told_and_asked_to_be_acknowledged() {
    let mut service = TestService::start().await;
    let person = service.person("nina").await;
    let first = service.policy_hash().await;
    let state = person.get("/v1/me/acknowledgements").await;
    assert_eq!(state["acknowledgement_due"], false);
    let before = service.message_to(&person.email).await;
    let second = publish(&service, "One thing more.", None);
    known(&service, 2).await;
    let state = person.get("/v1/me").await["policy"].clone();
    assert_eq!(state["acknowledgement_due"], true);
    assert_eq!(state["accepted_hash"].as_str(), Some(first.as_str()));
    assert_eq!(state["in_force"]["summary"], "One thing more.");
    let acknowledge = async |hash: &str| {
        let body = json!({ "hash": hash, "language": "uk" });
        let answer = person.send(Method::POST, "/v1/me/acknowledgements", &body).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    let unknown = format!("sha256:{}", "0".repeat(64));
    assert_eq!(acknowledge(&first).await, (409, "policy_not_in_force".to_owned()));
    assert_eq!(acknowledge(&unknown).await, (422, "unknown_version".to_owned()));
    assert_eq!(acknowledge("anything").await, (422, "unknown_version".to_owned()));
    let hash = second.hash.to_string();
    assert_eq!(acknowledge(&hash).await.0, 201);
    assert_eq!(acknowledge(&hash).await.0, 200, "once is enough");
    assert_eq!(
        person.get("/v1/me/acknowledgements").await["acknowledgement_due"],
        false
    );
    let receipts = person.get("/v1/me/receipts").await;
    let hashes: Vec<&str> = receipts["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["hash"].as_str())
        .collect();
    assert_eq!(hashes, [first.as_str(), hash.as_str()]);
    for (number, hash) in [("1", &first), ("2", &hash), ("newest", &hash)] {
        let receipt = person.get(&format!("/v1/me/receipts/{number}")).await;
        let verified = ensoex_policy::verify_receipt(receipt.to_string().as_bytes(), None).unwrap();
        assert_eq!(verified.receipt.privacy_notice.hash.to_string(), *hash);
        assert_eq!(verified.receipt.receipt_type, "acknowledgement");
    }
    assert_eq!(service.try_get(&person, "/v1/me/receipts/3").await, 404);
    assert_eq!(service.try_get(&person, "/v1/me/receipts/x").await, 404);
    let now = text(OffsetDateTime::now_utc());
    let mine = person.get(&format!("/v1/me/policy/at?time={now}")).await;
    assert_eq!(mine["acknowledged"]["version"]["version"], 2);
    // Housekeeping tells of it; this start does at once. The texts are those of this program again, in a third version.
    let files = PolicyFiles::of(&service.directory);
    ensoex_service::publish_policy(&files, None, "Back again.").unwrap();
    service.restart().await;
    let telling = async {
        loop {
            let message = service.message_to(&person.email).await;
            if message != Value::Null && message != before {
                break message;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let told = in_time("word of a new version", telling).await;
    assert!(
        told["body"]
            .as_str()
            .unwrap()
            .contains("/documents/diff?from=1&to=3"),
        "{told}"
    );
    // It is written down that they were told, so that nobody is told twice.
    let written = async {
        while service.rows("users", "policy_told = 3").await == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    in_time("who was told is written down", written).await;
    assert_eq!(service.rows("users", "policy_told < 3").await, 0);
}

/// EnsoExPAY is told under which version each payment was asked for, and where that can be read, so that its pages name it too. A wish
/// that is sent again after another version took effect is still the same.
/// Mechanism: `crates/service/src/cards.rs`
/// Control: the next wish is told with the next version.
#[tokio::test]
async fn clause_02_a_payment_is_told_with_the_version_in_force() {
    let service = TestService::start().await;
    let person = service.person("payer").await;
    let first = service.policy_hash().await;
    let deposit = async |key: &str| {
        let body = json!({ "asset": "EUR", "amount": "100.00" });
        let answer = person.send_with_key("/v1/deposits", key, &body).await;
        answer.status().as_u16()
    };
    service.pay.state.down.store(true, Ordering::SeqCst);
    assert_eq!(deposit("one").await, 503);
    let second = publish(&service, "One thing more.", None);
    known(&service, 2).await;
    service.pay.state.down.store(false, Ordering::SeqCst);
    assert_eq!(deposit("one").await, 201);
    assert_eq!(deposit("two").await, 201);
    let told = service.pay.state.sessions.lock().unwrap().clone();
    let versions: Vec<&str> = told
        .iter()
        .filter_map(|session| session["documents"]["version"].as_str())
        .collect();
    assert_eq!(versions, [first.as_str(), second.hash.to_string().as_str()]);
    for session in &told {
        let url = session["documents"]["url"].as_str().unwrap();
        let path = url.strip_prefix(&service.url).unwrap();
        let page = service.get(path).await;
        assert_eq!(page.status(), 200, "{url}");
        let digits = &session["documents"]["version"].as_str().unwrap()[7..19];
        assert!(page.text().await.unwrap().contains(digits), "{url}");
    }
}
