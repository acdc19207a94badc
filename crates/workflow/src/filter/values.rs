//! The values of a filter's arguments, checked.

use super::{Argument, ArgumentKind, Error, Filter, Result, Value};
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_volume::Orientation;

/// The values of all arguments of one filter, defaults included.
#[derive(Debug, Clone)]
pub struct Values {
    pub(super) filter: &'static Filter,
    values: BTreeMap<&'static str, Vec<Value>>,
}

impl Argument {
    /// Parses a text that may hold several values where the argument is a list.
    ///
    /// # Errors
    /// What is wrong with the text, without the argument's name.
    pub fn parse(&self, text: &str) -> std::result::Result<Vec<Value>, String> {
        match self.kind {
            ArgumentKind::Flag if text == "true" => Ok(vec![Value::Flag]),
            ArgumentKind::Flag if text == "false" => Ok(Vec::new()),
            ArgumentKind::Flag => Err("expected true or false".to_owned()),
            kind if kind.is_list() => text.split(',').map(|part| kind.parse(part)).collect(),
            kind => Ok(vec![kind.parse(text)?]),
        }
    }
}

impl Filter {
    /// The values of its arguments from texts by name, as a form or a command line has them; flags are `true`.
    ///
    /// # Errors
    /// [`Error::Argument`] for an argument that is missing, unknown, given together with one that excludes it,
    /// or has a value that it cannot have.
    pub fn values<'a>(
        &'static self,
        given: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Values> {
        let mut values: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
        for (name, text) in given {
            let argument = self.argument(name)?;
            let parsed = argument.parse(text);
            let parsed = parsed.map_err(|reason| self.wrong(argument.name, reason))?;
            let there = values.entry(argument.name).or_default();
            if !there.is_empty() && !argument.repeated {
                return Err(self.wrong(argument.name, "may be given once"));
            }
            there.extend(parsed);
        }
        self.checked(values)
    }

    /// The values of its arguments from parsed ones by name; no value for a flag that is not given.
    ///
    /// # Errors
    /// As [`Filter::values`], values of another kind than the argument's included.
    pub fn parsed<'a>(
        &'static self,
        given: impl IntoIterator<Item = (&'a str, Vec<Value>)>,
    ) -> Result<Values> {
        let mut values: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
        for (name, list) in given {
            let argument = self.argument(name)?;
            values.insert(argument.name, list);
        }
        self.checked(values)
    }

    fn argument(&'static self, name: &str) -> Result<&'static Argument> {
        let is = |argument: &&Argument| argument.name == name || argument.alias == Some(name);
        self.arguments.iter().find(is).ok_or_else(|| {
            let names: Vec<&str> = self.arguments.iter().map(|a| a.name).collect();
            let expected = match names.is_empty() {
                true => "it has none".to_owned(),
                false => format!("expected {}", names.join(", ")),
            };
            self.wrong(name, format!("is no argument; {expected}"))
        })
    }

    pub(super) fn wrong(&self, argument: &str, reason: impl std::fmt::Display) -> Error {
        Error::Argument {
            filter: self.name,
            reason: format!("`{argument}`: {reason}"),
        }
    }

    fn checked(&'static self, mut values: BTreeMap<&'static str, Vec<Value>>) -> Result<Values> {
        values.retain(|_, list| !list.is_empty());
        for argument in self.arguments {
            if let (Some(_), Some(other)) = (values.get(argument.name), argument.conflicts_with)
                && values.contains_key(other)
            {
                let reason = format!("cannot be given together with `{other}`");
                return Err(self.wrong(argument.name, reason));
            }
        }
        if !self.one_of.is_empty() {
            let given = self.one_of.iter().filter(|name| values.contains_key(*name));
            if given.count() != 1 {
                let names: Vec<String> = self.one_of.iter().map(|n| format!("`{n}`")).collect();
                return Err(Error::Argument {
                    filter: self.name,
                    reason: format!("expected exactly one of {}", names.join(" or ")),
                });
            }
        }
        for argument in self.arguments {
            if values.contains_key(argument.name) {
                continue;
            }
            if let Some(text) = argument.default {
                let default = argument.parse(text);
                let default = default.map_err(|reason| self.wrong(argument.name, reason))?;
                values.insert(argument.name, default);
            } else if argument.required {
                return Err(self.wrong(argument.name, "is missing"));
            }
        }
        Ok(Values {
            filter: self,
            values,
        })
    }
}

/// Methods that read one value of a kind, where there is one.
macro_rules! optional {
    ($($name:ident: $variant:ident => $type:ty;)*) => {
        $(
            pub(super) fn $name(&self, name: &str) -> Result<Option<$type>> {
                match self.first(name) {
                    None => Ok(None),
                    Some(Value::$variant(value)) => Ok(Some(*value)),
                    Some(other) => Err(self.filter.wrong(name, format!("has the value {other:?}"))),
                }
            }
        )*
    };
}

/// Methods that read the value of an argument that must have one.
macro_rules! required {
    ($($name:ident: $optional:ident => $type:ty;)*) => {
        $(
            pub(super) fn $name(&self, name: &str) -> Result<$type> {
                self.$optional(name)?.ok_or_else(|| self.filter.wrong(name, "is missing"))
            }
        )*
    };
}

impl Values {
    fn all(&self, name: &str) -> &[Value] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    fn first(&self, name: &str) -> Option<&Value> {
        self.all(name).first()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    pub(super) fn file(&self, name: &str) -> Result<Option<&Path>> {
        match self.first(name) {
            None => Ok(None),
            Some(Value::File(path)) => Ok(Some(path)),
            Some(other) => Err(self.filter.wrong(name, format!("has the value {other:?}"))),
        }
    }

    pub(super) fn counts_list(&self, name: &str) -> Vec<usize> {
        let counts = self.all(name).iter().filter_map(|value| match value {
            Value::Count(count) => Some(*count),
            _ => None,
        });
        counts.collect()
    }

    pub(super) fn voxels(&self, name: &str) -> Vec<[usize; 3]> {
        let voxels = self.all(name).iter().filter_map(|value| match value {
            Value::Counts(voxel) => Some(*voxel),
            _ => None,
        });
        voxels.collect()
    }

    pub(super) fn words(&self, name: &str) -> Vec<&'static str> {
        let words = self.all(name).iter().filter_map(|value| match value {
            Value::Choice(word) => Some(*word),
            _ => None,
        });
        words.collect()
    }

    optional! {
        maybe_number: Number => f64;
        maybe_pair: Pair => [f64; 2];
        maybe_numbers: Numbers => [f64; 3];
        maybe_count: Count => usize;
        maybe_counts: Counts => [usize; 3];
        maybe_integers: Integers => [i64; 3];
        maybe_label: Label => u16;
        maybe_word: Choice => &'static str;
        maybe_three_words: Choices => [&'static str; 3];
        maybe_orientation: Orientation => Orientation;
    }

    required! {
        number: maybe_number => f64;
        pair: maybe_pair => [f64; 2];
        numbers: maybe_numbers => [f64; 3];
        count: maybe_count => usize;
        counts: maybe_counts => [usize; 3];
        label: maybe_label => u16;
        word: maybe_word => &'static str;
        three_words: maybe_three_words => [&'static str; 3];
        orientation: maybe_orientation => Orientation;
    }
}
