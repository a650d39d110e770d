//! A request's parameters, wherever they came from, read by name and type.
//!
//! Query string, form body and JSON all become one list of texts. Whatever is read is marked, so that
//! [`Params::finish`] can refuse what nobody asked for. Knows no endpoint and no market.

use crate::error::{INTEGER_RANGE, SpotError};
use serde_json::{Map, Value};

/// Most parameters that one request may have.
const PARAMETERS_MAX: usize = 64;

/// Parameters of one request.
#[derive(Default)]
pub(crate) struct Params {
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    value: String,
    read: bool,
}

impl Params {
    /// Reads a query string and a form body; where both have a name, the query wins.
    pub(crate) fn from_query_and_form(query: &str, form: &str) -> Result<Params, SpotError> {
        let mut params = Params::default();
        params.add_encoded(query)?;
        let from_query = params.entries.len();
        let mut rest = Params::default();
        rest.add_encoded(form)?;
        for entry in rest.entries {
            if !params
                .entries
                .iter()
                .take(from_query)
                .any(|other| other.name == entry.name)
            {
                params.entries.push(entry);
            }
        }
        params.check_count()
    }

    /// Reads the `params` of a WebSocket request; `null` is as good as absent.
    pub(crate) fn from_json(object: &Map<String, Value>) -> Result<Params, SpotError> {
        let mut params = Params::default();
        for (name, value) in object {
            let value = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            params.entries.push(Entry {
                name: name.clone(),
                value,
                read: false,
            });
        }
        params.check_count()
    }

    fn check_count(self) -> Result<Params, SpotError> {
        if self.entries.len() > PARAMETERS_MAX {
            Err(SpotError::TooLarge)
        } else {
            Ok(self)
        }
    }

    fn add_encoded(&mut self, encoded: &str) -> Result<(), SpotError> {
        for pair in encoded.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decoded(name)?;
            if self.entries.iter().any(|entry| entry.name == name) {
                return Err(SpotError::DuplicateParameter);
            }
            self.entries.push(Entry {
                name,
                value: form_decoded(value)?,
                read: false,
            });
        }
        Ok(())
    }

    /// All as sent, sorted by name, joined as the WebSocket API signs them; without the signature.
    pub(crate) fn sorted_payload(&self) -> String {
        self.joined(str::to_owned)
    }

    /// As [`Params::sorted_payload`], with the values percent-encoded as in a form: some clients sign that.
    pub(crate) fn sorted_encoded_payload(&self) -> String {
        self.joined(form_encoded)
    }

    fn joined(&self, value_text: fn(&str) -> String) -> String {
        let mut pairs: Vec<(&str, &str)> = self
            .entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.value.as_str()))
            .collect();
        pairs.retain(|(name, _)| *name != "signature");
        pairs.sort_unstable();
        let pairs: Vec<String> = pairs
            .into_iter()
            .map(|(name, value)| format!("{name}={}", value_text(value)))
            .collect();
        pairs.join("&")
    }

    /// Was sent and is not empty; asking does not count as reading.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.name == name && !entry.value.is_empty())
    }

    /// The number, if it is one; asking does not count as reading.
    pub(crate) fn peek_integer(&self, name: &str) -> Option<u64> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)?
            .value
            .parse()
            .ok()
    }

    /// The text, if it was sent and is not empty.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let entry = self.entries.iter_mut().find(|entry| entry.name == name)?;
        entry.read = true;
        (!entry.value.is_empty()).then(|| entry.value.clone())
    }

    /// The text, which must be there.
    pub(crate) fn mandatory(&mut self, name: &'static str) -> Result<String, SpotError> {
        self.text(name).ok_or(SpotError::Mandatory(name))
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, name: &'static str) -> Result<Option<u64>, SpotError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let digits = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
        let illegal = SpotError::IllegalCharacters {
            name,
            range: INTEGER_RANGE,
        };
        if digits {
            text.parse().map(Some).map_err(|_| illegal)
        } else {
            Err(illegal)
        }
    }

    /// A number of items: `default` when absent, at most `max`, at least 1.
    pub(crate) fn limit(&mut self, default: usize, max: usize) -> Result<usize, SpotError> {
        match self.integer("limit")? {
            None => Ok(default),
            Some(0) => Err(SpotError::InvalidValue("limit")),
            Some(limit) => Ok(usize::try_from(limit).map_or(max, |limit| limit.min(max))),
        }
    }

    /// A moment in milliseconds; microseconds are told by their size.
    pub(crate) fn moment_ms(&mut self, name: &'static str) -> Result<Option<u64>, SpotError> {
        Ok(self.integer(name)?.map(|moment| micros(moment) / 1_000))
    }

    /// `true` or `false`, in either case.
    pub(crate) fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, SpotError> {
        match self.text(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(SpotError::InvalidValue(name)),
        }
    }

    /// Refuses what was sent but not read.
    pub(crate) fn finish(&self) -> Result<(), SpotError> {
        let sent = self.entries.len();
        let read = self.entries.iter().filter(|entry| entry.read).count();
        if read == sent {
            Ok(())
        } else {
            Err(SpotError::NotAllRead { read, sent })
        }
    }
}

/// A moment in milliseconds or microseconds, as microseconds. Milliseconds stay below 10^14 until the year 5138.
pub(crate) fn micros(moment: u64) -> u64 {
    if moment < 100_000_000_000_000 {
        moment.saturating_mul(1_000)
    } else {
        moment
    }
}

fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn form_decoded(text: &str) -> Result<String, SpotError> {
    if !text.contains(['%', '+']) {
        return Ok(text.to_owned());
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let escaped = bytes.get(at..at + 2).and_then(|hex| hex::decode(hex).ok());
                decoded.extend(escaped.ok_or(SpotError::Unreadable)?);
                at += 2;
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8(decoded).map_err(|_| SpotError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_query_wins_over_the_form() -> Result<(), SpotError> {
        let mut params = Params::from_query_and_form("a=1&b=%5B%22X%22%5D", "a=2&c=x+y")?;
        assert_eq!(params.text("a").as_deref(), Some("1"));
        assert_eq!(params.text("b").as_deref(), Some(r#"["X"]"#));
        assert!(matches!(
            params.finish(),
            Err(SpotError::NotAllRead { read: 2, sent: 3 })
        ));
        assert_eq!(params.text("c").as_deref(), Some("x y"));
        params.finish()
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(matches!(
            Params::from_query_and_form("a=1&a=2", ""),
            Err(SpotError::DuplicateParameter)
        ));
        assert!(matches!(
            Params::from_query_and_form("a=%zz", ""),
            Err(SpotError::Unreadable)
        ));
        assert!(matches!(
            Params::from_query_and_form("a=%ff", ""),
            Err(SpotError::Unreadable)
        ));
        let many: String = (0..=PARAMETERS_MAX).map(|n| format!("p{n}=1&")).collect();
        assert!(matches!(
            Params::from_query_and_form(&many, ""),
            Err(SpotError::TooLarge)
        ));
    }

    #[test]
    fn json_values_become_texts_and_sort_for_signing() -> Result<(), SpotError> {
        let object = json!({"timestamp": 5, "apiKey": "k", "signature": "s", "none": null, "flag": true});
        let mut params = Params::from_json(object.as_object().unwrap_or(&Map::new()))?;
        assert_eq!(params.sorted_payload(), "apiKey=k&flag=true&timestamp=5");
        assert_eq!(params.integer("timestamp")?, Some(5));
        assert_eq!(params.boolean("flag")?, Some(true));
        Ok(())
    }

    #[test]
    fn moments_may_be_milliseconds_or_microseconds() -> Result<(), SpotError> {
        let mut params = Params::from_query_and_form("a=1700000000000&b=1700000000000000", "")?;
        assert_eq!(params.moment_ms("a")?, Some(1_700_000_000_000));
        assert_eq!(params.moment_ms("b")?, Some(1_700_000_000_000));
        Ok(())
    }
}
