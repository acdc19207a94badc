//! Macros for crates that define a trait which users implement.

/// Prepares traits that users implement for a [`crate::Registry`]: [`crate::Extension`] for each, and one trait with a
/// method for each that adds a type under a name.
///
/// ```
/// trait Shape: Send + Sync {
///     fn area(&self) -> f64;
/// }
///
/// vesalius_registry::registered! {
///     /// Adds user-defined shapes to a [`vesalius_registry::Registry`].
///     trait RegisterShape {
///         /// Makes `custom: name` mean this type; its options are read by serde.
///         fn shape => Shape, "shape";
///     }
/// }
///
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
/// let mut registry = vesalius_registry::Registry::default();
/// registry.shape::<Square>("square");
/// assert_eq!(registry.names::<dyn Shape>(), ["square"]);
/// ```
#[macro_export]
macro_rules! registered {
    (
        $(#[$of_trait:meta])*
        $visible:vis trait $register:ident {
            $($(#[$of_method:meta])* fn $method:ident => $seam:path, $kind:literal;)+
        }
    ) => {
        $(impl $crate::Extension for dyn $seam {
            const KIND: &'static str = $kind;
        })+

        $(#[$of_trait])*
        $visible trait $register {
            $($(#[$of_method])*
            fn $method<C: $seam + $crate::DeserializeOwned + 'static>(
                &mut self,
                name: &str,
            ) -> &mut Self;)+
        }

        impl $register for $crate::Registry {
            $(fn $method<C: $seam + $crate::DeserializeOwned + 'static>(
                &mut self,
                name: &str,
            ) -> &mut Self {
                self.add::<dyn $seam, C>(name, |value| ::std::sync::Arc::new(value))
            })+
        }
    };
}

/// Adds to an error type with a variant `Custom(Box<dyn Error + Send + Sync>)` a function that makes it from a text or
/// from another error.
///
/// ```
/// #[derive(Debug)]
/// enum Error {
///     Custom(Box<dyn std::error::Error + Send + Sync>),
/// }
///
/// vesalius_registry::custom_error! {
///     /// An error of a user-defined shape: a text, or any error.
///     Error
/// }
///
/// let Error::Custom(inner) = Error::custom("too small");
/// assert_eq!(inner.to_string(), "too small");
/// ```
#[macro_export]
macro_rules! custom_error {
    ($(#[$doc:meta])* $error:ty) => {
        impl $error {
            $(#[$doc])*
            pub fn custom(
                error: impl Into<Box<dyn ::std::error::Error + Send + Sync>>,
            ) -> Self {
                Self::Custom(error.into())
            }
        }
    };
}
