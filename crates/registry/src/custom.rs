//! A user-defined value in a config: its name, its options and, once made, the value.

use crate::{Error, Extension, Registry, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// A user-defined value behind a trait, with the name that config files use for it.
///
/// In a file it is its name, `custom: my_loss`, or a map with its name and its options,
/// `custom: {name: my_loss, weight: 2}`. Two are equal when their names and options are.
///
/// ```
/// use std::sync::Arc;
/// use vesalius_registry::{Custom, Extension};
///
/// trait Shape: Send + Sync {}
/// impl Extension for dyn Shape {
///     const KIND: &'static str = "shape";
/// }
/// struct Point;
/// impl Shape for Point {}
///
/// // A program gives the value; a file that is written has the name and the options.
/// let custom = Custom::<dyn Shape>::new("point", Arc::new(Point));
/// assert!(custom.get().is_ok());
/// assert_eq!(serde_json::to_string(&custom)?, r#""point""#);
///
/// // A file that is read has the name alone; `resolve` makes the value.
/// let read: Custom<dyn Shape> = serde_json::from_str(r#""point""#)?;
/// assert_eq!(read, custom);
/// assert!(read.get().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Custom<T: ?Sized> {
    name: String,
    options: Map<String, Value>,
    value: Option<Arc<T>>,
}

impl<T: Extension + ?Sized> Custom<T> {
    /// A value under a name. Files that are written hold the name alone; see [`Custom::with_options`].
    pub fn new(name: impl Into<String>, value: Arc<T>) -> Self {
        Self {
            name: name.into(),
            options: Map::new(),
            value: Some(value),
        }
    }

    /// With the options that a [`Registry`] makes the same value from, for files that are written and read again.
    #[must_use]
    pub fn with_options(mut self, options: Map<String, Value>) -> Self {
        self.options = options;
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The options.
    pub fn options(&self) -> &Map<String, Value> {
        &self.options
    }

    /// The value.
    ///
    /// # Errors
    /// [`Error::Unresolved`] where a file named it and no registry has made it.
    pub fn get(&self) -> Result<&Arc<T>> {
        self.value.as_ref().ok_or_else(|| Error::Unresolved {
            kind: T::KIND,
            name: self.name.clone(),
        })
    }

    /// Makes the value where there is only a name.
    ///
    /// # Errors
    /// As [`Registry::make`].
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        if self.value.is_none() {
            self.value = Some(registry.make(&self.name, &self.options)?);
        }
        Ok(())
    }
}

impl<T: ?Sized> Clone for Custom<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            options: self.options.clone(),
            value: self.value.clone(),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Custom<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom")
            .field("name", &self.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<T: ?Sized> PartialEq for Custom<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.options == other.options
    }
}

impl<T: ?Sized> Serialize for Custom<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if self.options.is_empty() {
            return serializer.serialize_str(&self.name);
        }
        let name = ("name", Value::from(self.name.as_str()));
        let options = self.options.iter().map(|(k, v)| (k.as_str(), v.clone()));
        serializer.collect_map(std::iter::once(name).chain(options))
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Custom<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let (name, options) = match Value::deserialize(deserializer)? {
            Value::String(name) => (name, Map::new()),
            Value::Object(mut options) => match options.remove("name") {
                Some(Value::String(name)) => (name, options),
                _ => return Err(de::Error::custom("a custom entry lacks its `name`, a text")),
            },
            other => {
                return Err(de::Error::custom(format!(
                    "a custom entry is {other}, expected a name or a map with `name` and options"
                )));
            }
        };
        Ok(Self {
            name,
            options,
            value: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Named: Send + Sync {
        fn text(&self) -> String;
    }
    impl Extension for dyn Named {
        const KIND: &'static str = "thing";
    }
    trait Other: Send + Sync {}
    impl Extension for dyn Other {
        const KIND: &'static str = "other";
    }

    #[derive(Deserialize)]
    struct Plain;
    impl Named for Plain {
        fn text(&self) -> String {
            "plain".to_owned()
        }
    }
    impl Other for Plain {}

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Repeated {
        times: usize,
    }
    impl Named for Repeated {
        fn text(&self) -> String {
            "again ".repeat(self.times)
        }
    }

    fn registry() -> Registry {
        let mut registry = Registry::default();
        registry
            .add::<dyn Named, Plain>("plain", |value| Arc::new(value))
            .add::<dyn Named, Repeated>("repeated", |value| Arc::new(value))
            .add::<dyn Other, Plain>("elsewhere", |value| Arc::new(value));
        registry
    }

    fn read(text: &str) -> Custom<dyn Named> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn names_with_and_without_options_are_made_and_written_again() {
        for (text, made) in [
            ("\"plain\"", "plain"),
            (r#"{"name":"repeated","times":2}"#, "again again "),
        ] {
            let mut custom = read(text);
            let message = custom.get().map(|_| ()).unwrap_err().to_string();
            assert!(message.contains("only named"), "{message}");
            custom.resolve(&registry()).unwrap();
            assert_eq!(custom.get().unwrap().text(), made);
            assert_eq!(serde_json::to_string(&custom).unwrap(), text);
            assert_eq!(custom, read(text));
        }
    }

    #[test]
    fn a_wrong_name_or_option_says_what_there_is() {
        let message = |text| read(text).resolve(&registry()).unwrap_err().to_string();
        let unknown = message("\"repeted\"");
        assert!(
            unknown.contains("plain, repeated") && unknown.contains("did you mean `repeated`"),
            "{unknown}"
        );
        // Registered for another trait.
        assert!(message("\"elsewhere\"").contains("no custom thing"));
        let options = message(r#"{"name":"repeated","time":2}"#);
        assert!(
            options.contains("time") && options.contains("repeated"),
            "{options}"
        );
        assert!(serde_json::from_str::<Custom<dyn Named>>("3").is_err());
        assert!(serde_json::from_str::<Custom<dyn Named>>("{\"times\":2}").is_err());
    }

    #[test]
    fn a_value_of_a_program_needs_no_registry() {
        let custom: Custom<dyn Named> = Custom::new("mine", Arc::new(Repeated { times: 1 }));
        assert_eq!(custom.get().unwrap().text(), "again ");
        let options = Map::from_iter([("times".to_owned(), Value::from(1))]);
        let written = serde_json::to_string(&custom.with_options(options)).unwrap();
        assert_eq!(written, r#"{"name":"mine","times":1}"#);
    }
}
