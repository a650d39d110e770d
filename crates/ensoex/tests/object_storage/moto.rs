//! A server of the S3 protocol that others wrote: moto, started on a free port of the loopback address.
//!
//! It runs in `python3`, or in the Python that `ENSOEX_MOTO_PYTHON` names. Where that has no moto, a test that needs it is passed over with a
//! sentence that says what to install; with `ENSOEX_REQUIRE_MOTO=1` it fails. It ends with the test, however that ends: a shell
//! that waits for the end of its input ends it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const MISSING: &str = "this test needs moto's server; install it (pip install -r crates/backup/tests/requirements.txt), or \
                       name the Python that has it in ENSOEX_MOTO_PYTHON";
const IS_THERE: &str =
    "import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in ('moto', 'flask')))";
/// Moto computes signatures over the decoded query; the protocol says that a slash in it is encoded.
const SERVE: &str = "
import sys
from botocore.auth import SigV4Auth
as_it_came = SigV4Auth._canonical_query_string_url
SigV4Auth._canonical_query_string_url = lambda self, parts: as_it_came(self, parts).replace('/', '%2F')
from moto.server import main
main(sys.argv[1:])
";
/// Not looked at until credentials are demanded; without any, objects are private.
pub(crate) const ANYBODY: &str =
    "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
/// Starts what its arguments say, and ends it when its own input ends.
const GUARD: &str = r#""$@" & pid=$!; cat >/dev/null; kill "$pid""#;

pub(crate) struct Moto {
    guard: Child,
    pub(crate) endpoint: String,
    pub(crate) client: reqwest::Client,
}

impl Moto {
    /// None where it is not installed, unless it must be. `more` are further arguments.
    pub(crate) async fn start(more: &[&str]) -> Option<Moto> {
        let python = std::env::var_os("ENSOEX_MOTO_PYTHON").unwrap_or_else(|| "python3".into());
        let is_there = Command::new(&python).args(["-c", IS_THERE]).status();
        if !is_there.is_ok_and(|status| status.success()) {
            let required = std::env::var_os("ENSOEX_REQUIRE_MOTO").is_some_and(|value| value == "1");
            assert!(!required, "ENSOEX_REQUIRE_MOTO=1: {MISSING}");
            eprintln!("passed over: {MISSING}");
            return None;
        };
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(python)
            .args(["-c", SERVE, "-H", "127.0.0.1", "-p", "0"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(guard.stderr.take().unwrap()).lines();
        let endpoint = loop {
            let line = lines.next().expect("moto ended").unwrap();
            if let Some((_, address)) = line.split_once("Running on ") {
                break address.trim().to_owned();
            }
        };
        // Its log must be read, or it would wait for somebody who does.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Moto {
            guard,
            endpoint,
            client: reqwest::Client::new(),
        })
    }

    pub(crate) async fn put(&self, path: &str, body: Vec<u8>) {
        let sent = self.client.put(format!("{}/{path}", self.endpoint)).body(body);
        let answer = sent.header("Authorization", ANYBODY).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// A new bucket that keeps what is replaced.
    pub(crate) async fn versioned_bucket(&self, name: &str) {
        self.put(name, Vec::new()).await;
        let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        self.put(&format!("{name}?versioning"), enabled.into()).await;
    }

    pub(crate) async fn get(&self, path: &str) -> Vec<u8> {
        self.find(path).await.expect(path)
    }

    /// None when it is not there.
    pub(crate) async fn find(&self, path: &str) -> Option<Vec<u8>> {
        let sent = self.client.get(format!("{}/{path}", self.endpoint));
        let answer = sent.header("Authorization", ANYBODY).send().await.unwrap();
        match answer.status().as_u16() {
            404 => None,
            status => {
                assert_eq!(status, 200, "{path}");
                Some(answer.bytes().await.unwrap().to_vec())
            }
        }
    }

    /// What a bucket holds (1,000 objects at the most): each one's key and hash.
    pub(crate) async fn objects(&self, bucket: &str) -> BTreeMap<String, String> {
        let listed = String::from_utf8(self.get(&format!("{bucket}?list-type=2")).await).unwrap();
        let objects = listed.split("<Contents>").skip(1);
        objects
            .map(|object| (element(object, "Key"), element(object, "ETag")))
            .collect()
    }

    /// Every version of every object: its key and its version.
    pub(crate) async fn versions(&self, bucket: &str) -> Vec<(String, String)> {
        let listed = String::from_utf8(self.get(&format!("{bucket}?versions")).await).unwrap();
        let versions = listed.split("<Version>").skip(1);
        versions
            .map(|version| (element(version, "Key"), element(version, "VersionId")))
            .collect()
    }

    /// From now on nobody may do anything but who has the credential that this answers: id and secret.
    pub(crate) async fn demand_credentials(&self) -> (String, String) {
        let everything =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        self.iam(&[("Action", "CreateUser"), ("UserName", "backup")])
            .await;
        self.iam(&[
            ("Action", "PutUserPolicy"),
            ("UserName", "backup"),
            ("PolicyName", "everything"),
            ("PolicyDocument", everything),
        ])
        .await;
        let made = self
            .iam(&[("Action", "CreateAccessKey"), ("UserName", "backup")])
            .await;
        let reset = self.client.post(format!("{}/moto-api/reset-auth", self.endpoint));
        assert!(reset.body("0").send().await.unwrap().status().is_success());
        (element(&made, "AccessKeyId"), element(&made, "SecretAccessKey"))
    }

    async fn iam(&self, form: &[(&str, &str)]) -> String {
        let anybody = ANYBODY.replace("/s3/", "/iam/");
        let sent = self.client.post(&self.endpoint).header("Authorization", anybody);
        let answer = sent.form(form).send().await.unwrap();
        assert!(answer.status().is_success(), "{form:?}: {}", answer.status());
        answer.text().await.unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ended = self.guard.wait();
    }
}

/// The text of the first element of this name.
fn element(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).expect(name);
    rest.split_once("</").expect(name).0.replace("&quot;", "\"")
}
