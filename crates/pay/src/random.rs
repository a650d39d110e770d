//! Randomness from the operating system.

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without the system's randomness no key and no identifier is safe, so there is nothing to go on with.
    assert!(
        getrandom::fill(&mut bytes).is_ok(),
        "the operating system gives no randomness"
    );
    bytes
}

/// A prefix and 24 random characters of a-z and 0-9 (124 bits).
pub(crate) fn identifier(prefix: &str) -> String {
    let mut text = String::with_capacity(prefix.len() + 24);
    text.push_str(prefix);
    push_random(&mut text, b"abcdefghijklmnopqrstuvwxyz0123456789", 24);
    text
}

/// Twelve random characters of A-Z and 0-9 (62 bits): a retrieval reference.
pub(crate) fn retrieval_reference() -> String {
    let mut text = String::with_capacity(12);
    push_random(&mut text, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 12);
    text
}

/// 64 random hexadecimal digits.
pub(crate) fn token() -> String {
    hex::encode(bytes::<32>())
}

fn push_random(text: &mut String, alphabet: &[u8; 36], count: usize) {
    let mut left = count;
    while left > 0 {
        for byte in bytes::<32>() {
            // 252 is the largest multiple of 36 in a byte: above it some characters would come more often.
            if byte < 252 && left > 0 {
                text.push(char::from(alphabet[usize::from(byte % 36)]));
                left -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ensoex_pay_api::PaymentId;

    #[test]
    fn identifiers_are_as_the_wire_types_want_them() {
        let one = super::identifier(PaymentId::PREFIX);
        assert!(one.parse::<PaymentId>().is_ok());
        assert_ne!(one, super::identifier(PaymentId::PREFIX));
        assert_eq!(super::retrieval_reference().len(), 12);
    }
}
