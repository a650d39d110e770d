//! Edges that random commands hardly meet: accounts whose ids lie far apart, assets listed after accounts, a balance
//! that just pays, as many lots as a book can count.

use ensoex_engine::{
    Balance, Command, Event, OcoKind, OcoOrder, OrderKind, PlaceOco, PlaceOrder, Reject, SelfTradePrevention,
    Side, TimeInForce, Transfer, TransferCode, Trigger,
};
use ensoex_sim::compare::Pair;
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, FeeRates, MarketId, MarketSpec, Price, Quantity,
    TransferId,
};

const MARKET: MarketId = MarketId(0);
const BASE: AssetId = AssetId(0);
const QUOTE: AssetId = AssetId(1);

fn apply(pair: &mut Pair, command: &Command) -> Vec<Event> {
    match pair.apply(command) {
        Ok(events) => events.to_vec(),
        Err(difference) => panic!("{difference}"),
    }
}

fn list_asset(pair: &mut Pair, number: u16) {
    let (asset, code) = (AssetId(number), format!("A{number}"));
    let spec = AssetSpec { code, scale: 0 };
    let listed = apply(pair, &Command::ListAsset { asset, spec });
    assert_eq!(listed, [Event::AssetListed { asset }]);
}

fn list_market(pair: &mut Pair) {
    list_asset(pair, 0);
    list_asset(pair, 1);
    let spec = Box::new(MarketSpec {
        symbol: "BASEQUOTE".into(),
        base: BASE,
        quote: QUOTE,
        lot_size: 1,
        tick_value: 1,
        price_scale: 0,
        tick_units: 1,
        price_min: Price(1),
        price_max: Price(1_000),
        quantity_min: Quantity(1),
        quantity_max: Quantity((1 << 63) - 1),
        notional_min: Amount(0),
        notional_max: Amount(1 << 100),
        orders_per_account_max: 100,
        price_band: None,
        stops_per_account_max: 100,
        fees: vec![FeeRates::default()],
    });
    apply(pair, &Command::ListMarket { market: MARKET, spec });
}

fn open(pair: &mut Pair, account: u32) {
    let account = AccountId(account);
    let opened = apply(pair, &Command::OpenAccount { account });
    assert_eq!(opened, [Event::AccountOpened { account }]);
}

fn fund(pair: &mut Pair, transfer: u128, account: u32, asset: AssetId, amount: i128) {
    let transfer = Transfer {
        transfer: TransferId(transfer),
        debit: AccountId::OPERATOR_CAPITAL,
        credit: AccountId(account),
        asset,
        amount: Amount(amount),
        code: TransferCode::Capital,
    };
    let events = apply(pair, &Command::Transfer(transfer));
    assert!(matches!(events[..], [Event::TransferPosted { .. }]), "{events:?}");
}

fn order(account: u32, side: Side, kind: OrderKind) -> Command {
    Command::PlaceOrder(PlaceOrder {
        account: AccountId(account),
        market: MARKET,
        side,
        kind,
        self_trade_prevention: SelfTradePrevention::ExpireTaker,
        client_order_id: ClientOrderId::NONE,
    })
}

fn limit(price: u64, quantity: u64) -> OrderKind {
    OrderKind::Limit {
        price: Price(price),
        quantity: Quantity(quantity),
        time_in_force: TimeInForce::Gtc,
    }
}

#[test]
fn a_far_account_is_found_when_near_ones_have_grown_around_it() {
    let mut pair = Pair::default();
    list_market(&mut pair);
    // The first lies beyond what is kept densely; the last makes the dense part reach past it.
    open(&mut pair, 20_000);
    fund(&mut pair, 1, 20_000, BASE, 77);
    for account in 1_000..5_200 {
        open(&mut pair, account);
    }
    open(&mut pair, 16_500);
    open(&mut pair, 4_000_000_000);
    let far = AccountId(20_000);
    assert!(pair.engine.has_account(far));
    assert_eq!(pair.engine.balance(far, BASE).available, Amount(77));
    fund(&mut pair, 2, 20_000, BASE, 3);
    fund(&mut pair, 3, 4_000_000_000, BASE, 5);
    assert_eq!(pair.engine.balance(far, BASE).available, Amount(80));
    let again = apply(&mut pair, &Command::OpenAccount { account: far });
    let reject = Reject::AlreadyListed;
    assert_eq!(again, [Event::Rejected { reject }]);
    assert!(!pair.engine.has_account(AccountId(20_001)));
    assert!(!pair.engine.has_account(AccountId(3_999_999_999)));
    assert_eq!(pair.engine.check_invariants(), Ok(()));
}

#[test]
fn balances_stay_when_assets_are_listed_after_accounts() {
    let mut pair = Pair::default();
    let funded = |account: u32, asset: u16| 1 + i128::from(account) * 100 + i128::from(asset);
    for number in 0..20 {
        list_asset(&mut pair, number);
        open(&mut pair, 1_000 + u32::from(number));
        for account in 1_000..=1_000 + u32::from(number) {
            let transfer = u128::from(number) * 100_000 + u128::from(account);
            fund(
                &mut pair,
                transfer,
                account,
                AssetId(number),
                funded(account, number),
            );
        }
        assert_eq!(pair.check(), Ok(()), "{number}");
    }
    let balance = |account, asset| pair.engine.balance(AccountId(account), AssetId(asset));
    assert_eq!(balance(1_000, 0).available, Amount(funded(1_000, 0)));
    assert_eq!(balance(1_000, 19).available, Amount(funded(1_000, 19)));
    assert_eq!(balance(1_019, 0), Balance::default());
    // Not listed: nothing, and no other account's.
    assert_eq!(balance(1_000, 20), Balance::default());
    assert_eq!(balance(1_000, 40), Balance::default());
}

#[test]
fn a_market_order_by_quote_needs_just_one_lot() {
    let mut pair = Pair::default();
    list_market(&mut pair);
    for account in [1_000, 1_001, 1_002] {
        open(&mut pair, account);
    }
    fund(&mut pair, 1, 1_000, BASE, 1_000);
    fund(&mut pair, 2, 1_001, QUOTE, 100);
    fund(&mut pair, 3, 1_002, QUOTE, 99);
    apply(&mut pair, &order(1_000, Side::Sell, limit(100, 10)));
    let by_quote = OrderKind::MarketQuote { quote: Amount(500) };
    let short = apply(&mut pair, &order(1_002, Side::Buy, by_quote));
    let reject = Reject::InsufficientBalance;
    assert_eq!(short, [Event::Rejected { reject }]);
    let just = apply(&mut pair, &order(1_001, Side::Buy, by_quote));
    let trades: Vec<_> = just
        .iter()
        .filter_map(|event| match event {
            Event::Trade(trade) => Some((trade.quantity, trade.quote)),
            _ => None,
        })
        .collect();
    assert_eq!(trades, [(Quantity(1), Amount(100))]);
    assert_eq!(pair.check(), Ok(()));
}

#[test]
fn both_orders_of_a_pair_count_against_what_a_side_can_hold() {
    let mut pair = Pair::default();
    list_market(&mut pair);
    for account in [1_000, 1_001] {
        open(&mut pair, account);
        fund(&mut pair, u128::from(account), account, BASE, 1 << 80);
    }
    let rested = apply(&mut pair, &order(1_000, Side::Sell, limit(900, (1 << 63) - 1)));
    assert_eq!(rested.len(), 1);
    let oco = |quantity| {
        let leg = |kind| OcoOrder {
            kind,
            client_order_id: ClientOrderId::NONE,
        };
        Command::PlaceOco(Box::new(PlaceOco {
            account: AccountId(1_001),
            market: MARKET,
            side: Side::Sell,
            quantity: Quantity(quantity),
            above: leg(OcoKind::LimitMaker { price: Price(800) }),
            below: leg(OcoKind::Stop {
                trigger: Trigger::StopLoss,
                stop_price: Price(100),
            }),
            self_trade_prevention: SelfTradePrevention::ExpireTaker,
            list_client_order_id: ClientOrderId::NONE,
        }))
    };
    // 2^63 - 1 are open: twice 2^62 fit below 2^64, one lot more twice does not.
    let mut events = Vec::new();
    let mut ask = |quantity| {
        events.clear();
        let next = ensoex_types::Sequence(pair.engine.sequence().0 + 1);
        let at = ensoex_types::Timestamp(next.0);
        pair.engine.apply(next, at, &oco(quantity), &mut events);
        events.clone()
    };
    let reject = Reject::CapacityReached;
    assert_eq!(ask((1 << 62) + 1), [Event::Rejected { reject }]);
    assert_eq!(ask(1 << 62).len(), 3);
}

#[test]
fn questions_about_what_is_not_there_find_nothing() {
    let mut pair = Pair::default();
    list_market(&mut pair);
    open(&mut pair, 1_000);
    open(&mut pair, 1_001);
    fund(&mut pair, 7, 1_000, BASE, 10);
    fund(&mut pair, 9, 1_001, BASE, 10);
    apply(&mut pair, &order(1_000, Side::Sell, limit(100, 1)));
    let engine = &pair.engine;
    assert!(engine.transfer_exists(TransferId(7)));
    assert!(!engine.transfer_exists(TransferId(8)));
    assert!(
        engine
            .market(MARKET)
            .is_some_and(|spec| spec.symbol == "BASEQUOTE")
    );
    assert!(engine.market(MarketId(1)).is_none());
    let account = AccountId(1_000);
    // Two assets are listed: the next place in memory is another account's.
    assert_eq!(engine.balance(account, AssetId(2)), Balance::default());
    assert_eq!(engine.open_orders(account, Some(MARKET)).len(), 1);
    assert_eq!(engine.open_orders(account, Some(MarketId(1))).len(), 0);
    assert_eq!(engine.open_orders(account, None).len(), 1);
}
