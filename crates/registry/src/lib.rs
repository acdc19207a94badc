//! User-defined types (losses, transforms, measures, networks, …) wherever configs name the built-in ones.
//!
//! A config's enum has a variant `Custom(`[`Custom`]`<dyn Trait>)`. A program puts a value there with
//! [`Custom::new`]; a config file names it, and a [`Registry`] makes it from its options:
//!
//! ```
//! use std::sync::Arc;
//! use vesalius_registry::{Custom, Extension, Registry};
//!
//! // A trait that users implement; the crate that defines it does this once.
//! trait Shape: Send + Sync {
//!     fn area(&self) -> f64;
//! }
//! impl Extension for dyn Shape {
//!     const KIND: &'static str = "shape";
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Square {
//!     side: f64,
//! }
//! impl Shape for Square {
//!     fn area(&self) -> f64 {
//!         self.side * self.side
//!     }
//! }
//!
//! let mut registry = Registry::default();
//! registry.add::<dyn Shape, Square>("square", |square| Arc::new(square));
//!
//! let text = r#"{"name": "square", "side": 3}"#;
//! let mut shape: Custom<dyn Shape> = serde_json::from_str(text).unwrap();
//! assert!(shape.get().is_err(), "nothing has made it yet");
//! shape.resolve(&registry).unwrap();
//! assert_eq!(shape.get().unwrap().area(), 9.0);
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | for users of a trait | [`Registry`] (name → type), [`Custom`] (a value or the name of one, in a config) |
//! | for crates that define a trait | [`Extension`], the macros [`registered`] and [`custom_error`] |
//! | errors | [`Error`] |

#![forbid(unsafe_code)]

mod custom;
mod error;
mod seam;

pub use custom::Custom;
pub use error::Error;
#[doc(hidden)]
pub use serde::de::DeserializeOwned;

use serde_json::{Map, Value};
use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;

/// A trait object that users may add types to; implemented for `dyn Trait` by the crate that defines the trait.
pub trait Extension: Send + Sync + 'static {
    /// The name of such a type in errors: `loss`, `transform`.
    const KIND: &'static str;
}

/// What makes a value from the options that a config gives.
type Factory<T> = dyn Fn(&Map<String, Value>) -> serde_json::Result<Arc<T>> + Send + Sync;

/// Holds the factory of one trait, so that those of different traits fit into one map.
struct Entry<T: ?Sized>(Arc<Factory<T>>);

/// The user's types by name and trait. It is passed to the functions that read configs; nothing is global.
#[derive(Clone, Default)]
pub struct Registry {
    entries: BTreeMap<(TypeId, String), Arc<dyn Any + Send + Sync>>,
}

impl Registry {
    /// Adds a type under a name, or replaces the one of that name and trait. `share` puts a value behind the trait:
    /// `|value| Arc::new(value)`. The crates that define traits offer shorter calls, such as `registry.loss::<L>(name)`,
    /// made by [`registered`].
    pub fn add<T, C>(&mut self, name: &str, share: fn(C) -> Arc<T>) -> &mut Self
    where
        T: Extension + ?Sized,
        C: DeserializeOwned + 'static,
    {
        let make = move |options: &Map<String, Value>| from_options::<C>(options).map(share);
        let entry: Arc<dyn Any + Send + Sync> = Arc::new(Entry::<T>(Arc::new(make)));
        self.entries
            .insert((TypeId::of::<T>(), name.to_owned()), entry);
        self
    }

    /// The names of a trait's types, sorted.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vesalius_registry::{Extension, Registry};
    ///
    /// trait Shape: Send + Sync {}
    /// impl Extension for dyn Shape {
    ///     const KIND: &'static str = "shape";
    /// }
    /// #[derive(serde::Deserialize)]
    /// struct Point;
    /// impl Shape for Point {}
    ///
    /// let mut registry = Registry::default();
    /// registry
    ///     .add::<dyn Shape, Point>("point", |point| Arc::new(point))
    ///     .add::<dyn Shape, Point>("dot", |point| Arc::new(point));
    /// assert_eq!(registry.names::<dyn Shape>(), ["dot", "point"]);
    /// ```
    pub fn names<T: Extension + ?Sized>(&self) -> Vec<&str> {
        let own = TypeId::of::<T>();
        let names = self.entries.keys().filter(|(of, _)| *of == own);
        names.map(|(_, name)| name.as_str()).collect()
    }

    /// Makes the type of that name from its options.
    ///
    /// # Errors
    /// [`Error::NotRegistered`] for an unknown name, [`Error::Options`] for options that the type does not take.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vesalius_registry::{Error, Extension, Registry};
    ///
    /// trait Shape: Send + Sync {
    ///     fn area(&self) -> f64;
    /// }
    /// impl Extension for dyn Shape {
    ///     const KIND: &'static str = "shape";
    /// }
    /// #[derive(serde::Deserialize)]
    /// struct Square {
    ///     side: f64,
    /// }
    /// impl Shape for Square {
    ///     fn area(&self) -> f64 {
    ///         self.side * self.side
    ///     }
    /// }
    ///
    /// let mut registry = Registry::default();
    /// registry.add::<dyn Shape, Square>("square", |square| Arc::new(square));
    /// let options = serde_json::from_str(r#"{"side": 2}"#)?;
    /// assert_eq!(registry.make::<dyn Shape>("square", &options)?.area(), 4.0);
    ///
    /// // An unknown name: the error holds the nearest known one.
    /// let Err(Error::NotRegistered { nearest, .. }) = registry.make::<dyn Shape>("sqare", &options) else {
    ///     unreachable!()
    /// };
    /// assert_eq!(nearest.as_deref(), Some("square"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn make<T: Extension + ?Sized>(
        &self,
        name: &str,
        options: &Map<String, Value>,
    ) -> Result<Arc<T>> {
        let entry = self.entries.get(&(TypeId::of::<T>(), name.to_owned()));
        // The key holds the type of the entry.
        let factory = entry.and_then(|entry| entry.downcast_ref::<Entry<T>>());
        let Some(Entry(factory)) = factory else {
            return Err(Error::not_registered(T::KIND, name, &self.names::<T>()));
        };
        factory(options).map_err(|source| Error::Options {
            kind: T::KIND,
            name: name.to_owned(),
            source,
        })
    }
}

/// A value from a map of options; a type without fields takes an empty one.
fn from_options<C: DeserializeOwned>(options: &Map<String, Value>) -> serde_json::Result<C> {
    let read = serde_json::from_value(Value::Object(options.clone()));
    match options.is_empty() {
        true => read.or_else(|error| serde_json::from_value(Value::Null).map_err(|_| error)),
        false => read,
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.entries.keys().map(|(_, name)| name);
        f.debug_set().entries(names).finish()
    }
}
