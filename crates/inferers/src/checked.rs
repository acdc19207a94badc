//! Configs that are checked when they are read.

/// Reads and writes a type as serde derives it (`#[serde(remote = "Self")]`), and refuses to read what its method
/// refuses.
macro_rules! checked_serde {
    ($name:ident, $check:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(
                &self,
                serializer: S,
            ) -> std::result::Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                let read = Self::deserialize(deserializer)?;
                read.$check().map_err(serde::de::Error::custom)?;
                Ok(read)
            }
        }
    };
}

pub(crate) use checked_serde;
