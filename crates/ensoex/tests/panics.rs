//! A panic while somebody looks at a person's value is told without the value.

use std::io::Write;
use std::sync::{Arc, Mutex};

use ensoex_cli::clean_log::clean_panics;
use ensoex_vault::Personal;

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl Write for Told {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The usual mistake: a slice that ends inside a letter. Its message holds the text.
fn sliced(text: &str) -> usize {
    text[..17].len()
}

/// Mechanism: `crates/ensoex/src/clean_log.rs`
/// Control: the same mistake with a text that is nobody's is told in full.
#[test]
fn clause_09_a_panic_tells_no_value_that_was_open() {
    const CANARY: &str = "canary.kestrels.ї@example.org";
    const NOBODYS: &str = "market.of.nobodyї@example.org";
    let told = Told::default();
    let writer = told.clone();
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .init();
    clean_panics();
    let open = std::thread::spawn(|| Personal::new(CANARY.to_owned()).expose(|value| sliced(value)));
    assert!(open.join().is_err());
    let plain = std::thread::spawn(|| sliced(NOBODYS));
    assert!(plain.join().is_err());
    let told = String::from_utf8(told.0.lock().unwrap().clone()).unwrap();
    assert!(
        told.contains("its message is left out") && told.contains("panics.rs"),
        "{told}"
    );
    assert!(!told.contains("canary"), "{told}");
    assert!(told.contains("nobody"), "control: {told}");
}
