//! Random commands for the engine, decoded from a few small numbers each.
//!
//! A [`Gene`] is what a property test shrinks and what a fuzzer's bytes become: any numbers decode to some
//! command, small numbers to plain ones. Ranges are narrow on purpose, so that prices meet, client order
//! ids repeat, balances run out and every refusal happens. Knows nothing of what the right answer is.

use crate::random::Random;
use ensoex_engine::{
    Command, Event, OrderKind, OrderRef, PlaceOrder, Side, TimeInForce, Transfer, TransferCode,
};
use ensoex_types::{
    AccountId, Amount, AssetId, AssetSpec, FeeRate, MarketId, MarketSpec, MarketState, OrderId, Price,
    Quantity, TransferId,
};

/// Numbers that become one command.
pub type Gene = [u16; 8];

/// Random numbers for one command.
pub fn random_gene(random: &mut Random) -> Gene {
    std::array::from_fn(|_| random.next_u64() as u16)
}

/// Turns genes into commands; remembers the engine's order ids so that later commands can name them.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// Orders that may be open: id, owner, market.
    orders: Vec<(OrderId, AccountId, MarketId)>,
    /// The order that closed last.
    closed: Option<(OrderId, AccountId, MarketId)>,
    transfers: u128,
}

/// How many orders back a command reaches.
const ORDERS_BACK_MAX: usize = 48;
const USERS: u16 = 5;

impl Decoder {
    /// Assets, markets and accounts, and money for the accounts.
    pub fn prelude() -> Vec<Command> {
        let mut commands = Vec::new();
        for (asset, code) in (0..).zip(["BTC", "EUR", "USD"]) {
            let spec = AssetSpec {
                code: code.into(),
                scale: 2,
            };
            commands.push(Command::ListAsset {
                asset: AssetId(asset),
                spec,
            });
        }
        for (market, spec) in (0..).zip(markets()) {
            let market = MarketId(market);
            commands.push(Command::ListMarket { market, spec });
        }
        for user in 0..u32::from(USERS) {
            let account = AccountId(AccountId::FIRST_USER.0 + user);
            commands.push(Command::OpenAccount { account });
            for asset in 0..3 {
                commands.push(Command::Transfer(Transfer {
                    transfer: TransferId(1_000_000 + u128::from(user) * 10 + u128::from(asset)),
                    debit: AccountId::OPERATOR_CAPITAL,
                    credit: account,
                    asset: AssetId(asset),
                    amount: Amount(80_000),
                    code: TransferCode::Capital,
                }));
            }
        }
        commands
    }

    /// Remembers what the engine answered.
    pub fn observe(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::OrderAccepted {
                    order,
                    account,
                    market,
                    ..
                } => self.orders.push((*order, *account, *market)),
                Event::OrderClosed {
                    order,
                    account,
                    market,
                    ..
                } => {
                    let closed = (*order, *account, *market);
                    self.orders.retain(|open| *open != closed);
                    self.closed = Some(closed);
                }
                _ => {}
            }
        }
    }

    /// The command that `gene` means now.
    pub fn decode(&mut self, gene: &Gene) -> Command {
        match gene[0] % 100 {
            0..=54 => Command::PlaceOrder(self.place(gene)),
            55..=69 => {
                let (account, market, order) = self.named_order(gene);
                Command::CancelOrder {
                    account,
                    market,
                    order,
                }
            }
            70..=76 => {
                let (account, market, order) = self.named_order(gene);
                let by = Quantity(u64::from(gene[3] % 6));
                Command::ReduceOrder {
                    account,
                    market,
                    order,
                    by,
                }
            }
            77..=84 => {
                let (account, market, order) = self.named_order(gene);
                let mut place = self.place(gene);
                if !gene[7].is_multiple_of(8) {
                    (place.account, place.market) = (account, market);
                }
                Command::ReplaceOrder { order, place }
            }
            85 => Command::CancelAllOrders {
                account: account(gene[1]),
                market: market(gene[2]),
            },
            86..=89 => Command::Transfer(self.transfer(gene)),
            90..=92 => Command::HoldTransfer(self.transfer(gene)),
            93..=94 => Command::PostTransfer {
                transfer: self.transfer_id(gene[1]),
            },
            95..=96 => Command::VoidTransfer {
                transfer: self.transfer_id(gene[1]),
            },
            97 => Command::SetMarketState {
                market: market(gene[1]),
                state: match gene[2] % 20 {
                    0 => MarketState::CancelOnly,
                    1 => MarketState::Halted,
                    _ => MarketState::Trading,
                },
            },
            98 => Command::OpenAccount {
                account: AccountId(match gene[1] % 4 {
                    0 => u32::from(gene[2] % 4),
                    1 => AccountId::FIRST_USER.0 + u32::from(gene[2] % 8),
                    _ => u32::from(gene[2] % 4) << 30,
                }),
            },
            _ => listing(gene),
        }
    }

    fn place(&self, gene: &Gene) -> PlaceOrder {
        let price = Price(price(gene[3], gene[4]));
        let quantity = Quantity(match gene[5] % 64 {
            0 => 0,
            1 => u64::from(gene[5]),
            2 => u64::MAX - u64::from(gene[6]),
            other => u64::from(other),
        });
        let kind = match gene[6] % 20 {
            0..=10 => OrderKind::Limit {
                price,
                quantity,
                time_in_force: TimeInForce::Gtc,
            },
            11..=12 => OrderKind::Limit {
                price,
                quantity,
                time_in_force: TimeInForce::Ioc,
            },
            13..=14 => OrderKind::Limit {
                price,
                quantity,
                time_in_force: TimeInForce::Fok,
            },
            15..=16 => OrderKind::LimitMaker { price, quantity },
            17..=18 => OrderKind::Market { quantity },
            _ => OrderKind::MarketQuote {
                quote: Amount(i128::from(gene[5] % 4_000) - 10),
            },
        };
        PlaceOrder {
            account: account(gene[1]),
            market: market(gene[2]),
            side: if gene[2] & 0x100 == 0 {
                Side::Buy
            } else {
                Side::Sell
            },
            kind,
            client_order_id: name(gene[7]),
        }
    }

    /// Mostly an order of the account that asks, mostly recent; sometimes another's, or none's.
    fn named_order(&self, gene: &Gene) -> (AccountId, MarketId, OrderRef) {
        let back = usize::from(gene[1]) % ORDERS_BACK_MAX;
        let open = self.orders.len().checked_sub(back % self.orders.len().max(1) + 1);
        let found = match gene[3] % 16 {
            0 => self.closed,
            _ => open.and_then(|position| self.orders.get(position).copied()),
        };
        let (id, owner, at) =
            found.unwrap_or((OrderId(u64::from(gene[1])), account(gene[2]), market(gene[2])));
        match gene[7] % 16 {
            0 => (account(gene[2]), at, OrderRef::Id(id)),
            1 => (owner, market(gene[2]), OrderRef::Client(mine(gene[4]))),
            5 => (owner, market(gene[2]), OrderRef::Id(id)),
            2 => (
                owner,
                at,
                OrderRef::Id(OrderId(id.0 + (u64::from(gene[2]) << 10))),
            ),
            3..=4 => (owner, at, OrderRef::Client(mine(gene[4]))),
            _ => (owner, at, OrderRef::Id(id)),
        }
    }

    fn transfer(&mut self, gene: &Gene) -> Transfer {
        let transfer = if gene[5].is_multiple_of(8) {
            self.transfer_id(gene[5])
        } else {
            self.transfers += 1;
            TransferId(self.transfers)
        };
        Transfer {
            transfer,
            debit: account(gene[1]),
            credit: account(gene[2]),
            asset: AssetId(gene[3] % 50 / 8),
            amount: Amount(i128::from(gene[4] % 3_000) - 5),
            code: TransferCode::Internal,
        }
    }

    fn transfer_id(&self, number: u16) -> TransferId {
        TransferId((self.transfers + 1).saturating_sub(u128::from(number % 12)))
    }
}

/// Mostly users; some of the house, some that do not exist.
fn account(number: u16) -> AccountId {
    match number % 32 {
        0 => AccountId::OPERATOR_CAPITAL,
        1 => AccountId::FEES,
        2 => AccountId(u32::from(number)),
        other => AccountId(AccountId::FIRST_USER.0 + u32::from(other % USERS)),
    }
}

fn market(number: u16) -> MarketId {
    MarketId(match number % 64 {
        63 => 2,
        other => other % 2,
    })
}

/// Mostly near the market; sometimes far away, so that the levels' window has to move.
fn price(number: u16, cluster: u16) -> u64 {
    match cluster % 32 {
        0 => u64::from(number) * 1_000,
        1 => u64::from(number % 3),
        2..=4 => 100_000 + u64::from(number % 20),
        _ => 100 + u64::from(number % 20),
    }
}

fn name(number: u16) -> String {
    match number % 24 {
        0..=7 => mine(number),
        8 => "x".repeat(30 + usize::from(number % 10)),
        _ => String::new(),
    }
}

fn mine(number: u16) -> String {
    format!("mine-{}", number % 5)
}

fn listing(gene: &Gene) -> Command {
    let asset = AssetId(gene[1] % 5);
    match gene[2] % 2 {
        0 => Command::ListAsset {
            asset,
            spec: AssetSpec {
                code: format!("A{}", gene[3] % 4),
                scale: (gene[4] % 21) as u8,
            },
        },
        _ => Command::ListMarket {
            market: MarketId(gene[1] % 4),
            spec: MarketSpec {
                symbol: format!("M{}", gene[3] % 4),
                base: AssetId(gene[4] % 4),
                quote: AssetId(gene[5] % 4),
                lot_size: u64::from(gene[6] % 3),
                ..markets()[0].clone()
            },
        },
    }
}

fn markets() -> [MarketSpec; 2] {
    let first = MarketSpec {
        symbol: "BTCEUR".into(),
        base: AssetId(0),
        quote: AssetId(1),
        lot_size: 3,
        tick_value: 1,
        price_scale: 2,
        tick_units: 1,
        price_min: Price(2),
        price_max: Price(50_000_000),
        quantity_min: Quantity(1),
        quantity_max: Quantity(50_000),
        notional_min: Amount(103),
        notional_max: Amount(1_000_000_000),
        orders_per_account_max: 5,
        maker_fee: FeeRate(1_000),
        taker_fee: FeeRate(33_333),
    };
    let second = MarketSpec {
        symbol: "EURUSD".into(),
        base: AssetId(1),
        quote: AssetId(2),
        lot_size: 1,
        tick_value: 7,
        quantity_min: Quantity(2),
        notional_min: Amount(0),
        maker_fee: FeeRate(0),
        taker_fee: FeeRate(250_000),
        ..first.clone()
    };
    [first, second]
}
