//! The system's clock and the unit in which a client reads it.

use crate::error::SpotError;
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
const MOMENTS: [&str; 12] = [
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
];
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
            for (name, field) in fields {
                match field.as_u64().filter(|_| MOMENTS.contains(&name.as_str())) {
                    Some(moment) => *field = moment.saturating_mul(1_000).into(),
                    None => to_micros(field),
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
    }
}
