//! What a JSON text says, value by value, in the order in which it stands there.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value of a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The name under which it stands; that of the list around it, or none.
    pub name: String,
    /// A string as it is meant, or a number as it is written, more or less: 1e3 is 1000.0.
    pub value: String,
    /// It is a string.
    pub is_text: bool,
}

/// The strings and numbers of a JSON text, in order. A name whose value is neither comes with an empty one.
///
/// # Errors
/// When it is not JSON.
pub fn leaves(json: &str) -> Result<Vec<Leaf>, serde_json::Error> {
    let mut found = Vec::new();
    let mut text = serde_json::Deserializer::from_str(json);
    let collect = Collect {
        name: String::new(),
        found: &mut found,
    };
    text.deserialize_any(collect)?;
    text.end()?;
    Ok(found)
}

struct Collect<'a> {
    name: String,
    found: &'a mut Vec<Leaf>,
}

impl Collect<'_> {
    fn add(self, value: String, is_text: bool) {
        self.found.push(Leaf {
            name: self.name,
            value,
            is_text,
        });
    }
}

impl<'de> DeserializeSeed<'de> for Collect<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.add(text.to_owned(), true);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.add(number.to_string(), false);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.add(number.to_string(), false);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.add(number.to_string(), false);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.add(String::new(), false);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.add(String::new(), false);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        loop {
            let collect = Collect {
                name: self.name.clone(),
                found: &mut *self.found,
            };
            if values.next_element_seed(collect)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            // Also of a member that holds nothing but members: a name may be a card number too.
            let before = self.found.len();
            members.next_value_seed(Collect {
                name: name.clone(),
                found: &mut *self.found,
            })?;
            if self.found.get(before).is_none_or(|leaf| leaf.name != name) {
                let leaf = Leaf {
                    name,
                    value: String::new(),
                    is_text: false,
                };
                self.found.insert(before, leaf);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::leaves;

    #[test]
    fn values_come_in_the_order_of_the_text() {
        let found = leaves(r#"{"b":"1","a":[2,"\u0033",{"c":null}],"d":{"e":4.5}}"#).unwrap();
        let plain: Vec<_> = found
            .iter()
            .map(|leaf| (leaf.name.as_str(), leaf.value.as_str(), leaf.is_text))
            .collect();
        assert_eq!(
            plain,
            [
                ("b", "1", true),
                ("a", "2", false),
                ("a", "3", true),
                ("c", "", false),
                ("d", "", false),
                ("e", "4.5", false)
            ]
        );
        for broken in ["", "{", "{} x", "[1,]", "nul"] {
            assert!(leaves(broken).is_err(), "{broken}");
        }
    }
}
