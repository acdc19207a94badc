//! Archives onto disk: `.tar`, `.tar.gz`, `.tgz` and `.zip`.
//!
//! An archive comes from a stranger. An entry is a file or a folder below the archive's own root, or the archive is
//! refused: no absolute paths, no `..`, no links, no devices. What is written has a limit. Files that file managers
//! leave (`._*`, `.DS_Store`, `__MACOSX`) are left out.

use crate::partial::PIECE;
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use vesalius_control::{Control, Stage};

/// More entries than any dataset has.
const MOST_ENTRIES: usize = 5_000_000;

/// A kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tar,
    TarGz,
    Zip,
}

impl Kind {
    /// The kind of a file, and its name without the ending; by the name alone.
    pub fn of(file_name: &str) -> Option<(Self, &str)> {
        let endings = [
            (".tar.gz", Self::TarGz),
            (".tgz", Self::TarGz),
            (".tar", Self::Tar),
            (".zip", Self::Zip),
        ];
        endings.iter().find_map(|(ending, kind)| {
            let split = file_name.len().checked_sub(ending.len())?;
            let (stem, found) = file_name.split_at_checked(split)?;
            (found.eq_ignore_ascii_case(ending) && !stem.is_empty()).then_some((*kind, stem))
        })
    }
}

/// Where an archive goes, and what is left to write.
struct Target<'a> {
    archive: &'a str,
    folder: &'a Path,
    left: u64,
    limit: u64,
    made: BTreeSet<PathBuf>,
    stage: Stage,
}

/// Unpacks into an empty folder, at most `limit` bytes. Returns the number of files.
pub(crate) fn unpack(
    kind: Kind,
    file: &File,
    archive: &str,
    folder: &Path,
    limit: u64,
    control: &Control,
) -> Result<usize> {
    let mut target = Target {
        archive,
        folder,
        left: limit,
        limit,
        made: BTreeSet::new(),
        stage: control.stage("unpacking (files)", None),
    };
    match kind {
        Kind::Tar => target.tar(BufReader::with_capacity(PIECE, file)),
        Kind::TarGz => {
            let reader = BufReader::with_capacity(PIECE, file);
            target.tar(flate2::bufread::MultiGzDecoder::new(reader))
        }
        Kind::Zip => target.zip(file),
    }
}

impl Target<'_> {
    fn refuse(&self, entry: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::Archive {
            archive: self.archive.to_owned(),
            entry: entry.into(),
            reason: reason.into(),
        }
    }

    fn tar(&mut self, reader: impl Read) -> Result<usize> {
        let mut archive = tar::Archive::new(reader);
        let entries = archive.entries();
        let entries = entries.map_err(|e| self.refuse("its begin", e.to_string()))?;
        let mut files = 0;
        for (index, entry) in entries.enumerate() {
            self.stage.control().check()?;
            let place = format!("entry {}", index + 1);
            let mut entry = entry.map_err(|e| self.refuse(&place, e.to_string()))?;
            let kind = entry.header().entry_type();
            if kind.is_pax_global_extensions() {
                continue;
            }
            let path = entry
                .path()
                .map_err(|e| self.refuse(&place, e.to_string()))?;
            let (shown, path) = (path.display().to_string(), path.into_owned());
            let is_folder = kind.is_dir();
            if !is_folder && !matches!(kind, tar::EntryType::Regular | tar::EntryType::Continuous) {
                return Err(self.refuse(
                    shown,
                    "it is neither a file nor a folder; links and devices are not unpacked",
                ));
            }
            files += self.entry(index, &path, is_folder, &mut entry)?;
        }
        Ok(files)
    }

    fn zip(&mut self, file: &File) -> Result<usize> {
        let mut archive = zip::ZipArchive::new(BufReader::new(file))
            .map_err(|e| self.refuse("its directory", e.to_string()))?;
        let mut files = 0;
        for index in 0..archive.len() {
            self.stage.control().check()?;
            let place = format!("entry {}", index + 1);
            let entry = archive.by_index(index);
            let mut entry = entry.map_err(|e| self.refuse(&place, e.to_string()))?;
            let name = entry.name();
            let name = name
                .map_err(|e| self.refuse(&place, e.to_string()))?
                .into_owned();
            if entry.is_symlink() {
                return Err(self.refuse(name, "it is a link; links are not unpacked"));
            }
            if name.contains('\\') {
                return Err(self.refuse(name, "its name has a backslash"));
            }
            let is_folder = entry.is_dir();
            files += self.entry(index, Path::new(&name), is_folder, &mut entry)?;
        }
        Ok(files)
    }

    /// Writes one entry. Returns how many files it is.
    fn entry(
        &mut self,
        index: usize,
        path: &Path,
        is_folder: bool,
        data: &mut dyn Read,
    ) -> Result<usize> {
        let shown = path.display().to_string();
        if index >= MOST_ENTRIES {
            return Err(self.refuse(shown, format!("more than {MOST_ENTRIES} entries")));
        }
        let inner = self.inner(path)?;
        if is_litter(&inner) || inner.as_os_str().is_empty() {
            return Ok(0);
        }
        let place = self.folder.join(&inner);
        if is_folder {
            self.make(&place, &shown)?;
            return Ok(0);
        }
        if let Some(parent) = place.parent() {
            self.make(parent, &shown)?;
        }
        self.file(&place, &shown, data)?;
        self.stage.advance(1);
        Ok(1)
    }

    /// The path below the folder.
    fn inner(&self, path: &Path) -> Result<PathBuf> {
        let mut inner = PathBuf::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::Normal(name) => inner.push(name),
                _ => {
                    return Err(self.refuse(
                        path.display().to_string(),
                        "its path leads out of the archive's folder",
                    ));
                }
            }
        }
        Ok(inner)
    }

    fn make(&mut self, folder: &Path, shown: &str) -> Result<()> {
        if self.made.contains(folder) {
            return Ok(());
        }
        std::fs::create_dir_all(folder).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                self.refuse(shown, "a file of the same name came before")
            }
            _ => Error::file(folder)(error),
        })?;
        self.made.insert(folder.to_owned());
        Ok(())
    }

    fn file(&mut self, place: &Path, shown: &str, data: &mut dyn Read) -> Result<()> {
        let created = File::options().write(true).create_new(true).open(place);
        let mut file = created.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => self.refuse(shown, "it is there twice"),
            _ => Error::file(place)(error),
        })?;
        let mut piece = vec![0; PIECE];
        loop {
            self.stage.control().check()?;
            let count = match data.read(&mut piece) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.refuse(shown, error.to_string())),
            };
            if count == 0 {
                return Ok(());
            }
            self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
                let limit = crate::disk::Bytes(self.limit);
                self.refuse(
                    shown,
                    format!("unpacked, the archive is larger than {limit}"),
                )
            })?;
            file.write_all(&piece[..count])
                .map_err(Error::file(place))?;
        }
    }
}

/// What file managers leave in archives.
fn is_litter(path: &Path) -> bool {
    path.components().any(|part| {
        let name = part.as_os_str().as_encoded_bytes();
        name.starts_with(b"._") || name == b".DS_Store" || name == b"__MACOSX"
    })
}
