//! Card numbers and codes never lie in the clear in any file, nor cross the API; with a control that finds them.

mod support;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::path::Path;
use support::*;

/// A number of our own, so that finding it means something. Its check digit is right.
const CANARY: &str = "4929 1234 5678 9015";
/// Four digits may occur in a random identifier; all of these in one run do not, unless codes are kept.
const CODES: [&str; 3] = ["8317", "6052", "9274"];

fn compact(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The files below a folder in which any of the texts occurs.
fn files_with(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, texts));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for text in texts {
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(format!("{} in {}", text, path.display()));
            }
        }
    }
    found
}

/// Mechanism: `crates/pay/src/vault.rs`
/// Control: the same scans find what somebody wrote down.
#[tokio::test]
async fn clause_06_no_card_number_or_code_lies_in_any_file() {
    let mut world = World::new().await;
    let number = compact(CANARY);
    let session = world.create("payment", "deposit-1", 2_500).await;
    let token = world.token(&session).await;
    let mut form = vec![
        ("token", token.as_str()),
        ("number", CANARY),
        ("expiry", "04/40"),
        ("cvc", CODES[0]),
    ];
    form.push(("remember", "yes"));
    assert_eq!(
        world.post_form(&session.url, &form).await.location(),
        "http://127.0.0.1:1/success"
    );

    // A challenge keeps its card sealed while the person is away, and the code not at all.
    let session = world.create("payment", "deposit-2", 2_500).await;
    let token = world.token(&session).await;
    let form = [
        ("token", token.as_str()),
        ("number", CHALLENGE),
        ("expiry", "04/40"),
        ("cvc", CODES[1]),
    ];
    assert!(
        world
            .post_form(&session.url, &form)
            .await
            .location()
            .contains("/3ds/challenge/")
    );
    // An unknown outcome is resolved without the code.
    let session = world.create("payment", "deposit-3", 2_500).await;
    let token = world.token(&session).await;
    let form = [
        ("token", token.as_str()),
        ("number", ANSWER_LOST),
        ("expiry", "04/40"),
        ("cvc", CODES[2]),
    ];
    world.post_form(&session.url, &form).await;
    // And so does a payout.
    let session = world.create("payout", "withdrawal-1", 2_500).await;
    let token = world.token(&session).await;
    world
        .post_form(
            &session.url,
            &[("token", &token), ("number", CANARY), ("expiry", "04/40")],
        )
        .await;

    let challenged = compact(CHALLENGE);
    let lost = compact(ANSWER_LOST);
    let texts = [
        number.as_str(),
        CANARY,
        challenged.as_str(),
        CHALLENGE,
        lost.as_str(),
        ANSWER_LOST,
    ];
    let folder = world.data.path().to_owned();
    assert_eq!(files_with(&folder, &texts), Vec::<String>::new());
    assert!(!codes_are_kept(&folder));
    assert!(
        !files_with(&world.pay_data(), &["deposit-2", "ins_"]).is_empty(),
        "the scan does not read the database"
    );

    // What crosses the API has neither number, nor last digits, nor brand.
    let events = serde_json::to_string(&world.events().await).unwrap();
    let payment = world
        .call("GET", "/v1/payments?client_reference=deposit-1", None, "")
        .await
        .1
        .to_string();
    for text in [number.as_str(), "9015", "VISA", "Visa", "last4", "fingerprint"] {
        assert!(
            !events.contains(text) && !payment.contains(text),
            "{text} crosses the API"
        );
    }
    world.stop_pay().await;
    assert_eq!(files_with(&folder, &texts), Vec::<String>::new());

    // The control: the same scans find what somebody wrote down.
    std::fs::write(
        folder.join("leak.log"),
        format!("card={number} {}", CODES.join(" ")),
    )
    .unwrap();
    assert_eq!(files_with(&folder, &texts).len(), 1);
    assert!(codes_are_kept(&folder));
    world.stop().await;
}

#[tokio::test]
async fn a_card_that_is_not_remembered_leaves_no_sealed_row() {
    let world = World::new().await;
    for (reference, card) in [
        ("deposit-1", APPROVED),
        ("deposit-2", DECLINED),
        ("deposit-3", CHALLENGE),
    ] {
        let session = world.create("payment", reference, 2_500).await;
        let reply = world.pay_with(&session, card).await;
        if card == CHALLENGE {
            assert_eq!(
                instruments(&world).await,
                1,
                "the control: a challenge keeps the card for its while"
            );
            world.answer_challenge(reply.location(), true).await;
        }
        assert_eq!(instruments(&world).await, 0, "{card}");
    }
    world.stop().await;
}

fn codes_are_kept(folder: &Path) -> bool {
    CODES.iter().all(|code| !files_with(folder, &[code]).is_empty())
}

async fn instruments(world: &World) -> i64 {
    let options = SqliteConnectOptions::new()
        .filename(world.pay_data().join("pay.db"))
        .read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM instrument")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}
