//! What the Service writes to its log goes through here: a card number that got into a line is removed from it.

use ensoex_card_firewall::redact;
use std::io::{self, Write};

/// Writes what it is given without card numbers. One call is one line, as the log's formatter makes them.
pub struct Clean<W>(pub W);

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(redact(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Panics are told without card numbers too, and without their message while somebody looks at a person's value, which it may hold.
pub fn clean_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // Empty unless RUST_BACKTRACE asks for it.
        let way = std::backtrace::Backtrace::capture();
        match (ensoex_vault::personal_is_open(), panic.location()) {
            (true, Some(place)) => tracing::error!(
                "a panic at {place} while a person's value was open; its message is left out\n{way}"
            ),
            (true, None) => tracing::error!("a panic while a person's value was open\n{way}"),
            (false, _) => tracing::error!("{}\n{way}", redact(&panic.to_string())),
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::Clean;
    use std::io::Write as _;

    /// Mechanism: `crates/ensoex/src/clean_log.rs`
    /// Control: a number of another check digit stays.
    #[test]
    fn clause_06_a_card_number_is_removed_from_a_line_of_the_log() {
        let mut written = Clean(Vec::new());
        for line in [
            "refused: 4716 3916 5280 4733 by a test\n",
            "sequence=4716391652804734 is none\n",
        ] {
            written.write_all(line.as_bytes()).unwrap();
        }
        let expected = "refused: [card number removed] by a test\nsequence=4716391652804734 is none\n";
        assert_eq!(String::from_utf8(written.0).unwrap(), expected);
    }
}
