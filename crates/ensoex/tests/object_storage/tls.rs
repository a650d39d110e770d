//! Object storage over TLS: with an authority that the machine trusts, and with one that it does not.

use crate::authority::{certify, openssl};
use crate::moto::{ANYBODY, Moto};
use crate::support::{Setting, refused, said};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// Makes a bucket with nothing but a TLS connection.
fn make_bucket(folder: &Path, endpoint: &str) {
    let host = endpoint.strip_prefix("https://").unwrap();
    let line = format!("s_client -quiet -CAfile ca.pem -connect {host}");
    let mut client = openssl(folder, &line)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let request = format!(
        "PUT /backups HTTP/1.1\r\nHost: {host}\r\nAuthorization: {ANYBODY}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    client
        .stdin
        .as_mut()
        .unwrap()
        .write_all(request.as_bytes())
        .unwrap();
    let answer = client.wait_with_output().unwrap().stdout;
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_server_whom_the_machine_trusts_is_given_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let Some(moto) = Moto::start(&["-s", "-c", &path("server.pem"), "-k", &path("server.key")]).await else {
        return;
    };
    make_bucket(folder.path(), &moto.endpoint);
    let setting = Setting::new(Some(&moto.endpoint)).await;
    let data = setting.path("service");
    let backup = |authorities: &str, endpoint: &str| {
        let mut command = setting.program(&setting.backup(&data, "s3://backups/one"));
        command
            .env("SSL_CERT_FILE", authorities)
            .env_remove("SSL_CERT_DIR")
            .env("AWS_ENDPOINT_URL", endpoint);
        command.output().unwrap()
    };
    let stranger = tempfile::tempdir().unwrap();
    certify(stranger.path());
    let stranger = stranger.path().join("ca.pem");
    let sentence = refused(&backup(stranger.to_str().unwrap(), &moto.endpoint));
    assert!(sentence.contains("invalid peer certificate"), "{sentence}");
    let by_another_name = moto.endpoint.replace("127.0.0.1", "localhost");
    let sentence = refused(&backup(&path("ca.pem"), &by_another_name));
    assert!(sentence.contains("not valid for name"), "{sentence}");
    // The control: the same server, trusted and under its own name.
    said(&backup(&path("ca.pem"), &moto.endpoint));
}
