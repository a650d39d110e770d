//! Signatures of requests (Service to EnsoExPAY) and of webhooks (EnsoExPAY to the Service).
//!
//! Both headers read `t=<unix seconds>,v1=<hex>`; webhooks may carry several `v1` while a secret is being
//! replaced. The signed text is `t.METHOD.path?query.body` for requests and `t.body` for webhooks, over the raw
//! bytes as received. A request path holds no dot, so the text has one reading only. Timestamps more than
//! [`SIGNATURE_TOLERANCE_SECONDS`] away are refused, past and future alike.

use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Header of a signed request.
pub const REQUEST_SIGNATURE_HEADER: &str = "EnsoEx-Signature";
/// Header of a signed webhook.
pub const WEBHOOK_SIGNATURE_HEADER: &str = "EnsoExPAY-Signature";
/// How far a signature's time may lie from the verifier's, either way.
pub const SIGNATURE_TOLERANCE_SECONDS: i64 = 300;

/// Longest signature header that is looked at, in bytes.
const SIGNATURE_HEADER_BYTES_MAX: usize = 1024;
/// Shortest secret, in bytes.
const SECRET_BYTES_MIN: usize = 32;
/// Longest secret, in bytes.
const SECRET_BYTES_MAX: usize = 256;

/// Why a text cannot serve as a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidSecret {
    /// Too short or too long: a blank secret would let anyone sign.
    #[error("a secret must have {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} characters")]
    Length,
    /// Not printable ASCII.
    #[error("a secret must be printable ASCII without blanks")]
    Characters,
    /// The file is not a JSON object with `request_secret` and `webhook_secret`.
    #[error("the secrets must be a JSON object with `request_secret` and `webhook_secret`")]
    Malformed,
}

/// A shared secret. The key is the text itself, as with Stripe's `whsec_…`. Wiped when dropped; cannot be printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// Takes the secret's text, usually 64 hexadecimal digits.
    pub fn new(text: &str) -> Result<Self, InvalidSecret> {
        if text.len() < SECRET_BYTES_MIN || text.len() > SECRET_BYTES_MAX {
            return Err(InvalidSecret::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidSecret::Characters);
        }
        Ok(Self(text.as_bytes().to_vec()))
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        // A key of any length is accepted by HMAC, so this arm is never taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!()
        };
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The two secrets that the Service and EnsoExPAY share, read from one file of JSON:
/// `{"request_secret": "<64 hex digits>", "webhook_secret": "<64 hex digits>"}`.
#[derive(Clone)]
pub struct SharedSecrets {
    /// Signs requests of the Service.
    pub request: SigningSecret,
    /// Signs webhooks of EnsoExPAY.
    pub webhook: SigningSecret,
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct SharedSecretsFile {
    request_secret: String,
    webhook_secret: String,
}

impl SharedSecrets {
    /// Reads the file's text.
    pub fn from_json(json: &str) -> Result<Self, InvalidSecret> {
        let file: SharedSecretsFile = serde_json::from_str(json).map_err(|_| InvalidSecret::Malformed)?;
        Ok(Self {
            request: SigningSecret::new(&file.request_secret)?,
            webhook: SigningSecret::new(&file.webhook_secret)?,
        })
    }

    /// The text of a new file, from 32 random bytes each.
    pub fn json_from_random(request: &[u8; 32], webhook: &[u8; 32]) -> Zeroizing<String> {
        let (request, webhook) = (
            Zeroizing::new(hex::encode(request)),
            Zeroizing::new(hex::encode(webhook)),
        );
        Zeroizing::new(format!(
            "{{\"request_secret\":\"{}\",\"webhook_secret\":\"{}\"}}\n",
            *request, *webhook
        ))
    }
}

/// Why a signature is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SignatureError {
    /// There is no signature header.
    #[error("the signature header is missing")]
    Missing,
    /// The header is not `t=<unix seconds>,v1=<64 hex digits>`.
    #[error("the signature header is malformed")]
    Malformed,
    /// The signed time is too long ago.
    #[error("the signature is older than {SIGNATURE_TOLERANCE_SECONDS} seconds")]
    Stale,
    /// The signed time is too far ahead.
    #[error("the signature is from more than {SIGNATURE_TOLERANCE_SECONDS} seconds in the future")]
    Future,
    /// No secret matches: another secret, or something was changed on the way.
    #[error("the signature does not match")]
    Mismatch,
    /// The path of a request holds a dot, which the signed text could not tell from a separator.
    #[error("a signed path must not hold a dot")]
    Path,
}

/// The value of [`REQUEST_SIGNATURE_HEADER`]. `path_and_query` is as on the request line, `/v1/events?after=3`.
pub fn sign_request(
    secret: &SigningSecret,
    timestamp: i64,
    method: &str,
    path_and_query: &str,
    body: &[u8],
) -> String {
    let mac = request_mac(secret, timestamp, method, path_and_query, body);
    format!("t={timestamp},v1={}", hex::encode(mac))
}

/// Checks a request's signature against any of `secrets`. `now` is in Unix seconds.
pub fn verify_request(
    secrets: &[SigningSecret],
    header: Option<&str>,
    now: i64,
    method: &str,
    path_and_query: &str,
    body: &[u8],
) -> Result<(), SignatureError> {
    if path_and_query.contains('.') {
        return Err(SignatureError::Path);
    }
    let header = Header::parse(header)?;
    header.check_time(now)?;
    header.check(secrets, |secret| {
        request_mac(secret, header.timestamp, method, path_and_query, body)
    })
}

/// The value of [`WEBHOOK_SIGNATURE_HEADER`]: one `v1` for each secret, the newest first.
pub fn sign_webhook(secrets: &[SigningSecret], timestamp: i64, body: &[u8]) -> String {
    let mut header = format!("t={timestamp}");
    for secret in secrets {
        header.push_str(",v1=");
        header.push_str(&hex::encode(webhook_mac(secret, timestamp, body)));
    }
    header
}

/// Checks a webhook's signature against any of `secrets`, over the body's raw bytes. `now` is in Unix seconds.
pub fn verify_webhook(
    secrets: &[SigningSecret],
    header: Option<&str>,
    now: i64,
    body: &[u8],
) -> Result<(), SignatureError> {
    let header = Header::parse(header)?;
    header.check_time(now)?;
    header.check(secrets, |secret| webhook_mac(secret, header.timestamp, body))
}

fn request_mac(secret: &SigningSecret, timestamp: i64, method: &str, path: &str, body: &[u8]) -> [u8; 32] {
    let timestamp = timestamp.to_string();
    secret.mac(&[
        timestamp.as_bytes(),
        b".",
        method.as_bytes(),
        b".",
        path.as_bytes(),
        b".",
        body,
    ])
}

fn webhook_mac(secret: &SigningSecret, timestamp: i64, body: &[u8]) -> [u8; 32] {
    secret.mac(&[timestamp.to_string().as_bytes(), b".", body])
}

struct Header {
    timestamp: i64,
    signatures: Vec<[u8; 32]>,
}

impl Header {
    fn parse(header: Option<&str>) -> Result<Self, SignatureError> {
        let header = header.ok_or(SignatureError::Missing)?;
        if header.len() > SIGNATURE_HEADER_BYTES_MAX {
            return Err(SignatureError::Malformed);
        }
        let mut timestamp = None;
        let mut signatures = Vec::new();
        for item in header.split(',') {
            let (name, value) = item.split_once('=').ok_or(SignatureError::Malformed)?;
            match name {
                "t" if timestamp.is_none() => timestamp = Some(parse_timestamp(value)?),
                "t" => return Err(SignatureError::Malformed),
                "v1" => {
                    let mut signature = [0; 32];
                    hex::decode_to_slice(value, &mut signature).map_err(|_| SignatureError::Malformed)?;
                    signatures.push(signature);
                }
                // Another scheme, of an earlier or later version.
                _ => {}
            }
        }
        match (timestamp, signatures.is_empty()) {
            (Some(timestamp), false) => Ok(Self {
                timestamp,
                signatures,
            }),
            _ => Err(SignatureError::Malformed),
        }
    }

    fn check_time(&self, now: i64) -> Result<(), SignatureError> {
        if now.saturating_sub(self.timestamp) > SIGNATURE_TOLERANCE_SECONDS {
            return Err(SignatureError::Stale);
        }
        if self.timestamp.saturating_sub(now) > SIGNATURE_TOLERANCE_SECONDS {
            return Err(SignatureError::Future);
        }
        Ok(())
    }

    fn check(
        &self,
        secrets: &[SigningSecret],
        mac: impl Fn(&SigningSecret) -> [u8; 32],
    ) -> Result<(), SignatureError> {
        let mut matches = subtle::Choice::from(0);
        for secret in secrets {
            let expected = mac(secret);
            for signature in &self.signatures {
                matches |= expected.ct_eq(signature);
            }
        }
        if bool::from(matches) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        }
    }
}

/// Digits only, so that a time has one spelling and the signed text one reading.
fn parse_timestamp(text: &str) -> Result<i64, SignatureError> {
    if text.is_empty() || text.len() > 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SignatureError::Malformed);
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(SignatureError::Malformed);
    }
    text.parse().map_err(|_| SignatureError::Malformed)
}
