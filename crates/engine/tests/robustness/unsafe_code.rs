//! Unsafe code is in one module, the one that argues for it.

use std::fs;
use std::path::{Path, PathBuf};

const MODULE: &str = "array.rs";

/// Source files of the engine.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Lines of code, not of comments, that say `unsafe`.
fn unsafe_lines(text: &str) -> usize {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.filter(|line| line.contains("unsafe")).count()
}

#[test]
fn unsafe_code_is_in_one_module() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&folder, &mut files);
    assert!(files.len() > 20, "the sources were found");
    for file in files {
        let count = unsafe_lines(&fs::read_to_string(&file).expect("it can be read"));
        let expected = if file == folder.join(MODULE) { 5 } else { 0 };
        assert_eq!(count, expected, "{}", file.display());
    }
}

/// Positive control.
#[test]
fn unsafe_code_is_found() {
    let text = "// unsafe in a comment\n    unsafe { self.0.get_unchecked(index) }\n#![allow(unsafe_code)]\n";
    assert_eq!(unsafe_lines(text), 2);
}
