//! A runtime for what must never take the processor from an answer: projections, snapshots.
//!
//! One thread of lower priority; threads that its tasks start inherit that. It ends with the program, wherever its tasks
//! are: what they write can be interrupted at any time.

use anyhow::Context;
use tokio::runtime::{Builder, Handle};

/// How much the threads give way, from 0 (not at all) to 19 (to everything): about a tenth of what others get.
const NICENESS: i32 = 10;

/// Starts it.
///
/// # Errors
/// When the system gives no thread or no runtime.
pub fn start() -> anyhow::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the background tasks")?;
    let handle = runtime.handle().clone();
    let thread = std::thread::Builder::new().name("background".to_owned());
    thread
        .spawn(move || {
            // On Linux this is the thread's own priority, and that of each thread that it starts.
            if let Err(error) = rustix::process::nice(NICENESS) {
                eprintln!("Projections and snapshots compete with answers for the processor: {error}.");
            }
            runtime.block_on(std::future::pending::<()>());
        })
        .context("cannot start the background tasks")?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::{NICENESS, start};

    #[tokio::test]
    async fn its_threads_give_way_and_others_do_not() {
        let niceness = || rustix::process::nice(0).unwrap();
        let usual = niceness();
        let background = start().unwrap();
        let there =
            background.spawn(async move { (niceness(), std::thread::spawn(niceness).join().unwrap()) });
        let lower = (usual + NICENESS).min(19);
        assert_eq!(there.await.unwrap(), (lower, lower));
        assert_eq!(niceness(), usual, "control");
    }
}
