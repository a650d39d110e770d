//! Ids from the past, from the future, of others and of elsewhere.

use crate::prepared::{ANN, BOB, NARROW, WIDE, apply, limit, must, order, prepared, rejected};
use ensoex_engine::{Command, Event, OrderRef, Reject, Side, Transfer, TransferCode};
use ensoex_types::{AccountId, Amount, AssetId, ClientOrderId, MarketId, OrderId, Quantity, TransferId};

#[test]
fn an_order_id_that_is_not_open_is_unknown() {
    let mut engine = prepared();
    for _ in 0..3 {
        must(&mut engine, &order(ANN, NARROW, Side::Sell, limit(30, 2)));
    }
    must(&mut engine, &order(BOB, NARROW, Side::Buy, limit(30, 2)));
    must(&mut engine, &order(ANN, WIDE, Side::Sell, limit(30, 2)));
    // 1 is filled, 4 was a taker, 5 and later do not exist, neither do numbers that share bits with open
    // ones.
    let wrong = [
        0,
        1,
        4,
        5,
        6,
        2 + 1_024,
        2 + (1 << 32),
        2 + (1 << 53),
        1 << 63,
        u64::MAX,
    ];
    let mut before = engine.state_hash();
    for id in wrong {
        let order = OrderRef::Id(OrderId(id));
        for account in [ANN, BOB] {
            let cancel = Command::CancelOrder {
                account,
                market: NARROW,
                order,
            };
            assert_eq!(
                apply(&mut engine, &cancel),
                rejected(Reject::UnknownOrder),
                "{cancel:?}"
            );
            let reduce = Command::ReduceOrder {
                account,
                market: NARROW,
                order,
                by: Quantity(u64::MAX),
            };
            assert_eq!(
                apply(&mut engine, &reduce),
                rejected(Reject::UnknownOrder),
                "{reduce:?}"
            );
        }
        assert_ne!(engine.state_hash(), before, "the sequence counts");
        before = engine.state_hash();
    }
    let orders: Vec<OrderId> = engine
        .open_orders(ANN, None)
        .iter()
        .map(|open| open.order)
        .collect();
    assert_eq!(orders, [OrderId(1), OrderId(2), OrderId(3)]);
}

#[test]
fn ids_of_markets_assets_and_accounts_may_be_anything() {
    let mut engine = prepared();
    let place = |account, market| order(account, market, Side::Sell, limit(30, 2));
    let cancel_all = |account, market| Command::CancelAllOrders { account, market };
    let nobody = AccountId(1_002);
    for (command, reject) in [
        (place(ANN, MarketId(2)), Reject::UnknownMarket),
        (place(ANN, MarketId(u16::MAX)), Reject::UnknownMarket),
        (place(nobody, NARROW), Reject::UnknownAccount),
        (place(AccountId(0), NARROW), Reject::UnknownAccount),
        (place(AccountId(u32::MAX - 1), NARROW), Reject::UnknownAccount),
        (cancel_all(ANN, MarketId(2)), Reject::UnknownMarket),
        (cancel_all(nobody, NARROW), Reject::UnknownAccount),
        (Command::OpenAccount { account: ANN }, Reject::AlreadyListed),
        (
            Command::OpenAccount {
                account: AccountId::FEES,
            },
            Reject::AlreadyListed,
        ),
        (
            Command::PostTransfer {
                transfer: TransferId(u128::MAX),
            },
            Reject::UnknownTransfer,
        ),
        (
            Command::VoidTransfer {
                transfer: TransferId(0),
            },
            Reject::UnknownTransfer,
        ),
        (
            Command::SetFeeTiers {
                quote: AssetId(u16::MAX),
                volumes: Vec::new(),
            },
            Reject::UnknownAsset,
        ),
        (
            Command::SetAccountTier {
                account: nobody,
                tier: 0,
            },
            Reject::UnknownAccount,
        ),
    ] {
        assert_eq!(apply(&mut engine, &command), rejected(reject), "{command:?}");
    }
    let outermost = place(AccountId(u32::MAX), NARROW);
    must(&mut engine, &outermost);
    assert_eq!(engine.check_invariants(), Ok(()));
}

/// Most accounts are found by their position in an array, others in a map: which it is changes as accounts are opened, and nobody is lost.
#[test]
fn every_account_is_found_wherever_its_id_lies() {
    let mut engine = prepared();
    // Some thousand accounts make room in the array for 18,000, and for more than was asked: 25,000 lies in that.
    let lonely = [18_000, 25_000, 40_000, 90_000, 1 << 30];
    for id in (2_000..7_000).chain(lonely) {
        let account = AccountId(id);
        assert!(!engine.has_account(account), "{id}");
        must(&mut engine, &Command::OpenAccount { account });
        assert!(engine.has_account(account), "{id}");
    }
    for (account, tier) in lonely.map(AccountId).into_iter().zip(1..) {
        must(&mut engine, &Command::SetAccountTier { account, tier });
    }
    // Enough more that the array grows over 90,000.
    for account in (7_000..40_000).map(AccountId) {
        if !engine.has_account(account) {
            must(&mut engine, &Command::OpenAccount { account });
        }
    }
    assert_eq!(engine.check_invariants(), Ok(()));
    for (account, tier) in lonely.map(AccountId).into_iter().zip(1..) {
        let found = engine.account_fees(account, NARROW).map(|fees| fees.tier);
        assert_eq!(found, Some(tier), "{account:?}");
        assert_eq!(
            apply(&mut engine, &Command::OpenAccount { account }),
            rejected(Reject::AlreadyListed)
        );
    }
}

/// Sequences and times are inputs; ones that jump or go back change no answer.
#[test]
fn sequences_and_times_may_jump_and_go_back() {
    let mut engine = prepared();
    let mut events = Vec::new();
    for (sequence, at) in [
        (u64::MAX, 0),
        (0, u64::MAX),
        (5, 5),
        (5, 5),
        (1 << 63, u64::MAX),
        (1, 0),
    ] {
        events.clear();
        let sell = order(ANN, NARROW, Side::Sell, limit(30, 1));
        engine.apply(
            ensoex_types::Sequence(sequence),
            ensoex_types::Timestamp(at),
            &sell,
            &mut events,
        );
        assert!(matches!(events[..], [Event::OrderAccepted { .. }]), "{events:?}");
        assert_eq!(engine.check_invariants(), Ok(()));
    }
    let bought = must(&mut engine, &order(BOB, NARROW, Side::Buy, limit(30, 6)));
    let makers: Vec<u64> = bought
        .iter()
        .filter_map(|event| match event {
            Event::Trade(trade) => Some(trade.maker_order.0),
            _ => None,
        })
        .collect();
    assert_eq!(
        makers,
        [1, 2, 3, 4, 5, 6],
        "priority is by arrival, not by time stamp"
    );
}

/// Every length of name is kept apart from every other.
#[test]
fn client_order_ids_of_every_length_are_told_apart() {
    let mut engine = prepared();
    let names: Vec<ClientOrderId> = (1..=ClientOrderId::LENGTH_MAX)
        .map(|length| ClientOrderId::new(&"a".repeat(length)).expect("it is short enough"))
        .collect();
    let sell = |name| match order(ANN, NARROW, Side::Sell, limit(30, 1)) {
        Command::PlaceOrder(place) => Command::PlaceOrder(ensoex_engine::PlaceOrder {
            client_order_id: name,
            ..place
        }),
        other => other,
    };
    for name in &names {
        must(&mut engine, &sell(*name));
        let again = apply(&mut engine, &sell(*name));
        assert_eq!(again, rejected(Reject::DuplicateClientOrderId));
    }
    for (id, name) in (1..).zip(&names) {
        let open = engine.open_order(ANN, NARROW, &OrderRef::Client(*name));
        assert_eq!(open.map(|open| open.order), Some(OrderId(id)));
        let cancel = Command::CancelOrder {
            account: ANN,
            market: NARROW,
            order: OrderRef::Client(*name),
        };
        must(&mut engine, &cancel);
        assert_eq!(apply(&mut engine, &cancel), rejected(Reject::UnknownOrder));
    }
    let none = Command::CancelOrder {
        account: ANN,
        market: NARROW,
        order: OrderRef::Client(ClientOrderId::NONE),
    };
    must(&mut engine, &sell(ClientOrderId::NONE));
    assert_eq!(apply(&mut engine, &none), rejected(Reject::UnknownOrder));
}

/// A transfer id stays used whatever became of the transfer.
#[test]
fn transfer_ids_are_used_once() {
    let mut engine = prepared();
    let transfer = |id, amount| Transfer {
        transfer: TransferId(id),
        debit: ANN,
        credit: BOB,
        asset: AssetId(0),
        amount: Amount(amount),
        code: TransferCode::Internal,
    };
    for id in [0, 1, u128::MAX] {
        assert_eq!(
            apply(&mut engine, &Command::Transfer(transfer(id, 0))),
            rejected(Reject::InvalidAmount)
        );
        assert!(!engine.transfer_exists(TransferId(id)));
        must(&mut engine, &Command::HoldTransfer(transfer(id, 5)));
        must(
            &mut engine,
            &Command::VoidTransfer {
                transfer: TransferId(id),
            },
        );
        assert!(engine.transfer_exists(TransferId(id)));
        for again in [
            Command::Transfer(transfer(id, 5)),
            Command::HoldTransfer(transfer(id, 5)),
        ] {
            assert_eq!(apply(&mut engine, &again), rejected(Reject::TransferExists));
        }
    }
    assert_eq!(engine.check_invariants(), Ok(()));
}
