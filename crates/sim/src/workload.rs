//! Neutral order flow: one command a line, `op,order_id,side,price,qty,tif`.
//!
//! `op`: `P` place a limit order, `C` cancel, `R` reduce the remaining quantity by `qty`, `M` move: cancel and place
//! again under the same id at the given price and quantity. `side`: `B` or `S`. `price` in ticks, `qty` in
//! lots. `tif`: `G` good till cancelled, `I` immediate or cancel, `-` for all but `P`. Order ids are dense from 1 in
//! the order first seen. Knows no engine.

use ensoex_engine::Side;
use std::io::{BufRead, Write};

/// Longest line, in bytes.
pub const LINE_BYTES_MAX: u64 = 100;
/// Most commands in a stream.
pub const COMMANDS_MAX: usize = 50_000_000;
/// Greatest price in ticks, and greatest quantity in lots.
pub const NUMBER_MAX: u64 = 1_000_000_000_000;

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Place a limit order; its rest expires at once if `immediate`.
    Place {
        /// Immediate or cancel, else good till cancelled.
        immediate: bool,
    },
    /// Cancel.
    Cancel,
    /// Lower the remaining quantity.
    Reduce,
    /// Cancel and place again under the same id.
    Move,
}

/// One command of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub operation: Operation,
    /// The stream's own order id, dense from 1.
    pub order: u32,
    /// The order's side.
    pub side: Side,
    /// In ticks; of no meaning for cancel and reduce.
    pub price: u64,
    /// In lots; of no meaning for cancel.
    pub quantity: u64,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not six fields.
    #[error("a line has six fields: op,order_id,side,price,qty,tif")]
    Fields,
    /// Longer than [`LINE_BYTES_MAX`], or not text.
    #[error("a line is text of at most {LINE_BYTES_MAX} bytes")]
    Length,
    /// Unknown operation.
    #[error("op is P, C, R or M")]
    Operation,
    /// Not the next new id, or an id not seen before.
    #[error("order ids are dense from 1 in the order first placed")]
    OrderId,
    /// Unknown side.
    #[error("side is B or S")]
    Side,
    /// Not a price.
    #[error("price is an integer from 1 to {NUMBER_MAX}")]
    Price,
    /// Not a quantity.
    #[error("qty is an integer from 1 to {NUMBER_MAX}")]
    Quantity,
    /// Time in force does not fit the operation.
    #[error("tif is G or I for P, and - for C, R and M")]
    TimeInForce,
}

/// Why a stream cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadError {
    /// The file cannot be read.
    #[error("the order flow cannot be read")]
    Read(#[source] std::io::Error),
    /// A line is malformed.
    #[error("line {line}: {error}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        #[source]
        error: LineError,
    },
    /// Nothing to run.
    #[error("the order flow has no commands")]
    Empty,
    /// Longer than [`COMMANDS_MAX`].
    #[error("the order flow has more than {COMMANDS_MAX} commands")]
    TooManyCommands,
    /// Too few or too many accounts.
    #[error("accounts must be from 2 to {max}")]
    Accounts {
        /// Most accounts.
        max: u32,
    },
    /// Too few or too many repetitions.
    #[error("reps must be from 1 to {max}")]
    Repetitions {
        /// Most repetitions.
        max: u32,
    },
    /// The engine refused a command: it names an order that does not rest, for example.
    #[error("line {line}: the engine refused it: {reject:?}")]
    Refused {
        /// From 1.
        line: usize,
        /// The engine's reason.
        reject: ensoex_engine::Reject,
    },
    /// An order changes its side.
    #[error("line {line}: an order keeps its side")]
    SideChanged {
        /// From 1.
        line: usize,
    },
    /// Two runs over the same commands ended differently.
    #[error("two runs over the same commands ended in different states")]
    NotDeterministic,
    /// The naive book came to other trades.
    #[error("the engine and the naive book came to different trades")]
    BookDiffers,
}

/// Reads a stream.
///
/// # Errors
/// The first line that is malformed, with its number, or a limit passed.
pub fn parse(mut input: impl BufRead) -> Result<Vec<Line>, WorkloadError> {
    let mut lines = Vec::new();
    let mut orders = 0;
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = std::io::Read::take(&mut input, LINE_BYTES_MAX + 1).read_until(b'\n', &mut text);
        if read.map_err(WorkloadError::Read)? == 0 {
            break;
        }
        if lines.len() >= COMMANDS_MAX {
            return Err(WorkloadError::TooManyCommands);
        }
        let line = parse_line(&text, &mut orders).map_err(|error| WorkloadError::Line {
            line: lines.len() + 1,
            error,
        })?;
        lines.push(line);
    }
    if lines.is_empty() {
        return Err(WorkloadError::Empty);
    }
    Ok(lines)
}

/// Reads one line; `orders` is the number of orders placed before it.
fn parse_line(text: &[u8], orders: &mut u32) -> Result<Line, LineError> {
    let text = std::str::from_utf8(text).map_err(|_| LineError::Length)?;
    if text.len() as u64 > LINE_BYTES_MAX {
        return Err(LineError::Length);
    }
    let mut fields = text.trim_end_matches(['\n', '\r']).split(',');
    let all: [&str; 6] = std::array::from_fn(|_| fields.next().unwrap_or(""));
    if fields.next().is_some() || all.contains(&"") {
        return Err(LineError::Fields);
    }
    let [operation, order, side, price, quantity, time_in_force] = all;
    let operation = match (operation, time_in_force) {
        ("P", "G") => Operation::Place { immediate: false },
        ("P", "I") => Operation::Place { immediate: true },
        ("C", "-") => Operation::Cancel,
        ("R", "-") => Operation::Reduce,
        ("M", "-") => Operation::Move,
        ("P" | "C" | "R" | "M", _) => return Err(LineError::TimeInForce),
        _ => return Err(LineError::Operation),
    };
    let order: u32 = order.parse().map_err(|_| LineError::OrderId)?;
    let is_new = matches!(operation, Operation::Place { .. });
    let is_known = (1..=*orders).contains(&order);
    if is_new {
        *orders += 1;
    }
    if (is_new && order != *orders) || (!is_new && !is_known) {
        return Err(LineError::OrderId);
    }
    let side = match side {
        "B" => Side::Buy,
        "S" => Side::Sell,
        _ => return Err(LineError::Side),
    };
    let priced = matches!(operation, Operation::Place { .. } | Operation::Move);
    let counted = operation != Operation::Cancel;
    Ok(Line {
        operation,
        order,
        side,
        price: number(price, priced).ok_or(LineError::Price)?,
        quantity: number(quantity, counted).ok_or(LineError::Quantity)?,
    })
}

fn number(text: &str, needed: bool) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value <= NUMBER_MAX && (value > 0 || !needed)).then_some(value)
}

/// Writes a stream in the format that [`parse`] reads.
///
/// # Errors
/// Whatever the output says.
pub fn write(lines: &[Line], mut output: impl Write) -> std::io::Result<()> {
    for line in lines {
        let (operation, time_in_force) = match line.operation {
            Operation::Place { immediate: false } => ('P', 'G'),
            Operation::Place { immediate: true } => ('P', 'I'),
            Operation::Cancel => ('C', '-'),
            Operation::Reduce => ('R', '-'),
            Operation::Move => ('M', '-'),
        };
        let side = match line.side {
            Side::Buy => 'B',
            Side::Sell => 'S',
        };
        let (order, price, quantity) = (line.order, line.price, line.quantity);
        writeln!(
            output,
            "{operation},{order},{side},{price},{quantity},{time_in_force}"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_or_refused_by_number() {
        let good = "P,1,S,100,5,G\nP,2,B,99,3,I\n";
        let cases: &[(&str, Option<LineError>)] = &[
            ("C,1,S,0,0,-", None),
            ("R,1,S,0,2,-", None),
            ("M,1,S,101,5,-", None),
            ("P,3,B,1000000000000,1,G", None),
            ("", Some(LineError::Fields)),
            ("P,3,B,1,1", Some(LineError::Fields)),
            ("P,3,B,1,1,G,", Some(LineError::Fields)),
            ("X,3,B,1,1,G", Some(LineError::Operation)),
            ("P,3,B,1,1,-", Some(LineError::TimeInForce)),
            ("C,1,B,1,1,G", Some(LineError::TimeInForce)),
            ("P,4,B,1,1,G", Some(LineError::OrderId)),
            ("P,2,B,1,1,G", Some(LineError::OrderId)),
            ("C,0,B,1,1,-", Some(LineError::OrderId)),
            ("C,3,B,1,1,-", Some(LineError::OrderId)),
            ("C,x,B,1,1,-", Some(LineError::OrderId)),
            ("P,3,b,1,1,G", Some(LineError::Side)),
            ("P,3,B,0,1,G", Some(LineError::Price)),
            ("P,3,B,-1,1,G", Some(LineError::Price)),
            ("P,3,B,1.5,1,G", Some(LineError::Price)),
            ("P,3,B,1000000000001,1,G", Some(LineError::Price)),
            ("P,3,B,1,0,G", Some(LineError::Quantity)),
            ("R,1,S,0,0,-", Some(LineError::Quantity)),
            ("P,3,B,1,99999999999999999999,G", Some(LineError::Quantity)),
        ];
        for (last, expected) in cases {
            let parsed = parse(format!("{good}{last}\n").as_bytes());
            match (parsed, expected) {
                (Ok(lines), None) => assert_eq!(lines.len(), 3, "{last}"),
                (Err(WorkloadError::Line { line: 3, error }), Some(expected)) => {
                    assert_eq!(error, *expected, "{last}");
                }
                (other, expected) => panic!("{last}: {other:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn long_lines_and_empty_files_are_refused() {
        let long = format!("P,1,B,{},1,G\n", "0".repeat(10_000));
        let refused = parse(long.as_bytes());
        assert!(
            matches!(
                refused,
                Err(WorkloadError::Line {
                    line: 1,
                    error: LineError::Length
                })
            ),
            "{refused:?}"
        );
        assert!(matches!(parse(&b""[..]), Err(WorkloadError::Empty)));
        assert!(matches!(
            parse(&b"P,1,B,1,\xff,G"[..]),
            Err(WorkloadError::Line { line: 1, .. })
        ));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let text = "P,1,S,100,5,G\nP,2,B,99,3,I\nM,1,S,101,4,-\nR,1,S,0,2,-\nC,1,S,0,0,-\n";
        let lines = parse(text.as_bytes()).expect("it is well formed");
        let mut written = Vec::new();
        write(&lines, &mut written).expect("memory takes all");
        assert_eq!(String::from_utf8_lossy(&written), text);
    }
}
