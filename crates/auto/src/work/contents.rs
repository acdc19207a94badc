//! The state of each case's files when the work folder was last opened: names, sizes and times, which show changes
//! without reading gigabytes.

use super::unreadable;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;
use vesalius_planning::Datalist;

const FILE: &str = "contents.json";

/// A hash for each case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contents(BTreeMap<String, String>);

impl Contents {
    pub(super) fn of(list: &Datalist) -> Self {
        let cases = list.cases.iter().map(|case| {
            let mut hasher = blake3::Hasher::new();
            for file in case.images.iter().chain([&case.label]) {
                let data = std::fs::metadata(file).ok();
                let size = data.as_ref().map_or(0, std::fs::Metadata::len);
                let time = data
                    .and_then(|data| data.modified().ok())
                    .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                    .map_or(0, |since| since.as_nanos());
                hasher.update(&size.to_le_bytes());
                hasher.update(&time.to_le_bytes());
            }
            (
                case.name.clone(),
                hasher.finalize().to_hex()[..16].to_owned(),
            )
        });
        Self(cases.collect())
    }

    /// What an earlier process wrote; `None` where none did.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map(|cases| Some(Self(cases)))
                .map_err(|e| unreadable(&path, e)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::System {
                path,
                what: "read",
                source,
            }),
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(&self.0).map_err(|e| unreadable(&path, e))?;
        Ok(vesalius_io::write_bytes_atomically(&path, text.as_bytes())?)
    }

    /// Whether both are of the same cases, by name.
    pub(super) fn same_cases(&self, other: &Self) -> bool {
        self.0.keys().eq(other.0.keys())
    }

    /// The cases whose files differ.
    pub(super) fn changed(&self, now: &Self) -> Vec<String> {
        let cases = now.0.iter();
        cases
            .filter(|(name, hash)| self.0.get(*name) != Some(hash))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// One hash for all.
    pub(crate) fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (name, hash) in &self.0 {
            hasher.update(name.as_bytes());
            hasher.update(hash.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}
