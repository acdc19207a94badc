//! The files of a bundle, in a folder or an archive; only those inside of it are read.

use crate::limits::{MOST_BYTES, MOST_ENTRIES};
use crate::read::too_large;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use vesalius_volume::ErrorKind;

/// The folder of the configs in a bundle.
pub(crate) const CONFIGS: &str = "configs";

/// Where a bundle's files are.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A folder.
    Folder(PathBuf),
    /// An archive.
    Archive {
        /// The archive's path.
        path: PathBuf,
        /// What the names of the bundle's files in it begin with, such as `spleen/`.
        prefix: String,
        /// Names of the bundle's files, the prefix taken off, and their sizes in bytes.
        sizes: BTreeMap<String, u64>,
    },
}

impl Source {
    /// # Errors
    /// A path that is no folder or archive with `configs`, or an archive that is damaged or holds more than one bundle.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path)
            .map_err(|e| bad(path, ErrorKind::of_io(&e), format!("cannot be read: {e}")))?;
        match metadata.is_dir() {
            true => folder(path),
            false => archive(path),
        }
    }

    /// The folder or the archive.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive { path, .. } => path,
        }
    }

    /// Whether the bundle has a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::Folder(path) => path.join(name).is_file(),
            Self::Archive { sizes, .. } => sizes.contains_key(name),
        }
    }

    /// Names of the files in a folder of the bundle, in order.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = match self {
            Self::Folder(path) => std::fs::read_dir(path.join(folder))
                .into_iter()
                .flatten()
                .flatten()
                .filter(|entry| entry.path().is_file())
                .filter_map(|entry| entry.file_name().into_string().ok())
                .take(MOST_ENTRIES)
                .collect(),
            Self::Archive { sizes, .. } => sizes
                .keys()
                .filter_map(|name| name.strip_prefix(folder)?.strip_prefix('/'))
                .filter(|name| !name.contains('/'))
                .map(str::to_owned)
                .collect(),
        };
        names.sort();
        names
    }

    /// A file's text.
    ///
    /// # Errors
    /// A file that is absent, too large for a config, or no UTF-8.
    pub(crate) fn text(&self, name: &str) -> Result<String> {
        let bytes = self.bytes(name, MOST_BYTES)?;
        String::from_utf8(bytes).map_err(|_| {
            let reason = format!("`{name}` is no text in UTF-8");
            bad(self.path(), ErrorKind::BadInput, reason)
        })
    }

    /// A file's bytes, `most` at most.
    ///
    /// # Errors
    /// A file that is absent, cannot be read or is larger.
    pub(crate) fn bytes(&self, name: &str, most: u64) -> Result<Vec<u8>> {
        let unreadable = |kind, reason: &dyn std::fmt::Display| {
            bad(
                self.path(),
                kind,
                format!("`{name}` cannot be read: {reason}"),
            )
        };
        let of_system = |e: std::io::Error| unreadable(ErrorKind::of_io(&e), &e);
        match self {
            Self::Folder(folder) => {
                let file = File::open(folder.join(name)).map_err(of_system)?;
                let size = file.metadata().map_err(of_system)?.len();
                self.bounded(file, name, size, most)
            }
            Self::Archive { path, prefix, .. } => {
                let damaged = |e: zip::result::ZipError| unreadable(ErrorKind::Corrupt, &e);
                let file = File::open(path).map_err(of_system)?;
                let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
                let entry = archive
                    .by_name(&format!("{prefix}{name}"))
                    .map_err(damaged)?;
                let size = entry.size();
                self.bounded(entry, name, size, most)
            }
        }
    }

    /// Reads a file that says it has `size` bytes, and may not say so rightly.
    fn bounded(&self, from: impl Read, name: &str, size: u64, most: u64) -> Result<Vec<u8>> {
        let large = |size| {
            let reason = format!("`{name}` {}", too_large(size));
            Err(bad(self.path(), ErrorKind::BadInput, reason))
        };
        if size > most {
            return large(size);
        }
        let mut bytes = Vec::new();
        let read = from.take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|e| {
            bad(
                self.path(),
                ErrorKind::of_io(&e),
                format!("`{name}` cannot be read: {e}"),
            )
        })?;
        match bytes.len() as u64 > most {
            true => large(bytes.len() as u64),
            false => Ok(bytes),
        }
    }
}

pub(crate) fn bad(path: &Path, kind: ErrorKind, reason: String) -> Error {
    Error::Bundle {
        kind,
        path: path.to_owned(),
        reason,
    }
}

fn folder(path: &Path) -> Result<Source> {
    if path.join(CONFIGS).is_dir() {
        return Ok(Source::Folder(path.to_owned()));
    }
    let inner: Vec<PathBuf> = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|entry| entry.join(CONFIGS).is_dir())
        .take(2)
        .collect();
    let reason = match &inner[..] {
        [one] => format!(
            "has no folder `{CONFIGS}`, so it is no bundle of MONAI's; `{}` in it is one",
            one.display()
        ),
        _ => format!("has no folder `{CONFIGS}`, so it is no bundle of MONAI's"),
    };
    Err(bad(path, ErrorKind::NotFound, reason))
}

fn archive(path: &Path) -> Result<Source> {
    let file = File::open(path)
        .map_err(|e| bad(path, ErrorKind::of_io(&e), format!("cannot be read: {e}")))?;
    let archive = zip::ZipArchive::new(file).map_err(|e| {
        let reason = format!("is neither a bundle's folder nor a readable zip archive of one: {e}");
        bad(path, ErrorKind::BadInput, reason)
    })?;
    if archive.len() > MOST_ENTRIES {
        let reason = format!("holds {} files, more than any bundle has", archive.len());
        return Err(bad(path, ErrorKind::BadInput, reason));
    }
    let all = sizes(archive);
    let of_configs = all.keys().filter_map(|name| {
        let (folder, file) = name.rsplit_once('/')?;
        let prefix = folder.strip_suffix(CONFIGS)?;
        let is_config = crate::TextFormat::of_name(file).is_some();
        (is_config && (prefix.is_empty() || prefix.ends_with('/'))).then_some(prefix)
    });
    let mut prefixes: Vec<&str> = of_configs
        .filter(|prefix| !prefix.starts_with("__MACOSX"))
        .collect();
    prefixes.dedup();
    let prefix = match prefixes[..] {
        [prefix] => prefix.to_owned(),
        [] => {
            let reason =
                format!("has no config in a folder `{CONFIGS}`, so it is no bundle of MONAI's");
            return Err(bad(path, ErrorKind::NotFound, reason));
        }
        [first, second, ..] => {
            let reason = format!(
                "holds more than one bundle (`{first}`, `{second}`); unpack it and give the folder of one"
            );
            return Err(bad(path, ErrorKind::BadInput, reason));
        }
    };
    let sizes = all
        .iter()
        .filter_map(|(name, size)| Some((name.strip_prefix(&prefix)?.to_owned(), *size)))
        .collect();
    Ok(Source::Archive {
        path: path.to_owned(),
        prefix,
        sizes,
    })
}

/// Names and sizes of an archive's files.
fn sizes(mut archive: zip::ZipArchive<File>) -> BTreeMap<String, u64> {
    (0..archive.len())
        .filter_map(|index| {
            let entry = archive.by_index_raw(index).ok()?;
            let name = entry.name().ok()?.into_owned();
            entry.is_file().then(|| (name, entry.size()))
        })
        .collect()
}

/// A path of a config as the name of a file in the bundle: `./models/../models/a.pt` is `models/a.pt`. `None` for one that
/// leads out of it.
pub(crate) fn inside(path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains(['\\', '\0']) || path.get(1..2) == Some(":") {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    match parts.is_empty() {
        true => None,
        false => Some(parts.join("/")),
    }
}
