//! The cases that the work goes on without, because it was told to.

use super::unreadable;
use crate::{Error, Result};
use std::path::Path;

const FILE: &str = "left_out.json";

/// Their names.
pub(super) fn read(folder: &Path) -> Result<Vec<String>> {
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|e| unreadable(&path, e)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::System {
            path,
            what: "read",
            source,
        }),
    }
}

/// Takes names back in.
pub(super) fn take_back(folder: &Path, names: &[String]) -> Result<()> {
    let left_out = read(folder)?;
    let kept: Vec<&String> = left_out
        .iter()
        .filter(|name| !names.contains(name))
        .collect();
    if kept.len() == left_out.len() {
        return Ok(());
    }
    let path = folder.join(FILE);
    let text = serde_json::to_string_pretty(&kept).map_err(|e| unreadable(&path, e))?;
    Ok(vesalius_io::write_bytes_atomically(&path, text.as_bytes())?)
}

/// Adds names; all that are left out by now.
pub(super) fn add(folder: &Path, names: &[String]) -> Result<Vec<String>> {
    let path = folder.join(FILE);
    let mut left_out = read(folder)?;
    left_out.extend(names.iter().cloned());
    left_out.sort_unstable();
    left_out.dedup();
    let text = serde_json::to_string_pretty(&left_out).map_err(|e| unreadable(&path, e))?;
    vesalius_io::write_bytes_atomically(&path, text.as_bytes())?;
    Ok(left_out)
}
