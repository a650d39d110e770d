//! A Service that is no demo sends its messages through a mail relay and an SMS provider that others wrote: aiosmtpd behind STARTTLS
//! with a password, and an HTTP server with Twilio's API behind TLS (`carriers.py`).
//!
//! They run in `python3`, or in the Python that `ENSOEX_AIOSMTPD_PYTHON` names. Where that has no aiosmtpd, the tests are passed over
//! with a sentence that says what to install; with `ENSOEX_REQUIRE_AIOSMTPD=1` they fail.

#[path = "../object_storage/authority.rs"]
mod authority;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const MISSING: &str = "this test needs aiosmtpd; install it (pip install -r crates/ensoex/tests/messages/requirements.txt), or \
                       name the Python that has it in ENSOEX_AIOSMTPD_PYTHON";
const IS_THERE: &str = "import importlib.util as u, sys; sys.exit(u.find_spec('aiosmtpd') is None)";
/// A start or a message that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);
const EMAIL: &str = "person.of.carriers@example.org";
const PHONE: &str = "+380671234567";
const PASSWORD: &str = "river lantern under quiet snow";

struct Carriers {
    process: Child,
    messages: Receiver<Value>,
    folder: PathBuf,
    smtp: u64,
    sms: u64,
}

impl Carriers {
    /// None where aiosmtpd is not installed, unless it must be. The folder gets an authority and its certificates.
    fn start(folder: &Path) -> Option<Carriers> {
        let python = std::env::var_os("ENSOEX_AIOSMTPD_PYTHON").unwrap_or_else(|| "python3".into());
        let is_there = Command::new(&python).args(["-c", IS_THERE]).status();
        if !is_there.is_ok_and(|status| status.success()) {
            let required = std::env::var_os("ENSOEX_REQUIRE_AIOSMTPD").is_some_and(|value| value == "1");
            assert!(!required, "ENSOEX_REQUIRE_AIOSMTPD=1: {MISSING}");
            eprintln!("passed over: {MISSING}");
            return None;
        }
        authority::certify(folder);
        let mut process = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages/carriers.py"))
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ports: Value = serde_json::from_str(&lines.next().expect("ports").unwrap()).unwrap();
        let (tell, messages) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _test_ended = tell.send(serde_json::from_str(&line).unwrap());
            }
        });
        Some(Carriers {
            process,
            messages,
            folder: folder.to_path_buf(),
            smtp: ports["smtp"].as_u64().unwrap(),
            sms: ports["sms"].as_u64().unwrap(),
        })
    }

    /// What one of them answers from now on; nothing special if empty.
    fn say(&self, who: &str, what: &str) {
        std::fs::write(self.folder.join(who), what).unwrap();
    }

    /// The next two messages, e-mail first.
    fn two(&self) -> [Value; 2] {
        let mut two = [(); 2].map(|()| self.messages.recv_timeout(PATIENCE).expect("a message"));
        two.sort_by_key(|message| message["channel"] == "sms");
        two
    }
}

impl Drop for Carriers {
    fn drop(&mut self) {
        let _may_have_ended = self.process.kill();
        let _may_have_ended = self.process.wait();
    }
}

/// Below the ports that outgoing connections are given, so that none of those takes it before it is listened on.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() % 1_000 * 7;
        let port = u16::try_from(12_000 + next % 7_000).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

struct Service {
    process: Child,
    base: String,
    log: PathBuf,
    http: reqwest::Client,
}

impl Service {
    /// One that trusts the authority in this file.
    async fn start(carriers: &Carriers, trusted: &Path) -> Service {
        let data = carriers.folder.join("service");
        for (name, secret) in [("mail-password", "mail secret\n"), ("sms-token", "sms secret\n")] {
            std::fs::write(carriers.folder.join(name), secret).unwrap();
        }
        let port = free_port();
        let log = carriers.folder.join("service.log");
        let file = |name: &str| carriers.folder.join(name).display().to_string();
        let process = Command::new(env!("CARGO_BIN_EXE_ensoex"))
            .args(["serve", "--port", &port.to_string(), "--data"])
            .arg(&data)
            .args([
                "--mail-relay",
                &format!("smtp://exchange%40relay@127.0.0.1:{}", carriers.smtp),
            ])
            .args(["--mail-from", "EnsoEx <no-reply@exchange.example>"])
            .args(["--mail-password", &file("mail-password")])
            .args(["--sms-provider", &format!("https://127.0.0.1:{}", carriers.sms)])
            .args([
                "--sms-account",
                "AC1",
                "--sms-from",
                "EnsoEx",
                "--sms-token",
                &file("sms-token"),
            ])
            .env("SSL_CERT_FILE", trusted)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let service = Service {
            process,
            base: format!("http://127.0.0.1:{port}"),
            log,
            http: reqwest::Client::builder().cookie_store(true).build().unwrap(),
        };
        service.health_until("role", |role| role == "primary").await;
        service
    }

    /// Waits until this part of its health is so.
    async fn health_until(&self, part: &str, is_so: impl Fn(&Value) -> bool) {
        let asking = async {
            loop {
                if let Ok(answer) = reqwest::get(format!("{}/health/primary", self.base)).await
                    && answer.status().is_success()
                    && is_so(&answer.json::<Value>().await.unwrap()[part])
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, asking).await;
        assert!(
            in_time.is_ok(),
            "{part}: {}",
            std::fs::read_to_string(&self.log).unwrap()
        );
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header("EnsoEx-Client", "test");
        let answer = request.json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn register(&self, locale: &str) -> String {
        let documents = self
            .http
            .get(format!("{}/v1/policy", self.base))
            .send()
            .await
            .unwrap();
        let hash = documents.headers()["ensoex-policy-version"]
            .to_str()
            .unwrap()
            .to_owned();
        let wish = json!({ "email": EMAIL, "phone": PHONE, "password": PASSWORD, "policy_hash": hash, "locale": locale });
        let (status, started) = self.post("/v1/registrations", wish).await;
        assert_eq!(status, 202, "{started}");
        started["registration"].as_str().unwrap().to_owned()
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _may_have_ended = self.process.kill();
        let _may_have_ended = self.process.wait();
    }
}

/// The six digits in a text.
fn code(text: &str) -> String {
    let word = text.split(|character: char| !character.is_ascii_digit());
    word.into_iter()
        .find(|word| word.len() == 6)
        .expect("a code")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_reach_a_person_through_a_relay_and_a_provider() {
    let folder = tempfile::tempdir().unwrap();
    let Some(carriers) = Carriers::start(folder.path()) else {
        return;
    };
    let service = Service::start(&carriers, &folder.path().join("ca.pem")).await;
    let registration = service.register("uk").await;
    let [mail, sms] = carriers.two();
    assert_eq!(
        (&mail["to"], &mail["from"]),
        (&json!([EMAIL]), &json!("no-reply@exchange.example"))
    );
    assert_eq!(
        (&mail["tls"], &mail["user"]),
        (&json!(true), &json!("exchange@relay"))
    );
    assert_eq!(mail["headers"]["subject"], "Ваш код EnsoEx");
    assert_eq!(mail["headers"]["from"], "EnsoEx <no-reply@exchange.example>");
    assert_eq!(mail["headers"]["auto-submitted"], "auto-generated");
    assert!(
        mail["headers"]["message-id"]
            .as_str()
            .unwrap()
            .ends_with("@exchange.example>")
    );
    assert_eq!(mail["defects"], json!([]));
    let (plain, html) = (
        mail["parts"]["text/plain"].as_str().unwrap(),
        mail["parts"]["text/html"].as_str().unwrap(),
    );
    assert_eq!(code(plain), code(html));
    assert!(
        html.contains("<html lang=\"uk\">") && !html.contains("http"),
        "{html}"
    );
    assert_eq!((&sms["to"], &sms["from"]), (&json!(PHONE), &json!("EnsoEx")));
    let codes = json!({ "email_code": code(plain), "phone_code": code(sms["body"].as_str().unwrap()) });
    let (status, account) = service
        .post(&format!("/v1/registrations/{registration}/confirm"), codes)
        .await;
    assert_eq!(status, 201, "{account}");
    // The same contacts once more: their owner hears of it, and nobody else learns anything.
    service.register("uk").await;
    let [notice, _sms] = carriers.two();
    assert_eq!(notice["to"], json!([EMAIL]));
    assert_eq!(
        notice["headers"]["subject"],
        "Хтось намагався зареєструватися з вашою адресою"
    );
}

/// A relay that is busy and a provider that is down are asked again; nothing that the Service says of it is personal.
#[tokio::test(flavor = "multi_thread")]
async fn what_carriers_do_not_take_is_sent_again_and_the_operator_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(carriers) = Carriers::start(folder.path()) else {
        return;
    };
    carriers.say("smtp-says", &format!("451 4.3.0 Not now for {EMAIL}"));
    carriers.say("sms-says", "503");
    let service = Service::start(&carriers, &folder.path().join("ca.pem")).await;
    service.register("en").await;
    service
        .health_until("messages", |messages| {
            messages["email"]["last_failure"] == "not taken for now: the relay answered 451"
                && messages["sms"]["last_failure"] == "not taken for now: the provider answered 503"
                && messages["email"]["waiting"] == 1
        })
        .await;
    carriers.say("smtp-says", "");
    carriers.say("sms-says", "");
    let [mail, _sms] = carriers.two();
    assert_eq!(mail["headers"]["subject"], "Your EnsoEx code");
    let taken = |messages: &Value| messages["email"]["taken"] == 1 && messages["sms"]["taken"] == 1;
    service.health_until("messages", taken).await;
    let said = service.said();
    assert!(said.contains("a message is tried again"), "{said}");
    for personal in [
        EMAIL,
        &PHONE[1..],
        &code(mail["parts"]["text/plain"].as_str().unwrap()),
    ] {
        assert!(!said.contains(personal), "{personal}: {said}");
    }
    // For good is for good.
    carriers.say("smtp-says", "550 5.1.1 No such person");
    service.register("en").await;
    service
        .health_until("messages", |messages| messages["email"]["undelivered"] == 1)
        .await;
}

/// Somebody in between has another certificate, and is told nothing.
#[tokio::test(flavor = "multi_thread")]
async fn only_carriers_whom_the_machine_trusts_are_told_anything() {
    let folder = tempfile::tempdir().unwrap();
    let Some(carriers) = Carriers::start(folder.path()) else {
        return;
    };
    let other = tempfile::tempdir().unwrap();
    authority::certify(other.path());
    let service = Service::start(&carriers, &other.path().join("ca.pem")).await;
    service.register("en").await;
    service
        .health_until("messages", |messages| {
            messages["email"]["last_failure"] == "not taken for now: the relay cannot be reached, or no certificate that this machine trusts is its own"
                && messages["sms"]["last_failure"] == "not taken for now: the provider cannot be reached, or no certificate that this machine trusts is its own"
        })
        .await;
    assert!(carriers.messages.try_recv().is_err());
}
