//! What must not compile: uses that the catalogue does not grant, and disclosures of a value.

/// Mechanism: `crates/vault/src/purpose.rs`
/// Control: a granted read compiles.
#[test]
fn clause_07_ungranted_purposes_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/granted.rs");
    cases.compile_fail("tests/compile_fail/fails_[!p]*.rs");
}

/// Mechanism: `crates/vault/src/personal.rs`
/// Control: a granted read, which looks at such a value, compiles.
#[test]
fn clause_09_a_personal_value_cannot_be_printed_serialised_or_copied() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/granted.rs");
    cases.compile_fail("tests/compile_fail/fails_personal_*.rs");
}
