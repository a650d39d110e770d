//! The exchange acknowledges only what it keeps, reads back its own writes, and proves its files from the outside.

mod common;

use common::{BUYER, MARKET, SELLER, accepted, config, first_commands, limit, named, opened, order, traded};
use ensoex_engine::{
    CloseReason, Command, Engine, OcoKind, OcoOrder, OrderKind, PlaceOco, Reject, SelfTradePrevention, Side,
    TimeInForce, Transfer, TransferCode, Trigger,
};
use ensoex_exchange::{
    Exchange, ExchangeError, ListFilter, ListPlace, OrderFilter, OrderStatus, PROJECTIONS,
    PreventedMatchFilter, TradeFilter, replay, verify,
};
use ensoex_log::{CommandLog, Opening, SqliteLog};
use ensoex_sql::Database;
use ensoex_sql_test::{prepare_everywhere, run_in};
use ensoex_types::{AccountId, Amount, AssetId, Price, Quantity, Sequence, TransferId};
use sqlx::{Connection, SqliteConnection};
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn a_client_reads_its_own_writes() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = traded(directory.path()).await;
    let order = order(&exchange, BUYER, "buy").await;
    assert_eq!(
        (order.status, order.executed),
        (OrderStatus::Filled, Quantity(250))
    );
    let market = exchange.market_by_symbol("BTCEUR").unwrap();
    assert_eq!(
        market
            .average_price_text(order.executed_quote, order.executed)
            .unwrap(),
        "60000.00800000"
    );
    let filter = TradeFilter {
        account: BUYER,
        limit: 10,
        ..TradeFilter::default()
    };
    let trades = exchange.history().trades_of(filter).await.unwrap();
    assert_eq!(
        trades.iter().map(|trade| trade.quantity.0).collect::<Vec<_>>(),
        [100, 100, 50]
    );
    // Taker fee of 0.2 % of the base received: 100 lots of 1,000 units.
    assert_eq!((trades[0].fee, trades[0].is_maker), (Amount(200), false));
    let open = OrderFilter {
        account: SELLER,
        open_only: Some(true),
        limit: 100,
        ..OrderFilter::default()
    };
    assert_eq!(exchange.history().orders(open).await.unwrap().len(), 8);
    let day_ms = 24 * 60 * 60_000;
    let candles = exchange.candles(MARKET, day_ms, 0..=u64::MAX).await.unwrap();
    let volume = candles.candles.iter().map(|candle| candle.volume.0).sum::<u64>();
    assert_eq!((volume, candles.before), (250, None));
}

/// A sell OCO of the seller: limit maker at 6,000,100 over a stop-loss at 5,999,900.
fn oco() -> Command {
    let order = |kind, name| OcoOrder {
        kind,
        client_order_id: named(name),
    };
    Command::PlaceOco(Box::new(PlaceOco {
        account: SELLER,
        market: MARKET,
        side: Side::Sell,
        quantity: Quantity(40),
        above: order(
            OcoKind::LimitMaker {
                price: Price(6_000_100),
            },
            "above",
        ),
        below: order(
            OcoKind::StopLimit {
                trigger: Trigger::StopLoss,
                stop_price: Price(5_999_900),
                price: Price(5_999_800),
                time_in_force: TimeInForce::Gtc,
            },
            "below",
        ),
        self_trade_prevention: SelfTradePrevention::Decrement,
        list_client_order_id: named("list"),
    }))
}

#[tokio::test]
async fn the_history_tells_the_story_of_a_list() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = opened(directory.path()).await;
    for command in [
        limit(SELLER, Side::Sell, 6_000_000, 1, "first"),
        limit(BUYER, Side::Buy, 6_000_000, 1, "second"),
        oco(),
    ] {
        accepted(&exchange, command).await;
    }
    let filter = |open_only| ListFilter {
        account: SELLER,
        open_only,
        limit: 10,
        ..ListFilter::default()
    };
    let lists = exchange.history().lists(filter(Some(true))).await.unwrap();
    let [list] = lists.as_slice() else {
        panic!("{lists:?}")
    };
    assert_eq!(list.list_client_order_id, named("list"));
    assert_eq!((list.ended_ms, list.list), (None, list.above.order));
    assert_eq!(list.above.client_order_id, named("above"));
    assert_eq!(list.below.client_order_id, named("below"));
    assert_eq!(
        list.below.list,
        Some(ListPlace {
            list: list.above.order,
            other: list.above.order,
            list_client_order_id: named("list")
        })
    );
    assert_eq!(list.below.self_trade_prevention, SelfTradePrevention::Decrement);
    assert!(list.below.is_untriggered_stop() && !list.above.is_untriggered_stop());

    // A trade at the stop price: the order below is triggered, the one above ends.
    for command in [
        limit(BUYER, Side::Buy, 5_999_900, 1, "low"),
        limit(SELLER, Side::Sell, 5_999_900, 1, "lower"),
    ] {
        accepted(&exchange, command).await;
    }
    let above = order(&exchange, SELLER, "above").await;
    assert_eq!(
        (above.status, above.close_reason),
        (OrderStatus::Expired, Some(CloseReason::Contingent))
    );
    let below = order(&exchange, SELLER, "below").await;
    assert!(below.triggered_ms.is_some() && !below.is_untriggered_stop());
    assert_eq!((below.status, below.close_reason), (OrderStatus::New, None));
    assert!(matches!(
        below.kind,
        OrderKind::StopLimit {
            trigger: Trigger::StopLoss,
            stop_price: Price(5_999_900),
            price: Price(5_999_800),
            ..
        }
    ));
    let lists = exchange.history().lists(filter(None)).await.unwrap();
    assert!(lists[0].ended_ms.is_some() && lists[0].list == list.list);
    let by_name = ListFilter {
        list_client_order_id: Some(named("list")),
        ..filter(Some(true))
    };
    assert_eq!(exchange.history().lists(by_name).await.unwrap(), lists);
    let cancel = Command::CancelAllOrders {
        account: SELLER,
        market: MARKET,
    };
    accepted(&exchange, cancel).await;
    assert_eq!(exchange.history().lists(filter(Some(true))).await.unwrap(), []);
    assert_eq!(
        exchange.history().lists(filter(Some(false))).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn prevented_matches_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = opened(directory.path()).await;
    accepted(&exchange, limit(SELLER, Side::Sell, 6_000_000, 30, "maker")).await;
    // The seller has no euros: give some, to be able to meet itself.
    let euros = Transfer {
        transfer: TransferId(7),
        debit: AccountId::OPERATOR_CAPITAL,
        credit: SELLER,
        asset: AssetId(0),
        amount: Amount(1_000_000_000_000_000),
        code: TransferCode::Correction { of: TransferId(2) },
    };
    accepted(&exchange, Command::Transfer(euros)).await;
    let Command::PlaceOrder(mut taker) = limit(SELLER, Side::Buy, 6_000_000, 10, "taker") else {
        unreachable!()
    };
    taker.self_trade_prevention = SelfTradePrevention::Decrement;
    accepted(&exchange, Command::PlaceOrder(taker)).await;
    let filter = PreventedMatchFilter {
        account: SELLER,
        market: MARKET,
        limit: 10,
        ..PreventedMatchFilter::default()
    };
    let (maker, taker) = (
        order(&exchange, SELLER, "maker").await,
        order(&exchange, SELLER, "taker").await,
    );
    let of_taker = PreventedMatchFilter {
        order: Some(taker.order),
        ..filter.clone()
    };
    let rows = exchange.history().prevented_matches(filter).await.unwrap();
    assert_eq!(
        exchange.history().prevented_matches(of_taker).await.unwrap(),
        rows
    );
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].prevented_match, rows[0].quantity, rows[0].price),
        (1, Quantity(10), Price(6_000_000))
    );
    assert_eq!(
        (rows[0].maker_order, rows[0].taker_order),
        (maker.order, taker.order)
    );
    assert_eq!((maker.prevented, maker.close_reason), (Quantity(10), None));
    assert_eq!(
        (taker.prevented, taker.status, taker.close_reason),
        (
            Quantity(10),
            OrderStatus::ExpiredInMatch,
            Some(CloseReason::SelfTrade)
        )
    );
    assert_eq!(exchange.market_data(|data| data.prevented_matches(MARKET)), 1);
    let entries = exchange
        .history()
        .entries(SELLER, Some(AssetId(0)), None, 10)
        .await;
    let [correction] = &entries.unwrap()[..] else {
        panic!("one entry")
    };
    assert_eq!(
        correction.corrects.as_deref(),
        Some("00000000000000000000000000000002")
    );
    assert_eq!(correction.total, Amount(1_000_000_000_000_000));
}

#[tokio::test]
async fn a_log_of_another_encoding_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = SqliteLog::open(&directory.path().join("log.db"), &Opening::default())
        .await
        .unwrap();
    log.append(ensoex_types::Timestamp(1), 1, vec![1, 0])
        .await
        .unwrap();
    drop(log);
    let refused = Exchange::start(config(directory.path())).await;
    assert!(matches!(
        refused,
        Err(ExchangeError::UnknownEncoding { found: 1, .. })
    ));
}

#[tokio::test]
async fn a_replay_stops_at_what_was_altered() {
    let directory = tempfile::tempdir().unwrap();
    drop(traded(directory.path()).await);
    let log = directory.path().join("log.db");
    let whole = replay::replay(&log, &mut Engine::new()).await.unwrap();
    assert_eq!((whole.commands, whole.batches), (18, 12));
    let tampering = "UPDATE batch SET at_us = at_us + 1 WHERE first_sequence = 9";
    tamper(&log, tampering).await;
    let refused = replay::replay(&log, &mut Engine::new()).await;
    assert!(matches!(
        refused,
        Err(ExchangeError::Log(ensoex_log::LogError::Damaged {
            sequence: Sequence(9),
            ..
        }))
    ));
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = traded(directory.path()).await;
    let before = exchange.read(|engine| engine.state_hash());
    let trades = exchange.market_data(|data| data.recent_trades(MARKET, 100));
    drop(exchange);
    let exchange = Exchange::start(config(directory.path())).await.unwrap();
    assert_eq!(exchange.read(|engine| engine.state_hash()), before);
    assert_eq!(
        exchange.market_data(|data| data.recent_trades(MARKET, 100)),
        trades
    );
    let again = exchange.submit(first_commands().pop().unwrap()).await.unwrap();
    assert_eq!(
        again.reject(),
        Some(Reject::TransferExists),
        "a transfer is posted once for ever"
    );
    let report = verify(config(directory.path())).await.unwrap();
    assert!(report.holds(), "{:?}", report.findings);
}

#[tokio::test]
async fn lost_projections_are_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    drop(traded(directory.path()).await);
    let projections = config(directory.path()).projections;
    Database::remove(&projections, &PROJECTIONS).await.unwrap();
    let exchange = Exchange::start(config(directory.path())).await.unwrap();
    let filter = OrderFilter {
        account: SELLER,
        limit: 100,
        ..OrderFilter::default()
    };
    assert_eq!(exchange.history().orders(filter).await.unwrap().len(), 10);
    assert!(verify(config(directory.path())).await.unwrap().holds());
}

/// Changes a store from the outside. The log of these tests is always a file.
async fn tamper(file: &Path, statement: &'static str) {
    if !file.ends_with("log.db") {
        run_in(file, statement).await;
        return;
    }
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}", file.display()))
        .await
        .unwrap();
    sqlx::query(statement).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_both_databases() {
    prepare_everywhere(&[&PROJECTIONS]).await;
}

#[tokio::test]
async fn verify_finds_what_was_tampered_with() {
    for (file, tampering, finding) in [
        (
            "log.db",
            "UPDATE batch SET at_us = at_us + 1 WHERE first_sequence = 9",
            "hash chain whole",
        ),
        (
            "log.db",
            "DELETE FROM batch WHERE first_sequence = 9",
            "hash chain whole",
        ),
        (
            "projections.db",
            "UPDATE orders SET status = 'CANCELED' WHERE order_id = (SELECT MIN(order_id) FROM orders)",
            "projections equal to the replay",
        ),
        (
            "projections.db",
            "UPDATE trades SET price = price + 1 WHERE trade_id = 1",
            "projections equal to the replay",
        ),
        (
            "projections.db",
            "UPDATE entries SET amount = '7' WHERE entry = 3",
            "ledger entries sum to the balances",
        ),
        (
            "projections.db",
            "UPDATE order_spans SET remaining = remaining + 1 WHERE node > 0",
            "projections equal to the replay",
        ),
        (
            "projections.db",
            "UPDATE moments SET at_us = at_us + 1 WHERE at_us = (SELECT MAX(at_us) FROM moments)",
            "projections equal to the replay",
        ),
        (
            "projections.db",
            "DELETE FROM entries WHERE entry = 3",
            "ledger entries sum to the balances",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let exchange = traded(directory.path()).await;
        exchange.history().entries(BUYER, None, None, 1).await.unwrap();
        drop(exchange);
        assert!(
            verify(config(directory.path())).await.unwrap().holds(),
            "control: untouched files hold"
        );
        tamper(&directory.path().join(file), tampering).await;
        let report = verify(config(directory.path())).await.unwrap();
        let wrong: Vec<&str> = report
            .findings
            .iter()
            .filter(|found| found.wrong.is_some())
            .map(|found| found.name)
            .collect();
        assert!(wrong.contains(&finding), "{tampering}: {wrong:?}");
    }
}

#[tokio::test]
async fn a_log_that_ends_too_early_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(traded(directory.path()).await);
    let other = tempfile::tempdir().unwrap();
    drop(opened(other.path()).await);
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("log.db{suffix}");
        let _may_be_absent = std::fs::remove_file(directory.path().join(&name));
        let _may_be_absent = std::fs::copy(other.path().join(&name), directory.path().join(&name));
    }
    let refused = Exchange::start(config(directory.path())).await;
    assert!(
        matches!(refused, Err(ExchangeError::LogTooShort { .. })),
        "an older log is not silently accepted"
    );
}

#[tokio::test]
async fn concurrent_orders_never_spend_more_than_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = opened(directory.path()).await;
    // Each takes a third of the balance: exactly three of 32 can be accepted.
    let third = 1_000_000_000_000_000 / 3 / 10 / 6_000_000;
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let exchange = exchange.clone();
            let order = limit(BUYER, Side::Buy, 6_000_000, third, &format!("buy-{number}"));
            tokio::spawn(async move { exchange.submit(order).await.unwrap().reject() })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        match task.await.unwrap() {
            None => accepted += 1,
            Some(reject) => assert_eq!(reject, Reject::InsufficientBalance),
        }
    }
    assert_eq!(accepted, 3);
    assert_eq!(exchange.read(|engine| engine.check_invariants()), Ok(()));
}

#[tokio::test]
async fn only_one_process_writes() {
    let directory = tempfile::tempdir().unwrap();
    let old = opened(directory.path()).await;
    let new = Exchange::start(config(directory.path())).await.unwrap();
    let late = old.submit(limit(BUYER, Side::Buy, 1, 1, "late")).await;
    assert!(late.is_err(), "the one that was taken over must not acknowledge");
    old.stopped().await;
    assert!(new.submit(limit(BUYER, Side::Buy, 1, 1, "next")).await.is_ok());
}

/// How far a copy of the log's file reaches without its write-ahead log.
async fn reached_by_the_file_alone(directory: &Path) -> Option<Sequence> {
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("log.db");
    std::fs::copy(directory.join("log.db"), &copy).unwrap();
    let log = SqliteLog::open_read_only(&copy).await.ok()?;
    Some(log.head().next_sequence)
}

#[tokio::test]
async fn an_idle_exchange_leaves_nothing_in_the_write_ahead_log() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = Exchange::open(directory.path()).await.unwrap();
    exchange.submit_all(first_commands()).await.unwrap();
    for _ in 0..200 {
        let next = exchange.read(|engine| engine.sequence().0) + 1;
        if reached_by_the_file_alone(directory.path()).await == Some(Sequence(next)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("what was appended is still in the write-ahead log alone");
}

#[tokio::test]
async fn a_running_exchange_can_be_verified() {
    let directory = tempfile::tempdir().unwrap();
    let exchange = opened(directory.path()).await;
    let trading = tokio::spawn(async move {
        for step in 0..300 {
            let price = 6_000_000 + step % 7;
            exchange
                .submit(limit(SELLER, Side::Sell, price, 1, ""))
                .await
                .unwrap();
            exchange
                .submit(limit(BUYER, Side::Buy, price, 1, ""))
                .await
                .unwrap();
        }
    });
    let mut verified = 0;
    while !trading.is_finished() {
        let report = verify(config(directory.path())).await.unwrap();
        assert!(report.holds(), "{:?}", report.findings);
        verified += 1;
    }
    trading.await.unwrap();
    assert!(verified >= 1, "verified while it ran");
}
