//! `ensoex at`: what the log alone says of the past is what the running exchange answered.

use ensoex_engine::{
    Command, OrderKind, PlaceOrder, SelfTradePrevention, Side, Transfer, TransferCode, Trigger,
};
use ensoex_exchange::{At, Exchange};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, FeeRates, MarketId, MarketSpec, Price, Quantity,
    Sequence, TransferId,
};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

const ACCOUNT: AccountId = AccountId(1_000);
const MARKET: MarketId = MarketId(0);

fn commands() -> Vec<Command> {
    let asset = |id, code: &str| Command::ListAsset {
        asset: AssetId(id),
        spec: AssetSpec {
            code: code.to_owned(),
            scale: 2,
        },
    };
    let spec = MarketSpec {
        symbol: "BTCEUR".to_owned(),
        base: AssetId(1),
        quote: AssetId(0),
        lot_size: 1,
        tick_value: 1,
        price_scale: 2,
        tick_units: 1,
        price_min: Price(1),
        price_max: Price(1_000_000),
        quantity_min: Quantity(1),
        quantity_max: Quantity(1_000_000),
        notional_min: Amount(1),
        notional_max: Amount(1_000_000_000),
        price_band: None,
        orders_per_account_max: 10,
        stops_per_account_max: 10,
        fees: vec![FeeRates::default()],
    };
    vec![
        asset(0, "EUR"),
        asset(1, "BTC"),
        Command::ListMarket {
            market: MARKET,
            spec: Box::new(spec),
        },
        Command::OpenAccount { account: ACCOUNT },
        Command::Transfer(Transfer {
            transfer: TransferId(1),
            debit: AccountId::OPERATOR_CAPITAL,
            credit: ACCOUNT,
            asset: AssetId(0),
            amount: Amount(1_000_000),
            code: TransferCode::Capital,
        }),
        Command::PlaceOrder(PlaceOrder {
            account: ACCOUNT,
            market: MARKET,
            side: Side::Buy,
            kind: OrderKind::Stop {
                trigger: Trigger::StopLoss,
                stop_price: Price(500),
                quantity: Quantity(300),
            },
            self_trade_prevention: SelfTradePrevention::ExpireTaker,
            client_order_id: ClientOrderId::new("insurance").unwrap(),
        }),
        Command::CancelAllOrders {
            account: ACCOUNT,
            market: MARKET,
        },
    ]
}

fn ensoex(arguments: &[&str], directory: &Path) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_ensoex"))
        .arg("at")
        .args(arguments)
        .arg(directory)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_log_says_what_the_exchange_answered() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = Exchange::open(directory.path()).await.unwrap();
    for command in commands() {
        assert_eq!(exchange.submit(command).await.unwrap().reject(), None);
    }
    let (assets, markets) = (exchange.assets(), exchange.markets());
    for sequence in 4..=7 {
        let answered = exchange
            .account_at(ACCOUNT, At::Sequence(Sequence(sequence)))
            .await;
        let expected = answered.unwrap().view(&assets, &markets, |_| String::new());
        let number = sequence.to_string();
        // Beside the running exchange, as an auditor would.
        let output = ensoex(
            &["--account", "1000", "--sequence", &number, "--json"],
            directory.path(),
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["sequence"], sequence);
        assert_eq!(
            found["balances"],
            serde_json::to_value(&expected.balances).unwrap()
        );
        let orders = found["open_orders"].as_array().unwrap();
        assert_eq!(orders.len(), expected.open_orders.len(), "{found}");
        if sequence == 6 {
            assert_eq!(orders[0]["type"], "stop_loss");
            assert_eq!(
                (&orders[0]["stop_price"], &orders[0]["working"]),
                (&"5.00".into(), &false.into())
            );
            assert_eq!(found["balances"][0]["held"], "1500.00");
        }
        // The stamp that it names leads to the same place.
        let time = found["at"].as_str().unwrap();
        let output = ensoex(&["--account", "1000", "--time", time, "--json"], directory.path());
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), found);
        let output = ensoex(&["--account", "1000", "--sequence", &number], directory.path());
        assert!(text(&output.stdout).contains("EUR"), "{}", text(&output.stdout));
    }
}

#[tokio::test]
async fn what_is_not_in_the_log_is_refused_in_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = Exchange::open(directory.path()).await.unwrap();
    exchange.submit_all(commands()).await.unwrap();
    for (arguments, code, said) in [
        (
            &["--account", "1000", "--sequence", "0"][..],
            1,
            "before the first command",
        ),
        (
            &["--account", "1000", "--sequence", "8"],
            1,
            "the last command is sequence 7",
        ),
        (
            &["--account", "1000", "--sequence", "3"],
            1,
            "not open at sequence 3",
        ),
        (
            &["--account", "1000", "--time", "1999-01-01T00:00:00Z"],
            1,
            "before the first command",
        ),
        (
            &["--account", "1000", "--time", "2999-01-01T00:00:00Z"],
            1,
            "The log ends at sequence 7",
        ),
        (&["--account", "1000", "--time", "noon"], 2, "write a time as in"),
        (&["--account", "1000"], 2, "--sequence"),
    ] {
        let output = ensoex(arguments, directory.path());
        let sentence = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {sentence}");
        assert!(sentence.contains(said), "{arguments:?}: {sentence}");
    }
    let empty = tempfile::tempdir().unwrap();
    let output = ensoex(&["--account", "1000", "--sequence", "1"], empty.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no log of an exchange"));
}
