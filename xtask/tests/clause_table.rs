//! POLICY.md and the tests say the same: every test named there exists, and every test of a clause stands there.

mod sources;

use sources::{Source, root, sources};
use std::collections::BTreeSet;

/// Names of the form `clause_04_public_sections_leave_no_trace`: two digits, then words.
fn clause_names(text: &str) -> BTreeSet<String> {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c: char| !part_of_name(c))
        .filter(|word| {
            let Some(rest) = word.strip_prefix("clause_") else {
                return false;
            };
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            digits == 2 && rest.as_bytes().get(2) == Some(&b'_') && rest.len() > 3
        })
        .map(str::to_owned)
        .collect()
}

/// The tests of clauses that the sources define: Rust functions, and titles of browser and script tests.
fn defined(files: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files {
        for line in file.text.lines() {
            let starts = [
                "fn clause_",
                "test('clause_",
                "test(\"clause_",
                "test(`clause_",
                "def clause_",
                "def test_clause_",
            ];
            if let Some(start) = starts.iter().find_map(|start| line.find(start)) {
                names.extend(clause_names(&line[start..]).into_iter().take(1));
            }
        }
    }
    names
}

fn disagreements(table: &str, files: &[Source]) -> Vec<String> {
    let (named, defined) = (clause_names(table), defined(files));
    let missing = named
        .difference(&defined)
        .map(|name| format!("POLICY.md names {name}, which is no test"));
    let unnamed = defined
        .difference(&named)
        .map(|name| format!("the test {name} is not in POLICY.md"));
    missing.chain(unnamed).collect()
}

#[test]
fn the_table_names_the_tests_that_are_there() {
    let table =
        std::fs::read_to_string(root().join("POLICY.md")).expect("POLICY.md holds the table of clauses");
    // This file's own examples are no tests of clauses.
    let mut files = sources(&["rs", "ts", "tsx", "py", "mjs", "js"]);
    files.retain(|file| !file.path.ends_with("clause_table.rs"));
    assert!(!clause_names(&table).is_empty(), "POLICY.md names no test");
    assert_eq!(disagreements(&table, &files), [""; 0]);
}

/// Positive control.
#[test]
fn disagreements_are_found() {
    let file = |text: &str| Source {
        path: "a.rs".to_owned(),
        text: text.to_owned(),
    };
    let files = [
        file("#[test]\nfn clause_01_data_is_catalogued() {}\n    async fn clause_04_no_trace() {}"),
        file("test('clause_06_no_card', async () => {})\n// clause_09_only_mentioned"),
    ];
    let table =
        "| 01 | `clause_01_data_is_catalogued` |\n| 02 | `clause_02_receipt` |\n| 06 | clause_06_no_card |";
    assert_eq!(
        disagreements(table, &files),
        [
            "POLICY.md names clause_02_receipt, which is no test",
            "the test clause_04_no_trace is not in POLICY.md"
        ]
    );
    assert!(clause_names("clause_ clause_1_x clause_test clause_12_ subclause").is_empty());
}
