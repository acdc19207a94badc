//! The whole: download, check, unpack, look, and only then the name.

use crate::dataset::cases;
use crate::disk::{free, settle};
use crate::download::Download;
use crate::partial::Partial;
use crate::unpack::{Kind, unpack};
use crate::{Error, Result, Source};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vesalius_control::Control;

/// How [`fetch`] works.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FetchOptions {
    /// The folder in which the dataset gets its own; made where it is missing.
    pub output: PathBuf,
    /// The most bytes that the download may have, and the most that it may have unpacked. `None`: as many as the disk
    /// has room for.
    pub limit: Option<u64>,
    /// Whether the archive stays beside the folder.
    pub keep_archive: bool,
    /// Whether a folder of the same name is replaced. Otherwise a complete one is left as it is and nothing is fetched.
    pub replace: bool,
    /// How long to wait after a lost connection; twice as long after each further one without a byte in between, and
    /// after the fifth the work ends.
    pub first_wait: Duration,
    /// Cancels, and follows the stages `download (bytes)`, `checking` and `unpacking (files)`.
    pub control: Control,
}

impl FetchOptions {
    /// Into a folder, without a limit.
    pub fn new(output: impl Into<PathBuf>) -> Self {
        Self {
            output: output.into(),
            limit: None,
            keep_archive: false,
            replace: false,
            first_wait: Duration::from_secs(1),
            control: Control::new(),
        }
    }
}

/// What [`fetch`] did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fetched {
    /// The folder of the dataset, or the file where it was no archive.
    pub folder: PathBuf,
    /// How many labelled cases its `dataset.json` has; `None` without one.
    pub cases: Option<usize>,
    /// How many files were unpacked.
    pub files: usize,
    /// The size of the archive in bytes; 0 where it was there already.
    pub bytes: u64,
    /// The archive, where it was kept.
    pub archive: Option<PathBuf>,
    /// Whether it was there already, so that nothing was fetched.
    pub was_there: bool,
}

/// Fetches a source into a folder of its own below [`FetchOptions::output`].
///
/// The folder has the archive's name without its ending, and what the archive has below its single top folder, or all
/// of it. A file that is no archive keeps its name. A call that was interrupted is continued by the same call.
///
/// # Errors
/// - [`Error::Network`], [`Error::Status`] and [`Error::Answer`] where the bytes do not come; what has come stays.
/// - [`Error::Checksum`] for other bytes than those that were meant; they do not stay.
/// - [`Error::TooLarge`] and [`Error::NoRoom`], before more is written than allowed.
/// - [`Error::Archive`] for links, paths out of the folder, and damage; [`Error::Incomplete`] where `dataset.json` names
///   files that are not there. Nothing has the dataset's name then.
/// - [`Error::Exists`] for a folder of that name that is not complete, without [`FetchOptions::replace`].
/// - [`Error::Busy`], [`Error::Cancelled`], [`Error::File`].
pub fn fetch(source: &Source, options: &FetchOptions) -> Result<Fetched> {
    let archive = Kind::of(source.file_name());
    let name = archive.map_or(source.file_name(), |(_, stem)| stem);
    let target = options.output.join(name);
    if !options.replace && fs::symlink_metadata(&target).is_ok() {
        return there(target, archive.is_some());
    }
    fs::create_dir_all(&options.output).map_err(Error::file(&options.output))?;
    let mut partial = Partial::open(&options.output, source)?;
    let download = Download {
        source,
        limit: options.limit,
        first_wait: options.first_wait,
        control: &options.control,
    };
    download.run(&mut partial)?;
    let bytes = partial.length();
    let Some((kind, _)) = archive else {
        partial.keep_as(&target)?;
        return Ok(Fetched {
            folder: target,
            cases: None,
            files: 1,
            bytes,
            archive: None,
            was_there: false,
        });
    };
    let (files, cases) = place(kind, &mut partial, source, &target, options)?;
    let archive = options.output.join(source.file_name());
    let archive = options.keep_archive.then_some(archive);
    match &archive {
        Some(archive) => partial.keep_as(archive)?,
        None => partial.remove()?,
    }
    Ok(Fetched {
        folder: target,
        cases,
        files,
        bytes,
        archive,
        was_there: false,
    })
}

/// What is there already, if it is whole.
fn there(target: PathBuf, is_archive: bool) -> Result<Fetched> {
    let exists = |reason: String| Error::Exists {
        path: target.clone(),
        reason,
    };
    if target.is_dir() != is_archive {
        let found = if is_archive { "a file" } else { "a folder" };
        return Err(exists(format!("it is {found}")));
    }
    let found = if is_archive {
        cases(&target).map_err(|error| match error {
            Error::Incomplete { count, first, .. } => {
                exists(format!("{count} of its dataset.json are missing: {first}"))
            }
            other => other,
        })?
    } else {
        None
    };
    Ok(Fetched {
        folder: target,
        cases: found,
        files: 0,
        bytes: 0,
        archive: None,
        was_there: true,
    })
}

/// Unpacks beside the target, looks, and renames.
fn place(
    kind: Kind,
    partial: &mut Partial,
    source: &Source,
    target: &Path,
    options: &FetchOptions,
) -> Result<(usize, Option<usize>)> {
    let unfinished = Unfinished::new(&options.output, source.file_name())?;
    let room = room(kind, partial, &options.output)?;
    let limit = options.limit.unwrap_or(room).min(room);
    let file = partial.rewind()?;
    let name = source.file_name();
    let files = unpack(kind, file, name, &unfinished.0, limit, &options.control)?;
    let content = content(&unfinished.0)?;
    let cases = cases(&content)?;
    settle(&options.output).map_err(Error::file(&options.output))?;
    if options.replace {
        remove(target)?;
    }
    fs::rename(&content, target).map_err(Error::file(target))?;
    Ok((files, cases))
}

/// How many bytes may be unpacked; an archive that is not compressed needs its own size.
fn room(kind: Kind, partial: &Partial, folder: &Path) -> Result<u64> {
    let Some(free) = free(folder) else {
        return Ok(u64::MAX);
    };
    if kind == Kind::Tar && partial.length() > free {
        return Err(Error::NoRoom {
            path: folder.to_owned(),
            what: "the unpacked files",
            needed: partial.length(),
            free,
        });
    }
    Ok(free)
}

/// A single top folder, else all.
fn content(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).map_err(Error::file(folder))?;
    let entries: std::io::Result<Vec<_>> = entries.collect();
    match entries.map_err(Error::file(folder))?.as_slice() {
        [only] if only.path().is_dir() => Ok(only.path()),
        _ => Ok(folder.to_owned()),
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(Error::file(path))
}

/// A folder that is removed unless its content was renamed; one that a kill left is removed before.
struct Unfinished(PathBuf);

impl Unfinished {
    fn new(output: &Path, name: &str) -> Result<Self> {
        let path = output.join(format!(".{name}.unpacking"));
        remove(&path)?;
        fs::create_dir(&path).map_err(Error::file(&path))?;
        Ok(Self(path))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next call.
        let _ = fs::remove_dir_all(&self.0);
    }
}
