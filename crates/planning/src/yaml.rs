//! YAML (and JSON, which is YAML too): text into values, files read with their name in the error and written whole.

use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use vesalius_volume::with_suggestion;

/// Reads a value from YAML or JSON text.
///
/// # Errors
/// One line: where the fault is, what it is, and the nearest known name where a name is not known.
///
/// ```
/// #[derive(Debug, serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Grid {
///     spacing: [f64; 3],
/// }
///
/// let grid: Grid = vesalius_planning::parse_yaml("spacing: [1, 1, 2.5]")?;
/// assert_eq!(grid.spacing, [1.0, 1.0, 2.5]);
/// let error = vesalius_planning::parse_yaml::<Grid>("spacin: [1, 1, 2.5]").unwrap_err();
/// assert!(error.starts_with("line 1, column 1: ") && error.ends_with("did you mean `spacing`?"), "{error}");
/// # Ok::<(), String>(())
/// ```
pub fn parse_yaml<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    // The library's own text repeats the message under the line in question.
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let message = error.to_string();
        let message = message.trim_start_matches("error: ");
        let place = error.location().map(|place| (place.line(), place.column()));
        let placed = match place {
            Some((line, column)) => {
                let bare = message
                    .strip_prefix(&format!("line {line} column {column}: "))
                    .unwrap_or(message);
                let bare = bare.trim_end_matches(&format!(" at line {line}, column {column}"));
                format!("line {line}, column {column}: {bare}")
            }
            None => message.to_owned(),
        };
        with_suggestion(&placed)
    })
}

/// Reads a file; `what` names its form in the error.
///
/// # Errors
/// [`Error::Plans`] for a file that cannot be read or has another form.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    let bad = |reason: String| Error::Plans {
        path: path.to_path_buf(),
        reason,
    };
    let text = vesalius_io::read_text(path).map_err(|e| bad(format!("cannot be read ({e})")))?;
    parse_yaml(&text).map_err(|e| bad(format!("is not {what}: {e}")))
}

/// Writes a value to a file.
///
/// # Errors
/// [`Error::Io`] when the file cannot be written.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_saphyr::to_string(value).map_err(|e| Error::Plans {
        path: path.to_path_buf(),
        reason: format!("cannot be written as YAML: {e}"),
    })?;
    Ok(vesalius_io::write_bytes_atomically(path, text.as_bytes())?)
}
