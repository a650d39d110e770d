//! Huge pages for the engine's memory.
//!
//! The engine's books and balances are a few large blocks that are read here and there, so most of what a command
//! waits for is the translation of addresses. Many kernels give huge pages only to who asks for them; the C
//! library asks for its whole heap when its tunable says so, but reads that only when a process starts. So the
//! process starts itself again.

use ensoex_sim::bench::memory::{huge_page_bytes, resident_bytes};
use std::ffi::OsString;
use std::hint::black_box;
use std::os::unix::process::CommandExt;
use std::process::Command;

const VARIABLE: &str = "GLIBC_TUNABLES";
const TUNABLE: &str = "glibc.malloc.hugetlb";
/// Touched to see whether huge pages come.
const TRIAL_BYTES: usize = 64 << 20;

/// Starts this process again, with the same id, arguments and open files, unless it is told already what to do
/// about huge pages. Does nothing where that is not possible.
pub(super) fn start_with_huge_pages() {
    let before = std::env::var(VARIABLE).unwrap_or_default();
    let Some(tunables) = with_huge_pages(&before) else {
        return;
    };
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let error = Command::new(program)
        .args(arguments)
        .env(VARIABLE, tunables)
        .exec();
    eprintln!("Going on without huge pages: {error}.");
}

/// The tunables with huge pages asked for; none if they say something about that already.
fn with_huge_pages(tunables: &str) -> Option<String> {
    if tunables.contains(TUNABLE) {
        return None;
    }
    let separator = if tunables.is_empty() { "" } else { ":" };
    Some(format!("{tunables}{separator}{TUNABLE}=1"))
}

/// Whether the kernel gives this process huge pages. A large block is asked for, and then most of what is there must be in huge pages.
/// What is added does not tell: the block may be memory that was used before and has its pages already.
pub(super) fn are_given() -> bool {
    let block = black_box(vec![1_u8; TRIAL_BYTES]);
    let (huge, all) = (huge_page_bytes(), resident_bytes());
    drop(block);
    matches!((huge, all), (Ok(huge), Ok(all)) if is_most(huge, all))
}

/// More than half.
fn is_most(part: u64, all: u64) -> bool {
    part > all / 2
}

#[cfg(test)]
mod tests {
    use super::{is_most, with_huge_pages};

    #[test]
    fn most_is_more_than_half() {
        assert!(is_most(51, 100) && is_most(100, 100));
        assert!(!is_most(50, 100) && !is_most(0, 100) && !is_most(0, 0));
    }

    #[test]
    fn what_is_set_already_stays() {
        assert_eq!(with_huge_pages("").as_deref(), Some("glibc.malloc.hugetlb=1"));
        assert_eq!(
            with_huge_pages("glibc.malloc.check=1").as_deref(),
            Some("glibc.malloc.check=1:glibc.malloc.hugetlb=1")
        );
        assert_eq!(with_huge_pages("glibc.malloc.hugetlb=0"), None);
    }
}
