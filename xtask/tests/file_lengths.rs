//! A file is one idea: none is longer than people read.

#[path = "../src/sources.rs"]
mod sources;

use sources::{Source, sources};

const LINES_MAX: usize = 800;
/// Generated files say so in one of their first lines.
const GENERATED: &str = "generated";
const GENERATED_WITHIN_LINES: usize = 3;

fn too_long(files: &[Source]) -> Vec<String> {
    let generated = |text: &str| {
        text.lines()
            .take(GENERATED_WITHIN_LINES)
            .any(|line| line.to_lowercase().contains(GENERATED))
    };
    files
        .iter()
        .filter(|file| !generated(&file.text))
        .map(|file| (&file.path, file.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path} has {lines} lines, more than {LINES_MAX}"))
        .collect()
}

#[test]
fn no_file_is_too_long() {
    let files = sources(&["rs", "ts", "tsx"]);
    assert!(files.len() > 50, "only {} files were found", files.len());
    assert_eq!(too_long(&files), [""; 0]);
}

/// Positive control.
#[test]
fn a_long_file_is_found() {
    let file = |path: &str, text: String| Source {
        path: path.to_owned(),
        text,
    };
    let files = [
        file("long.rs", "line\n".repeat(801)),
        file("fits.rs", "line\n".repeat(800)),
        file(
            "made.ts",
            format!(
                "// Generated from the OpenAPI document.\n{}",
                "line\n".repeat(2_000)
            ),
        ),
    ];
    assert_eq!(too_long(&files), ["long.rs has 801 lines, more than 800"]);
}
