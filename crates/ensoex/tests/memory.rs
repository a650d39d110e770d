//! What the Service holds in memory is not written to swap.

use ensoex_cli::memory::{Swapping, keep_out_of_swap};

/// Kilobytes of this process by the kernel's account.
fn kilobytes(of: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(of)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Mechanism: `crates/ensoex/src/memory.rs`
/// Control: before, nothing is locked.
#[test]
fn clause_09_keys_in_memory_are_not_swapped_out() {
    // The control: before, nothing is locked.
    assert_eq!(kilobytes("VmLck:"), 0);
    match keep_out_of_swap() {
        Swapping::Locked => {
            assert!(kilobytes("VmLck:") > 0);
            // What comes later is locked too.
            let before = kilobytes("VmLck:");
            let later = vec![1_u8; 64 << 20];
            assert!(kilobytes("VmLck:") >= before + (64 << 10), "{}", later.len());
        }
        // Where locking is not allowed it is said so, and rightly.
        refused => {
            let swaps = std::fs::read_to_string("/proc/swaps").unwrap();
            assert_eq!(refused == Swapping::Possible, swaps.lines().count() > 1);
        }
    }
}
