//! Values that JSON has no form for: Python's constants, and what stands in a file of the bundle.

use serde_json::{Map, Value, json};

/// Key of a constant: `{"_constant_": "torch.float32"}`.
pub const CONSTANT_KEY: &str = "_constant_";
/// Key of what `torch.load` of a file of the bundle gives: `{"_file_": "models/search.pt"}`.
pub const FILE_KEY: &str = "_file_";
/// Key of one entry of such a file: `{"_file_": "models/search.pt", "_entry_": "node_a"}`.
pub const ENTRY_KEY: &str = "_entry_";
/// Key of a component's class, as in the config.
pub const TARGET_KEY: &str = "_target_";

/// Keys that a config may not have.
pub(crate) const RESERVED: [&str; 3] = [CONSTANT_KEY, FILE_KEY, ENTRY_KEY];

pub(crate) fn constant(name: &str) -> Value {
    json!({ CONSTANT_KEY: name })
}

/// The name of a constant.
pub(crate) fn constant_name(value: &Value) -> Option<&str> {
    value.get(CONSTANT_KEY)?.as_str()
}

pub(crate) fn file(path: &str) -> Value {
    json!({ FILE_KEY: path })
}

/// An entry of a file's content; `None` for a value that is none, or has an entry chosen already.
pub(crate) fn entry(value: &Value, key: &Value) -> Option<Value> {
    let Value::Object(map) = value else {
        return None;
    };
    let key = key.as_str()?;
    if !map.contains_key(FILE_KEY) || map.contains_key(ENTRY_KEY) {
        return None;
    }
    let mut chosen: Map<String, Value> = map.clone();
    chosen.insert(ENTRY_KEY.to_owned(), Value::String(key.to_owned()));
    Some(Value::Object(chosen))
}

/// Whether a value is of this module.
pub(crate) fn is_special(value: &Value) -> bool {
    let Value::Object(map) = value else {
        return false;
    };
    map.contains_key(CONSTANT_KEY) || map.contains_key(FILE_KEY)
}

/// Whether Python takes a value as true.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_none_or(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(values) => !values.is_empty(),
    }
}

/// How many values a value is made of.
pub(crate) fn count(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(count).sum::<usize>(),
        Value::Object(values) => 1 + values.values().map(count).sum::<usize>(),
        _ => 1,
    }
}
