//! Weights in files beside the model's.

use crate::proto::TensorProto;
use crate::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

/// Reads the bytes of a tensor from a file in `folder`: `length` of them are expected.
pub(crate) fn read(tensor: &TensorProto, length: usize, folder: Option<&Path>) -> Result<Vec<u8>> {
    let key = |name: &str| {
        let found = tensor.external_data.iter().find(|entry| entry.key == name);
        found.map(|entry| entry.value.as_str())
    };
    let location = key("location").unwrap_or_default();
    let bad = |reason: String| Error::External {
        tensor: tensor.name.clone(),
        location: location.to_owned(),
        reason,
    };
    let number = |name: &'static str| -> Result<Option<u64>> {
        let text = key(name).filter(|text| !text.is_empty());
        let parsed = text.map(|text| text.parse::<u64>());
        parsed
            .transpose()
            .map_err(|_| bad(format!("its `{name}` is no whole number")))
    };
    let folder = folder.ok_or_else(|| {
        bad("the model was not read from a file, so that there is no folder to look in".to_owned())
    })?;
    let (offset, told) = (number("offset")?.unwrap_or(0), number("length")?);
    if told.is_some_and(|told| told != length as u64) {
        let told = told.unwrap_or(0);
        return Err(bad(format!(
            "{told} bytes are announced, its shape needs {length}"
        )));
    }
    let path = Path::new(location);
    let parts: Vec<Component> = path.components().collect();
    let is_inside = parts
        .iter()
        .all(|part| matches!(part, Component::Normal(_)));
    if parts.is_empty() || !is_inside || location.contains('\\') {
        return Err(bad(
            "only a file in the model's own folder is read, by a path without `..`".to_owned(),
        ));
    }
    let failed = |error: std::io::Error| bad(error.to_string());
    let mut at = folder.to_owned();
    let mut facts = None;
    for part in parts {
        at.push(part);
        let found = std::fs::symlink_metadata(&at).map_err(failed)?;
        if found.is_symlink() {
            return Err(bad(
                "it is a symbolic link, which is not followed".to_owned()
            ));
        }
        facts = Some(found);
    }
    // Looked at before it is opened: a pipe would be waited for.
    let size = facts
        .filter(|found| found.is_file())
        .map_or(0, |found| found.len());
    let end = offset.checked_add(length as u64);
    if end.is_none_or(|end| end > size) {
        return Err(bad(format!(
            "it has {size} bytes, too few for {length} from {offset} on"
        )));
    }
    let mut file = File::open(&at).map_err(failed)?;
    let mut bytes = vec![0; length];
    let read = file.seek(SeekFrom::Start(offset));
    read.and_then(|_| file.read_exact(&mut bytes))
        .map_err(failed)?;
    Ok(bytes)
}
