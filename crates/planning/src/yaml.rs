//! YAML (and JSON, which is YAML too): text into values, files read with their name in the error and written whole.

use crate::{Error, Result};
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_saphyr::Error as SaphyrError;
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
    let mut value = None;
    // The parser is compiled once for all types, behind `dyn`.
    parse(text, &mut |parser| {
        value = Some(erased_serde::deserialize(parser)?);
        Ok(())
    })?;
    value.ok_or_else(|| "holds no value".to_owned())
}

/// Gives the parser of a text to `take`.
fn parse(
    text: &str,
    take: &mut dyn FnMut(&mut dyn erased_serde::Deserializer) -> erased_serde::Result<()>,
) -> std::result::Result<(), String> {
    // The library's own text repeats the message under the line in question.
    let options = serde_saphyr::options! { with_snippet: false };
    let parsed = serde_saphyr::with_deserializer_from_str_with_options(text, options, |parser| {
        take(&mut <dyn erased_serde::Deserializer>::erase(parser)).map_err(SaphyrError::custom)
    });
    parsed.map_err(|error| {
        let location = error.location();
        let outermost = location.map(|at| (at.line(), at.column()));
        with_suggestion(&placed(&error.to_string(), outermost))
    })
}

/// A message with the innermost of the places that it names, where it names any: each value around the fault adds its own
/// place at the end.
fn placed(message: &str, outermost: Option<(u64, u64)>) -> String {
    let mut bare = message.trim_start_matches("error: ");
    let mut place = outermost;
    while let Some((rest, inner)) = last_place(bare) {
        (bare, place) = (rest, Some(inner));
    }
    match place {
        Some((line, column)) => {
            let before = format!("line {line} column {column}: ");
            let bare = bare.strip_prefix(&before).unwrap_or(bare);
            format!("line {line}, column {column}: {bare}")
        }
        None => bare.to_owned(),
    }
}

/// The message and the place of `message at line 3, column 5`.
fn last_place(text: &str) -> Option<(&str, (u64, u64))> {
    let (message, place) = text.rsplit_once(" at line ")?;
    let (line, column) = place.split_once(", column ")?;
    Some((message, (line.parse().ok()?, column.parse().ok()?)))
}

/// A value as YAML text.
///
/// # Errors
/// A value that YAML cannot hold, in one line.
pub fn to_yaml(value: &dyn erased_serde::Serialize) -> std::result::Result<String, String> {
    serde_saphyr::to_string(&value).map_err(|error| error.to_string())
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
    let text = to_yaml(value).map_err(|e| Error::Plans {
        path: path.to_path_buf(),
        reason: format!("cannot be written as YAML: {e}"),
    })?;
    Ok(vesalius_io::write_bytes_atomically(path, text.as_bytes())?)
}
