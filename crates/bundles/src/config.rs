//! A bundle's config: values by id, merged from files, with values of the caller's in place of some.

use crate::names::Names;
use crate::read::{TextFormat, parse, parse_given};
use crate::resolve::Resolver;
use crate::source::Source;
use crate::{Error, Result, limits, macros};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A config in JSON or YAML, as its files have it: nothing in it is looked up or evaluated before it is asked for.
///
/// ```
/// use serde_json::json;
/// use vesalius_bundles::{Config, TextFormat};
///
/// let text = "{sizes: [96, 96, 64], dims: '$len(@sizes)', net: {_target_: UNet, spatial_dims: '@dims'}}";
/// let mut config = Config::from_text(text, TextFormat::Yaml)?;
/// assert_eq!(config.resolve("net")?, json!({"_target_": "UNet", "spatial_dims": 3}));
/// config.set("sizes", json!([96, 96]))?;
/// assert_eq!(config.resolve("net::spatial_dims")?, 2);
/// # Ok::<(), vesalius_bundles::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    root: Value,
    names: Names,
    source: Option<Arc<Source>>,
    /// What the files that macros name hold, by the path that stands in the macro.
    files: BTreeMap<String, std::result::Result<Value, String>>,
    sets: Vec<String>,
}

impl Config {
    /// A config from values.
    ///
    /// # Errors
    /// [`Error::Config`] for a value that is no mapping.
    pub fn from_value(value: Value) -> Result<Self> {
        Self::of(vec![value], None)
    }

    /// A config from text.
    ///
    /// # Errors
    /// [`Error::Config`] for text that is not in the format, is larger than 8 MiB, has more than 64 levels or 200 000 values
    /// (those of repeated YAML aliases count), or has a key twice.
    pub fn from_text(text: &str, format: TextFormat) -> Result<Self> {
        let value = parse(text, format).map_err(|reason| Error::Config {
            reason: format!("cannot be read: {reason}"),
        })?;
        Self::from_value(value)
    }

    /// A config from the contents of files, merged in their order.
    pub(crate) fn of(contents: Vec<Value>, source: Option<Arc<Source>>) -> Result<Self> {
        let mut config = Self {
            root: Value::Object(Map::new()),
            names: Names::of(&Value::Null),
            source,
            files: BTreeMap::new(),
            sets: Vec::new(),
        };
        for content in contents {
            config.merge(content)?;
        }
        Ok(config)
    }

    /// Lays another config over this one, as MONAI merges files: a key replaces what has its id (`a::b` goes into `a`); a key
    /// with `+` before it adds to the list or mapping there.
    ///
    /// ```
    /// use serde_json::json;
    /// use vesalius_bundles::Config;
    ///
    /// let mut config = Config::from_value(json!({"net": {"depth": 3}, "names": ["a"]}))?;
    /// config.merge(json!({"net::depth": 4, "+names": ["b"]}))?;
    /// assert_eq!(config.get("net"), Some(&json!({"depth": 4})));
    /// assert_eq!(config.get("names"), Some(&json!(["a", "b"])));
    /// # Ok::<(), vesalius_bundles::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for a value that is no mapping, or an id that leads nowhere.
    pub fn merge(&mut self, other: Value) -> Result<()> {
        let Value::Object(pairs) = other else {
            return Err(Error::Config {
                reason: "is no mapping of names to values".to_owned(),
            });
        };
        for (key, value) in pairs {
            match key.strip_prefix('+') {
                Some(id) => self.add(id, value)?,
                None => self.place(&key, value)?,
            }
        }
        self.refresh();
        Ok(())
    }

    /// Gives an id a value, in place of what the files have: a value, `@id` or an expression. Levels are parted by `::` (or
    /// `#`); the last may be a new key.
    ///
    /// # Errors
    /// [`Error::Config`] for an id whose levels before the last do not exist, or an index beyond a list's end.
    pub fn set(&mut self, id: &str, value: Value) -> Result<()> {
        self.place(id, value)?;
        self.sets.push(id.replace('#', "::"));
        self.refresh();
        Ok(())
    }

    /// [`Config::set`] with text that a person wrote: YAML or JSON (`0.5`, `[96, 96, 96]`, `true`), a reference or expression,
    /// or plain text.
    ///
    /// ```
    /// use serde_json::json;
    /// use vesalius_bundles::Config;
    ///
    /// let mut config = Config::from_value(json!({"inferer": {"overlap": 0.5}}))?;
    /// config.set_text("inferer::overlap", "[0.5, 0.5, 0.25]")?;
    /// assert_eq!(config.get("inferer::overlap"), Some(&json!([0.5, 0.5, 0.25])));
    /// # Ok::<(), vesalius_bundles::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Config::set`].
    pub fn set_text(&mut self, id: &str, text: &str) -> Result<()> {
        self.set(id, parse_given(text))
    }

    /// What stands at an id, as it is written; `None` where nothing does.
    pub fn get(&self, id: &str) -> Option<&Value> {
        let id = id.replace('#', "::");
        id.split("::").try_fold(&self.root, child)
    }

    /// The value of an id: references, macros and expressions looked up and evaluated, components as mappings with their
    /// `_target_`, disabled ones left out. What JSON has no form for is as [`crate::CONSTANT_KEY`] and [`crate::FILE_KEY`] say.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Cycle`], [`Error::NotUnderstood`], [`Error::Limit`].
    pub fn resolve(&self, id: &str) -> Result<Value> {
        let resolver = Resolver::new(self);
        let item = resolver.need(&id.replace('#', "::"), "it is asked for")?;
        resolver.force(item)
    }

    /// The ids that were set, in order.
    pub fn sets(&self) -> &[String] {
        &self.sets
    }

    pub(crate) fn root(&self) -> &Value {
        &self.root
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The content of a file that a macro names.
    pub(crate) fn file(&self, path: &str) -> Option<&std::result::Result<Value, String>> {
        self.files.get(path)
    }

    /// Reads what depends on the whole of the config again: the imports, and the files that macros name.
    fn refresh(&mut self) {
        self.names = Names::of(&self.root);
        let mut paths = Vec::new();
        macros::files_named(&self.root, &mut paths);
        for path in paths.into_iter().take(limits::MOST_FILES) {
            let source = self.source.as_deref();
            self.files
                .entry(path)
                .or_insert_with_key(|path| macros::file(source, path));
        }
    }

    fn place(&mut self, id: &str, value: Value) -> Result<()> {
        let id = id.replace('#', "::");
        let (parents, last) = match id.rsplit_once("::") {
            Some((parents, last)) => (Some(parents), last),
            None => (None, &id[..]),
        };
        let nowhere = |reason: String| Error::Config {
            reason: format!("has no place for `{id}`: {reason}"),
        };
        let mut at = &mut self.root;
        for part in parents.into_iter().flat_map(|parents| parents.split("::")) {
            at = child_mut(at, part).ok_or_else(|| nowhere(format!("there is no `{part}`")))?;
        }
        match at {
            Value::Object(map) => {
                map.insert(last.to_owned(), value);
                Ok(())
            }
            Value::Array(values) => {
                let length = values.len();
                let index = last.parse::<usize>().ok();
                let place = index.and_then(|index| values.get_mut(index));
                let reason = format!("`{last}` is no index of its {length} values");
                *place.ok_or_else(|| nowhere(reason))? = value;
                Ok(())
            }
            other => Err(nowhere(format!("{other} has no parts"))),
        }
    }

    /// Adds to the list or mapping at an id.
    fn add(&mut self, id: &str, value: Value) -> Result<()> {
        let id_in_levels = id.replace('#', "::");
        let found = id_in_levels
            .split("::")
            .try_fold(&mut self.root, |at, part| child_mut(at, part));
        match (found, value) {
            (None, value) => self.place(id, value),
            (Some(Value::Array(values)), Value::Array(more)) => {
                values.extend(more);
                Ok(())
            }
            (Some(Value::Object(values)), Value::Object(more)) => {
                values.extend(more);
                Ok(())
            }
            _ => Err(Error::Config {
                reason: format!(
                    "has `+{id}`, but not a list or a mapping both there and at `{id}`"
                ),
            }),
        }
    }
}

/// A part of a value by its name or index.
pub(crate) fn child<'v>(value: &'v Value, part: &str) -> Option<&'v Value> {
    match value {
        Value::Object(values) => values.get(part),
        Value::Array(values) => values.get(part.parse::<usize>().ok()?),
        _ => None,
    }
}

fn child_mut<'v>(value: &'v mut Value, part: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(values) => values.get_mut(part),
        Value::Array(values) => values.get_mut(part.parse::<usize>().ok()?),
        _ => None,
    }
}
