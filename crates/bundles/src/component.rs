//! A component of a config with its arguments, each looked up when it is taken; those that are left are refused.

use crate::note::Note;
use crate::resolve::{Item, Node, Resolver};
use crate::step::Dtype;
use crate::value::{self, TARGET_KEY, constant_name};
use crate::{Error, Result};
use serde_json::Value;
use std::cell::RefCell;
use vesalius_volume::nearest_name;

/// What descriptions are made with: the config's values, and the notes so far.
pub(crate) struct Work<'c> {
    pub resolver: Resolver<'c>,
    pub notes: RefCell<Vec<Note>>,
}

impl Work<'_> {
    pub(crate) fn note(&self, note: Note) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}

/// A component.
pub(crate) struct Component<'w, 'c> {
    work: &'w Work<'c>,
    /// Its id.
    pub id: String,
    /// Its class as the config has it.
    pub target: String,
    /// Its class without the path of a module of MONAI's, and with `d` for the other two endings of dictionary transforms; the
    /// whole path for a class of other code.
    pub class: String,
    arguments: Vec<(String, Node<'c>)>,
    asked: Vec<String>,
    /// How many keys a transform has, and which of them count.
    keys: Option<(usize, Vec<usize>)>,
}

impl<'w, 'c> Component<'w, 'c> {
    pub(crate) fn of(work: &'w Work<'c>, item: Item<'c>, place: &str) -> Result<Self> {
        let node = match item {
            Item::Node(node) if node.is_component() => node,
            other => {
                let found = work.resolver.force(other)?.to_string();
                let reason = "where a component with a `_target_` is expected";
                return Err(Error::not_understood(place, &found, reason));
            }
        };
        let id = node.id.clone();
        let mut arguments = node.children();
        arguments
            .retain(|(key, _)| !["_requires_", "_desc_", "_disabled_"].contains(&key.as_str()));
        let mut component = Self {
            work,
            id,
            target: String::new(),
            class: String::new(),
            arguments,
            asked: Vec::new(),
            keys: None,
        };
        component.target = component.text(TARGET_KEY)?.unwrap_or_default();
        component.class = class_name(&component.target);
        component.only("_mode_", &["default"])?;
        component.asked.clear();
        Ok(component)
    }

    pub(crate) fn work(&self) -> &'w Work<'c> {
        self.work
    }

    /// The argument's place, if it is given.
    pub(crate) fn node(&mut self, name: &str) -> Option<Node<'c>> {
        self.asked.push(name.to_owned());
        let at = self.arguments.iter().position(|(key, _)| key == name)?;
        Some(self.arguments.remove(at).1)
    }

    pub(crate) fn item(&mut self, name: &str) -> Result<Option<Item<'c>>> {
        let node = self.node(name);
        node.map(|node| self.work.resolver.follow(node)).transpose()
    }

    /// The argument's value; `None` where it is absent or null.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<Value>> {
        let value = self.written(name)?;
        Ok(value.filter(|value| !value.is_null()))
    }

    /// The argument's value, null as well.
    pub(crate) fn written(&mut self, name: &str) -> Result<Option<Value>> {
        let node = self.node(name);
        node.map(|node| self.work.resolver.force_node(node))
            .transpose()
    }

    pub(crate) fn bad(&self, argument: &str, reason: impl Into<String>) -> Error {
        Error::Argument {
            id: self.id.clone(),
            argument: argument.to_owned(),
            class: self.class.clone(),
            reason: reason.into(),
        }
    }

    /// Sets how many keys there are, and which count.
    pub(crate) fn with_keys(&mut self, count: usize, live: Vec<usize>) {
        self.keys = Some((count, live));
    }

    /// An argument that may be a list with a value for each key: the value for those that count.
    pub(crate) fn for_keys(&mut self, name: &str) -> Result<Option<Value>> {
        let (Some(Value::Array(mut values)), keys) = (self.peeked(name)?, self.keys.clone()) else {
            return self.value(name);
        };
        self.node(name);
        let (count, live) = keys.unwrap_or((1, vec![0]));
        if values.len() != count {
            let reason = format!("has {} values for {count} keys", values.len());
            return Err(self.bad(name, reason));
        }
        let mut chosen = live.iter().filter_map(|index| values.get(*index));
        let first = chosen.next();
        if chosen.any(|other| Some(other) != first) {
            return Err(self.bad(name, "differs between the images, which is not supported"));
        }
        let index = live.first().copied().unwrap_or(0);
        Ok(Some(values.swap_remove(index)).filter(|value| !value.is_null()))
    }

    fn peeked(&self, name: &str) -> Result<Option<Value>> {
        let found = self.arguments.iter().find(|(key, _)| key == name);
        found
            .map(|(_, node)| self.work.resolver.force_node(node.clone()))
            .transpose()
    }

    /// True or false, as Python takes a value.
    pub(crate) fn flag(&mut self, name: &str, default: bool) -> Result<bool> {
        let value = self.for_keys(name)?;
        let Some(value) = value else {
            return Ok(default);
        };
        match &value {
            Value::String(text) if !text.is_empty() => self.work.note(Note::TextAsTrue {
                id: self.id.clone(),
                argument: name.to_owned(),
                text: crate::error::shortened(text),
            }),
            Value::Bool(_) | Value::Number(_) => {}
            other => return Err(self.bad(name, format!("is {other}, neither true nor false"))),
        }
        Ok(value::truth(&value))
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<f64>> {
        let value = self.value(name)?;
        let Some(value) = value else { return Ok(None) };
        let number = value.as_f64();
        number
            .map(Some)
            .ok_or_else(|| self.bad(name, format!("is {value}, which is no number")))
    }

    pub(crate) fn whole(&mut self, name: &str) -> Result<Option<i64>> {
        let value = self.value(name)?;
        let Some(value) = value else { return Ok(None) };
        let number = whole(&value);
        number
            .map(Some)
            .ok_or_else(|| self.bad(name, format!("is {value}, which is no whole number")))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.for_keys(name)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.bad(name, format!("is {other}, which is no text"))),
        }
    }

    /// A number, or a list of numbers.
    pub(crate) fn numbers(&mut self, name: &str) -> Result<Option<Vec<f64>>> {
        self.list(name, Value::as_f64, "numbers")
    }

    /// A whole number, or a list of such.
    pub(crate) fn wholes(&mut self, name: &str) -> Result<Option<Vec<i64>>> {
        self.list(name, whole, "whole numbers")
    }

    fn list<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Value) -> Option<T>,
        what: &str,
    ) -> Result<Option<Vec<T>>> {
        let value = self.value(name)?;
        let Some(value) = value else { return Ok(None) };
        let read: Option<Vec<T>> = match &value {
            Value::Array(values) => values.iter().map(read).collect(),
            one => read(one).map(|one| vec![one]),
        };
        match read {
            Some(list) if !list.is_empty() => Ok(Some(list)),
            _ => Err(self.bad(name, format!("is {value}; {what} are expected"))),
        }
    }

    /// Texts: one, or a list.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>> {
        self.list(name, |value| value.as_str().map(str::to_owned), "texts")
    }

    /// A type of numbers.
    pub(crate) fn dtype(&mut self, name: &str) -> Result<Option<Dtype>> {
        let value = self.for_keys(name)?;
        let Some(value) = value else { return Ok(None) };
        let found = constant_name(&value).or(value.as_str()).and_then(dtype);
        found.map(Some).ok_or_else(|| {
            self.bad(
                name,
                format!("is {value}, which is no known type of numbers"),
            )
        })
    }

    /// Takes arguments that do not change what the component computes, without looking at them.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.node(name);
        }
    }

    /// An argument that may only be null, false or one of some texts.
    pub(crate) fn only(&mut self, name: &str, allowed: &[&str]) -> Result<()> {
        match self.value(name)? {
            None | Some(Value::Bool(false)) => Ok(()),
            Some(Value::String(text)) if allowed.contains(&text.as_str()) => Ok(()),
            Some(other) => Err(self.bad(name, format!("is {other}, which is not supported"))),
        }
    }

    /// A class that is not known.
    pub(crate) fn unknown(&self, of: &str) -> Error {
        Error::NotUnderstood {
            id: self.id.clone(),
            text: crate::error::shortened(&self.target),
            reason: format!("a class that is not known {of}"),
            instead: format!(
                "where the result does not need it, set `{}::_disabled_` to true to leave it out",
                self.id
            ),
        }
    }

    /// # Errors
    /// An argument that nothing has taken.
    pub(crate) fn finish(self) -> Result<()> {
        let Some((name, _)) = self.arguments.first() else {
            return Ok(());
        };
        let known: Vec<&str> = self.asked.iter().map(String::as_str).collect();
        let reason = match nearest_name(name, &known) {
            Some(nearest) => format!("is not known; did you mean `{nearest}`?"),
            None => "is not known".to_owned(),
        };
        Err(self.bad(name, reason))
    }
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    })
}

pub(crate) fn dtype(name: &str) -> Option<Dtype> {
    Some(match name {
        "bool" => Dtype::Bool,
        "uint8" => Dtype::UInt8,
        "uint16" => Dtype::UInt16,
        "uint32" => Dtype::UInt32,
        "uint64" => Dtype::UInt64,
        "int8" => Dtype::Int8,
        "int16" => Dtype::Int16,
        "int32" => Dtype::Int32,
        "int64" => Dtype::Int64,
        "float16" => Dtype::Float16,
        "float32" => Dtype::Float32,
        "float64" => Dtype::Float64,
        _ => return None,
    })
}

/// `monai.transforms.LoadImageD` is `LoadImaged`; `scripts.x.Y` stays.
fn class_name(target: &str) -> String {
    let last = match target.strip_prefix("monai.") {
        Some(path) => path.rsplit('.').next().unwrap_or(path),
        None => target,
    };
    let is_own_code = last.contains('.');
    let stem = last.strip_suffix("Dict").or_else(|| last.strip_suffix('D'));
    match stem {
        Some(stem) if !is_own_code => format!("{stem}d"),
        _ => last.to_owned(),
    }
}
