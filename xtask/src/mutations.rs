//! Mechanisms of the Policy switched off, one after the other: `cargo xtask mutations [CLAUSE]`.
//!
//! `xtask/mutations.txt` says for each which lines go and which come. The sources are copied to `target/mutations`, changed
//! there, and the one test that should notice is run: first on the unchanged copy, where it must pass, then on the changed
//! one, where it must fail. A mutation is *felt* then; one that does not compile, or whose test passes, is a fault. That
//! each one still fits the sources, and that every mechanism of every clause has one, holds `cargo test`. The test of
//! hardware modules passes where there is none: there its mutation is not felt.

use crate::sources::root;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

const LIST: &str = "xtask/mutations.txt";
/// Mechanisms that no change of a copy switches off, each with the reason.
#[cfg(test)]
const NOT_SWITCHED_OFF: [(&str, &str); 1] = [(
    "web/e2e/crawl.mjs",
    "it is the check itself, by a real browser at a running demo; before it looks it finds one planted trace of each kind",
)];

/// A mechanism that is switched off.
#[derive(Debug)]
struct Mutation {
    clause: String,
    what: String,
    file: String,
    test: String,
    out: String,
    into: String,
}

/// Where a test is.
enum TestPlace {
    /// In a program that cargo builds, chosen by these arguments.
    Cargo(Vec<String>),
    /// Among the tests of the web pages.
    Web,
}

/// Shows of each mutation, or of those of one clause, that its test feels it.
///
/// # Errors
/// Which mutations were not felt, or what could not be run.
pub(crate) fn run(clause: Option<&str>) -> Result<()> {
    let (root, copy) = (root(), root().join("target/mutations/source"));
    let list = fs::read_to_string(root.join(LIST)).with_context(|| format!("cannot read {LIST}"))?;
    let mut mutations = parsed(&list)?;
    mutations.retain(|mutation| clause.is_none_or(|clause| mutation.clause == clause));
    if mutations.is_empty() {
        bail!("{LIST} has no mutation of clause {}", clause.unwrap_or_default());
    }
    copied(&root, &copy)?;
    let mut unfelt = Vec::new();
    for mutation in &mutations {
        let Mutation {
            clause,
            what,
            file,
            test,
            ..
        } = mutation;
        let place = place_of(&root, test)?;
        let path = copy.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
        let changed = mutation.applied(&text)?;
        let passes = |wanted: &str| -> Result<bool> {
            let (output, passed, failed) = match &place {
                TestPlace::Cargo(program) => {
                    let output = cargo_test(&copy, program, test)?;
                    let said = |end: &str| output.contains(&format!("{test} ... {end}"));
                    let (passed, failed) = (said("ok"), said("FAILED"));
                    (output, passed, failed)
                }
                TestPlace::Web => {
                    let output = web_test(&copy, test)?;
                    let one = |what: &str| output.contains(&format!("\"{what}\":1,"));
                    let (passed, failed) = (one("numPassedTests"), one("numFailedTests"));
                    (output, passed, failed)
                }
            };
            match (passed, failed) {
                (true, false) => Ok(true),
                (false, true) => Ok(false),
                _ => bail!("{test} did not run on the {wanted} source:\n{output}"),
            }
        };
        if !passes("unchanged")? {
            bail!("{test} fails on the unchanged source");
        }
        fs::write(&path, &changed)?;
        let felt = passes("changed").map(|passes| !passes);
        fs::write(&path, &text)?;
        let felt = felt?;
        println!(
            "{} {clause} {what}: {test}",
            if felt { "felt    " } else { "NOT FELT" }
        );
        if !felt {
            unfelt.push(format!("clause {clause}: {what} ({file}) is not felt by {test}"));
        }
    }
    if !unfelt.is_empty() {
        bail!("{}", unfelt.join("\n"));
    }
    println!(
        "Each of the {} mechanisms, switched off, made its test fail.",
        mutations.len()
    );
    Ok(())
}

impl Mutation {
    fn applied(&self, text: &str) -> Result<String> {
        match text.matches(&self.out).count() {
            1 => Ok(text.replacen(&self.out, &self.into, 1)),
            count => bail!(
                "{LIST}: the lines of \"{}\" stand in {} {count} times, and not once",
                self.what,
                self.file
            ),
        }
    }
}

/// The blocks of the list.
fn parsed(list: &str) -> Result<Vec<Mutation>> {
    let mut mutations = Vec::new();
    for block in list.split("\n# ").skip(1) {
        let (heading, rest) = block.split_once('\n').unwrap_or((block, ""));
        let (clause, what) = heading.split_once(' ').unwrap_or((heading, ""));
        let mut mutation = Mutation {
            clause: clause.to_owned(),
            what: what.to_owned(),
            file: String::new(),
            test: String::new(),
            out: String::new(),
            into: String::new(),
        };
        for line in rest.lines().filter(|line| !line.is_empty()) {
            if let Some(file) = line.strip_prefix("file: ") {
                mutation.file = file.to_owned();
            } else if let Some(test) = line.strip_prefix("test: ") {
                mutation.test = test.to_owned();
            } else if let Some(out) = line.strip_prefix("- ") {
                mutation.out += &format!("{out}\n");
            } else if let Some(into) = line.strip_prefix("+ ") {
                mutation.into += &format!("{into}\n");
            } else {
                bail!("{LIST}: \"{line}\" is no line of a mutation");
            }
        }
        // The last line may go on.
        mutation.out = mutation.out.trim_end().to_owned();
        mutation.into = mutation.into.trim_end().to_owned();
        if [&mutation.what, &mutation.file, &mutation.test, &mutation.out]
            .iter()
            .any(|part| part.is_empty())
        {
            bail!("{LIST}: \"{heading}\" lacks its words, file, test or lines");
        }
        mutations.push(mutation);
    }
    Ok(mutations)
}

/// The tracked files, with what is built beside them; times stay, so that only what changed is built again.
fn copied(root: &Path, copy: &Path) -> Result<()> {
    let listed = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z"])
        .output()
        .context("git")?;
    for file in String::from_utf8_lossy(&listed.stdout)
        .split('\0')
        .filter(|file| !file.is_empty())
    {
        let (from, to) = (root.join(file), copy.join(file));
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).ok().as_deref() != Some(bytes.as_slice()) {
            fs::create_dir_all(to.parent().unwrap_or(copy))?;
            fs::write(&to, bytes).with_context(|| format!("cannot copy {file}"))?;
        }
    }
    // What the tests of the web pages need is installed once.
    let (installed, link) = (root.join("web/node_modules"), copy.join("web/node_modules"));
    if installed.exists() && !link.exists() {
        std::os::unix::fs::symlink(&installed, &link).context("cannot link web/node_modules")?;
    }
    Ok(())
}

/// Where the test stands tells how it is run.
fn place_of(root: &Path, test: &str) -> Result<TestPlace> {
    let found = |pattern: String, folders: &[&str]| -> Result<String> {
        let mut command = Command::new("git");
        command
            .current_dir(root)
            .args(["grep", "-lE", &pattern, "--"])
            .args(folders);
        let output = command.output().context("git")?;
        let files = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(files.lines().next().unwrap_or_default().to_owned())
    };
    if !found(format!("^test\\(\"{test}\""), &["web/src"])?.is_empty() {
        return Ok(TestPlace::Web);
    }
    let file = found(format!("fn {test}\\("), &["crates", "xtask"])?;
    let parts: Vec<&str> = file.split('/').collect();
    let (folder, rest) = match parts.as_slice() {
        ["crates", package, rest @ ..] => (format!("crates/{package}"), rest),
        ["xtask", rest @ ..] => ("xtask".to_owned(), rest),
        _ => bail!("{test} is no test in these sources"),
    };
    // With the features that the whole workspace asks for.
    if let ["tests", program, ..] = rest {
        let program = program.trim_end_matches(".rs");
        return Ok(TestPlace::Cargo(
            ["--workspace", "--test", program].map(str::to_owned).into(),
        ));
    }
    let manifest = fs::read_to_string(root.join(&folder).join("Cargo.toml"))?;
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \""));
    let name = name.map_or(folder.as_str(), |name| name.trim_end_matches('"'));
    Ok(TestPlace::Cargo(
        ["--package", name, "--lib"].map(str::to_owned).into(),
    ))
}

fn cargo_test(copy: &Path, program: &[String], test: &str) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.with_file_name("target"))
        .args(["test", "--quiet", "--no-fail-fast"])
        .args(program)
        .args(["--", "--format", "pretty", test]);
    said_by(command, "cargo")
}

fn web_test(copy: &Path, test: &str) -> Result<String> {
    let mut command = Command::new("npx");
    command.current_dir(copy.join("web")).args([
        "--no-install",
        "vitest",
        "run",
        "--reporter=json",
        "-t",
        test,
    ]);
    said_by(command, "npx")
}

fn said_by(mut command: Command, name: &str) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("{name} cannot be run"))?;
    Ok(format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clauses::{Mechanism, mechanisms};

    fn listed(root: &Path) -> Vec<Mutation> {
        parsed(&fs::read_to_string(root.join(LIST)).unwrap()).unwrap()
    }

    #[test]
    fn every_mutation_fits_the_sources() {
        let root = root();
        for mutation in &listed(&root) {
            let text = fs::read_to_string(root.join(&mutation.file)).expect(&mutation.file);
            if let Err(fault) = mutation.applied(&text) {
                panic!("{fault}");
            }
            place_of(&root, &mutation.test).expect(&mutation.what);
            let clause = format!("clause_{}_", mutation.clause);
            assert!(mutation.test.starts_with(&clause), "{}", mutation.what);
        }
    }

    /// Mechanisms that no mutation switches off for a test that names them; of one that only the words of a clause name, for any test
    /// of that clause. And exceptions that are none.
    fn left_on(mechanisms: &[Mechanism], mutations: &[Mutation]) -> Vec<String> {
        let is_felt = |mechanism: &&Mechanism| {
            let Mechanism { clause, path, tests } = mechanism;
            mutations.iter().any(|mutation| {
                (&mutation.clause, &mutation.file) == (clause, path)
                    && (tests.is_empty() || tests.contains(&mutation.test))
            })
        };
        let is_excepted =
            |mechanism: &&Mechanism| NOT_SWITCHED_OFF.iter().any(|(path, _)| *path == mechanism.path);
        let mut faults: Vec<String> = mechanisms
            .iter()
            .filter(|mechanism| !is_felt(mechanism) && !is_excepted(mechanism))
            .map(|Mechanism { clause, path, tests }| match tests.as_slice() {
                [] => format!("{LIST} does not switch {path} off, which the words of clause {clause} name"),
                tests => format!(
                    "{LIST} does not switch {path} off for one of {}",
                    tests.join(", ")
                ),
            })
            .collect();
        for (path, _) in NOT_SWITCHED_OFF {
            let named = mechanisms.iter().find(|mechanism| mechanism.path == path);
            if named.is_none_or(|mechanism| is_felt(&mechanism)) {
                faults.push(format!(
                    "{path} needs no exception: take it out of NOT_SWITCHED_OFF"
                ));
            }
        }
        faults
    }

    #[test]
    fn every_mechanism_of_every_clause_is_switched_off_by_a_mutation() {
        assert_eq!(left_on(&mechanisms().unwrap(), &listed(&root())), [""; 0]);
    }

    /// Positive control.
    #[test]
    fn a_mechanism_that_nothing_switches_off_is_found() {
        let mut mechanisms = mechanisms().unwrap();
        let mutations = listed(&root());
        let made_up = |path: &str, tests: &[&str]| Mechanism {
            clause: "01".to_owned(),
            path: path.to_owned(),
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
        };
        let of_another_test = mutations[0].file.clone();
        mechanisms.extend([
            made_up("crates/made_up.rs", &["clause_01_made_up"]),
            made_up("crates/worded.rs", &[]),
            made_up(&of_another_test, &["clause_01_made_up"]),
        ]);
        assert_eq!(
            left_on(&mechanisms, &mutations),
            [
                "xtask/mutations.txt does not switch crates/made_up.rs off for one of clause_01_made_up"
                    .to_owned(),
                "xtask/mutations.txt does not switch crates/worded.rs off, which the words of clause 01 name"
                    .to_owned(),
                format!(
                    "xtask/mutations.txt does not switch {of_another_test} off for one of clause_01_made_up"
                ),
            ]
        );
        let fewer = left_on(&mechanisms[..1], &mutations);
        assert_eq!(
            fewer,
            ["web/e2e/crawl.mjs needs no exception: take it out of NOT_SWITCHED_OFF"]
        );
    }

    /// Positive control.
    #[test]
    fn a_mutation_that_does_not_fit_is_found() {
        let list = "Words.\n\n# 01 One\nfile: a.rs\ntest: clause_01_x\n- a\n- b\n+ c\n";
        let mutation = &parsed(list).unwrap()[0];
        assert_eq!(mutation.applied("x\na\nb\ny").unwrap(), "x\nc\ny");
        assert!(mutation.applied("x\na\nz\ny").is_err());
        assert!(mutation.applied("a\nb\na\nb").is_err());
        for bad in [
            "\n# 01 One\nfile: a.rs\n- a\n",
            "\n# 01 One\nfile: a.rs\ntest: b\n* a\n",
        ] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }
}
