//! Reading a choice from a config that is either a bare name (`relu`) or a name with options
//! (`leaky_relu: {slope: 0.1}`).

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::marker::PhantomData;

/// What was found.
pub(super) enum NameOrOptions<N, O> {
    /// A bare name, already understood.
    Name(N),
    /// A name with options.
    Options(O),
}

/// Reads either form; `expected` completes the sentence "expected …" in errors.
pub(super) fn name_or_options<'de, D, N, O>(
    deserializer: D,
    expected: &'static str,
    by_name: impl Fn(&str) -> Option<N>,
) -> Result<NameOrOptions<N, O>, D::Error>
where
    D: Deserializer<'de>,
    O: Deserialize<'de>,
{
    deserializer.deserialize_any(Either {
        expected,
        by_name,
        kinds: PhantomData,
    })
}

struct Either<F, N, O> {
    expected: &'static str,
    by_name: F,
    kinds: PhantomData<(N, O)>,
}

impl<'de, F, N, O> Visitor<'de> for Either<F, N, O>
where
    F: Fn(&str) -> Option<N>,
    O: Deserialize<'de>,
{
    type Value = NameOrOptions<N, O>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        match (self.by_name)(name) {
            Some(named) => Ok(NameOrOptions::Name(named)),
            None => Err(E::invalid_value(serde::de::Unexpected::Str(name), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        O::deserialize(MapAccessDeserializer::new(map)).map(NameOrOptions::Options)
    }
}
