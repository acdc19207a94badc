//! What arguments of a network take from other files of the bundle, such as the codes of an architecture that was searched for.

use super::Refused;
use serde_json::Value;
use std::collections::HashMap;
use vesalius_bundles::{Bundle, ENTRY_KEY, FILE_KEY};
use vesalius_networks::read_pytorch_values;

/// The arguments with every such value in its place. Files are read as data, and nothing in them is run.
pub(super) fn filled(arguments: &Value, bundle: &Bundle) -> Result<Value, Refused> {
    let mut files = Files {
        bundle,
        read: HashMap::new(),
    };
    files.filled(arguments)
}

struct Files<'a> {
    bundle: &'a Bundle,
    /// The values of each file by its path in the bundle.
    read: HashMap<String, Value>,
}

impl Files<'_> {
    fn filled(&mut self, value: &Value) -> Result<Value, Refused> {
        match value {
            Value::Object(map) => match map.get(FILE_KEY).and_then(Value::as_str) {
                Some(path) => self.entry(path, map.get(ENTRY_KEY).and_then(Value::as_str)),
                None => map
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), self.filled(value)?)))
                    .collect::<Result<_, _>>()
                    .map(Value::Object),
            },
            Value::Array(values) => {
                let values = values.iter().map(|value| self.filled(value));
                values.collect::<Result<_, _>>().map(Value::Array)
            }
            other => Ok(other.clone()),
        }
    }

    fn entry(&mut self, path: &str, entry: Option<&str>) -> Result<Value, Refused> {
        if !self.read.contains_key(path) {
            let file = self.bundle.file(path).map_err(|error| error.to_string())?;
            let file = file.ok_or_else(|| format!("`{path}` is in an archive"))?;
            let values = read_pytorch_values(&file).map_err(|error| error.to_string())?;
            self.read.insert(path.to_owned(), values);
        }
        let values = &self.read[path];
        match entry {
            None => Ok(values.clone()),
            Some(entry) => values.get(entry).cloned().ok_or_else(|| {
                let there = values.as_object().map_or_else(
                    || "is no mapping".to_owned(),
                    |map| {
                        let names: Vec<&str> = map.keys().take(10).map(String::as_str).collect();
                        format!("has {}", names.join(", "))
                    },
                );
                format!("`{path}` has no entry `{entry}`; it {there}")
            }),
        }
    }
}
