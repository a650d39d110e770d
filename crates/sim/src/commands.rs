//! Random commands for the engine, decoded from a few small numbers each.
//!
//! A [`Gene`] is what a property test shrinks and what a fuzzer's bytes become: any numbers decode to some
//! command, small numbers to plain ones. Ranges are narrow on purpose, so that prices meet, stops trigger each
//! other, client order ids repeat, balances run out and every refusal happens. Knows nothing of what the right
//! answer is.

mod house;
mod orders;

use crate::random::Random;
use ensoex_engine::{Command, Event, OrderRef};
use ensoex_types::{
    AccountId, ClientOrderId, MarketId, MarketState, OrderId, Price, Quantity, Timestamp, TransferId,
};
use std::collections::BTreeMap;

/// Numbers that become one command.
pub type Gene = [u16; 12];

/// Random numbers for one command.
pub fn random_gene(random: &mut Random) -> Gene {
    std::array::from_fn(|_| random.next_u64() as u16)
}

/// A command and when it is applied.
#[derive(Clone, Debug)]
pub struct Step {
    /// Usually later than the step before, sometimes by days, sometimes earlier.
    pub at: Timestamp,
    /// What is asked.
    pub command: Command,
}

/// An order that may be open.
type Known = (OrderId, AccountId, MarketId);

/// Turns genes into commands; remembers the engine's order ids, prices and listings so that later commands can
/// name them.
#[derive(Clone, Debug)]
pub struct Decoder {
    clock: Timestamp,
    /// Orders that may be open.
    orders: Vec<Known>,
    /// The order that closed last.
    closed: Option<Known>,
    transfers: u128,
    last_prices: BTreeMap<MarketId, Price>,
    /// The markets where nearly everything happens.
    main: [MarketId; MAIN_MARKETS],
    /// The one of them that was delisted and has no successor yet.
    relist: Option<usize>,
    markets: u16,
}

/// How many orders back a command reaches.
const ORDERS_BACK_MAX: usize = 48;
const USERS: u16 = 5;
const MAIN_MARKETS: usize = 3;
const DAY_MICROSECONDS: u64 = 86_400_000_000;

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder {
            clock: Timestamp(1_000_000),
            orders: Vec::new(),
            closed: None,
            transfers: 0,
            last_prices: BTreeMap::new(),
            main: [MarketId(0), MarketId(1), MarketId(2)],
            relist: None,
            markets: MAIN_MARKETS as u16,
        }
    }
}

impl Decoder {
    /// Assets, markets and accounts, and money for the accounts.
    pub fn prelude() -> Vec<Command> {
        house::prelude()
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
                Event::Trade(trade) => {
                    self.last_prices.insert(trade.market, trade.price);
                }
                Event::MarketListed { market } => self.markets = market.0 + 1,
                Event::MarketStateChanged {
                    market,
                    state: MarketState::Delisted,
                } => self.relist = self.main.iter().position(|main| main == market).or(self.relist),
                _ => {}
            }
        }
    }

    /// The command that `gene` means now.
    pub fn decode(&mut self, gene: &Gene) -> Step {
        let at = self.time(gene[10]);
        let command = match self.relist.take() {
            Some(position) => {
                self.main[position] = MarketId(self.markets);
                house::list_again(self.main[position], position)
            }
            None => self.command(gene),
        };
        Step { at, command }
    }

    fn command(&mut self, gene: &Gene) -> Command {
        match gene[0] % 200 {
            0..=89 => Command::PlaceOrder(self.place(gene)),
            90..=109 => Command::PlaceOco(Box::new(self.place_oco(gene))),
            110..=129 => {
                let (account, market, order) = self.named_order(gene);
                Command::CancelOrder {
                    account,
                    market,
                    order,
                }
            }
            130..=143 => {
                let (account, market, order) = self.named_order(gene);
                let by = Quantity(u64::from(gene[3] % 6));
                Command::ReduceOrder {
                    account,
                    market,
                    order,
                    by,
                }
            }
            144..=159 => {
                let (account, market, order) = self.named_order(gene);
                let mut place = self.place(gene);
                if !gene[7].is_multiple_of(8) {
                    (place.account, place.market) = (account, market);
                }
                Command::ReplaceOrder { order, place }
            }
            160..=161 => Command::CancelAllOrders {
                account: account(gene[1]),
                market: self.market(gene[2]),
            },
            other => self.house(other - 162, gene),
        }
    }

    /// Now, usually seconds later than before.
    fn time(&mut self, number: u16) -> Timestamp {
        let midnight = (self.clock.0 / DAY_MICROSECONDS + 1) * DAY_MICROSECONDS;
        let ago = |days: u64| Timestamp(self.clock.0.saturating_sub(days * DAY_MICROSECONDS));
        self.clock.0 = match number % 4_096 {
            4_086.. => self.clock.0 + DAY_MICROSECONDS,
            4_084..=4_085 => self.clock.0 + 3 * DAY_MICROSECONDS,
            4_083 => self.clock.0 + 31 * DAY_MICROSECONDS,
            4_081..=4_082 => midnight,
            4_079..=4_080 => midnight - 1,
            // A clock that is set back: only this command sees it.
            4_077..=4_078 => return ago(2),
            4_076 => return ago(40),
            other => self.clock.0 + u64::from(other % 1_000) * 100_000,
        };
        self.clock
    }

    /// Mostly an order of the account that asks, mostly recent; sometimes another's, or none's.
    fn named_order(&self, gene: &Gene) -> (AccountId, MarketId, OrderRef) {
        let back = usize::from(gene[1]) % ORDERS_BACK_MAX;
        let open = self.orders.len().checked_sub(back % self.orders.len().max(1) + 1);
        let found = match gene[3] % 16 {
            0 => self.closed,
            _ => open.and_then(|position| self.orders.get(position).copied()),
        };
        let (id, owner, at) = found.unwrap_or((
            OrderId(u64::from(gene[1])),
            account(gene[2]),
            self.market(gene[2]),
        ));
        let other = self.market(gene[2]);
        match gene[7] % 16 {
            0 => (account(gene[2]), at, OrderRef::Id(id)),
            1 => (owner, other, OrderRef::Client(mine(gene[4]))),
            5 => (owner, other, OrderRef::Id(id)),
            2 => (
                owner,
                at,
                OrderRef::Id(OrderId(id.0.wrapping_add(u64::from(gene[2]) << 10))),
            ),
            3..=4 => (owner, at, OrderRef::Client(mine(gene[4]))),
            6 => (owner, at, OrderRef::Client(ClientOrderId::NONE)),
            _ => (owner, at, OrderRef::Id(id)),
        }
    }

    /// Mostly one of the main markets, the third of them less often; sometimes an older or another one, or none.
    fn market(&self, number: u16) -> MarketId {
        match number % 64 {
            63 => MarketId(self.markets),
            62 => MarketId(number / 64 % self.markets),
            56..=61 => self.main[2],
            other => self.main[usize::from(other % 2)],
        }
    }

    /// The last trade's price, or what prices there are to begin with.
    fn last_price(&self, market: MarketId) -> u64 {
        self.last_prices.get(&market).map_or(110, |price| price.0)
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

fn name(number: u16) -> ClientOrderId {
    match number % 24 {
        0..=7 => mine(number),
        8 => named(&"x".repeat(30 + usize::from(number % 7))),
        _ => ClientOrderId::NONE,
    }
}

fn mine(number: u16) -> ClientOrderId {
    named(&format!("mine-{}", number % 5))
}

fn named(text: &str) -> ClientOrderId {
    ClientOrderId::new(text).unwrap_or_default()
}
