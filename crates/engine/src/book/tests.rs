//! The whole book against a list of orders: everything it answers follows from who joined which queue when.

use super::*;
use alloc::collections::BTreeMap;
use alloc::format;
use proptest::prelude::*;

/// What is known of an open order. `joined` is 0 while it is parked.
#[derive(Clone, Debug)]
struct Known {
    side: Side,
    price: u64,
    lots: u64,
    account: u32,
    joined: u64,
    listed: bool,
}

/// The book and what it must say.
struct Pair {
    book: Book,
    known: BTreeMap<u64, Known>,
    clock: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Rest {
        side: Side,
        distance: u64,
        lots: u64,
        account: u32,
        named: bool,
    },
    Park {
        side: Side,
        lots: u64,
        account: u32,
        named: bool,
    },
    Release {
        chosen: usize,
        distance: u64,
        taken: u64,
    },
    Take {
        chosen: usize,
        lots: u64,
    },
    List {
        chosen: usize,
    },
    Remove {
        chosen: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let side = || any::<bool>().prop_map(|buy| if buy { Side::Buy } else { Side::Sell });
    let chosen = || any::<usize>();
    // Few prices make queues; far ones leave the ladder's window.
    let distance = || prop_oneof![8 => 0..6_u64, 1 => 0..100_000_u64];
    prop_oneof![
        5 => (side(), distance(), 1..9_u64, 0..5_u32, any::<bool>()).prop_map(
            |(side, distance, lots, account, named)| Step::Rest { side, distance, lots, account, named }),
        2 => (side(), 1..9_u64, 0..5_u32, any::<bool>()).prop_map(
            |(side, lots, account, named)| Step::Park { side, lots, account, named }),
        2 => (chosen(), distance(), 0..9_u64).prop_map(
            |(chosen, distance, taken)| Step::Release { chosen, distance, taken }),
        1 => (chosen(), 1..9_u64).prop_map(|(chosen, lots)| Step::Take { chosen, lots }),
        1 => chosen().prop_map(|chosen| Step::List { chosen }),
        3 => chosen().prop_map(|chosen| Step::Remove { chosen }),
    ]
}

/// Bids and asks never cross.
fn price(side: Side, distance: u64) -> u64 {
    match side {
        Side::Buy => 1_000_000 - distance,
        Side::Sell => 1_000_001 + distance,
    }
}

fn name(id: u64) -> ClientOrderId {
    ClientOrderId::new(&format!("order-{id}")).expect("short enough")
}

impl Pair {
    fn new() -> Pair {
        Pair {
            book: Book::new(),
            known: BTreeMap::new(),
            clock: 0,
        }
    }

    /// Some open order that `wanted` says yes to.
    fn choose(&self, chosen: usize, wanted: impl Fn(&Known) -> bool) -> Option<(u64, u32)> {
        let ids: Vec<u64> = self
            .known
            .iter()
            .filter(|(_, known)| wanted(known))
            .map(|(id, _)| *id)
            .collect();
        let id = *ids.get(chosen % ids.len().max(1))?;
        Some((id, self.book.find(id).expect("an open order is found")))
    }

    fn add(&mut self, known: Known, named: bool) {
        let id = self.book.assign_id();
        let order = NewOrder {
            id,
            side: known.side,
            post_only: id.is_multiple_of(2),
            price: known.price,
            remaining: known.lots,
            account: known.account,
            placed: Placed {
                quantity: known.lots,
                at: id,
            },
        };
        let slot = if known.joined == 0 {
            self.book.park(&order)
        } else {
            self.book.rest(&order)
        };
        assert_eq!(self.book.find(id), Some(slot));
        if named {
            self.book.set_name(id, name(id));
        }
        self.known.insert(id, known);
    }

    fn apply(&mut self, step: &Step) {
        self.clock += 1;
        match *step {
            Step::Rest {
                side,
                distance,
                lots,
                account,
                named,
            } => {
                let (price, joined) = (price(side, distance), self.clock);
                self.add(
                    Known {
                        side,
                        price,
                        lots,
                        account,
                        joined,
                        listed: false,
                    },
                    named,
                );
            }
            Step::Park {
                side,
                lots,
                account,
                named,
            } => {
                self.add(
                    Known {
                        side,
                        price: 0,
                        lots,
                        account,
                        joined: 0,
                        listed: false,
                    },
                    named,
                );
            }
            Step::Release {
                chosen,
                distance,
                taken,
            } => {
                if let Some((id, slot)) = self.choose(chosen, |known| known.joined == 0) {
                    let known = self.known.get_mut(&id).expect("chosen among them");
                    known.lots -= taken.min(known.lots - 1);
                    (known.price, known.joined) = (price(known.side, distance), self.clock);
                    self.book.release_parked(slot, known.price, known.lots);
                    assert_eq!(self.book.find(id), Some(slot), "it keeps its slot");
                }
            }
            Step::Take { chosen, lots } => {
                if let Some((id, slot)) = self.choose(chosen, |known| known.lots > lots) {
                    let known = self.known.get_mut(&id).expect("chosen among them");
                    known.lots -= lots;
                    assert_eq!(self.book.take(slot, lots), known.lots);
                }
            }
            Step::List { chosen } => {
                if let Some((id, slot)) = self.choose(chosen, |_| true) {
                    let known = self.known.get_mut(&id).expect("chosen among them");
                    known.listed = !known.listed;
                    self.book.set_listed(slot, known.listed);
                }
            }
            Step::Remove { chosen } => {
                if let Some((id, slot)) = self.choose(chosen, |_| true) {
                    let named = self.book.order(slot).named();
                    let (order, price) = self.book.remove(slot);
                    assert!(self.book.take_name(&order) == named.then(|| name(id)));
                    let known = &self.known[&id];
                    assert_eq!(
                        (order.id(), order.remaining, price),
                        (id, known.lots, known.price)
                    );
                    assert_eq!(self.book.find(id), None);
                    self.known.remove(&id);
                }
            }
        }
    }

    /// Everything that the book can be asked.
    fn compare(&self) {
        assert_eq!(self.book.check(), Ok(()));
        assert_eq!(self.book.len(), self.known.len());
        for (id, known) in &self.known {
            let slot = self.book.find(*id).expect("it is open");
            let order = self.book.order(slot);
            let parked = known.joined == 0;
            assert_eq!(
                (order.id(), order.side(), order.remaining),
                (*id, known.side, known.lots)
            );
            assert_eq!((order.is_stop(), order.is_listed()), (parked, known.listed));
            assert_eq!(
                (self.book.price(slot), self.book.owner(slot)),
                (known.price, known.account)
            );
            assert_eq!(
                (order.post_only(), self.book.placed(slot).at),
                (id.is_multiple_of(2), *id)
            );
            assert!(self.book.name(order) == order.named().then(|| name(*id)));
        }
        let parked: BTreeMap<u64, u32> = self
            .book
            .parked()
            .map(|(slot, order)| (order.id(), slot))
            .collect();
        let waiting = self.known.iter().filter(|(_, known)| known.joined == 0);
        assert!(waiting.map(|(id, _)| id).eq(parked.keys()));
        for account in 0..6 {
            let own = || self.known.iter().filter(|(_, known)| known.account == account);
            let ids = self
                .book
                .orders_of(account)
                .into_iter()
                .map(|slot| self.book.order(slot).id());
            assert!(own().map(|(id, _)| *id).eq(ids));
            assert_eq!(self.book.orders_of_count(account) as usize, own().count());
            let stops = own().filter(|(_, known)| known.joined == 0).count();
            assert_eq!(self.book.stops_of_count(account) as usize, stops);
        }
        self.compare_side(Side::Buy);
        self.compare_side(Side::Sell);
    }

    fn compare_side(&self, side: Side) {
        // Best price first, then who joined first.
        let mut expected: BTreeMap<u64, BTreeMap<u64, (u64, u64)>> = BTreeMap::new();
        let mut lots = 0_u64;
        for (id, known) in self.known.iter().filter(|(_, known)| known.side == side) {
            lots += known.lots;
            if known.joined > 0 {
                let key = if side == Side::Buy {
                    u64::MAX - known.price
                } else {
                    known.price
                };
                expected
                    .entry(key)
                    .or_default()
                    .insert(known.joined, (*id, known.lots));
            }
        }
        assert!(!self.book.is_full(side, u64::MAX - lots));
        assert!(
            lots == 0 || self.book.is_full(side, u64::MAX - lots + 1),
            "parked lots count"
        );
        let mut levels = self.book.levels(side);
        for (key, queue) in &expected {
            let price = if side == Side::Buy { u64::MAX - key } else { *key };
            let (found, level) = levels.next().expect("there is a level");
            let orders: Vec<(u64, u64)> = self
                .book
                .queue(level)
                .map(|(_, order)| (order.id(), order.remaining))
                .collect();
            assert_eq!((found, orders), (price, queue.values().copied().collect()));
            let sum = queue.values().map(|(_, lots)| lots).sum();
            assert_eq!(
                (
                    self.book.lots_at(side, price),
                    self.book.lots_at(side.opposite(), price)
                ),
                (sum, 0)
            );
        }
        assert!(levels.next().is_none());
        let best = expected.first_key_value().map(|(key, queue)| {
            let price = if side == Side::Buy { u64::MAX - key } else { *key };
            (price, queue.values().next().map(|(id, _)| *id))
        });
        assert_eq!(self.book.best(side), best.map(|(price, _)| price));
        if let Some((_, first)) = best {
            assert_eq!(Some(self.book.order(self.book.first(side)).id()), first);
        }
    }
}

proptest! {
    #[test]
    fn the_book_agrees_with_a_list_of_orders(steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.apply(step);
            pair.compare();
        }
    }
}

#[test]
fn links_and_queues_survive_the_moves_of_growth() {
    let mut pair = Pair::new();
    let mut random = 1_u64;
    for number in 0..6_000_u32 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (distance, chosen) = ((random >> 33) % 50, (random >> 20) as usize);
        let (account, lots, named) = (number % 5, 1 + u64::from(number % 7), number % 11 == 0);
        let side = if random >> 63 == 0 { Side::Buy } else { Side::Sell };
        pair.apply(&match number % 8 {
            0 | 1 => Step::Park {
                side,
                lots,
                account,
                named,
            },
            2 => Step::Release {
                chosen,
                distance,
                taken: 0,
            },
            3 => Step::Remove { chosen },
            _ => Step::Rest {
                side,
                distance,
                lots,
                account,
                named,
            },
        });
        if number % 500 == 499 {
            pair.compare();
        }
    }
    let (_, slots) = pair.book.id_state();
    assert!(slots > 2_500, "growth has gone beyond a doubling: {slots}");
    let orders = pair.book.len() as u64;
    assert!(slots < orders * 2, "{slots} slots for {orders} orders");
}

#[test]
fn a_resting_order_takes_less_than_its_limit_of_memory_at_every_size() {
    /// Bytes, all included but the accounts' counts, on a book with a dozen orders a level.
    const BYTES_PER_ORDER_MAX: usize = 96;
    let mut book = Book::new();
    for number in 0..200_000_u64 {
        let side = if number % 2 == 0 { Side::Buy } else { Side::Sell };
        let id = book.assign_id();
        book.rest(&NewOrder {
            id,
            side,
            post_only: false,
            price: price(side, number * 7 % 1_000),
            remaining: 1,
            account: 0,
            placed: Placed {
                quantity: 1,
                at: number,
            },
        });
        let bytes = book.orders.bytes() + book.ladder.bytes();
        let least = if number < 20_000 { 20_000 } else { number as usize };
        assert!(
            bytes < least * BYTES_PER_ORDER_MAX,
            "{bytes} bytes for {number} orders"
        );
    }
}

#[test]
fn a_released_order_stands_behind_those_who_came_while_it_waited() {
    let mut pair = Pair::new();
    let (side, distance, account, named) = (Side::Sell, 3, 1, false);
    pair.apply(&Step::Park {
        side,
        lots: 5,
        account,
        named,
    });
    pair.apply(&Step::Rest {
        side,
        distance,
        lots: 2,
        account,
        named,
    });
    pair.apply(&Step::Release {
        chosen: 0,
        distance,
        taken: 1,
    });
    pair.apply(&Step::Rest {
        side,
        distance,
        lots: 3,
        account,
        named,
    });
    pair.compare();
    let ids = |pair: &Pair| {
        let (_, level) = pair.book.levels(side).next().expect("one level");
        pair.book
            .queue(level)
            .map(|(_, order)| (order.id(), order.remaining))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&pair), [(2, 2), (1, 4), (3, 3)]);
    let slot = pair.book.find(1).expect("it is open");
    assert!(pair.book.order(slot).is_triggered() && !pair.book.order(slot).is_stop());
}

#[test]
#[should_panic(expected = "not parked")]
fn an_order_in_a_queue_cannot_be_released() {
    let mut pair = Pair::new();
    pair.apply(&Step::Rest {
        side: Side::Buy,
        distance: 0,
        lots: 1,
        account: 0,
        named: false,
    });
    pair.book.release_parked(1, 5, 1);
}

/// Positive controls: each breaks one thing that only `check` sees.
#[test]
fn the_check_sees_what_is_broken() {
    type Harm = fn(&mut Book);
    let harms: [(Harm, &str); 6] = [
        (|book| book.best[0] += 1, "a level has gone"),
        (|book| book.open_lots[0] += 1, "lots are open"),
        (|book| book.counts[1_u32] += 1, "counted"),
        (|book| book.stop_counts[1_u32] -= 1, "counted"),
        (
            |book| book.orders.get_mut(1).remaining -= 1,
            "differ from its orders",
        ),
        (
            |book| book.orders.get_mut(1).level = 7,
            "wrong side, level or link",
        ),
    ];
    for (harm, expected) in harms {
        let mut pair = Pair::new();
        let (side, lots, account, named) = (Side::Buy, 4, 1, false);
        pair.apply(&Step::Rest {
            side,
            distance: 2,
            lots,
            account,
            named,
        });
        pair.apply(&Step::Park {
            side,
            lots,
            account,
            named,
        });
        pair.compare();
        harm(&mut pair.book);
        let broken = pair.book.check().expect_err(expected);
        assert!(broken.contains(expected), "{broken}");
    }
}
