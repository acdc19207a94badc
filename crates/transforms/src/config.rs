//! Declares a transform's configuration: one struct, its YAML name, its keys with their
//! defaults, and the checks that many share.

use crate::{Error, Result};

/// Declares a configuration: a struct whose missing keys take the defaults given here, and whose
/// unknown keys are errors that name the nearest one. With `checked by` a method, values that it refuses are not read.
macro_rules! config {
    (
        $(#[$meta:meta])*
        $name:ident, $key:literal, $(checked by $check:ident,)? {
            $($(#[$doc:meta])* $field:ident : $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl $name {
            /// The transform's YAML name.
            pub const NAME: &'static str = $key;
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                struct Keys;
                impl<'de> serde::de::Visitor<'de> for Keys {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("the keys of `", $key, "`"))
                    }
                    fn visit_unit<E>(self) -> std::result::Result<$name, E> {
                        Ok($name::default())
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> std::result::Result<$name, A::Error> {
                        let mut value = $name::default();
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                $(stringify!($field) => value.$field = map.next_value()?,)*
                                other => {
                                    return Err(serde::de::Error::custom(vesalius_volume::unknown_name(
                                        concat!("key of `", $key, "`:"),
                                        other,
                                        &[$(stringify!($field)),*],
                                    )));
                                }
                            }
                        }
                        Ok(value)
                    }
                }
                let value = deserializer.deserialize_any(Keys)?;
                $($name::$check(&value).map_err(serde::de::Error::custom)?;)?
                Ok(value)
            }
        }
    };
}

pub(crate) use config;

/// The error for a value out of range.
pub(crate) fn bad(
    transform: &'static str,
    key: &'static str,
    found: impl std::fmt::Debug,
    expected: &'static str,
) -> Error {
    Error::BadValue {
        transform,
        key,
        found: format!("{found:?}"),
        expected,
    }
}

/// Checks `fine`; the error is that of [`bad`].
pub(crate) fn require(
    fine: bool,
    transform: &'static str,
    key: &'static str,
    found: impl std::fmt::Debug,
    expected: &'static str,
) -> Result<()> {
    if fine {
        Ok(())
    } else {
        Err(bad(transform, key, found, expected))
    }
}

pub(crate) fn check_probability(transform: &'static str, probability: f64) -> Result<()> {
    check_share(transform, "probability", probability)
}

/// A number from 0 to 1.
pub(crate) fn check_share(transform: &'static str, key: &'static str, share: f64) -> Result<()> {
    require(
        (0.0..=1.0).contains(&share),
        transform,
        key,
        share,
        "a number from 0 to 1",
    )
}

/// Two finite numbers in rising order, none below `least`.
pub(crate) fn check_range(
    transform: &'static str,
    key: &'static str,
    range: [f64; 2],
    least: f64,
    expected: &'static str,
) -> Result<()> {
    let fine = range.iter().all(|v| v.is_finite()) && least <= range[0] && range[0] <= range[1];
    require(fine, transform, key, range, expected)
}

/// A finite number of 0 or more.
pub(crate) fn check_amount(transform: &'static str, key: &'static str, amount: f64) -> Result<()> {
    let fine = amount.is_finite() && amount >= 0.0;
    require(
        fine,
        transform,
        key,
        amount,
        "a number that is not negative",
    )
}
