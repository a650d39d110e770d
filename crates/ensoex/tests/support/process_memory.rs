//! What a running process has in its writable memory.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

/// Pieces overlap by so much, so that nothing shorter falls between two.
const OVERLAP: u64 = 256;

/// Whether a piece of the process's writable memory is found.
pub(crate) fn holds(pid: u64, found: &dyn Fn(&[u8]) -> bool) -> bool {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("the process's maps");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("the process's memory");
    let mut read = 0;
    let holds = maps.lines().any(|line| {
        let mut words = line.split_whitespace();
        let (Some(range), Some(rights)) = (words.next(), words.next()) else {
            return false;
        };
        let Some((from, to)) = range.split_once('-') else {
            return false;
        };
        let bounds = (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16));
        let (Ok(from), Ok(to), true) = (bounds.0, bounds.1, rights.starts_with("rw")) else {
            return false;
        };
        let mut at = from;
        while at < to {
            let length = (to - at).min((1 << 20) + OVERLAP);
            let mut piece = vec![0; usize::try_from(length).expect("a length")];
            if memory.read_exact_at(&mut piece, at).is_ok() {
                read += piece.len();
                if found(&piece) {
                    return true;
                }
            }
            at += 1 << 20;
        }
        false
    });
    assert!(holds || read > 1 << 20, "the memory was read ({read} bytes)");
    holds
}
