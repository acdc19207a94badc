//! The arguments of a call, taken one by one; whatever is left over was not understood.

use crate::{Error, Result};
use serde_json::{Map, Value};
use vesalius_tensor::axes::PerAxis;

/// The arguments of one network or layer.
pub(super) struct Arguments<'a> {
    what: String,
    values: Map<String, Value>,
    source: std::marker::PhantomData<&'a Value>,
}

impl<'a> Arguments<'a> {
    /// The arguments that a JSON object holds; `what` names it in errors.
    pub fn of(value: &'a Value, what: impl Into<String>) -> Result<Self> {
        let what = what.into();
        match value {
            Value::Object(values) => Ok(Self {
                what,
                values: values.clone(),
                source: std::marker::PhantomData,
            }),
            _ => Err(Error::UnknownArchitecture {
                what,
                problem: "it is not an object of arguments".to_owned(),
            }),
        }
    }

    /// Renames the subject of errors.
    pub fn named(mut self, what: &str) -> Self {
        what.clone_into(&mut self.what);
        self
    }

    /// The value of an argument, if given and not null.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.values.remove(name).filter(|value| !value.is_null())
    }

    /// Whether an argument is given at all, even as null.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// An error about an argument.
    pub fn wrong(&self, name: &str, problem: impl std::fmt::Display) -> Error {
        Error::UnknownArchitecture {
            what: self.what.clone(),
            problem: format!("argument `{name}` {problem}"),
        }
    }

    /// An argument read as a type, or its default.
    pub fn read<T: serde::de::DeserializeOwned>(&mut self, name: &str, default: T) -> Result<T> {
        match self.take(name) {
            None => Ok(default),
            Some(value) => serde_json::from_value(value.clone())
                .map_err(|error| self.wrong(name, format!("is {value}: {error}"))),
        }
    }

    /// An argument that must be there.
    pub fn need<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Result<T> {
        match self.take(name) {
            None => Err(self.wrong(name, "is missing")),
            Some(value) => serde_json::from_value(value.clone())
                .map_err(|error| self.wrong(name, format!("is {value}: {error}"))),
        }
    }

    /// An argument that may only have one value, because nothing else is built here.
    pub fn only(&mut self, name: &str, allowed: Value) -> Result<()> {
        match self.take(name) {
            Some(value) if value != allowed => {
                Err(self.wrong(name, format!("is {value}; only {allowed} is understood")))
            }
            _ => Ok(()),
        }
    }

    /// A number for every axis or one each, along a tensor's axes, as `[x, y, z]`.
    pub fn sizes(&mut self, name: &str, default: usize) -> Result<PerAxis> {
        match self.take(name) {
            None => Ok(PerAxis::Same(default)),
            Some(value) => sizes(&value).ok_or_else(|| {
                self.wrong(
                    name,
                    format!("is {value}; a number or one for each axis is expected"),
                )
            }),
        }
    }

    /// A list of such, one for each level.
    pub fn size_list(&mut self, name: &str) -> Result<Vec<PerAxis>> {
        let value = self
            .take(name)
            .ok_or_else(|| self.wrong(name, "is missing"))?;
        let list = value
            .as_array()
            .and_then(|list| list.iter().map(sizes).collect());
        list.ok_or_else(|| {
            self.wrong(
                name,
                format!("is {value}; a list of numbers or vectors is expected"),
            )
        })
    }

    /// Checks that every argument was read.
    pub fn finish(self) -> Result<()> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.wrong(name, "is not understood")),
        }
    }
}

/// A number or a vector along a tensor's axes.
fn sizes(value: &Value) -> Option<PerAxis> {
    if let Some(n) = value.as_u64() {
        return Some(PerAxis::Same(n as usize));
    }
    let numbers: Vec<usize> = value
        .as_array()?
        .iter()
        .map(|n| n.as_u64().map(|n| n as usize))
        .collect::<Option<_>>()?;
    match numbers[..] {
        [y, x] => Some(PerAxis::Flat([x, y])),
        [z, y, x] => Some(PerAxis::Each([x, y, z])),
        [n] => Some(PerAxis::Same(n)),
        _ => None,
    }
}
