//! Statements over HTTP: JSON, CSV and PDF say the same, and what they say adds up to the balances of those moments.

mod common;

use common::{Person, TestService};
use reqwest::Method;
use serde_json::{Value, json};

/// Enough for several pages of PDF.
const GRANTS: usize = 90;

/// What an account did: many grants, a trade with fees, an open order.
async fn busy(service: &TestService) -> Person {
    let (person, other) = (service.person("busy").await, service.person("other").await);
    for _ in 0..GRANTS {
        person.granted("EUR", "10.5").await;
    }
    other.granted("BTC", "2").await;
    let order = |side: &str, quantity: &str| json!({ "symbol": "BTCEUR", "side": side, "type": "limit", "price": "100.00", "quantity": quantity });
    for (who, side, quantity) in [
        (&other, "sell", "1.5"),
        (&person, "buy", "1"),
        (&person, "buy", "2"),
    ] {
        let placed = who.send(Method::POST, "/v1/orders", &order(side, quantity)).await;
        assert!(placed.status().is_success(), "{}", placed.text().await.unwrap());
    }
    person
}

fn of<'a>(statement: &'a Value, asset: &str) -> &'a Value {
    let assets = statement["assets"].as_array().unwrap();
    assets.iter().find(|one| one["asset"] == asset).unwrap()
}

/// In units of 0.00000001.
fn units(text: &str) -> i128 {
    text.replace('.', "").parse().unwrap()
}

async fn text(person: &Person, path: &str) -> String {
    let answer = person
        .client
        .get(format!("{}{path}", person.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let disposition = answer.headers()["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("attachment; filename=\"ensoex-statement."),
        "{disposition}"
    );
    answer.text().await.unwrap()
}

/// A reader of RFC 4180 of its own: quoted fields, doubled quotes, CR LF after every line.
fn read_csv(file: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = file.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.push(letters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'));
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            letter => field.push(letter),
        }
    }
    assert!(
        row.is_empty() && field.is_empty(),
        "the last line ends with CR LF"
    );
    rows
}

#[tokio::test]
async fn a_statement_adds_up_in_every_format() {
    let mut service = TestService::start().await;
    let person = busy(&service).await;
    service.restart().await;
    let now = person.get("/v1/balances").await;
    let last = now["sequence"].as_u64().unwrap();
    // Half of the grants lie before the period.
    let all = person
        .get(&format!("/v1/account/statement?to=sequence:{last}"))
        .await;
    let first = of(&all, "EUR")["entries"][GRANTS / 2]["sequence"]
        .as_u64()
        .unwrap();
    let period = format!("from=sequence:{first}&to=sequence:{last}");
    let statement = person.get(&format!("/v1/account/statement?{period}")).await;
    assert_eq!(statement["settled"], true);
    assert_eq!(
        (&statement["first_sequence"], &statement["last_sequence"]),
        (&json!(first), &json!(last))
    );
    let before = person
        .get(&format!("/v1/account/balances?at=sequence:{}", first - 1))
        .await;
    for (index, asset) in statement["assets"].as_array().unwrap().iter().enumerate() {
        assert_eq!(asset["opening"], before["balances"][index]["total"], "{asset}");
        for field in ["asset", "available", "held"] {
            assert_eq!(asset[field], now["balances"][index][field], "{asset}");
        }
        assert_eq!(asset["closing"], now["balances"][index]["total"], "{asset}");
        let mut total = units(asset["opening"].as_str().unwrap());
        for entry in asset["entries"].as_array().unwrap() {
            total += units(entry["amount"].as_str().unwrap());
            assert_eq!(units(entry["total"].as_str().unwrap()), total, "{entry}");
        }
        assert_eq!(units(asset["closing"].as_str().unwrap()), total);
    }
    let euro = of(&statement, "EUR");
    assert_eq!(euro["opening"], "472.50000000");
    assert_eq!(euro["closing"], "795.00000000");
    assert_eq!(euro["held"], "150.00000000");
    let bitcoin = of(&statement, "BTC")["entries"].as_array().unwrap();
    let kinds: Vec<&str> = bitcoin
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..2], ["Trade on BTCEUR", "Fee for a trade on BTCEUR"]);
    assert_eq!(bitcoin[0]["reference"], "BTCEUR-1");

    csv(&person, &period, &statement).await;
    pdf(&person, &period, &statement).await;
    let one = person
        .get(&format!("/v1/account/statement?{period}&asset=BTC"))
        .await;
    assert_eq!(one["assets"], json!([of(&statement, "BTC")]));
    // Up to now, by day: whatever the clock says, the day has these commands, and is not over.
    let day = &all["at"].as_str().unwrap()[..10];
    let today = person
        .get(&format!("/v1/account/statement?from=1970-01-01&to={day}"))
        .await;
    assert_eq!(today["assets"].as_array().unwrap().len(), 4);
}

async fn csv(person: &Person, period: &str, statement: &Value) {
    let path = format!("/v1/account/statement?{period}&format=csv");
    let file = text(person, &path).await;
    assert_eq!(file, text(person, &path).await, "asked again, the same comes");
    let rows = read_csv(&file);
    assert_eq!(
        rows[0].join(","),
        "time,asset,kind,amount,total,reference,sequence,entry"
    );
    let mut left = rows[1..].iter();
    let mut next = || {
        left.next()
            .unwrap()
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
    };
    for asset in statement["assets"].as_array().unwrap() {
        let opening = next();
        assert_eq!(
            opening[1..5],
            [
                asset["asset"].as_str().unwrap(),
                "Opening balance",
                "",
                asset["opening"].as_str().unwrap()
            ]
        );
        for entry in asset["entries"].as_array().unwrap() {
            let row = next();
            for (column, field) in [
                (0, "at"),
                (2, "kind"),
                (3, "amount"),
                (4, "total"),
                (5, "reference"),
                (7, "entry"),
            ] {
                assert_eq!(row[column], entry[field].as_str().unwrap(), "{field}");
            }
            assert_eq!(row[6], entry["sequence"].to_string());
        }
        let closing = next();
        assert_eq!(
            closing[2..5],
            ["Closing balance", "", asset["closing"].as_str().unwrap()]
        );
    }
    assert!(left.next().is_none());
}

async fn pdf(person: &Person, period: &str, statement: &Value) {
    let path = format!("{}/v1/account/statement?{period}&format=pdf", person.url);
    let bytes = async || {
        person
            .client
            .get(&path)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
    };
    let file = bytes().await;
    assert_eq!(file, bytes().await, "asked again, the same comes");
    if let Some(copy) = std::env::var_os("ENSOEX_KEEP_PDF") {
        std::fs::write(copy, &file).unwrap();
    }
    let document = lopdf::Document::load_mem(&file).unwrap();
    let numbers: Vec<u32> = document.get_pages().keys().copied().collect();
    assert!(numbers.len() >= 3, "{} pages", numbers.len());
    let mut whole = String::new();
    for number in &numbers {
        let page = document.extract_text(&[*number]).unwrap();
        assert!(
            page.contains(&format!("Page {number} of {}", numbers.len())),
            "{page}"
        );
        assert!(
            page.contains("Total after") || *number == 1,
            "the table's head stands on page {number}: {page}"
        );
        whole.push_str(&page);
    }
    for asset in statement["assets"].as_array().unwrap() {
        for entry in asset["entries"].as_array().unwrap() {
            for field in ["at", "kind", "amount", "total", "reference"] {
                assert!(
                    whole.contains(entry[field].as_str().unwrap()),
                    "{field} of {entry}"
                );
            }
        }
        assert!(whole.contains(asset["closing"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn statements_that_cannot_be_are_refused() {
    let service = TestService::start().await;
    let person = service.person("refused").await;
    for (query, status, code) in [
        ("?format=xls", 400, "unknown_format"),
        ("?asset=DOGE", 400, "unknown_asset"),
        ("?from=yesterday", 400, "invalid_time"),
        ("?to=2026-13-01", 400, "invalid_time"),
        ("?from=2026-11-02&to=2026-11-01", 400, "period_backwards"),
        ("?from=sequence:2&to=sequence:1", 400, "period_backwards"),
        ("?account=1001", 400, "invalid_query"),
        ("?from=sequence:0", 404, "before_first_command"),
        ("?to=1970-01-01", 404, "before_first_command"),
        ("?to=sequence:1", 404, "account_not_open_then"),
        ("?to=sequence:99999999", 404, "beyond_last_command"),
    ] {
        let path = format!("/v1/account/statement{query}");
        let answer = person.send(Method::GET, &path, &Value::Null).await;
        assert_eq!(answer.status(), status, "{query}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code, "{query}");
    }
    let empty = person.get("/v1/account/statement?from=&to=").await;
    assert_eq!(
        (&empty["settled"], &empty["assets"][0]["entries"]),
        (&json!(false), &json!([]))
    );
}
