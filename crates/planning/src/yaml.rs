//! YAML files: read with the file's name in the error, written whole.

use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

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
    serde_saphyr::from_str(&text).map_err(|e| bad(format!("is not {what}: {e}")))
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
