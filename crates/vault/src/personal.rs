//! The container in which a personal value travels.
//!
//! It does not know which field the value belongs to, nor who may see it: that is `catalogue` and
//! `vault`. It only makes careless disclosure impossible: no `Debug`, `Display`, `Serialize` or
//! `Clone`, and the memory is wiped when the value goes.

use std::cell::Cell;

use zeroize::Zeroize;

/// A personal value that can be looked at only inside a closure.
pub struct Personal<T: Zeroize>(T);

impl<T: Zeroize> Personal<T> {
    /// Takes possession of a value. Copies made before are the caller's to wipe.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Lets `open` look at the value. Whatever `open` returns is no longer protected.
    pub fn expose<R>(&self, open: impl FnOnce(&T) -> R) -> R {
        let _open = Open::new();
        open(&self.0)
    }
}

thread_local! {
    /// How many closures on this thread look at a value.
    static LOOKING: Cell<u32> = const { Cell::new(0) };
}

/// Counts a look, also one that ends in a panic.
struct Open;

impl Open {
    fn new() -> Self {
        LOOKING.set(LOOKING.get() + 1);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        LOOKING.set(LOOKING.get() - 1);
    }
}

/// Whether this thread is inside a closure that looks at a value: a panic's message may then hold it, as that of a slice does,
/// so whoever tells of panics leaves it out.
pub fn personal_is_open() -> bool {
    LOOKING.get() > 0
}

impl<T: Zeroize> Drop for Personal<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposes_the_value_to_the_closure_only() {
        let personal = Personal::new(String::from("ada@example.org"));
        assert_eq!(personal.expose(|value| value.len()), 15);
    }

    #[test]
    fn a_look_ends_also_in_a_panic() {
        let personal = Personal::new(String::from("ada@example.org"));
        assert!(!personal_is_open());
        let nested = personal.expose(|_| personal.expose(|_| personal_is_open()) && personal_is_open());
        assert!(nested && !personal_is_open());
        let look = std::panic::AssertUnwindSafe(|| personal.expose(|value| value.len() / (value.len() - 15)));
        assert!(std::panic::catch_unwind(look).is_err());
        assert!(!personal_is_open());
    }

    /// A value that reports when it has been wiped.
    struct Witness(std::sync::Arc<std::sync::atomic::AtomicBool>);

    impl Zeroize for Witness {
        fn zeroize(&mut self) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }

    #[test]
    fn wipes_the_value_when_it_goes() {
        let wiped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let personal = Personal::new(Witness(wiped.clone()));
        assert!(!wiped.load(std::sync::atomic::Ordering::SeqCst));
        drop(personal);
        assert!(wiped.load(std::sync::atomic::Ordering::SeqCst));
    }
}
