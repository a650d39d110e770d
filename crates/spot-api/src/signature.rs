//! What a client signs, and whether it did.
//!
//! REST signs the bytes as sent: the query string, then the body, both without their `signature` parameter and
//! with nothing between them. The WebSocket API signs the parameters sorted by name. Knows no keys but the one
//! it is given, and no clock.

use crate::keys::KeyVerifier;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A request as it was signed.
pub(crate) struct Signed {
    /// The bytes under the signature.
    pub(crate) payload: String,
    /// The signature as sent, percent-decoded.
    pub(crate) signature: Option<String>,
}

/// Takes the signature out of a REST request.
pub(crate) fn signed_request(query: &str, body: &str) -> Signed {
    let mut signed = Signed {
        payload: String::with_capacity(query.len() + body.len()),
        signature: None,
    };
    for part in [query, body] {
        let mut first = true;
        for pair in part.split('&').filter(|_| !part.is_empty()) {
            if let Some(value) = pair.strip_prefix("signature=") {
                signed.signature.get_or_insert_with(|| percent_decoded(value));
                continue;
            }
            if !first {
                signed.payload.push('&');
            }
            first = false;
            signed.payload.push_str(pair);
        }
    }
    signed
}

/// `signature` belongs to `payload` under this key.
pub(crate) fn is_valid(verifier: &KeyVerifier, payload: &[u8], signature: &str) -> bool {
    match verifier {
        KeyVerifier::Hmac(secret) => {
            let Ok(tag) = hex::decode(signature) else {
                return false;
            };
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
                return false;
            };
            mac.update(payload);
            mac.verify_slice(&tag).is_ok()
        }
        KeyVerifier::Ed25519(public) => {
            let Ok(key) = VerifyingKey::from_bytes(public) else {
                return false;
            };
            let Ok(bytes) = STANDARD.decode(signature) else {
                return false;
            };
            let Ok(signature) = Signature::from_slice(&bytes) else {
                return false;
            };
            key.verify_strict(payload, &signature).is_ok()
        }
    }
}

/// Percent-decoding that leaves `+` alone: base64 uses it.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        match hex.and_then(|hex| hex::decode(hex).ok()) {
            Some(escaped) => {
                decoded.extend(escaped);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use zeroize::Zeroizing;

    #[test]
    fn the_signature_is_taken_out_wherever_it_stands() {
        for (query, body, payload, signature) in [
            ("a=1&signature=x", "", "a=1", Some("x")),
            ("signature=x&a=1", "", "a=1", Some("x")),
            ("a=1", "b=2&signature=x", "a=1b=2", Some("x")),
            ("a=1&b=2", "signature=x", "a=1&b=2", Some("x")),
            ("", "a=%20&signature=x%2By%3D", "a=%20", Some("x+y=")),
            ("a=1&signature=x+y", "", "a=1", Some("x+y")),
            ("a=1&&b=2", "", "a=1&&b=2", None),
            ("", "", "", None),
        ] {
            let signed = signed_request(query, body);
            assert_eq!(signed.payload, payload, "{query} | {body}");
            assert_eq!(signed.signature.as_deref(), signature, "{query} | {body}");
        }
    }

    #[test]
    fn the_published_example_verifies_in_either_case() {
        // Key, payload and tag of the convention's own HMAC example.
        let secret = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
        let verifier = KeyVerifier::Hmac(Arc::new(Zeroizing::new(secret.to_vec())));
        let payload =
            b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000\
                        &timestamp=1499827319559";
        let tag = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
        assert!(is_valid(&verifier, payload, tag));
        assert!(is_valid(&verifier, payload, &tag.to_uppercase()));
        assert!(!is_valid(&verifier, b"symbol=LTCBTC", tag));
        for bad in ["", "zz", &tag[2..], "c8db"] {
            assert!(!is_valid(&verifier, payload, bad), "{bad}");
        }
    }
}
