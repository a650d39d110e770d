//! `cargo demo`: the web pages, the three programs, then the demo itself in this very process.

use crate::web;
use anyhow::{Context, bail};
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Builds what is missing and becomes `ensoex demo`. `arguments` are its own, as typed.
///
/// # Errors
/// A sentence for what is missing or does not build.
pub(crate) fn run(arguments: Vec<OsString>) -> anyhow::Result<Infallible> {
    build()?;
    let root = root();
    let program = target_directory(&root).join("release").join("ensoex");
    let error = Command::new(&program).args(with_data(arguments, &root)).exec();
    Err(error).with_context(|| format!("{} cannot be run", program.display()))
}

/// Builds what is missing.
///
/// # Errors
/// A sentence for what is missing or does not build.
pub(crate) fn build() -> anyhow::Result<()> {
    let root = root();
    web::build(&root.join("web"))?;
    let begun = step("Building the three programs (the first time takes some minutes)");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    for (name, _) in std::env::vars_os().filter(|(name, _)| describes_xtask(name)) {
        build.env_remove(name);
    }
    let built = build
        .current_dir(&root)
        .args([
            "build",
            "--release",
            "--package",
            "ensoex",
            "--package",
            "ensoex-pay",
        ])
        .args(["--package", "ensoex-cardnet"])
        .status()
        .context("cargo cannot be run")?;
    if !built.success() {
        bail!("The programs do not build: see above");
    }
    done(begun);
    Ok(())
}

/// What `cargo run` tells this program about itself. Handed on, it makes build scripts that look at it (ring's) run again, and with
/// them everything that is built on them: `cargo demo` and `cargo build` would undo each other's work.
fn describes_xtask(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_NAME"]
        .iter()
        .any(|beginning| name.starts_with(beginning))
}

/// Says what is being done.
pub(crate) fn step(what: &str) -> Instant {
    println!("{what}");
    Instant::now()
}

/// Says how long it took.
pub(crate) fn done(begun: Instant) {
    println!("  done after {:.1} s", begun.elapsed().as_secs_f64());
}

/// The repository.
fn root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let xtask = PathBuf::from(xtask);
    xtask.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Where cargo puts what it builds. A relative setting is relative to the repository, where cargo runs.
fn target_directory(root: &Path) -> PathBuf {
    let setting = std::env::var_os("CARGO_TARGET_DIR").or_else(|| std::env::var_os("CARGO_BUILD_TARGET_DIR"));
    root.join(setting.unwrap_or_else(|| "target".into()))
}

/// The demo's arguments; its folder is `.demo` in the repository unless another is chosen.
fn with_data(arguments: Vec<OsString>, root: &Path) -> Vec<OsString> {
    let chosen = arguments.iter().any(|argument| is_data(argument));
    let mut all: Vec<OsString> = vec!["demo".into()];
    if !chosen {
        all.extend(["--data".into(), root.join(".demo").into()]);
    }
    all.extend(arguments);
    all
}

fn is_data(argument: &OsStr) -> bool {
    argument == "--data"
        || argument
            .to_str()
            .is_some_and(|argument| argument.starts_with("--data="))
}

#[cfg(test)]
mod tests {
    use super::{describes_xtask, target_directory, with_data};
    use std::ffi::OsString;
    use std::path::Path;

    fn typed(words: &str) -> Vec<OsString> {
        words.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_folder_is_the_repositorys_unless_chosen() {
        let root = Path::new("/repository");
        assert_eq!(
            with_data(typed("--fresh"), root),
            typed("demo --data /repository/.demo --fresh")
        );
        assert_eq!(
            with_data(typed("--data here --fresh"), root),
            typed("demo --data here --fresh")
        );
        assert_eq!(with_data(typed("--data=here"), root), typed("demo --data=here"));
    }

    #[test]
    fn what_describes_this_program_is_not_handed_on() {
        for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_BIN_NAME"] {
            assert!(describes_xtask(name.as_ref()), "{name}");
        }
        for name in [
            "CARGO",
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_JOBS",
            "PATH",
        ] {
            assert!(!describes_xtask(name.as_ref()), "{name}");
        }
    }

    #[test]
    fn programs_are_found_below_the_repository() {
        assert!(target_directory(Path::new("/repository")).is_absolute());
    }
}
