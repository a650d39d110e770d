//! The network over real TCP and HTTP: answers, the ledger, and each way of being asked twice.

use ensoex_cardnet::{Options, Running, start};
use ensoex_iso8583::{AdditionalData, FrameBuffer, Message, MessageType, OriginalDataElements};
use ensoex_iso8583::{encode_frame, number, tag};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DATE_TIME: &str = "1122153000";
const REFERENCE: &str = "REF000000001";

async fn network(data: &Path) -> Running {
    let options = Options {
        data: data.to_owned(),
        listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        iso_port: 0,
        public_url: None,
    };
    start(&options).await.unwrap_or_else(|error| panic!("{error}"))
}

struct Connection {
    stream: TcpStream,
    buffer: FrameBuffer,
}

impl Connection {
    async fn open(network: &Running) -> Self {
        Self {
            stream: TcpStream::connect(network.iso_address).await.unwrap(),
            buffer: FrameBuffer::default(),
        }
    }

    async fn send(&mut self, message: &Message) {
        self.stream
            .write_all(&encode_frame(&message.encode()).unwrap())
            .await
            .unwrap();
    }

    async fn receive(&mut self, wait: Duration) -> Option<Message> {
        let mut chunk = [0; 512];
        loop {
            if let Some(frame) = self.buffer.next_frame().unwrap() {
                return Some(Message::parse(&frame).unwrap_or_else(|error| panic!("{error}")));
            }
            match tokio::time::timeout(wait, self.stream.read(&mut chunk)).await {
                Ok(Ok(count)) if count > 0 => assert_eq!(self.buffer.push(&chunk[..count]), count),
                _ => return None,
            }
        }
    }

    async fn exchange(&mut self, message: &Message) -> Message {
        self.send(message).await;
        self.receive(Duration::from_secs(5)).await.expect("an answer")
    }

    async fn code(&mut self, message: &Message) -> String {
        self.exchange(message)
            .await
            .text(number::RESPONSE_CODE)
            .unwrap()
            .to_owned()
    }
}

fn order(kind: MessageType, card: &str, trace: u64, amount: u64) -> Message {
    let mut message = Message::new(kind);
    message.set(number::CARD_NUMBER, card.as_bytes()).unwrap();
    let code = if kind == MessageType::FINANCIAL_REQUEST {
        260_000
    } else {
        0
    };
    message.set_integer(number::PROCESSING_CODE, code).unwrap();
    message.set_integer(number::AMOUNT, amount).unwrap();
    message.set(number::EXPIRY, b"9912").unwrap();
    message.set_integer(number::CURRENCY, 978).unwrap();
    identify(&mut message, trace);
    message
}

fn identify(message: &mut Message, trace: u64) {
    message
        .set(number::TRANSMISSION_DATE_TIME, DATE_TIME.as_bytes())
        .unwrap();
    message.set_integer(number::TRACE_NUMBER, trace).unwrap();
    message.set(number::ACQUIRER, b"12345").unwrap();
    message
        .set(number::RETRIEVAL_REFERENCE, REFERENCE.as_bytes())
        .unwrap();
    message.set_padded(number::TERMINAL, "TEST1").unwrap();
}

fn about(kind: MessageType, original_kind: MessageType, original_trace: u32) -> Message {
    let mut message = Message::new(kind);
    identify(&mut message, 900_000 + u64::from(original_trace));
    let original = OriginalDataElements {
        message_type: original_kind,
        trace_number: original_trace,
        transmission_date_time: DATE_TIME.as_bytes().try_into().unwrap(),
        acquirer: 12_345,
    };
    message
        .set(number::ORIGINAL_DATA, &original.encode().unwrap())
        .unwrap();
    message
}

fn capture(trace: u32, amount: u64) -> Message {
    let mut message = about(
        MessageType::FINANCIAL_ADVICE,
        MessageType::AUTHORIZATION_REQUEST,
        trace,
    );
    message.set_integer(number::AMOUNT, amount).unwrap();
    message
}

async fn ledger(network: &Running) -> Value {
    let url = format!("{}/ledger.json", network.public_url);
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

const AUTHORIZE: MessageType = MessageType::AUTHORIZATION_REQUEST;
const CREDIT: MessageType = MessageType::FINANCIAL_REQUEST;

#[tokio::test]
async fn test_cards_answer_as_documented() {
    let data = tempfile::tempdir().unwrap();
    let network = network(data.path()).await;
    let mut connection = Connection::open(&network).await;
    for (trace, (kind, card, code)) in [
        (AUTHORIZE, "4242424242424242", "00"),
        (AUTHORIZE, "5555555555554444", "00"),
        (AUTHORIZE, "4000000000000002", "05"),
        (AUTHORIZE, "4000000000009995", "51"),
        (AUTHORIZE, "4000000000009987", "41"),
        (AUTHORIZE, "4000000000003220", "1A"),
        (AUTHORIZE, "4242424242424241", "14"),
        (CREDIT, "4242424242424242", "00"),
        (CREDIT, "4000000000009995", "57"),
        (CREDIT, "4000000000003220", "00"),
    ]
    .into_iter()
    .enumerate()
    {
        let message = order(kind, card, trace as u64 + 1, 100);
        assert_eq!(connection.code(&message).await, code, "{kind} {card}");
    }
    let mut expired = order(AUTHORIZE, "4242424242424242", 99, 100);
    expired.set(number::EXPIRY, b"2001").unwrap();
    assert_eq!(connection.code(&expired).await, "54");
    let huge = order(AUTHORIZE, "4242424242424242", 98, 999_999_999_999);
    assert_eq!(connection.code(&huge).await, "00");
    let more = order(AUTHORIZE, "4242424242424242", 97, 999_999_999_999);
    assert_eq!(connection.code(&more).await, "51");
    network.stop().await;
}

#[tokio::test]
async fn each_message_books_once_however_often_it_comes() {
    let data = tempfile::tempdir().unwrap();
    let network = network(data.path()).await;
    let mut connection = Connection::open(&network).await;
    let authorization = order(AUTHORIZE, "4242424242424242", 1, 2_500);
    let first = connection.exchange(&authorization).await;
    let again = connection.exchange(&authorization).await;
    assert_eq!(
        first.text(number::APPROVAL_CODE),
        again.text(number::APPROVAL_CODE)
    );
    assert_eq!(connection.code(&capture(1, 2_400)).await, "13");
    for _ in 0..3 {
        assert_eq!(connection.code(&capture(1, 2_500)).await, "00");
    }
    let credit = order(CREDIT, "4242424242424242", 2, 700);
    for _ in 0..3 {
        assert_eq!(connection.code(&credit).await, "00");
    }
    let other = order(AUTHORIZE, "4242424242424242", 3, 900);
    assert_eq!(connection.code(&other).await, "00");
    for _ in 0..2 {
        assert_eq!(
            connection
                .code(&about(MessageType::REVERSAL_ADVICE, AUTHORIZE, 3))
                .await,
            "00"
        );
    }
    let totals = ledger(&network).await["currencies"]["EUR"].clone();
    assert_eq!(
        totals,
        json!({"authorized": 2500, "captured": 2500, "credited": 700, "reversed": 900, "captures": 1,
               "credits": 1, "postings_sum": 0})
    );
    network.stop().await;
}

#[tokio::test]
async fn reversals_never_undo_money_that_moved_and_block_what_comes_late() {
    let data = tempfile::tempdir().unwrap();
    let network = network(data.path()).await;
    let mut connection = Connection::open(&network).await;
    let reverse = |kind, trace| about(MessageType::REVERSAL_ADVICE, kind, trace);
    connection
        .exchange(&order(AUTHORIZE, "4242424242424242", 1, 100))
        .await;
    connection.exchange(&capture(1, 100)).await;
    connection
        .exchange(&order(CREDIT, "4242424242424242", 2, 50))
        .await;
    assert_eq!(connection.code(&reverse(AUTHORIZE, 1)).await, "21");
    assert_eq!(connection.code(&reverse(CREDIT, 2)).await, "21");
    assert_eq!(connection.code(&reverse(AUTHORIZE, 3)).await, "00");
    let late = order(AUTHORIZE, "4242424242424242", 3, 100);
    assert_eq!(connection.code(&late).await, "94");
    assert_eq!(connection.code(&capture(3, 100)).await, "13");
    assert_eq!(connection.code(&capture(4, 100)).await, "25");
    network.stop().await;
}

#[tokio::test]
async fn lost_answers_are_found_by_inquiry_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let first = network(data.path()).await;
    let mut connection = Connection::open(&first).await;
    connection
        .send(&order(AUTHORIZE, "4000000000007007", 1, 100))
        .await;
    connection
        .send(&order(AUTHORIZE, "4000000000007106", 2, 100))
        .await;
    assert!(connection.receive(Duration::from_millis(300)).await.is_none());
    first.stop().await;

    let second = network(data.path()).await;
    let mut connection = Connection::open(&second).await;
    let found = connection
        .exchange(&about(MessageType::INQUIRY_REQUEST, AUTHORIZE, 1))
        .await;
    assert_eq!(found.text(number::RESPONSE_CODE), Some("00"));
    assert_eq!(found.text(number::ADDITIONAL_RESPONSE), Some("00A"));
    assert!(found.text(number::APPROVAL_CODE).is_some());
    assert_eq!(
        connection
            .code(&about(MessageType::INQUIRY_REQUEST, AUTHORIZE, 2))
            .await,
        "25"
    );
    second.stop().await;
}

#[tokio::test]
async fn malformed_frames_end_only_their_own_connection() {
    let data = tempfile::tempdir().unwrap();
    let network = network(data.path()).await;
    let mut sound = Connection::open(&network).await;
    for bytes in [
        &[0xff, 0xff][..],
        &[0, 0],
        &[0, 5, 1, 2, 3, 4, 5],
        b"\x00\x0cGET / HTTP/1",
    ] {
        let mut stream = TcpStream::connect(network.iso_address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "the connection stays open after {bytes:?}");
        assert!(answer.is_empty());
    }
    assert_eq!(
        sound.code(&order(AUTHORIZE, "4242424242424242", 1, 100)).await,
        "00"
    );
    let incomplete = Message::new(AUTHORIZE);
    assert_eq!(sound.code(&incomplete).await, "30");
    network.stop().await;
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn authentication(network: &Running, id: &str, card: &str) -> Value {
    let request = json!({
        "three_ds_server_transaction_id": id, "card_number": card, "amount": 4200, "currency": "EUR",
        "merchant_name": "EnsoEx", "return_url": "http://127.0.0.1:1/back", "locale": "en"
    });
    let url = format!("{}/3ds/areq", network.public_url);
    client()
        .post(url)
        .json(&request)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

async fn result(network: &Running, id: &str) -> Value {
    reqwest::get(format!("{}/3ds/result/{id}", network.public_url))
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// The code that the challenge page shows.
async fn shown_code(url: &str) -> String {
    let page = reqwest::get(url).await.unwrap().text().await.unwrap();
    let after = page.split("class=\"code\">").nth(1).unwrap();
    after[..6].to_owned()
}

#[tokio::test]
async fn a_challenge_passes_with_its_code_and_proves_one_amount_only() {
    let data = tempfile::tempdir().unwrap();
    let network = network(data.path()).await;
    let id = "authentication-000000000001";
    let answer = authentication(&network, id, "4000 0000 0000 3220").await;
    assert_eq!(answer["status"], "C");
    assert_eq!(answer["authentication_value"], Value::Null);
    let url = answer["challenge_url"].as_str().unwrap().to_owned();
    let wrong = client()
        .post(&url)
        .form(&[("code", "xxxxxx")])
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 303);
    assert_eq!(result(&network, id).await["status"], "C");
    let code = shown_code(&url).await;
    let right = client()
        .post(&url)
        .form(&[("code", code.as_str())])
        .send()
        .await
        .unwrap();
    assert_eq!(right.headers()["location"], "http://127.0.0.1:1/back");
    let passed = result(&network, id).await;
    assert_eq!(passed["status"], "Y");

    let mut connection = Connection::open(&network).await;
    for (trace, amount, expected) in [(1, 4_300, "1A"), (2, 4_200, "00")] {
        let mut message = order(AUTHORIZE, "4000000000003220", trace, amount);
        let mut data = AdditionalData::default();
        let value = passed["authentication_value"].as_str().unwrap();
        data.push(tag::AUTHENTICATION_VALUE, value.as_bytes()).unwrap();
        message.set(number::ADDITIONAL_DATA, &data.encode()).unwrap();
        assert_eq!(connection.code(&message).await, expected, "{amount}");
    }
    network.stop().await;
}

#[tokio::test]
async fn a_challenge_fails_when_refused_or_after_three_wrong_codes() {
    let data = tempfile::tempdir().unwrap();
    let network = network(data.path()).await;
    for (id, answers) in [
        ("authentication-000000000001", vec![("answer", "refuse")]),
        ("authentication-000000000002", vec![("code", "xxxxxx"); 3]),
    ] {
        let answer = authentication(&network, id, "4000 0000 0000 3220").await;
        let url = answer["challenge_url"].as_str().unwrap().to_owned();
        let code = shown_code(&url).await;
        for form in answers {
            client().post(&url).form(&[form]).send().await.unwrap();
        }
        assert_eq!(result(&network, id).await["status"], "N");
        client().post(&url).form(&[("code", code)]).send().await.unwrap();
        assert_eq!(
            result(&network, id).await["status"],
            "N",
            "a finished challenge is final"
        );
    }
    let frictionless = authentication(&network, "authentication-000000000003", "4242424242424242").await;
    assert_eq!(frictionless["status"], "Y");
    let unknown = reqwest::get(format!("{}/3ds/result/none", network.public_url))
        .await
        .unwrap();
    assert_eq!(unknown.status(), 404);
    network.stop().await;
}

#[tokio::test]
async fn no_whole_card_number_is_kept_or_shown() {
    let data = tempfile::tempdir().unwrap();
    let network = network(data.path()).await;
    let card = "4000000000003220";
    authentication(&network, "authentication-000000000001", card).await;
    Connection::open(&network)
        .await
        .exchange(&order(AUTHORIZE, card, 1, 100))
        .await;
    let shown = ledger(&network).await.to_string();
    assert!(shown.contains("400000******3220"), "{shown}");
    assert!(!shown.contains(card));
    network.stop().await;
    let mut files = 0;
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        files += usize::from(holds(b"400000******3220"));
        assert!(!holds(card.as_bytes()));
    }
    assert!(files > 0, "the scan found no ledger");
}
