//! The cases that are left out of the work on request.

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
    let excluded_cases = read(folder)?;
    let kept: Vec<&String> = excluded_cases
        .iter()
        .filter(|name| !names.contains(name))
        .collect();
    if kept.len() == excluded_cases.len() {
        return Ok(());
    }
    let path = folder.join(FILE);
    let text = serde_json::to_string_pretty(&kept).map_err(|e| unreadable(&path, e))?;
    Ok(vesalius_io::write_bytes_atomically(&path, text.as_bytes())?)
}

/// Adds names; all that are left out by now.
pub(super) fn add(folder: &Path, names: &[String]) -> Result<Vec<String>> {
    let path = folder.join(FILE);
    let mut excluded_cases = read(folder)?;
    excluded_cases.extend(names.iter().cloned());
    excluded_cases.sort_unstable();
    excluded_cases.dedup();
    let text = serde_json::to_string_pretty(&excluded_cases).map_err(|e| unreadable(&path, e))?;
    vesalius_io::write_bytes_atomically(&path, text.as_bytes())?;
    Ok(excluded_cases)
}
