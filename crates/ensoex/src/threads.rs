//! Runtimes with one thread of their own, beside the tasks that answer. They end with the program, wherever their tasks are.

use anyhow::Context;
use tokio::runtime::{Builder, Handle};

/// How much the background gives way, from 0 (not at all) to 19 (to everything): about a tenth of what others get.
const NICENESS: i32 = 10;

/// For what must never take the processor from an answer: projections, snapshots. Its thread, and those that its tasks start, have
/// a lower priority; what they write can be interrupted at any time.
///
/// # Errors
/// When the system gives no thread or no runtime.
pub fn background() -> anyhow::Result<Handle> {
    start("background", || {
        // On Linux this is the thread's own priority, and that of each thread that it starts.
        if let Err(error) = rustix::process::nice(NICENESS) {
            eprintln!("Projections and snapshots compete with answers for the processor: {error}.");
        }
    })
}

/// For what everybody waits for: the sequencer and its log.
///
/// # Errors
/// When the system gives no thread or no runtime.
pub fn sequencing() -> anyhow::Result<Handle> {
    start("sequencer", || {})
}

fn start(name: &'static str, first: fn()) -> anyhow::Result<Handle> {
    let failed = || format!("cannot start the thread {name}");
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.with_context(failed)?;
    let handle = runtime.handle().clone();
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread
        .spawn(move || {
            first();
            runtime.block_on(std::future::pending::<()>());
        })
        .with_context(failed)?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::{NICENESS, background, sequencing};

    #[tokio::test]
    async fn the_background_gives_way_and_others_do_not() {
        let niceness = || rustix::process::nice(0).unwrap();
        let usual = niceness();
        let background = background().unwrap();
        let there =
            background.spawn(async move { (niceness(), std::thread::spawn(niceness).join().unwrap()) });
        let lower = (usual + NICENESS).min(19);
        assert_eq!(there.await.unwrap(), (lower, lower));
        let sequencing = sequencing().unwrap();
        assert_eq!(
            sequencing.spawn(async move { niceness() }).await.unwrap(),
            usual,
            "control"
        );
        assert_eq!(niceness(), usual, "control");
    }
}
