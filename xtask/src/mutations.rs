//! Mechanisms of the Policy switched off, one after the other: `cargo xtask mutations [CLAUSE]`.
//!
//! `xtask/mutations.txt` says for each which lines go and which come. The sources are copied to `target/mutations`, changed
//! there, and the one test that should notice is run: first on the unchanged copy, where it must pass, then on the changed
//! one, where it must fail. A mutation is *felt* then; one that does not compile, or whose test passes, is a fault. That
//! each one still fits the sources, and that every clause has one, holds `cargo test`.

use crate::sources::root;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

const LIST: &str = "xtask/mutations.txt";

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

/// Where a test is: the package, and the test program in cargo's words.
struct TestPlace {
    package: String,
    program: Vec<String>,
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
            let output = cargo_test(&copy, &place, test)?;
            match (
                output.contains(&format!("{test} ... ok")),
                output.contains(&format!("{test} ... FAILED")),
            ) {
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
    Ok(())
}

/// Where the test's function stands tells how cargo calls its program.
fn place_of(root: &Path, test: &str) -> Result<TestPlace> {
    let found = Command::new("git")
        .current_dir(root)
        .args(["grep", "-lE", &format!("fn {test}\\("), "--", "crates", "xtask"])
        .output()
        .context("git")?;
    let found = String::from_utf8_lossy(&found.stdout);
    let parts: Vec<&str> = found.lines().next().unwrap_or_default().split('/').collect();
    let (package, rest) = match parts.as_slice() {
        ["crates", package, rest @ ..] => (*package, rest),
        ["xtask", rest @ ..] => ("xtask", rest),
        _ => bail!("{test} is no test in these sources"),
    };
    let program = match rest {
        ["tests", program, ..] => vec!["--test".to_owned(), program.trim_end_matches(".rs").to_owned()],
        _ => vec!["--lib".to_owned()],
    };
    let manifest = fs::read_to_string(
        root.join(parts[..parts.len() - rest.len()].join("/"))
            .join("Cargo.toml"),
    )?;
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \""));
    let package = name.map_or(package, |name| name.trim_end_matches('"')).to_owned();
    Ok(TestPlace { package, program })
}

fn cargo_test(copy: &Path, place: &TestPlace, test: &str) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.with_file_name("target"))
        .args(["test", "--quiet", "--package", &place.package])
        .args(&place.program)
        .args(["--", "--format", "pretty", test])
        .output()
        .context("cargo cannot be run")?;
    Ok(format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_mutation_fits_the_sources_and_every_clause_has_one() {
        let root = root();
        let mutations = parsed(&fs::read_to_string(root.join(LIST)).unwrap()).unwrap();
        for mutation in &mutations {
            let text = fs::read_to_string(root.join(&mutation.file)).expect(&mutation.file);
            if let Err(fault) = mutation.applied(&text) {
                panic!("{fault}");
            }
            place_of(&root, &mutation.test).expect(&mutation.what);
            let clause = format!("clause_{}_", mutation.clause);
            assert!(mutation.test.starts_with(&clause), "{}", mutation.what);
        }
        let felt: BTreeSet<&str> = mutations
            .iter()
            .map(|mutation| mutation.clause.as_str())
            .collect();
        let kept = crate::clauses::kept().unwrap();
        let missing: Vec<&String> = kept
            .iter()
            .filter(|clause| !felt.contains(clause.as_str()))
            .collect();
        assert!(
            missing.is_empty(),
            "{LIST} has no mutation of the clauses {missing:?}"
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
