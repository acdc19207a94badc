//! What an unpacked folder must have: every file that its `dataset.json` names.

use crate::{Error, Result};
use std::path::{Path, PathBuf};
use vesalius_planning::{Datalist, DatalistOptions};
use vesalius_volume::counted;

/// How many labelled cases the list of a folder has; `None` without a list. Every file of the list is there.
pub(crate) fn cases(folder: &Path) -> Result<Option<usize>> {
    let list = folder.join("dataset.json");
    if !list.is_file() {
        return Ok(None);
    }
    // Files are looked for here, so that the message counts them.
    let options = DatalistOptions {
        require_files: false,
        ..DatalistOptions::default()
    };
    let read = Datalist::read_with(&list, &options).map_err(Box::new)?;
    let labelled = read
        .cases
        .iter()
        .flat_map(|case| case.images.iter().chain([&case.label]));
    let others = read.testing.iter().flat_map(|case| &case.images);
    let missing: Vec<&PathBuf> = labelled
        .chain(others)
        .filter(|path| !path.is_file())
        .collect();
    if let Some(first) = missing.first() {
        return Err(Error::Incomplete {
            first: first
                .strip_prefix(folder)
                .unwrap_or(first)
                .display()
                .to_string(),
            count: counted(missing.len(), "file"),
            list: PathBuf::from("dataset.json"),
        });
    }
    Ok(Some(read.cases.len()))
}
