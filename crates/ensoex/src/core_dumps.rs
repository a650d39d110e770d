//! A process that holds keys and opened values leaves no core dump, and other processes of its user cannot look into it.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core dumps of this process, for good.
///
/// # Errors
/// When the system refuses; then the process should not go on.
pub fn forbid() -> Result<(), Errno> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    // A limit does not hold a core dump back that is piped to a program; this does.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
