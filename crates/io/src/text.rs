//! Files that are opened as files: configs, lists and headers. A device, which may have no end, is refused.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Longer files are not texts that this program reads.
const LONGEST_TEXT: u64 = 1 << 30;

/// The text of a file or a pipe, such as a config or a list of cases.
///
/// # Errors
/// The system's error; an error for a device, a text beyond 1 GiB, or bytes that are not UTF-8.
///
/// ```
/// use vesalius_io::read_text;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("cases.txt");
/// std::fs::write(&path, "case_01\ncase_02\n")?;
/// assert_eq!(read_text(&path)?.lines().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    let path = path.as_ref();
    let found = std::fs::metadata(path)?;
    if is_device(&found) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a device; give a file",
        ));
    }
    let mut text = String::new();
    File::open(path)?
        .take(LONGEST_TEXT + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_TEXT {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is longer than 1 GiB, and no text",
        ));
    }
    Ok(text)
}

/// A regular file, opened: of a pipe or a device no part can be read twice.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    check_regular(path)?;
    File::open(path)
}

/// Refuses what is neither a file nor a folder before it is opened, because opening may block.
pub(crate) fn check_regular(path: &Path) -> io::Result<()> {
    let found = std::fs::metadata(path)?;
    match found.is_file() || found.is_dir() {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a pipe or a device; images are read from files",
        )),
    }
}

#[cfg(unix)]
fn is_device(found: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    kind.is_char_device() || kind.is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: &Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn devices_are_refused_and_texts_are_read() {
        for device in ["/dev/zero", "/dev/null"] {
            assert!(
                read_text(device)
                    .unwrap_err()
                    .to_string()
                    .contains("device")
            );
            assert!(open_regular(Path::new(device)).is_err());
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        std::fs::write(&path, "name: a\n").unwrap();
        assert_eq!(read_text(&path).unwrap(), "name: a\n");
        assert_eq!(
            read_text(folder.path().join("b")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
