//! Values that exist nowhere else pass through every way that a person's data takes in a running Service, in order and out of
//! order, while it logs all it can. Afterwards they are in no file of it, no line that it wrote, no figure that it tells, and no
//! backup, as they are and in the usual encodings.

#[allow(dead_code, reason = "what other tests need of a running Service")]
#[path = "recovery/service.rs"]
mod service;

use base64::Engine as _;
use ensoex_backup::{Backup, BackupStore, Identity, ObjectStorage, Recipients, new_identity};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use service::Service;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const EMAIL: &str = "canary.kestrel@example.org";
const NEW_EMAIL: &str = "canary.osprey@example.net";
const PHONE: &str = "+380447310459";
const NEW_PHONE: &str = "+380507310461";
const PASSWORD: &str = "canary merlin perches quietly";
const WRONG_PASSWORD: &str = "canary hobby perches nowhere";
const NO_EMAIL: &str = "canary.harrier at nowhere";
const STRANGER: &str = "canary.goshawk@example.com";

/// What must be found nowhere, by what it is.
fn needles() -> Vec<(String, Vec<u8>)> {
    let words = [
        ("e-mail address", "canary.kestrel"),
        ("new e-mail address", "canary.osprey"),
        ("phone number", "447310459"),
        ("phone number as typed", "44 731-04-59"),
        ("new phone number", "507310461"),
        ("password", "canary merlin"),
        ("wrong password", "canary hobby"),
        ("what is no e-mail address", "canary.harrier"),
        ("a stranger's e-mail address", "canary.goshawk"),
    ];
    let mut needles = Vec::new();
    for (what, word) in words {
        needles.push((what.to_owned(), word.as_bytes().to_vec()));
        needles.push((format!("{what}, hexadecimal"), hex::encode(word).into_bytes()));
        let wide = word.encode_utf16().flat_map(u16::to_le_bytes);
        needles.push((format!("{what}, in UTF-16"), wide.collect()));
        let percent: String = word.bytes().map(|byte| format!("%{byte:02X}")).collect();
        needles.push((format!("{what}, percent-encoded"), percent.into_bytes()));
    }
    for (what, whole) in [("e-mail address", EMAIL), ("phone number", PHONE)] {
        let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(whole);
        needles.push((format!("{what}, base64"), text.into_bytes()));
    }
    needles
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            // A socket holds nothing.
            false if path.is_file() => found.push(path),
            false => {}
        }
    }
    found
}

/// Which canaries lie where, in all files below the folder; what is sealed for the identity is opened.
fn found_in(folder: &Path, identity: Option<&Identity>) -> Vec<String> {
    let mut found = Vec::new();
    for file in files(folder) {
        // What a running Service replaces may be gone again.
        let Ok(content) = std::fs::read(&file) else {
            continue;
        };
        let sealed = file.extension().is_some_and(|extension| extension == "age");
        let opened = match (identity, sealed) {
            (Some(identity), true) => identity.open("an object", &content).unwrap(),
            _ => Vec::new(),
        };
        for (what, needle) in needles() {
            let holds = |bytes: &[u8]| memchr::memmem::find(bytes, &needle).is_some();
            if holds(&content) || holds(&opened) {
                found.push(format!("{what} in {}", file.display()));
            }
        }
    }
    found
}

struct Person {
    client: Client,
    base: String,
}

impl Person {
    fn new(base: &str) -> Person {
        let client = Client::builder().cookie_store(true).build().unwrap();
        let base = base.to_owned();
        Person { client, base }
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header("EnsoEx-Client", "web").json(body);
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.base)).send();
        answer.await.unwrap().text().await.unwrap()
    }

    async fn value(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    /// The code in the newest message to an address.
    async fn code(&self, to: &str) -> Value {
        let sink = self.value("/dev/messages.json").await;
        let messages = sink["messages"].as_array().unwrap();
        let message = messages
            .iter()
            .find(|message| message["to"] == to && !message["code"].is_null());
        message.expect("a message with a code")["code"].clone()
    }

    async fn status(&self, method: Method, path: &str, body: Value) -> u16 {
        self.send(method, path, &body).await.status().as_u16()
    }
}

/// Everything that a person, and somebody who is none, does with personal data; gives the person's pseudonym.
async fn every_path(base: &str) -> String {
    let (person, stranger) = (Person::new(base), Person::new(base));
    let policy = person.value("/v1/policy").await["hash"].clone();
    let typed_phone = "+380 44 731-04-59";
    let registration = |email: &str, phone: &str| json!({ "email": email, "phone": phone, "password": PASSWORD, "policy_hash": policy, "locale": "en" });
    // Refused for one thing or another, each with the values in it.
    let mut unknown_field = registration(EMAIL, typed_phone);
    unknown_field["canary.kestrel"] = json!(PHONE);
    let mut wrong_type = registration(EMAIL, typed_phone);
    wrong_type["locale"] = json!(EMAIL);
    let mut oversize = registration(EMAIL, typed_phone);
    oversize["email"] = json!(format!("{}{EMAIL}", "x".repeat(100_000)));
    for (body, status) in [
        (registration(NO_EMAIL, typed_phone), 400),
        (registration(EMAIL, "0447310459"), 400),
        (unknown_field, 400),
        (wrong_type, 400),
        (oversize, 413),
        (json!([EMAIL, PHONE, PASSWORD]), 400),
    ] {
        assert_eq!(
            person.status(Method::POST, "/v1/registrations", body).await,
            status
        );
    }
    let broken = format!("{{\"email\": \"{EMAIL}\", \"phone\": \"{PHONE}\", \"password\": \"{PASSWORD}\"");
    let request = person.client.post(format!("{base}/v1/registrations"));
    let request = request
        .header("EnsoEx-Client", "web")
        .header("content-type", "application/json");
    assert_eq!(request.body(broken).send().await.unwrap().status(), 400);

    let body = registration(EMAIL, typed_phone);
    let started = person.send(Method::POST, "/v1/registrations", &body).await;
    assert_eq!(started.status(), 202, "{}", started.text().await.unwrap());
    let started: Value = started.json().await.unwrap();
    let confirm = format!(
        "/v1/registrations/{}/confirm",
        started["registration"].as_str().unwrap()
    );
    let (email_code, phone_code) = (person.code(EMAIL).await, person.code(PHONE).await);
    let wrong = json!({ "email_code": phone_code, "phone_code": email_code });
    assert_eq!(person.status(Method::POST, &confirm, wrong).await, 400);
    let odd = json!({ "email_code": EMAIL, "phone_code": PHONE });
    assert_eq!(person.status(Method::POST, &confirm, odd).await, 400);
    let right = json!({ "email_code": email_code, "phone_code": phone_code });
    assert_eq!(person.status(Method::POST, &confirm, right).await, 201);
    // The same address once more, by somebody else.
    let body = registration(EMAIL, "+380447310460");
    assert_eq!(
        stranger.status(Method::POST, "/v1/registrations", body).await,
        202
    );

    for (email, password) in [
        (EMAIL, WRONG_PASSWORD),
        (STRANGER, PASSWORD),
        (NO_EMAIL, PASSWORD),
    ] {
        let sign_in = json!({ "email": email, "password": password });
        let status = stranger.status(Method::POST, "/v1/session", sign_in).await;
        assert!((400..=429).contains(&status), "{status}");
    }
    let sign_in = json!({ "email": EMAIL, "password": PASSWORD });
    assert_eq!(person.status(Method::POST, "/v1/session", sign_in).await, 200);

    let seen = person.get("/v1/me").await;
    assert!(seen.contains(EMAIL) && seen.contains(PHONE), "{seen}");
    let export = person.get("/v1/me/export").await;
    assert!(export.contains(EMAIL) && export.contains(PHONE), "{export}");
    for path in [
        "/v1/me/export?format=html",
        "/v1/me/access-log",
        "/v1/me/access-report",
        "/v1/me/receipts/newest",
        "/v1/me/corrections",
        "/v1/account/statement",
    ] {
        person.get(path).await;
    }
    // In a place where no personal data belongs; and somebody else's data, by guessing.
    for path in [
        "/v1/erasures/canary.kestrel@example.org",
        "/v1/me?email=canary.kestrel@example.org",
        "/canary.kestrel/447310459",
    ] {
        person.get(path).await;
        stranger.get(path).await;
    }

    for (field, value, wrong_value) in [("email", NEW_EMAIL, NO_EMAIL), ("mobile_phone", NEW_PHONE, "+12")] {
        let path = format!("/v1/me/corrections/{field}");
        for (value, password, good) in [
            (wrong_value, PASSWORD, false),
            (value, WRONG_PASSWORD, false),
            (value, PASSWORD, true),
        ] {
            let body = json!({ "value": value, "password": password });
            let answer = person.send(Method::POST, &path, &body).await;
            assert_eq!(
                answer.status().is_success(),
                good,
                "{}",
                answer.text().await.unwrap()
            );
        }
        let confirm = format!("{path}/confirm");
        assert_eq!(
            person
                .status(Method::POST, &confirm, json!({ "code": value }))
                .await,
            400
        );
        let code = json!({ "code": person.code(value).await });
        let answer = person.send(Method::POST, &confirm, &code).await;
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
    assert!(person.get("/v1/me/export").await.contains(NEW_EMAIL));
    let objection = json!({ "right": "objection", "matter": "fraud_prevention" });
    let asked = person.status(Method::POST, "/v1/me/requests", objection);
    assert_eq!(asked.await, 201);

    for path in [
        "/health/live",
        "/health/ready",
        "/health/primary",
        "/v1/transparency/access",
    ] {
        let told = person.get(path).await;
        for (what, needle) in needles() {
            assert!(
                memchr::memmem::find(told.as_bytes(), &needle).is_none(),
                "{what} in {path}"
            );
        }
    }
    person.value("/v1/me").await["subject"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Runs the program with a text on its standard input; what it wrote of either kind.
fn typed(data: &Path, command: &[&str], more: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ensoex"))
        .args(command)
        .arg("--data")
        .arg(data)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that asks for nothing may have ended.
    let _ended = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&told).into_owned(),
    )
}

/// Everything that staff and the operator do with personal data at the command line. What it tells, but for what they read, holds
/// no canary either.
fn every_command(data: &Path, subject: &str, keys: &Path) {
    let quiet = |command: &[&str], more: &[&str], input: &str, good: bool| {
        let (succeeded, told) = typed(data, command, more, input);
        assert_eq!(succeeded, good, "{command:?} {more:?}: {told}");
        for (what, needle) in needles() {
            assert!(
                memchr::memmem::find(told.as_bytes(), &needle).is_none(),
                "{what} in {command:?}"
            );
        }
        told
    };
    let key = keys.to_str().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_ensoex"))
        .args(["staff", "key", key])
        .output()
        .unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    let public = made
        .lines()
        .find_map(|line| line.strip_prefix("public key: "))
        .unwrap();
    quiet(&["staff", "enrol"], &[public.trim()], "", true);
    let mine = ["--key", key];
    let with_key = |more: &[&str]| {
        [&mine[..], more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let case = |command: &str, more: &[&str], input: &str, good: bool| {
        let more = with_key(more);
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        quiet(&["cases", command], &more, input, good)
    };
    let opened = case(
        "open",
        &[
            subject,
            "--fields",
            "email,mobile_phone",
            "--reason",
            "support_request",
        ],
        "",
        true,
    );
    let opened: Value = serde_json::from_str(&opened).unwrap();
    let number = opened["case"].as_str().unwrap().to_owned();
    for (field, value) in [("email", NEW_EMAIL), ("mobile_phone", NEW_PHONE)] {
        let more = with_key(&[&number, subject, field]);
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let (read, told) = typed(data, &["cases", "read"], &more, "");
        assert!(read && told.contains(value), "control: staff do read it: {told}");
        let found = case("find", &[field], value, true);
        assert!(found.contains(subject), "control: {found}");
    }
    case("find", &["email"], STRANGER, true);
    case("find", &["email"], NO_EMAIL, false);
    case("find", &["mobile_phone"], PASSWORD, false);
    case("read", &[&number, subject, "password_hash"], "", false);
    case("list", &[], "", true);
    for (command, more) in [
        (
            &["privacy", "hold", "place"][..],
            &[
                subject,
                "mobile_phone",
                "--law",
                "court_order",
                "--until",
                "2099-01-01",
            ][..],
        ),
        (&["privacy", "hold", "list"], &[subject]),
        (&["staff", "suspend"], &["00000000000000000000000000000000"]),
        (
            &["privacy", "honeytokens"],
            &["--count", "1", "--email-domain", "canary harrier at nowhere"],
        ),
    ] {
        let (_, told) = typed(data, command, more, "");
        for (what, needle) in needles() {
            assert!(
                memchr::memmem::find(told.as_bytes(), &needle).is_none(),
                "{what} in {command:?}: {told}"
            );
        }
    }
    quiet(&["staff", "list"], &[], "", true);
    quiet(&["privacy", "statistics"], &[], "", true);
    quiet(&["requests", "list"], &[], "", true);
    quiet(&["keys", "rotate"], &["--layer", "values,heads"], "", true);
    quiet(&["keys", "status"], &[], "", true);
    quiet(&["verify", "records"], &[], "", true);
    case("close", &[&number], "", true);
}

async fn backed_up(data: &Path, to: &Path, recipients: &Recipients) {
    let store = BackupStore::open(to.to_str().unwrap(), &ObjectStorage::default()).unwrap();
    let mut backup = Backup::open(data, None, store, recipients.clone()).await.unwrap();
    backup.take(true).await.unwrap();
}

/// Mechanism: `crates/vault/src/personal.rs`
/// Control: planted in a file, in the write-ahead log beside it, in a line of the log and in a backup it is found.
#[tokio::test]
async fn clause_09_no_canary_is_in_a_file_a_log_line_or_a_backup() {
    let kept = tempfile::tempdir().unwrap();
    let data = kept.path().join("service");
    let identity = kept.path().join("identity.txt");
    let recipient = new_identity(&identity).unwrap();
    let identity = Identity::read(&identity).unwrap();
    let recipients = Recipients::read(&[recipient]).unwrap();

    let service = Service::start_logging(&data, "trace");
    service.healthy("primary").await;
    let subject = every_path(&service.base).await;
    every_command(&data, &subject, &kept.path().join("staff.key"));
    assert_eq!(found_in(kept.path(), None), Vec::<String>::new(), "while it runs");
    backed_up(&data, &kept.path().join("backup"), &recipients).await;
    // Killed, so that what it would tidy up at its end stays.
    service.kill();
    // Killed as it was, its records are those that the access log says.
    let (holds, told) = service::run(&["verify", "records"], &data, &[]);
    assert!(holds && told.contains("The records hold"), "{told}");
    assert_eq!(found_in(kept.path(), Some(&identity)), Vec::<String>::new());
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(log.contains("TRACE axum"), "each connection is logged, so all is");

    // The control: in a file, in the write-ahead log beside it, in a line of the log and in what is sealed in a backup.
    let plant = "INSERT INTO meta VALUES ('planted', CAST('canary.kestrel@example.org' AS BLOB))";
    let options = SqliteConnectOptions::new().filename(data.join("vault/vault.db"));
    let mut raw = options.connect().await.unwrap();
    sqlx::query(plant).execute(&mut raw).await.unwrap();
    let spoil = "UPDATE records SET sealed = zeroblob(40) WHERE field = 'email'";
    sqlx::query(spoil).execute(&mut raw).await.unwrap();
    let (holds, told) = service::run(&["verify", "records"], &data, &[]);
    assert!(!holds && told.contains(" email: it is not what entry"), "{told}");
    std::fs::write(data.with_extension("log"), format!("{log} sent to {PHONE}")).unwrap();
    backed_up(&data, &kept.path().join("backup-2"), &recipients).await;
    let found = found_in(kept.path(), Some(&identity));
    for part in ["vault.db", "phone number in", "/backup-2/"] {
        assert!(
            found.iter().any(|found| found.contains(part)),
            "{part}: {found:?}"
        );
    }
}
