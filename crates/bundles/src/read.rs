//! JSON and YAML into values, with limits: bytes, levels, values; a key given twice is refused.

use crate::limits::{DEEPEST, MOST_BYTES, MOST_VALUES};
use crate::value::RESERVED;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::Cell;
use std::fmt;

/// The form of a config's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextFormat {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

impl TextFormat {
    /// By the ending of a file's name: `.json`, `.yaml`, `.yml`; `None` for another.
    ///
    /// ```
    /// use vesalius_bundles::TextFormat;
    ///
    /// assert_eq!(TextFormat::of_name("configs/inference.yml"), Some(TextFormat::Yaml));
    /// assert_eq!(TextFormat::of_name("models/model.pt"), None);
    /// ```
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_lowercase().as_str() {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

/// The value of a text; what is wrong with it, in a few words.
pub(crate) fn parse(text: &str, format: TextFormat) -> Result<Value, String> {
    if text.len() as u64 > MOST_BYTES {
        return Err(too_large(text.len() as u64));
    }
    let left = Cell::new(MOST_VALUES);
    let seed = Seed {
        left: &left,
        depth: 0,
    };
    match format {
        TextFormat::Json => {
            let mut parser = serde_json::Deserializer::from_str(text);
            let value = seed.deserialize(&mut parser).map_err(|e| e.to_string())?;
            parser.end().map_err(|e| e.to_string())?;
            Ok(value)
        }
        TextFormat::Yaml => {
            // Numbers such as 010 are octal for PyYAML as well.
            let options =
                serde_saphyr::options! { with_snippet: false, legacy_octal_numbers: true };
            serde_saphyr::with_deserializer_from_str_with_options(text, options, |parser| {
                seed.deserialize(parser)
            })
            .map_err(|e| e.to_string())
        }
    }
}

/// The value of a text that a person gave: YAML or JSON; plain text where it is neither.
pub(crate) fn parse_given(text: &str) -> Value {
    let is_reference = text.starts_with(['@', '$', '%']);
    match is_reference {
        true => Value::String(text.to_owned()),
        false => parse(text, TextFormat::Yaml).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

pub(crate) fn too_large(bytes: u64) -> String {
    format!("has {bytes} bytes, more than the {MOST_BYTES} of any config")
}

/// Reads one value and those in it.
#[derive(Clone, Copy)]
struct Seed<'a> {
    left: &'a Cell<usize>,
    depth: usize,
}

impl Seed<'_> {
    fn inner(self) -> Result<Self, String> {
        match self.depth < DEEPEST {
            true => Ok(Self {
                depth: self.depth + 1,
                ..self
            }),
            false => Err(format!("has more than {DEEPEST} levels")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        let left = self.left.get();
        if left == 0 {
            return Err(D::Error::custom(format!(
                "has more than {MOST_VALUES} values"
            )));
        }
        self.left.set(left - 1);
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number
            .map(Value::Number)
            .ok_or_else(|| E::custom(format!("holds {value}, which is no finite number")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        parser.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let inner = self.inner().map_err(A::Error::custom)?;
        let mut list = Vec::new();
        while let Some(value) = values.next_element_seed(inner)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        let inner = self.inner().map_err(A::Error::custom)?;
        let mut map = Map::new();
        while let Some(key) = pairs.next_key::<String>()? {
            if RESERVED.contains(&key.as_str()) {
                let message = format!("has the key `{key}`, which has a meaning of its own here");
                return Err(A::Error::custom(message));
            }
            let value = pairs.next_value_seed(inner)?;
            if map.contains_key(&key) {
                let message = format!("has the key `{key}` twice; take one of them out");
                return Err(A::Error::custom(message));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
