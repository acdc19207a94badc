//! What can be wrong with a user-defined type in a config.

use vesalius_volume::{ErrorKind, nearest_name};

/// A config names a user-defined type that is missing or cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No type of that name was added to the registry.
    #[error("no custom {kind} is registered as `{name}`{}{}", known_list(.known), suggestion(.nearest))]
    NotRegistered {
        /// What it is: `loss`, `transform`.
        kind: &'static str,
        /// The name in the config.
        name: String,
        /// The names of that kind.
        known: Vec<String>,
        /// The known name with the most similar spelling.
        nearest: Option<String>,
    },
    /// The options are not what the type takes.
    #[error("the options of the custom {kind} `{name}` are wrong: {source}")]
    Options {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with them.
        source: serde_json::Error,
    },
    /// The config was read without a registry, so that there is only a name.
    #[error(
        "the custom {kind} `{name}` is only named: read the config with a `Registry` that has it, or put the value into the config"
    )]
    Unresolved {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
    },
}

impl Error {
    pub(crate) fn not_registered(kind: &'static str, name: &str, known: &[&str]) -> Self {
        Self::NotRegistered {
            kind,
            name: name.to_owned(),
            known: known.iter().map(|&known| known.to_owned()).collect(),
            nearest: nearest_name(name, known).map(str::to_owned),
        }
    }
}

fn known_list(names: &[String]) -> String {
    match names {
        [] => {
            ": the registry has none; add the type to the `Registry` that is given to what reads the config or opens the model"
                .to_owned()
        }
        names => format!(": there are {}", names.join(", ")),
    }
}

fn suggestion(name: &Option<String>) -> String {
    match name {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotRegistered { .. } => ErrorKind::NotFound,
            Self::Options { .. } | Self::Unresolved { .. } => ErrorKind::BadInput,
        }
    }
}
