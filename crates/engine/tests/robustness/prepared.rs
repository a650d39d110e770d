//! Engines to begin with, and shortcuts to commands.

use ensoex_engine::{
    Command, Engine, Event, OrderKind, PlaceOrder, Reject, SelfTradePrevention, Side, TimeInForce, Transfer,
    TransferCode,
};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, FeeRate, FeeRates, MarketId, MarketSpec, Price,
    Quantity, Sequence, Timestamp, TransferId,
};

/// The two users.
pub(crate) const ANN: AccountId = AccountId(1_000);
pub(crate) const BOB: AccountId = AccountId(1_001);
/// A market as wide as the engine allows.
pub(crate) const WIDE: MarketId = MarketId(0);
/// A market of 40 prices.
pub(crate) const NARROW: MarketId = MarketId(1);

/// Applies under the next sequence, at the end of time.
pub(crate) fn apply(engine: &mut Engine, command: &Command) -> Vec<Event> {
    apply_at(engine, u64::MAX, command)
}

pub(crate) fn apply_at(engine: &mut Engine, at: u64, command: &Command) -> Vec<Event> {
    let mut events = Vec::new();
    let next = Sequence(engine.sequence().0 + 1);
    engine.apply(next, Timestamp(at), command, &mut events);
    events
}

/// Applies; panics if refused.
pub(crate) fn must(engine: &mut Engine, command: &Command) -> Vec<Event> {
    let events = apply(engine, command);
    let refused = events.iter().any(|event| matches!(event, Event::Rejected { .. }));
    assert!(!refused, "{command:?}: {events:?}");
    events
}

pub(crate) fn rejected(reject: Reject) -> [Event; 1] {
    [Event::Rejected { reject }]
}

/// A market whose bounds are as wide as the engine allows: 2^62 ticks × 2^63 lots.
pub(crate) fn widest() -> MarketSpec {
    MarketSpec {
        symbol: "WIDE".into(),
        base: AssetId(0),
        quote: AssetId(1),
        lot_size: 1 << 62,
        tick_value: 1,
        price_scale: 18,
        tick_units: u64::MAX,
        price_min: Price(1),
        price_max: Price((1 << 62) - 1),
        quantity_min: Quantity(1),
        quantity_max: Quantity((1 << 63) - 1),
        notional_min: Amount(0),
        notional_max: Amount(i128::MAX),
        price_band: None,
        orders_per_account_max: u32::MAX,
        stops_per_account_max: u32::MAX,
        fees: vec![FeeRates {
            maker: FeeRate::MAX,
            taker: FeeRate(999_999),
        }],
    }
}

/// Three assets, the markets [`WIDE`] and [`NARROW`], users with 2^107 of everything.
pub(crate) fn prepared() -> Engine {
    let mut engine = Engine::new();
    for (asset, code) in (0..).zip(["A", "B", "C"]) {
        let spec = AssetSpec {
            code: code.into(),
            scale: 18,
        };
        let asset = AssetId(asset);
        must(&mut engine, &Command::ListAsset { asset, spec });
    }
    let narrow = MarketSpec {
        symbol: "NARROW".into(),
        lot_size: 1,
        price_max: Price(40),
        quantity_max: Quantity(40),
        ..widest()
    };
    for (market, spec) in [(WIDE, widest()), (NARROW, narrow)] {
        list(&mut engine, market, spec);
    }
    for account in [ANN, BOB, AccountId(u32::MAX)] {
        must(&mut engine, &Command::OpenAccount { account });
        for asset in 0..3 {
            must(
                &mut engine,
                &Command::Transfer(Transfer {
                    transfer: TransferId(u128::from(account.0) * 3 + u128::from(asset)),
                    debit: AccountId::OPERATOR_CAPITAL,
                    credit: account,
                    asset: AssetId(asset),
                    amount: Amount(1 << 107),
                    code: TransferCode::Capital,
                }),
            );
        }
    }
    engine
}

pub(crate) fn list(engine: &mut Engine, market: MarketId, spec: MarketSpec) {
    let spec = Box::new(spec);
    must(engine, &Command::ListMarket { market, spec });
}

/// An order without a name that expires as taker of its own orders.
pub(crate) fn order(account: AccountId, market: MarketId, side: Side, kind: OrderKind) -> Command {
    Command::PlaceOrder(PlaceOrder {
        account,
        market,
        side,
        kind,
        self_trade_prevention: SelfTradePrevention::default(),
        client_order_id: ClientOrderId::NONE,
    })
}

pub(crate) fn limit(price: u64, quantity: u64) -> OrderKind {
    OrderKind::Limit {
        price: Price(price),
        quantity: Quantity(quantity),
        time_in_force: TimeInForce::Gtc,
    }
}
