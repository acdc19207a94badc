//! The cases that the work goes on without, because it was told to.

use super::{problem, unreadable};
use crate::Result;
use std::path::Path;

const FILE: &str = "left_out.json";

/// Their names.
pub(super) fn read(folder: &Path) -> Result<Vec<String>> {
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|e| unreadable(&path, e)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(problem(&path, &format!("cannot be read: {e}"))),
    }
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
