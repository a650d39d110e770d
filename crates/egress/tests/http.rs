//! A client reaches its recipient and nobody else.
#![cfg(feature = "http")]

use ensoex_egress::{ClientError, HttpClient, Recipient};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers everything with `answer`; gives its address and counts who came.
async fn server(answer: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut bytes = [0; 4096];
            let _ignored = stream.read(&mut bytes).await;
            let _ignored = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, came)
}

fn client(base: &str) -> HttpClient {
    HttpClient::new(Recipient::EnsoExPay, base, Duration::from_secs(5)).unwrap()
}

/// Nothing leads a request away from the recipient: no redirect, no path.
/// Mechanism: `crates/egress/src/http.rs`
/// Control: the other server is reached and counts when a client is made for it.
#[tokio::test]
async fn clause_08_a_client_reaches_its_recipient_only() {
    let (other, others) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let redirect =
        format!("HTTP/1.1 307 Elsewhere\r\nlocation: http://{other}/\r\ncontent-length: 0\r\n\r\n");
    let (own, _) = server(redirect).await;
    let client_of_own = client(&format!("http://{own}/"));
    let answer = client_of_own
        .request(reqwest::Method::GET, "/v1/events")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 307, "a redirect is an answer, not an order");
    for path in [
        format!("//{other}/"),
        format!("@{other}/"),
        format!("http://{other}/"),
        format!(".{other}/"),
    ] {
        let request = client_of_own
            .request(reqwest::Method::GET, &path)
            .build()
            .unwrap();
        let host = format!(
            "{}:{}",
            request.url().host_str().unwrap(),
            request.url().port().unwrap()
        );
        assert_eq!(host, own, "{path}");
    }
    assert_eq!(others.load(Ordering::SeqCst), 0);
    let control = client(&format!("http://{other}"));
    let answer = control.request(reqwest::Method::GET, "/").send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), others.load(Ordering::SeqCst)),
        (200, 1)
    );
}

#[test]
fn an_address_is_a_server_and_no_more() {
    for wrong in [
        "pay.example",
        "ftp://pay.example",
        "http://user:secret@pay.example",
        "http://pay.example/path",
        "http://pay.example/?q",
        "unix:/socket",
    ] {
        let refused = HttpClient::new(Recipient::EnsoExPay, wrong, Duration::from_secs(1));
        let error = refused.err().unwrap();
        assert!(matches!(error, ClientError::Address { .. }), "{wrong}");
        assert!(!error.to_string().contains("secret"));
    }
}
