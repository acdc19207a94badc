//! Files written completely or not at all: a temporary file in the same folder, flush, fsync, rename.
//! Used by every crate that writes; independent of formats.

use crate::unfinished::Unfinished;
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

const BUFFER: usize = 1 << 18;
/// Writes a file through `write`, so that a reader finds the old file or the complete new one.
///
/// The new file gets the permissions of an ordinary new file, or those of the file it replaces.
/// When `write` fails, the disk is full or the process is killed, the old file stays as it was. What a
/// killed process of this machine left half written in the folder is removed. A device or a pipe, such as
/// `/dev/null`, is written to directly.
///
/// # Errors
/// [`Error::Write`] with the path.
///
/// ```
/// use std::io::Write;
/// use vesalius_io::write_atomically;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("report.csv");
/// write_atomically(&path, |file| file.write_all(b"case,dice\n"))?;
///
/// // A failure leaves the old file.
/// let failed = write_atomically(&path, |file| {
///     file.write_all(b"half")?;
///     Err(std::io::Error::other("no more values"))
/// });
/// assert!(failed.is_err());
/// assert_eq!(std::fs::read_to_string(&path)?, "case,dice\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    replace(path, write).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

/// Writes `bytes` to a file as [`write_atomically`] does.
///
/// # Errors
/// [`Error::Write`] with the path.
///
/// ```
/// use vesalius_io::write_bytes_atomically;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.yaml");
/// write_bytes_atomically(&path, b"labels: 2\n")?;
/// assert_eq!(std::fs::read(&path)?, b"labels: 2\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_bytes_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    write_atomically(path, |writer| writer.write_all(bytes))
}

fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "a folder of this name exists",
        ));
    }
    // A device or a pipe is written to; it must not be replaced by a file.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let mut writer = BufWriter::new(File::options().write(true).open(path)?);
        write(&mut writer)?;
        return writer.flush();
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let prefix = Unfinished::prefix(folder);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(Unfinished::SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask removes its bits, as for any new file.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let temporary = builder.tempfile_in(folder)?;
    if let Ok(old) = std::fs::metadata(path) {
        temporary.as_file().set_permissions(old.permissions())?;
    }
    let (file, temporary_path) = temporary.into_parts();
    let _unfinished = Unfinished::new(&temporary_path);
    let mut writer = BufWriter::with_capacity(BUFFER, file);
    write(&mut writer)?;
    let file = writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    temporary_path.persist(path).map_err(|e| e.error)?;
    sync_folder(folder);
    Ok(())
}

/// Makes the rename itself durable, where the system can.
fn sync_folder(folder: &Path) {
    // A file system that cannot sync a folder has still renamed; there is nothing to undo.
    #[cfg(unix)]
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        write_bytes_atomically(&path, b"old").unwrap();
        let error = write_atomically(&path, |writer| {
            writer.write_all(&[1; 1000])?;
            Err(io::Error::other("the pen broke"))
        })
        .unwrap_err()
        .to_string();
        assert!(error.contains("a.bin") && error.contains("the pen broke"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        write_bytes_atomically(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_an_ordinary_file_or_of_the_file_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (plain, ours) = (folder.path().join("plain"), folder.path().join("ours"));
        std::fs::write(&plain, b"x").unwrap();
        write_bytes_atomically(&ours, b"x").unwrap();
        assert_eq!(mode(&ours), mode(&plain));
        std::fs::set_permissions(&ours, std::fs::Permissions::from_mode(0o640)).unwrap();
        write_bytes_atomically(&ours, b"y").unwrap();
        assert_eq!(mode(&ours), 0o640);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = write_bytes_atomically("no/such/folder/x.bin", b"").unwrap_err();
        assert!(error.to_string().contains("no/such/folder/x.bin"));
    }
}
