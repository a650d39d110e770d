//! The command line of EnsoEx: serve, demo, verify, at, backup, restore, bench.
//!
//! Starts things and shows results. It knows no rule of trading, payment or privacy: those live in the crates
//! that it calls, and the demo's traders know the public API only.

/// Prints a line for people. A reader that has gone is no reason to stop.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

pub mod arguments;
pub mod at;
pub mod backup;
pub mod backup_keys;
pub mod bench;
pub mod cases;
pub mod clean_log;
pub mod core_dumps;
pub mod demo;
pub mod incident;
pub mod keep;
pub mod keys;
pub mod log;
pub mod memory;
pub mod newsletter;
pub mod place;
pub mod policy;
pub mod privacy;
pub mod projections;
pub mod random;
pub mod requests;
pub mod restore;
pub mod risk;
pub mod scan_cards;
pub mod serve;
pub mod staff;
pub mod stop_signal;
pub mod threads;
pub mod traders;
pub mod verify;

/// One line for people: the error and its causes, without repeating what a cause already says.
pub fn plain_sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if sentence.ends_with(&text) {
            continue;
        }
        if !sentence.is_empty() {
            sentence = format!("{}: ", sentence.trim_end_matches('.'));
        }
        sentence.push_str(&text);
    }
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::plain_sentence;

    #[test]
    fn an_error_reads_as_one_sentence() {
        let error = anyhow::anyhow!("the disk is full.").context("cannot write demo.json");
        assert_eq!(
            plain_sentence(&error),
            "cannot write demo.json: the disk is full."
        );
        let repeated = anyhow::anyhow!("the disk is full").context("cannot write: the disk is full");
        assert_eq!(plain_sentence(&repeated), "cannot write: the disk is full.");
    }
}
