//! The web pages: installed and built when they are missing or older than their sources.

use crate::demo::{done, step};
use anyhow::{Context, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// What the pages are made of, below the web folder.
const SOURCES: [&str; 8] = [
    "src",
    "public",
    "tools",
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
];
/// The lock file that was installed from, kept inside what was installed.
const INSTALLED_LOCK: &str = "node_modules/.installed-package-lock.json";

/// Installs and builds if need be.
///
/// # Errors
/// A sentence when Node is missing, or when npm fails.
pub(crate) fn build(web: &Path) -> anyhow::Result<()> {
    let install = needs_install(web)?;
    let build = install || needs_build(web)?;
    if !build {
        return Ok(());
    }
    find_node()?;
    if install {
        let begun = step("Installing what the web pages are built with");
        npm(web, &["ci", "--no-audit", "--no-fund"])?;
        fs::copy(web.join("package-lock.json"), web.join(INSTALLED_LOCK))
            .context("cannot note the installation")?;
        done(begun);
    }
    let begun = step("Building the web pages");
    npm(web, &["run", "build"])?;
    done(begun);
    Ok(())
}

fn find_node() -> anyhow::Result<()> {
    for program in ["node", "npm"] {
        let found = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            bail!(
                "{program} is missing: the web pages are built with Node.js (20.19 or later), which brings npm. \
                 Install it and try again"
            );
        }
    }
    Ok(())
}

fn npm(web: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("npm")
        .current_dir(web)
        .args(arguments)
        .status()
        .context("npm cannot be run")?;
    if !status.success() {
        bail!(
            "`npm {}` in {} failed: see above",
            arguments.join(" "),
            web.display()
        );
    }
    Ok(())
}

fn needs_install(web: &Path) -> anyhow::Result<bool> {
    let wanted = fs::read(web.join("package-lock.json")).context("web/package-lock.json cannot be read")?;
    // Not installed yet, or not by this task.
    Ok(fs::read(web.join(INSTALLED_LOCK)).ok() != Some(wanted))
}

fn needs_build(web: &Path) -> anyhow::Result<bool> {
    let Ok(built) = fs::metadata(web.join("dist/index.html")).and_then(|file| file.modified()) else {
        return Ok(true);
    };
    for source in SOURCES {
        if newest(&web.join(source))?.is_some_and(|changed| changed > built) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When a file, or anything in a folder, was last changed; none when it is not there.
fn newest(path: &Path) -> anyhow::Result<Option<SystemTime>> {
    let Ok(entry) = fs::metadata(path) else {
        return Ok(None);
    };
    let context = || format!("{} cannot be read", path.display());
    let mut newest = entry.modified().with_context(context)?;
    if entry.is_dir() {
        let inside: Result<Vec<PathBuf>, _> = fs::read_dir(path)
            .with_context(context)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect();
        for path in inside.with_context(context)? {
            newest = self::newest(&path)?.map_or(newest, |changed| changed.max(newest));
        }
    }
    Ok(Some(newest))
}

#[cfg(test)]
mod tests {
    use super::{INSTALLED_LOCK, needs_build, needs_install};
    use std::fs::{self, File};
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    fn touch(path: &Path, seconds: u64) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let file = File::create(path).expect("made");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .expect("set");
    }

    #[test]
    fn pages_are_built_when_a_source_is_newer() {
        let web = tempfile::tempdir().expect("a folder");
        let web = web.path();
        assert!(needs_build(web).expect("read"), "never built");
        touch(&web.join("dist/index.html"), 4_000_000_000);
        touch(&web.join("src/pages/market.tsx"), 100);
        assert!(!needs_build(web).expect("read"));
        touch(&web.join("src/pages/market.tsx"), 4_000_000_001);
        assert!(needs_build(web).expect("read"));
    }

    #[test]
    fn an_installation_is_of_its_lock_file() {
        let web = tempfile::tempdir().expect("a folder");
        let web = web.path();
        assert!(needs_install(web).is_err(), "nothing to install from");
        fs::write(web.join("package-lock.json"), "one").expect("written");
        assert!(needs_install(web).expect("read"));
        fs::create_dir(web.join("node_modules")).expect("made");
        fs::write(web.join(INSTALLED_LOCK), "one").expect("written");
        assert!(!needs_install(web).expect("read"));
        fs::write(web.join("package-lock.json"), "two").expect("written");
        assert!(needs_install(web).expect("read"));
    }
}
