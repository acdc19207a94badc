//! JSON as nnU-Net lays it out, indented by four spaces: read with the file's name in the error, written whole.

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
    serde_json::from_str(&text).map_err(|e| bad(format!("is not {what}: {e}")))
}

/// A value's text.
pub(crate) fn text(value: &impl Serialize) -> Result<String> {
    let mut text = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, indent);
    value.serialize(&mut serializer).map_err(Error::Json)?;
    // serde_json writes UTF-8.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Writes a value's text to a file.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    Ok(vesalius_io::write_bytes_atomically(
        path,
        text(value)?.as_bytes(),
    )?)
}
