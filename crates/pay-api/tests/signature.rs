//! Signatures: what is accepted, and each way of being refused.

use ensoex_pay_api::{
    InvalidSecret, SharedSecrets, SignatureError, SigningSecret, sign_request, sign_webhook, verify_request,
    verify_webhook,
};
use proptest::prelude::*;

const NOW: i64 = 1_780_000_000;
const PATH: &str = "/v1/payments?client_reference=deposit-1";

fn secret(fill: char) -> SigningSecret {
    SigningSecret::new(&fill.to_string().repeat(64)).unwrap_or_else(|error| panic!("{error}"))
}

fn check_request(header: Option<&str>, method: &str, path: &str, body: &[u8]) -> Result<(), SignatureError> {
    verify_request(&[secret('a')], header, NOW, method, path, body)
}

#[test]
fn a_request_verifies_only_as_signed() {
    let header = sign_request(&secret('a'), NOW, "POST", PATH, b"{}");
    assert_eq!(check_request(Some(&header), "POST", PATH, b"{}"), Ok(()));
    let tampered = [
        ("GET", PATH, "{}"),
        ("POST", "/v1/payments", "{}"),
        ("POST", PATH, "{} "),
        ("POST", PATH, ""),
    ];
    for (method, path, body) in tampered {
        assert_eq!(
            check_request(Some(&header), method, path, body.as_bytes()),
            Err(SignatureError::Mismatch),
            "{method} {path} {body}"
        );
    }
    let other = sign_request(&secret('b'), NOW, "POST", PATH, b"{}");
    assert_eq!(
        check_request(Some(&other), "POST", PATH, b"{}"),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn a_dot_cannot_move_between_path_and_body() {
    let header = sign_request(&secret('a'), NOW, "POST", "/v1/x", b"y.{}");
    assert_eq!(check_request(Some(&header), "POST", "/v1/x", b"y.{}"), Ok(()));
    assert_eq!(
        check_request(Some(&header), "POST", "/v1/x.y", b"{}"),
        Err(SignatureError::Path)
    );
}

#[test]
fn time_is_refused_in_both_directions() {
    for (timestamp, expected) in [
        (NOW - 300, Ok(())),
        (NOW - 301, Err(SignatureError::Stale)),
        (NOW + 300, Ok(())),
        (NOW + 301, Err(SignatureError::Future)),
        (NOW + 9_999, Err(SignatureError::Future)),
        (0, Err(SignatureError::Stale)),
    ] {
        let request = sign_request(&secret('a'), timestamp, "GET", PATH, b"");
        assert_eq!(
            check_request(Some(&request), "GET", PATH, b""),
            expected,
            "{timestamp}"
        );
        let webhook = sign_webhook(&[secret('a')], timestamp, b"{}");
        assert_eq!(
            verify_webhook(&[secret('a')], Some(&webhook), NOW, b"{}"),
            expected,
            "{timestamp}"
        );
    }
}

#[test]
fn the_signed_time_cannot_be_refreshed() {
    let header = sign_webhook(&[secret('a')], NOW - 4_000, b"{}");
    let refreshed = header.replace(&(NOW - 4_000).to_string(), &NOW.to_string());
    assert_eq!(
        verify_webhook(&[secret('a')], Some(&refreshed), NOW, b"{}"),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn a_webhook_verifies_with_either_secret_while_rotating() {
    let header = sign_webhook(&[secret('n'), secret('o')], NOW, b"{}");
    for accepted in ['n', 'o'] {
        assert_eq!(
            verify_webhook(&[secret(accepted)], Some(&header), NOW, b"{}"),
            Ok(())
        );
    }
    assert_eq!(
        verify_webhook(&[secret('x')], Some(&header), NOW, b"{}"),
        Err(SignatureError::Mismatch)
    );
    let old = sign_webhook(&[secret('o')], NOW, b"{}");
    assert_eq!(
        verify_webhook(&[secret('n'), secret('o')], Some(&old), NOW, b"{}"),
        Ok(())
    );
    assert_eq!(
        verify_webhook(&[], Some(&old), NOW, b"{}"),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn the_body_is_compared_as_bytes_not_as_json() {
    let header = sign_webhook(&[secret('a')], NOW, br#"{"a":1}"#);
    let same_json = br#"{ "a": 1 }"#;
    assert_eq!(
        verify_webhook(&[secret('a')], Some(&header), NOW, same_json),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn missing_and_malformed_headers_are_refused() {
    assert_eq!(
        verify_webhook(&[secret('a')], None, NOW, b""),
        Err(SignatureError::Missing)
    );
    let valid = sign_webhook(&[secret('a')], NOW, b"");
    let signature = valid.split(",v1=").nth(1).unwrap();
    let headers = [
        String::new(),
        "t=1780000000".into(),
        format!("v1={signature}"),
        format!("t=,v1={signature}"),
        format!("t=+{NOW},v1={signature}"),
        format!("t=0{NOW},v1={signature}"),
        format!("t={NOW},t={NOW},v1={signature}"),
        format!("t={NOW},v1="),
        format!("t={NOW},v1={}", &signature[..62]),
        format!("t={NOW},v0={signature}"),
        format!("t=99999999999999999999,v1={signature}"),
        format!("{valid},{}", "x=1,".repeat(300)),
    ];
    for header in headers {
        let result = verify_webhook(&[secret('a')], Some(&header), NOW, b"");
        assert_eq!(result, Err(SignatureError::Malformed), "{header}");
    }
}

#[test]
fn blank_and_short_secrets_fail_closed() {
    for (text, expected) in [
        (String::new(), InvalidSecret::Length),
        ("a".repeat(31), InvalidSecret::Length),
        ("a".repeat(257), InvalidSecret::Length),
        (format!("{} ", "a".repeat(40)), InvalidSecret::Characters),
    ] {
        assert_eq!(SigningSecret::new(&text).err(), Some(expected), "{text}");
    }
    for json in ["", "{}", r#"{"request_secret":"x"}"#] {
        assert_eq!(
            SharedSecrets::from_json(json).err(),
            Some(InvalidSecret::Malformed),
            "{json}"
        );
    }
}

#[test]
fn a_secrets_file_round_trips() {
    let json = SharedSecrets::json_from_random(&[1; 32], &[2; 32]);
    let secrets = SharedSecrets::from_json(&json).unwrap_or_else(|error| panic!("{error}"));
    let header = sign_request(&secrets.request, NOW, "GET", "/", b"");
    let again = SharedSecrets::from_json(&json).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        verify_request(&[again.request], Some(&header), NOW, "GET", "/", b""),
        Ok(())
    );
    assert_eq!(
        verify_request(&[again.webhook], Some(&header), NOW, "GET", "/", b""),
        Err(SignatureError::Mismatch)
    );
}

proptest! {
    #[test]
    fn verification_never_panics(header in ".{0,200}", body in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(verify_webhook(&[secret('a')], Some(&header), NOW, &body).is_err());
    }
}
