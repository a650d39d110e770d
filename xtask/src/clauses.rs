//! The Policy's clauses with what keeps them: `cargo xtask clauses` holds it together, `--write` writes it down.
//!
//! Words come from `policy/clauses/*.md`: each clause's title, how it is kept, and how to check that oneself. The tests come
//! from the sources, where each function `clause_NN_…` says in its comment by which file the promise is kept and what
//! shows that the test can fail:
//!
//! ```text
//! /// Mechanism: `crates/vault/src/sealing.rs`
//! /// Control: with each change undone the value opens again.
//! ```
//!
//! Written from both: the table in POLICY.md, and `policy/clauses.json`, which the Service publishes.
//! Refused: a clause without words in each language, without test or mechanism, a test without mechanism or control, a
//! mechanism or a control that is not there, and a written form that is not of today.

use crate::sources::{Source, root, sources};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// How many clauses the Policy has.
const CLAUSES: u8 = 14;
const LANGUAGES: [&str; 2] = ["en", "uk"];
const TABLE: &str = "POLICY.md";
const TABLE_BEGIN: &str = "<!-- clauses: begin; written by `cargo xtask clauses --write` -->\n";
const TABLE_END: &str = "<!-- clauses: end -->\n";
const PUBLISHED: &str = "policy/clauses.json";
/// How a test's definition begins, in the languages of the tests.
const DEFINITIONS: [&str; 7] = [
    "fn clause_",
    "async fn clause_",
    "test('clause_",
    "test(\"clause_",
    "test(`clause_",
    "def clause_",
    "def test_clause_",
];

/// What is said of a clause in one language; Markdown.
#[derive(Debug, PartialEq)]
struct Words {
    title: String,
    how: String,
    check: String,
}

/// A test that guards a clause.
#[derive(Debug, PartialEq)]
struct ClauseTest {
    name: String,
    file: String,
    mechanism: String,
    control: String,
}

/// A clause with its words in the order of [`LANGUAGES`].
struct Clause {
    number: u8,
    words: Vec<Words>,
    tests: Vec<ClauseTest>,
}

/// Checks the clauses, or writes down what follows from them.
///
/// # Errors
/// All faults, a line each.
pub(crate) fn run(write: bool) -> Result<()> {
    let root = root();
    let clauses = read(&root)?;
    let (table, published) = written(&root, &clauses)?;
    let mut stale = Vec::new();
    for (file, text) in [(TABLE, table), (PUBLISHED, published)] {
        let path = root.join(file);
        if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            if write {
                fs::write(&path, text).with_context(|| format!("cannot write {file}"))?;
            } else {
                stale.push(file);
            }
        }
    }
    if !stale.is_empty() {
        bail!(
            "{} is not what words and tests say; run `cargo xtask clauses --write`",
            stale.join(" and ")
        );
    }
    let tests: usize = clauses.iter().map(|clause| clause.tests.len()).sum();
    println!(
        "{} clauses are kept, by {tests} tests, each with its control.",
        clauses.len()
    );
    Ok(())
}

fn read(root: &Path) -> Result<Vec<Clause>> {
    let mut words = Vec::new();
    for language in LANGUAGES {
        let file = format!("policy/clauses/{language}.md");
        let text = fs::read_to_string(root.join(&file)).with_context(|| format!("cannot read {file}"))?;
        words.push(words_of(&file, &text)?);
    }
    // This file's own examples are no tests of clauses.
    let mut files = sources(&["rs", "ts", "tsx", "py", "mjs", "js"]);
    files.retain(|file| file.path != "xtask/src/clauses.rs");
    let (clauses, faults) = joined(words, &files, &|path| root.join(path).exists());
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(clauses)
}

/// A file by which a clause is kept: its words name it, or its tests.
#[cfg(test)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mechanism {
    /// Two digits.
    pub(crate) clause: String,
    pub(crate) path: String,
    /// The tests that name it; none when only the words do.
    pub(crate) tests: Vec<String>,
}

/// The files by which the clauses are kept.
///
/// # Errors
/// See [`run`].
#[cfg(test)]
pub(crate) fn mechanisms() -> Result<Vec<Mechanism>> {
    Ok(read(&root())?.iter().flat_map(mechanisms_of).collect())
}

#[cfg(test)]
fn mechanisms_of(clause: &Clause) -> Vec<Mechanism> {
    let mut named: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for path in clause.words.iter().flat_map(|words| paths_in(&words.how)) {
        named.entry(path).or_default();
    }
    for test in &clause.tests {
        named.entry(&test.mechanism).or_default().push(test.name.clone());
    }
    let mechanism = |(path, tests): (&str, Vec<String>)| Mechanism {
        clause: format!("{:02}", clause.number),
        path: path.to_owned(),
        tests,
    };
    named.into_iter().map(mechanism).collect()
}

/// The sections of a file of words.
fn words_of(file: &str, text: &str) -> Result<BTreeMap<u8, Words>> {
    let mut all = BTreeMap::new();
    for section in format!("\n{text}").split("\n## ").skip(1) {
        let (heading, rest) = section.split_once('\n').unwrap_or((section, ""));
        let (number, title) = heading.split_once(' ').unwrap_or((heading, ""));
        let known = number
            .parse()
            .ok()
            .filter(|number| (1..=CLAUSES).contains(number));
        let Some(number) = known else {
            bail!("{file}: `## {heading}` does not begin with the number of a clause");
        };
        let Some((how, check)) = rest.split_once("\n### ") else {
            bail!("{file}: clause {number:02} does not say how to check it oneself");
        };
        let check = check.split_once('\n').map_or("", |(_, check)| check);
        let words = Words {
            title: title.trim().to_owned(),
            how: paragraph(how),
            check: paragraph(check),
        };
        if [&words.title, &words.how, &words.check]
            .iter()
            .any(|part| part.is_empty())
        {
            bail!("{file}: clause {number:02} lacks its title, how it is kept, or how to check it");
        }
        if all.insert(number, words).is_some() {
            bail!("{file}: clause {number:02} stands there twice");
        }
    }
    Ok(all)
}

fn paragraph(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Words and tests together, and what is wrong with them.
fn joined(
    mut words: Vec<BTreeMap<u8, Words>>,
    files: &[Source],
    exists: &dyn Fn(&str) -> bool,
) -> (Vec<Clause>, Vec<String>) {
    let (mut tests, mut faults) = (BTreeMap::<u8, Vec<ClauseTest>>::new(), Vec::new());
    for file in files {
        for (number, test) in tests_in(file, &mut faults) {
            tests.entry(number).or_default().push(test);
        }
    }
    let names: BTreeSet<&str> = tests.values().flatten().map(|test| test.name.as_str()).collect();
    for test in tests.values().flatten() {
        let ClauseTest {
            name,
            file,
            mechanism,
            control,
        } = test;
        if !exists(mechanism) {
            faults.push(format!(
                "{file}: {name} names the mechanism {mechanism}, which is not there"
            ));
        }
        for named in control.split('`').filter(|word| word.starts_with("clause_")) {
            if !names.contains(named) {
                faults.push(format!(
                    "{file}: {name} names the control {named}, which is no test"
                ));
            }
        }
    }
    let mut clauses = Vec::new();
    for number in 1..=CLAUSES {
        let said: Vec<Words> = words
            .iter_mut()
            .filter_map(|words| words.remove(&number))
            .collect();
        let tests = tests.remove(&number).unwrap_or_default();
        if said.len() != words.len() {
            faults.push(format!("clause {number:02} has no words in one of {LANGUAGES:?}"));
        }
        if tests.is_empty() {
            faults.push(format!(
                "clause {number:02} has no test, and so neither mechanism nor control"
            ));
        }
        for path in said.iter().flat_map(|words| paths_in(&words.how)) {
            if !exists(path) {
                faults.push(format!("clause {number:02} names {path}, which is not there"));
            }
        }
        clauses.push(Clause {
            number,
            words: said,
            tests,
        });
    }
    for number in tests.keys() {
        faults.push(format!("there is no clause {number:02}, but a test of it"));
    }
    (clauses, faults)
}

/// The tests that a file defines, with the clause that each guards.
fn tests_in(file: &Source, faults: &mut Vec<String>) -> Vec<(u8, ClauseTest)> {
    let lines: Vec<&str> = file.text.lines().map(str::trim_start).collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(start) = DEFINITIONS.iter().find(|start| line.starts_with(*start)) else {
            continue;
        };
        let name = &line[start.len() - "clause_".len()..];
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &name[..end.unwrap_or(name.len())];
        let Some(number) = name.get(7..9).and_then(|digits| digits.parse().ok()) else {
            faults.push(format!(
                "{}: {name} does not say which clause it guards",
                file.path
            ));
            continue;
        };
        // The comment stands above the attributes.
        let comment: Vec<&str> = lines[..at]
            .iter()
            .rev()
            .take_while(|line| ["#", "//"].iter().any(|start| line.starts_with(start)))
            .map(|line| line.trim_start_matches(['/', '#', ' ']))
            .collect();
        let said = |label: &str| {
            let value = comment.iter().find_map(|line| line.strip_prefix(label));
            value.map(str::trim).unwrap_or_default().to_owned()
        };
        let (mechanism, control) = (said("Mechanism:"), said("Control:"));
        for (what, text) in [("Mechanism:", &mechanism), ("Control:", &control)] {
            if text.is_empty() {
                faults.push(format!("{}: {name} has no line `{what}` above it", file.path));
            }
        }
        let test = ClauseTest {
            name: name.to_owned(),
            file: file.path.clone(),
            mechanism: mechanism.trim_matches('`').to_owned(),
            control,
        };
        found.push((number, test));
    }
    found
}

/// The files of the repository that a text names in backticks.
fn paths_in(text: &str) -> impl Iterator<Item = &str> {
    let folders = ["crates/", "policy/", "web/", "xtask/", ".ci/"];
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(move |word| folders.iter().any(|folder| word.starts_with(folder)) && word.contains('.'))
}

/// POLICY.md and the published form, as they should be.
fn written(root: &Path, clauses: &[Clause]) -> Result<(String, String)> {
    let old = fs::read_to_string(root.join(TABLE)).with_context(|| format!("cannot read {TABLE}"))?;
    let begin = old.find(TABLE_BEGIN).map(|at| at + TABLE_BEGIN.len());
    let (Some(begin), Some(end)) = (begin, old.find(TABLE_END)) else {
        bail!("{TABLE} has no place for the table: {TABLE_BEGIN}{TABLE_END}");
    };
    let table = format!("{}{}{}", &old[..begin], table(clauses), &old[end..]);
    let published: Vec<Value> = clauses.iter().map(published).collect();
    let published = serde_json::to_string_pretty(&json!({ "clauses": published }))? + "\n";
    Ok((table, published))
}

fn table(clauses: &[Clause]) -> String {
    let mut table = String::from(
        "| # | The clause, in short | Mechanism | Tests | Check it yourself |\n|---|---|---|---|---|\n",
    );
    for Clause { number, words, tests } in clauses {
        let words = &words[0];
        let how = paths_in(&words.how).collect::<BTreeSet<_>>().into_iter();
        let how = how.fold(words.how.clone(), |how, path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            how.replace(&format!("`{path}`"), &format!("[{name}]({path})"))
        });
        let tests: Vec<String> = tests.iter().map(|test| format!("`{}`", test.name)).collect();
        let cells = [how, tests.join(" "), words.check.clone()].map(|cell| cell.replace('|', "\\|"));
        let [how, tests, check] = cells;
        // Writing to a string does not fail.
        let _ = writeln!(
            table,
            "| {number:02} | {} | {how} | {tests} | {check} |",
            words.title
        );
    }
    table
}

fn published(clause: &Clause) -> Value {
    let mut value = json!({
        "clause": format!("{:02}", clause.number),
        "tests": clause.tests.iter().map(|test| json!({
            "name": test.name,
            "file": test.file,
            "mechanism": test.mechanism,
            "control": test.control,
        })).collect::<Vec<_>>(),
    });
    for (language, words) in LANGUAGES.iter().zip(&clause.words) {
        value[language] = json!({ "title": words.title, "how": words.how, "check": words.check });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clause_has_words_tests_mechanisms_and_controls_and_they_are_written_down() {
        if let Err(fault) = run(false) {
            panic!("{fault:#}");
        }
    }

    const WORDS: &str = "## 01 Data\n\nKept in `crates/a.rs`\nand b.\n\n### Check it yourself\n\nLook.\n";

    fn words(numbers: std::ops::RangeInclusive<u8>) -> String {
        numbers
            .map(|number| WORDS.replace("01", &format!("{number:02}")))
            .collect()
    }

    fn file(tests: &str) -> Source {
        Source {
            path: "a.rs".to_owned(),
            text: tests.to_owned(),
        }
    }

    fn test(number: u8) -> String {
        format!(
            "/// Words.\n///\n/// Mechanism: `crates/a.rs`\n/// Control: a planted one is found.\n#[test]\n\
             fn clause_{number:02}_it_is_kept() {{}}\n"
        )
    }

    fn faults(english: &str, ukrainian: &str, tests: &str) -> Vec<String> {
        let words = [english, ukrainian].map(|text| words_of("words.md", text).unwrap());
        joined(words.into(), &[file(tests)], &|path| path == "crates/a.rs").1
    }

    #[test]
    fn words_and_tests_are_read() {
        let mut faults = Vec::new();
        let read = words_of("words.md", WORDS).unwrap();
        assert_eq!(read[&1].how, "Kept in `crates/a.rs` and b.");
        assert_eq!(
            (read[&1].title.as_str(), read[&1].check.as_str()),
            ("Data", "Look.")
        );
        let tests = tests_in(
            &file(&format!(
                "{}    // Mechanism: x\n    // Control: y\n    test('clause_04_z', () => {{}})",
                test(6)
            )),
            &mut faults,
        );
        assert_eq!(faults, [""; 0]);
        assert_eq!((tests[0].0, tests[0].1.mechanism.as_str()), (6, "crates/a.rs"));
        assert_eq!((tests[1].0, tests[1].1.name.as_str()), (4, "clause_04_z"));
        assert!(tests_in(&file("let x = clause_04_is_only_mentioned();"), &mut faults).is_empty());
    }

    /// Positive control.
    #[test]
    fn each_thing_that_is_missing_is_found() {
        let (all, tests) = (words(1..=CLAUSES), (1..=CLAUSES).map(test));
        let tests: String = tests.collect();
        assert_eq!(faults(&all, &all, &tests), [""; 0], "the control of the control");
        for (changed, fault) in [
            (
                tests.replacen("/// Mechanism: `crates/a.rs`\n", "", 1),
                "has no line `Mechanism:`",
            ),
            (
                tests.replacen("/// Control: a planted one is found.\n", "", 1),
                "has no line `Control:`",
            ),
            (
                tests.replacen("crates/a.rs", "crates/gone.rs", 1),
                "crates/gone.rs, which is not there",
            ),
            (
                tests.replacen("a planted one", "`clause_01_gone` when it", 1),
                "clause_01_gone, which is no test",
            ),
            (tests.replacen(&test(7), "", 1), "clause 07 has no test"),
            (tests.clone() + &test(15), "no clause 15"),
            (
                tests.replacen("clause_01_it", "clause_one_it", 1),
                "does not say which clause",
            ),
        ] {
            let found = faults(&all, &all, &changed);
            assert!(found.iter().any(|one| one.contains(fault)), "{fault}: {found:?}");
        }
        let fewer = faults(&all, &words(1..=13), &tests);
        assert_eq!(fewer, ["clause 14 has no words in one of [\"en\", \"uk\"]"]);
        let gone = all.replacen("crates/a.rs", "crates/b.rs", 1);
        assert_eq!(
            faults(&gone, &all, &tests),
            ["clause 01 names crates/b.rs, which is not there"]
        );
        for bad in [
            "## one Data\n",
            "## 01 Data\n\nKept.\n",
            "## 01 Data\n\n### Check\n\nLook.\n",
            "## 15 X\n",
        ] {
            assert!(words_of("words.md", bad).is_err(), "{bad}");
        }
        assert!(words_of("words.md", &format!("{WORDS}\n{WORDS}")).is_err());
    }
}
