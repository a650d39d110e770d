//! The commands: a setup, then random ones of every kind from a generator that is fixed here for ever.

use ensoex_engine::{
    Command, OcoKind, OcoOrder, OrderKind, OrderRef, PlaceOco, PlaceOrder, Restrictions, SelfTradePrevention,
    Side, TimeInForce, Transfer, TransferCode, Trigger,
};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, ClientOrderId, FeeRate, FeeRates, MarketId, MarketSpec,
    MarketState, OrderId, Price, PriceBand, Quantity, TransferId,
};

/// Eight numbers at a time from a xorshift generator, which is fixed here for ever.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn numbers(&mut self) -> [u64; 8] {
        std::array::from_fn(|_| {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            // The low bits of the state are the weakest.
            self.0 >> 16
        })
    }
}

const ACCOUNTS: u64 = 12;

fn account(number: u64) -> AccountId {
    AccountId(AccountId::FIRST_USER.0 + (number % ACCOUNTS) as u32)
}

/// Assets, markets, accounts with money.
pub(crate) fn setup() -> Vec<Command> {
    let mut commands = Vec::new();
    for (asset, code) in (0..).zip(["BTC", "EUR", "UAH"]) {
        commands.push(Command::ListAsset {
            asset: AssetId(asset),
            spec: AssetSpec {
                code: code.into(),
                scale: 8 - asset as u8,
            },
        });
    }
    for (number, base, quote) in [(0, 0, 1), (1, 1, 2)] {
        commands.push(Command::ListMarket {
            market: MarketId(number),
            spec: Box::new(market(number, base, quote)),
        });
    }
    commands.push(Command::SetFeeTiers {
        quote: AssetId(1),
        volumes: [50_000, 200_000, 900_000].map(Amount).to_vec(),
    });
    for number in 0..ACCOUNTS {
        let account = account(number);
        commands.push(Command::OpenAccount { account });
        for asset in 0..3 {
            commands.push(Command::Transfer(Transfer {
                transfer: TransferId(u128::from(account.0) << 64 | asset),
                debit: AccountId::PAY_CLEARING,
                credit: account,
                asset: AssetId(asset as u16),
                amount: Amount(500_000),
                code: TransferCode::Deposit,
            }));
        }
    }
    commands
}

fn market(number: u16, base: u16, quote: u16) -> MarketSpec {
    let rates = |maker, taker| FeeRates {
        maker: FeeRate(maker),
        taker: FeeRate(taker),
    };
    MarketSpec {
        symbol: format!("MARKET{number}"),
        base: AssetId(base),
        quote: AssetId(quote),
        lot_size: 3,
        tick_value: 2,
        price_scale: 2,
        tick_units: 5,
        price_min: Price(2),
        price_max: Price(400),
        quantity_min: Quantity(1),
        quantity_max: Quantity(200),
        notional_min: Amount(10),
        notional_max: Amount(100_000),
        price_band: (number == 1).then_some(PriceBand {
            below: 150_000,
            above: 200_000,
        }),
        orders_per_account_max: 60,
        stops_per_account_max: 30,
        fees: vec![rates(5_000, 9_999), rates(3_333, 7_777), rates(0, 2_500)],
    }
}

fn mode(number: u64) -> SelfTradePrevention {
    match number % 4 {
        0 => SelfTradePrevention::ExpireTaker,
        1 => SelfTradePrevention::ExpireMaker,
        2 => SelfTradePrevention::ExpireBoth,
        _ => SelfTradePrevention::Decrement,
    }
}

fn time_in_force(number: u64) -> TimeInForce {
    match number % 6 {
        0 => TimeInForce::Ioc,
        1 => TimeInForce::Fok,
        _ => TimeInForce::Gtc,
    }
}

fn trigger(number: u64) -> Trigger {
    if number.is_multiple_of(2) {
        Trigger::StopLoss
    } else {
        Trigger::TakeProfit
    }
}

fn name(number: u64) -> ClientOrderId {
    match number % 24 {
        0..8 => ClientOrderId::new(&format!("name-{}", number % 8)).expect("it is a name"),
        _ => ClientOrderId::NONE,
    }
}

/// Around 100, mostly near.
fn price(number: u64) -> Price {
    Price(match number % 16 {
        0 => 60 + number / 16 % 80,
        _ => 94 + number / 16 % 13,
    })
}

fn kind(numbers: &[u64; 8]) -> OrderKind {
    let quantity = Quantity(1 + numbers[3] % 40);
    let (price, stop_price) = (price(numbers[4]), price(numbers[5]));
    match numbers[2] % 16 {
        0 => OrderKind::Market { quantity },
        1 => OrderKind::MarketQuote {
            quote: Amount((numbers[3] % 9_000) as i128),
        },
        2..4 => OrderKind::LimitMaker { price, quantity },
        4..6 => OrderKind::Stop {
            trigger: trigger(numbers[6]),
            stop_price,
            quantity,
        },
        6..8 => OrderKind::StopLimit {
            trigger: trigger(numbers[6]),
            stop_price,
            price,
            quantity,
            time_in_force: time_in_force(numbers[7]),
        },
        _ => OrderKind::Limit {
            price,
            quantity,
            time_in_force: time_in_force(numbers[7]),
        },
    }
}

fn place(numbers: &[u64; 8]) -> PlaceOrder {
    PlaceOrder {
        account: account(numbers[1]),
        market: MarketId((numbers[1] / ACCOUNTS % 2) as u16),
        side: if numbers[6].is_multiple_of(3) == numbers[4].is_multiple_of(2) {
            Side::Buy
        } else {
            Side::Sell
        },
        kind: kind(numbers),
        self_trade_prevention: mode(numbers[7] / 6),
        client_order_id: name(numbers[5]),
    }
}

fn oco(numbers: &[u64; 8]) -> PlaceOco {
    let (high, low) = (Price(100 + numbers[3] % 9), Price(99 - numbers[4] % 9));
    let named = |kind, number| OcoOrder {
        kind,
        client_order_id: name(number),
    };
    let stop_loss = |stop_price| match numbers[5] % 2 {
        0 => OcoKind::Stop {
            trigger: Trigger::StopLoss,
            stop_price,
        },
        _ => OcoKind::StopLimit {
            trigger: Trigger::StopLoss,
            stop_price,
            price: price(numbers[6]),
            time_in_force: time_in_force(numbers[6]),
        },
    };
    let gain = |price| match numbers[5] / 2 % 3 {
        0 => OcoKind::Stop {
            trigger: Trigger::TakeProfit,
            stop_price: price,
        },
        _ => OcoKind::LimitMaker { price },
    };
    let (side, above, below) = match numbers[7] % 2 {
        0 => (Side::Sell, gain(high), stop_loss(low)),
        _ => (Side::Buy, stop_loss(high), gain(low)),
    };
    PlaceOco {
        account: account(numbers[1]),
        market: MarketId((numbers[1] / ACCOUNTS % 2) as u16),
        side,
        quantity: Quantity(1 + numbers[2] % 30),
        above: named(above, numbers[2]),
        below: named(below, numbers[3]),
        self_trade_prevention: mode(numbers[7] / 2),
        list_client_order_id: name(numbers[4]),
    }
}

/// By name, or one of those accepted not long ago in either market.
fn order_ref(numbers: &[u64; 8], last_order: u64) -> OrderRef {
    match numbers[3] % 4 {
        0 => OrderRef::Client(name(numbers[4] % 8)),
        _ => OrderRef::Id(OrderId(last_order.saturating_sub(numbers[4] % 100))),
    }
}

fn transfer(numbers: &[u64; 8]) -> Transfer {
    let id = |number: u64| TransferId(u128::from(number % 3_000));
    Transfer {
        transfer: id(numbers[2]),
        debit: account(numbers[1]),
        credit: match numbers[3] % 4 {
            0 => AccountId::PAY_CLEARING,
            _ => account(numbers[3] / 4),
        },
        asset: AssetId((numbers[4] % 3) as u16),
        amount: Amount((numbers[5] % 2_000) as i128),
        code: match numbers[6] % 4 {
            0 => TransferCode::Withdrawal,
            1 => TransferCode::Correction { of: id(numbers[7]) },
            _ => TransferCode::Internal,
        },
    }
}

/// The command that eight random numbers mean.
pub(crate) fn command(numbers: &[u64; 8], last_order: u64) -> Command {
    let (account, market) = (account(numbers[1]), MarketId((numbers[2] % 2) as u16));
    match numbers[0] % 100 {
        0..55 => Command::PlaceOrder(place(numbers)),
        55..65 => Command::PlaceOco(Box::new(oco(numbers))),
        65..75 => Command::CancelOrder {
            account,
            market,
            order: order_ref(numbers, last_order),
        },
        75..80 => Command::ReduceOrder {
            account,
            market,
            order: order_ref(numbers, last_order),
            by: Quantity(numbers[5] % 10),
        },
        80..85 => Command::ReplaceOrder {
            order: order_ref(numbers, last_order),
            place: place(numbers),
        },
        85 => Command::CancelAllOrders { account, market },
        86..90 => Command::Transfer(transfer(numbers)),
        90..93 => Command::HoldTransfer(transfer(numbers)),
        93 => Command::PostTransfer {
            transfer: TransferId(u128::from(numbers[2] % 3_000)),
        },
        94 => Command::VoidTransfer {
            transfer: TransferId(u128::from(numbers[2] % 3_000)),
        },
        95 => Command::SetAccountTier {
            account,
            tier: (numbers[3] % 4) as u8,
        },
        96 => Command::SetFeeTiers {
            quote: AssetId((numbers[3] % 3) as u16),
            volumes: [40_000, 150_000]
                .map(|volume| Amount(volume + numbers[4] as i128 % 9_000))
                .to_vec(),
        },
        97 => Command::SetMarketState {
            market,
            state: match numbers[3] % 24 {
                0 => MarketState::CancelOnly,
                1 => MarketState::Halted,
                _ => MarketState::Trading,
            },
        },
        98 => Command::RestrictAccount {
            account,
            restrictions: Restrictions {
                no_trade: numbers[3].is_multiple_of(8),
                no_withdraw: numbers[4].is_multiple_of(4),
            },
        },
        _ => Command::OpenAccount { account },
    }
}
