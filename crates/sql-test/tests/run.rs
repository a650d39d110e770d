//! The command gives the other one a database, and says how that one ended.

use std::process::{Command, Output};

fn run(script: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ensoex-sql-test"))
        .args(["sh", "-c", script])
        .env_remove("ENSOEX_TEST_DATABASE")
        .output()
        .unwrap()
}

#[test]
fn a_command_gets_a_database_and_its_result_is_told() {
    if ensoex_pg_test::Cluster::start().is_none() {
        return;
    }
    let given = run("echo $ENSOEX_TEST_DATABASE");
    assert!(given.status.success());
    let url = String::from_utf8(given.stdout).unwrap();
    assert!(url.starts_with("postgres"), "{url}");
    assert!(!run("exit 3").status.success(), "control: a failure is a failure");
}
