//! Keys and opened values stay in memory: what the process holds is never written to swap.
//!
//! The whole memory is locked, as pages come into use, because keys and values lie where libraries put them: in the database's
//! buffers and on threads' stacks too. Where the system does not allow that and has swap, the operator is warned; the process
//! goes on, since it may be the machine's owner who decides. What the program frees is overwritten at once, by its allocator
//! (in `main`): a request, an answer and an opened value leave nothing behind, in whatever library's buffer they were. SQLite's
//! own allocations are not among them; it is only ever given what is sealed. Hibernation writes all memory to disk, and a hypervisor may swap
//! the machine itself: neither is known here.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;

/// Where the kernel lists what it swaps to: one heading, then a line each.
const SWAPS: &str = "/proc/swaps";

/// Whether memory can come to lie in swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swapping {
    /// Memory is locked.
    Locked,
    /// The system allows no locking, and has no swap now.
    NoSwap,
    /// The system allows no locking, and has swap.
    Possible,
}

/// Locks the memory that the process has and will have, if the system allows it to be locked without limit.
pub fn keep_out_of_swap() -> Swapping {
    if may_lock_everything() && mlockall(flags()).is_ok() {
        return Swapping::Locked;
    }
    match has_swap(Path::new(SWAPS)) {
        true => Swapping::Possible,
        false => Swapping::NoSwap,
    }
}

/// What is there and what will come, each page once it is used: memory that was only asked for takes no room.
fn flags() -> MlockAllFlags {
    MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT
}

/// Under a limit, memory beyond it would be refused later, in the midst of the work. So it is all or nothing.
fn may_lock_everything() -> bool {
    let limit = getrlimit(Resource::Memlock);
    if limit.current.is_none() {
        return true;
    }
    let none = Rlimit {
        current: None,
        maximum: None,
    };
    setrlimit(Resource::Memlock, none).is_ok()
}

/// What cannot be told counts as swap.
fn has_swap(list: &Path) -> bool {
    let list = std::fs::read_to_string(list);
    list.map_or(true, |list| {
        list.lines().skip(1).any(|line| !line.trim().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_is_noticed_where_there_is_some() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("swaps");
        let heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        std::fs::write(&list, heading).unwrap();
        assert!(!has_swap(&list));
        std::fs::write(&list, format!("{heading}/swapfile file 2097148 0 -2\n")).unwrap();
        assert!(has_swap(&list));
        assert!(has_swap(&folder.path().join("absent")), "what cannot be told");
    }
}
