//! The system's clock and the unit in which a client reads it.

use crate::error::SpotError;
use axum::extract::ws::Utf8Bytes;
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since the Unix epoch.
pub(crate) fn now_us() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    now_us() / 1_000
}

/// Unit of the times in an answer. The exchange's own resolution is a millisecond in either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    #[default]
    Millisecond,
    Microsecond,
}

/// Fields that hold a moment, in answers and events.
const MOMENTS: [&str; 14] = [
    "serverTime",
    "time",
    "updateTime",
    "transactTime",
    "workingTime",
    "openTime",
    "closeTime",
    "authorizedSince",
    "connectedSince",
    "E",
    "T",
    "O",
    "C",
    "W",
];
/// Fields that hold a moment in one kind of object only: a candle's start, the last change of balances.
const MOMENTS_OF: [(&str, &str); 2] = [("kline", "t"), ("outboundAccountPosition", "u")];
/// Positions of moments in a candle's array: open time and close time.
const CANDLE_MOMENTS: [usize; 2] = [0, 6];

impl TimeUnit {
    /// Reads a header's or a query's name of the unit.
    pub(crate) fn parse(text: &str) -> Result<TimeUnit, SpotError> {
        match text {
            "MICROSECOND" | "microsecond" => Ok(TimeUnit::Microsecond),
            "MILLISECOND" | "millisecond" => Ok(TimeUnit::Millisecond),
            _ => Err(SpotError::TimeUnit),
        }
    }

    /// A message of a stream in this unit.
    pub(crate) fn message(self, message: Utf8Bytes) -> Utf8Bytes {
        if self == TimeUnit::Millisecond {
            return message;
        }
        let Ok(mut value) = serde_json::from_str::<Value>(&message) else {
            return message;
        };
        to_micros(&mut value);
        value.to_string().into()
    }

    /// Turns an answer's millisecond moments into this unit.
    pub(crate) fn apply(self, value: &mut Value) {
        if self == TimeUnit::Microsecond {
            to_micros(value);
        }
    }
}

fn to_micros(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let kind = fields.get("e").and_then(Value::as_str);
            let special = MOMENTS_OF.into_iter().find(|(name, _)| Some(*name) == kind);
            for (name, field) in &mut *fields {
                match field.as_u64().filter(|_| MOMENTS.contains(&name.as_str())) {
                    Some(moment) => *field = moment.saturating_mul(1_000).into(),
                    None => to_micros(field),
                }
            }
            if let Some((kind, name)) = special {
                let fields = if kind == "kline" {
                    value.get_mut("k")
                } else {
                    Some(value)
                };
                if let Some(field) = fields.and_then(|fields| fields.get_mut(name))
                    && let Some(moment) = field.as_u64()
                {
                    *field = moment.saturating_mul(1_000).into();
                }
            }
        }
        // A candle is the only array that starts with a number.
        Value::Array(items) if items.first().is_some_and(Value::is_u64) => {
            for position in CANDLE_MOMENTS {
                if let Some(moment) = items.get(position).and_then(Value::as_u64) {
                    items[position] = moment.saturating_mul(1_000).into();
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(to_micros),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_moments_change_their_unit() {
        let mut value = json!({"serverTime": 5, "orderId": 7, "fills": [{"T": 2, "tradeId": 3}], "k": [[1, "2", 3, 4, 5, 6, 7]]});
        TimeUnit::Millisecond.apply(&mut value);
        assert_eq!(value["serverTime"], 5);
        TimeUnit::Microsecond.apply(&mut value);
        let expected = json!({"serverTime": 5000, "orderId": 7, "fills": [{"T": 2000, "tradeId": 3}],
            "k": [[1000, "2", 3, 4, 5, 6, 7000]]});
        assert_eq!(value, expected);
        for (mut event, expected) in [
            (
                json!({"e": "kline", "E": 1, "k": {"t": 2, "T": 3, "f": 4, "n": 5}}),
                json!({"e": "kline", "E": 1000, "k": {"t": 2000, "T": 3000, "f": 4, "n": 5}}),
            ),
            (
                json!({"e": "trade", "t": 2, "T": 3}),
                json!({"e": "trade", "t": 2, "T": 3000}),
            ),
            (
                json!({"e": "outboundAccountPosition", "u": 2}),
                json!({"e": "outboundAccountPosition", "u": 2000}),
            ),
            (
                json!({"e": "depthUpdate", "U": 1, "u": 2}),
                json!({"e": "depthUpdate", "U": 1, "u": 2}),
            ),
            (
                json!({"e": "executionReport", "C": "", "O": 4}),
                json!({"e": "executionReport", "C": "", "O": 4000}),
            ),
        ] {
            TimeUnit::Microsecond.apply(&mut event);
            assert_eq!(event, expected);
        }
    }
}
