//! Huge pages for the engine's memory.
//!
//! The engine's books and balances are a few large blocks that are read here and there, so most of what a command
//! waits for is the translation of addresses. Many kernels give huge pages only to who asks for them; the C
//! library asks for its whole heap when its tunable says so, but reads that only when a process starts. So the
//! process starts itself again.

use ensoex_sim::bench::memory::huge_page_bytes;
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

/// Whether the kernel gives this process huge pages, found by asking for memory.
pub(super) fn are_given() -> bool {
    let before = huge_page_bytes().unwrap_or_default();
    let block = black_box(vec![1_u8; TRIAL_BYTES]);
    let after = huge_page_bytes().unwrap_or_default();
    drop(block);
    after.saturating_sub(before) >= TRIAL_BYTES as u64 / 2
}

#[cfg(test)]
mod tests {
    use super::with_huge_pages;

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
