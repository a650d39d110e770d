//! `ensoex scan-cards` finds what lies in files of any kind, and tells where, not what.

use std::fs;
use std::process::{Command, Output};

fn scan(arguments: &[&std::path::Path]) -> Output {
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

    let missing = scan(&[&folder.path().join("missing")]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("missing: it cannot be read"));
}
