//! `ensoex scan-cards` finds what lies in files of any kind, and tells where, not what.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn scan(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ensoex"))
        .arg("scan-cards")
        .args(arguments)
        .output()
        .unwrap()
}

/// Mechanism: `crates/ensoex/src/scan_cards.rs`
/// Control: the numbers are planted; before, the scan finds none.
#[test]
fn clause_06_the_scanner_finds_planted_numbers_in_folders_and_never_repeats_them() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    let mut bytes = vec![0_u8; 3 << 20];
    fs::write(deep.join("clean.bin"), &bytes).unwrap();
    let clean = scan(&[folder.path()]);
    assert_eq!(clean.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&clean.stdout),
        "No card number in 1 files, 3145728 bytes.\n"
    );

    // On the border of two pieces, and in another script.
    let at = (1 << 20) - 7;
    bytes[at..at + 16].copy_from_slice(b"4716391652804733");
    fs::write(deep.join("dump.bin"), &bytes).unwrap();
    fs::write(
        folder.path().join("note.txt"),
        "карта ４７１６ ３９１６ ５２８０ ４７３３",
    )
    .unwrap();
    let found = scan(&[folder.path()]);
    assert_eq!(found.status.code(), Some(1));
    let told = String::from_utf8(found.stdout).unwrap();
    assert!(
        told.contains(&format!("dump.bin: byte {at}: VISA, 16 digits")),
        "{told}"
    );
    assert!(told.contains("note.txt: byte 11: VISA, 16 digits"), "{told}");
    assert!(
        told.ends_with("2 card numbers in 2 of 3 files, 6291518 bytes.\n"),
        "{told}"
    );
    assert!(!told.contains("4733"), "{told}");

    // Asked for by name it is found inside a longer row too, where a chance number is not told.
    let asked = folder.path().join("asked");
    fs::write(&asked, "4716-3916-5280-4733\n").unwrap();
    fs::write(deep.join("row.db"), "x94716391652804733FILLED 4111111111111111").unwrap();
    let only = scan(&[&deep, Path::new("--only"), &asked]);
    let told = String::from_utf8(only.stdout).unwrap();
    assert!(
        told.contains("row.db: byte 1: a number that was asked for, 16 digits"),
        "{told}"
    );
    assert!(
        told.starts_with(&format!("{}: byte {at}: ", deep.join("dump.bin").display())),
        "{told}"
    );
    assert!(
        told.ends_with("2 card numbers in 2 of 3 files, 6291497 bytes.\n"),
        "{told}"
    );
    fs::write(&asked, "12 34").unwrap();
    let short = scan(&[&deep, Path::new("--only"), &asked]);
    assert_eq!(short.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&short.stderr).contains("of 8 digits or more"));

    let missing = scan(&[&folder.path().join("missing")]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("missing: it cannot be read"));
}
