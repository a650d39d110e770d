//! Generated order flow: the same seed gives the same stream.
//!
//! [`xcore`] is a busy, narrow book where most commands move an order; [`deep`] is a book of half a million
//! orders. Knows no engine: what rests is followed with the naive book.

use crate::naive_book::NaiveBook;
use crate::random::Random;
use crate::workload::{Line, Operation};
use ensoex_engine::Side;

const MIDDLE: u64 = 1_000_000;

/// Makes lines and remembers which orders rest.
struct Generator {
    random: Random,
    book: NaiveBook,
    lines: Vec<Line>,
    orders: u32,
    /// Resting orders, in no order, and where each stands in that list.
    open: Vec<u32>,
    position: Vec<usize>,
    filled: Vec<u32>,
}

impl Generator {
    fn new(seed: u64) -> Generator {
        Generator {
            random: Random::new(seed),
            book: NaiveBook::default(),
            lines: Vec::new(),
            orders: 0,
            open: Vec::new(),
            position: vec![usize::MAX],
            filled: Vec::new(),
        }
    }

    fn side(&mut self) -> Side {
        if self.random.per_mille(500) {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    /// A price `distance` ticks away from the middle, on `side`'s own half; negative is beyond the middle.
    fn price(side: Side, distance: i64) -> u64 {
        match side {
            Side::Buy => MIDDLE.saturating_add_signed(-distance),
            Side::Sell => (MIDDLE + 1).saturating_add_signed(distance),
        }
    }

    fn push(&mut self, line: Line) {
        self.filled.clear();
        self.book.apply(&line, &mut self.filled);
        for order in std::mem::take(&mut self.filled) {
            self.forget(order);
        }
        self.forget(line.order);
        if self.book.resting(line.order).is_some() {
            self.position[line.order as usize] = self.open.len();
            self.open.push(line.order);
        }
        self.lines.push(line);
    }

    fn forget(&mut self, order: u32) {
        let position = std::mem::replace(&mut self.position[order as usize], usize::MAX);
        if position == usize::MAX {
            return;
        }
        self.open.swap_remove(position);
        if let Some(moved) = self.open.get(position) {
            self.position[*moved as usize] = position;
        }
    }

    fn place(&mut self, side: Side, distance: i64, quantity: u64, immediate: bool) {
        self.orders += 1;
        self.position.push(usize::MAX);
        self.push(Line {
            operation: Operation::Place { immediate },
            order: self.orders,
            side,
            price: Self::price(side, distance),
            quantity,
        });
    }

    /// A resting order by chance, with what remains of it.
    fn any_open(&mut self) -> Option<(u32, Side, u64)> {
        if self.open.is_empty() {
            return None;
        }
        let order = self.open[self.random.below(self.open.len() as u64) as usize];
        let (side, _, remaining) = self.book.resting(order)?;
        Some((order, side, remaining))
    }

    fn quantity(&mut self, max: u64) -> u64 {
        1 + self.random.below(max)
    }
}

/// A busy book: 9 % GTC, 3 % IOC, 6 % cancel, 82 % move, after about 1,100 orders have been placed. About 1,100 stay
/// open on about 730 levels; one command in eighteen trades.
pub fn xcore(seed: u64, commands: usize) -> Vec<Line> {
    const OPEN: usize = 1_100;
    const DEPTH: u64 = 640;
    let mut made = Generator::new(seed);
    while made.lines.len() < commands {
        let side = made.side();
        let distance = made.random.below(DEPTH) as i64;
        let quantity = made.quantity(100);
        // Adds and cancels change places while too many or too few are open.
        let kind = match made.random.below(100) {
            _ if made.lines.len() < OPEN => 0,
            0..9 if made.open.len() > OPEN + 20 => 12,
            12..18 if made.open.len() < OPEN - 20 => 0,
            other => other,
        };
        match (kind, made.any_open()) {
            (0..9, _) => made.place(side, distance, quantity, false),
            (9..12, _) => {
                let (reach, quantity) = (-(made.random.below(60) as i64), made.quantity(20));
                made.place(side, reach, quantity, true);
            }
            (12..18, Some((order, side, _))) => made.push(Line {
                operation: Operation::Cancel,
                order,
                side,
                price: 0,
                quantity: 0,
            }),
            (_, Some((order, side, remaining))) => {
                // A few moves go past the middle and trade.
                let distance = distance - 10;
                made.push(Line {
                    operation: Operation::Move,
                    order,
                    side,
                    price: Generator::price(side, distance),
                    quantity: remaining,
                });
            }
            (_, None) => made.place(side, distance, quantity, false),
        }
    }
    made.lines
}

/// A deep book: `resting` orders over 2 × 20,000 ticks, then `commands`: 47.5 % add, 42.5 % cancel at random, 5 %
/// reduce, 5 % IOC.
pub fn deep(seed: u64, resting: usize, commands: usize) -> Vec<Line> {
    const DEPTH: u64 = 20_000;
    let mut made = Generator::new(seed);
    for number in 0..resting + commands {
        let side = made.side();
        let distance = made.random.below(DEPTH) as i64;
        let kind = if number < resting {
            0
        } else {
            made.random.below(1_000)
        };
        let quantity = made.quantity(100);
        match (kind, made.any_open()) {
            (475..900, Some((order, side, _))) => made.push(Line {
                operation: Operation::Cancel,
                order,
                side,
                price: 0,
                quantity: 0,
            }),
            (900..950, Some((order, side, remaining))) => {
                let by = made.quantity(remaining);
                made.push(Line {
                    operation: Operation::Reduce,
                    order,
                    side,
                    price: 0,
                    quantity: by,
                });
            }
            (950..1_000, _) => made.place(side, -10_000, quantity, true),
            _ => made.place(side, distance, quantity, false),
        }
    }
    made.lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(lines: &[Line], wanted: impl Fn(Operation) -> bool) -> usize {
        lines.iter().filter(|line| wanted(line.operation)).count() * 1_000 / lines.len()
    }

    #[test]
    fn xcore_has_the_shape_it_promises() {
        let lines = xcore(1, 100_000);
        let mut book = NaiveBook::default();
        for line in &lines {
            book.apply(line, &mut Vec::new());
        }
        let (bids, asks) = book.levels();
        assert_eq!(lines, xcore(1, 100_000));
        assert_ne!(lines, xcore(2, 100_000));
        assert!(
            (1_000..1_200).contains(&book.resting_orders()),
            "{}",
            book.resting_orders()
        );
        assert!((650..810).contains(&(bids + asks)), "{bids} {asks}");
        let moves = share(&lines, |operation| operation == Operation::Move);
        assert!((800..830).contains(&moves), "{moves}");
        assert!((4_500..6_500).contains(&book.trades), "{}", book.trades);
    }

    #[test]
    fn deep_has_the_shape_it_promises() {
        let lines = deep(1, 20_000, 40_000);
        let mut book = NaiveBook::default();
        for line in &lines {
            book.apply(line, &mut Vec::new());
        }
        let cancels = share(&lines[20_000..], |operation| operation == Operation::Cancel);
        assert!((410..440).contains(&cancels), "{cancels}");
        assert!(book.resting_orders() > 15_000, "{}", book.resting_orders());
        assert!(book.trades > 1_000, "{}", book.trades);
    }
}
