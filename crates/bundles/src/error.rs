//! What can be wrong with a bundle: one sentence each, with the file or the id, and what can be done. To "set" an id is
//! [`crate::Config::set`], and what programs make of it for their users.

use std::path::PathBuf;
use vesalius_volume::ErrorKind;

/// An error of this crate.
///
/// ```
/// use serde_json::json;
/// use vesalius_bundles::{Config, Error};
///
/// let config = Config::from_value(json!({"a": "@b", "b": "$@a"}))?;
/// let error = config.resolve("a").unwrap_err();
/// assert!(matches!(&error, Error::Cycle { ids } if ids == &["a", "b", "a"]));
/// assert_eq!(error.id(), Some("a"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bundle, or a file of it, cannot be read.
    #[error("{path}: {reason}")]
    Bundle {
        /// The kind of the fault.
        kind: ErrorKind,
        /// The bundle or its file.
        path: PathBuf,
        /// What is wrong, and what can be done.
        reason: String,
    },
    /// A config that is no mapping of names to values in JSON or YAML, or is larger than any config is.
    #[error("the config {reason}")]
    Config {
        /// What is wrong.
        reason: String,
    },
    /// An id that is needed, but is not in the config.
    #[error("`{id}` is not in the bundle's config, but {needed_by}; set it to a value")]
    Missing {
        /// The id.
        id: String,
        /// What needs it.
        needed_by: String,
    },
    /// References that lead back to where they began.
    #[error(
        "the references {} go in a circle; set one of them to a value",
        ids.join(" → ")
    )]
    Cycle {
        /// The ids, the first of them again at the end.
        ids: Vec<String>,
    },
    /// A text or a class that has no meaning here.
    #[error("`{id}` is `{text}`, {reason}; {instead}")]
    NotUnderstood {
        /// The id.
        id: String,
        /// What stands there, cut to a length that can be read.
        text: String,
        /// Why it is not understood.
        reason: String,
        /// What can be written instead.
        instead: String,
    },
    /// An argument that a class does not have, or a value that it cannot take.
    #[error("`{id}`: `{argument}` of {class} {reason}; set `{id}::{argument}` to another value")]
    Argument {
        /// The id of the component.
        id: String,
        /// The argument.
        argument: String,
        /// The component's class.
        class: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A path that leads out of the bundle.
    #[error(
        "`{id}` is the path `{path}`, which is not inside the bundle; put the file into the bundle and set `{id}` to its path there"
    )]
    Outside {
        /// The id.
        id: String,
        /// The path.
        path: String,
    },
    /// Labels would be interpolated as numbers, so that the result holds values between labels.
    #[error(
        "`{id}` takes labels back to the image's grid with the interpolation of `preprocessing`, which writes numbers between labels; set `{id}::nearest_interp` to true to take them back by the nearest voxel"
    )]
    FractionalLabels {
        /// The id of the `Invertd`.
        id: String,
    },
    /// More values, levels or steps than any config has.
    #[error("`{id}` {reason}")]
    Limit {
        /// The id at which the limit was met.
        id: String,
        /// Which limit.
        reason: String,
    },
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Bundle { kind, .. } => *kind,
            Self::NotUnderstood { .. } | Self::FractionalLabels { .. } => ErrorKind::Unsupported,
            Self::Config { .. }
            | Self::Missing { .. }
            | Self::Cycle { .. }
            | Self::Argument { .. }
            | Self::Outside { .. }
            | Self::Limit { .. } => ErrorKind::BadInput,
        }
    }

    /// The id in the config at which the error is; `None` where it is a file's.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Bundle { .. } | Self::Config { .. } => None,
            Self::Cycle { ids } => ids.first().map(String::as_str),
            Self::Missing { id, .. }
            | Self::NotUnderstood { id, .. }
            | Self::Argument { id, .. }
            | Self::Outside { id, .. }
            | Self::FractionalLabels { id }
            | Self::Limit { id, .. } => Some(id),
        }
    }

    /// An expression or class that is not understood; another value of the id is what can be given instead.
    pub(crate) fn not_understood(id: &str, text: &str, reason: impl Into<String>) -> Self {
        Self::NotUnderstood {
            id: id.to_owned(),
            text: shortened(text),
            reason: reason.into(),
            instead: format!("set `{id}` to its value"),
        }
    }
}

/// Longest text that an error repeats.
const LONGEST_TEXT: usize = 160;

/// A text cut to what can be read in a sentence.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
