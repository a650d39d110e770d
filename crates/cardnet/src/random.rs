//! Randomness from the operating system.

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without the system's randomness no identifier is safe, so there is nothing to go on with.
    assert!(
        getrandom::fill(&mut bytes).is_ok(),
        "the operating system gives no randomness"
    );
    bytes
}

/// `N` random decimal digits.
pub(crate) fn digits<const N: usize>() -> String {
    bytes::<N>()
        .iter()
        .map(|byte| char::from(b'0' + byte % 10))
        .collect()
}

/// 32 random hexadecimal digits.
pub(crate) fn identifier() -> String {
    hex::encode(bytes::<16>())
}
