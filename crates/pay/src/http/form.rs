//! Forms as browsers post them, read into memory that is wiped.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use std::collections::BTreeMap;
use zeroize::{Zeroize, Zeroizing};

/// Largest form, in bytes.
const FORM_BYTES_MAX: usize = 8 * 1024;
/// Most fields of a form.
const FORM_FIELDS_MAX: usize = 24;

/// The fields of a form. No `Debug`; wiped when dropped.
#[derive(Default)]
pub(crate) struct FormFields(BTreeMap<String, Zeroizing<String>>);

impl FormFields {
    /// The value of a field; empty if it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.as_str())
    }

    /// Reads a request's body. None if it is too large, not a form, or malformed.
    pub(crate) async fn read(request: Request) -> Option<Self> {
        let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
        if !content_type.starts_with("application/x-www-form-urlencoded") {
            return None;
        }
        Self::parse(&read_body(request.into_body()).await?)
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let mut fields = Self::default();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = decode(&pair[..at])?;
            let value = decode(pair.get(at + 1..).unwrap_or(b""))?;
            if fields.0.len() >= FORM_FIELDS_MAX || fields.0.insert(name.to_string(), value).is_some() {
                return None;
            }
        }
        Some(fields)
    }
}

/// Collects a body within its limit; the pieces that arrived are wiped where they can be.
async fn read_body(mut body: Body) -> Option<Zeroizing<Vec<u8>>> {
    use axum::body::HttpBody;
    let mut bytes = Zeroizing::new(Vec::with_capacity(FORM_BYTES_MAX));
    loop {
        let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context)).await;
        let Some(frame) = frame else { return Some(bytes) };
        let Ok(data) = frame.ok()?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > FORM_BYTES_MAX {
            return None;
        }
        bytes.extend_from_slice(&data);
        if let Ok(mut owned) = data.try_into_mut() {
            owned.as_mut().zeroize();
        }
    }
}

/// Percent decoding, `+` for a blank. None if it is malformed or not UTF-8.
fn decode(text: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                let high = char::from(digits[0]).to_digit(16)?;
                let low = char::from(digits[1]).to_digit(16)?;
                bytes.push(u8::try_from(high * 16 + low).ok()?);
                rest = after;
            }
            byte => bytes.push(*byte),
        }
    }
    core::str::from_utf8(&bytes)
        .ok()
        .map(|text| Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::FormFields;

    #[test]
    fn forms_decode_as_browsers_encode_them() {
        let fields = FormFields::parse(b"number=4242+4242&expiry=04%2F30&name=%D1%96&empty=&bare").unwrap();
        for (name, value) in [
            ("number", "4242 4242"),
            ("expiry", "04/30"),
            ("name", "і"),
            ("empty", ""),
            ("bare", ""),
            ("none", ""),
        ] {
            assert_eq!(fields.get(name), value, "{name}");
        }
    }

    #[test]
    fn malformed_forms_are_refused() {
        let many = "a1=&".to_string() + &(0..40).map(|index| format!("b{index}=&")).collect::<String>();
        for body in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=1&a=2", &many] {
            assert!(FormFields::parse(body.as_bytes()).is_none(), "{body}");
        }
    }
}
