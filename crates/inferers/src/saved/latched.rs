//! A file behind a zip archive. The archive is finished when it is dropped and prints what fails then: once
//! a write has failed, everything after it is accepted without an error, and the first error is kept.

use std::io::{self, Seek, SeekFrom, Write};

/// A writer that keeps its first error.
pub(super) struct Latched<'a, W> {
    inner: &'a mut W,
    error: &'a mut Option<io::Error>,
    /// The position of the archive's writer.
    position: u64,
}

/// Runs `write` with such a writer; the first error of the file itself comes before what `write` makes
/// of it.
pub(super) fn latched<W: Write + Seek>(
    inner: &mut W,
    write: impl FnOnce(Latched<'_, W>) -> io::Result<()>,
) -> io::Result<()> {
    let mut error = None;
    let written = write(Latched {
        inner,
        error: &mut error,
        position: 0,
    });
    match error {
        Some(error) => Err(error),
        None => written,
    }
}

impl<W> Latched<'_, W> {
    /// Keeps an error, and gives one of the same kind.
    fn kept<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let same = error.kind().into();
            *self.error = Some(error);
            same
        })
    }
}

impl<W: Write> Write for Latched<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self.error {
            Some(_) => bytes.len(),
            None => {
                let written = self.inner.write(bytes);
                self.kept(written)?
            }
        };
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.error {
            Some(_) => Ok(()),
            None => {
                let flushed = self.inner.flush();
                self.kept(flushed)
            }
        }
    }
}

impl<W: Seek> Seek for Latched<'_, W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match (&self.error, to) {
            (None, _) => {
                let sought = self.inner.seek(to);
                self.kept(sought)?
            }
            // The archive compares positions with those before the failure.
            (Some(_), SeekFrom::Start(at)) => at,
            (Some(_), SeekFrom::Current(by) | SeekFrom::End(by)) => {
                self.position.saturating_add_signed(by)
            }
        };
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::write::SimpleFileOptions;

    /// A disk with space for so many bytes; counts the writes after it was full.
    struct Disk {
        room: usize,
        asked: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room < bytes.len() {
                self.asked += 1;
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            self.room -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Disk {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }

    #[test]
    fn a_full_disk_is_told_once_and_not_asked_again() {
        let mut disk = Disk {
            room: 100,
            asked: 0,
        };
        let written = latched(&mut disk, |file| {
            let mut archive = zip::ZipWriter::new(file);
            archive.start_file("a", SimpleFileOptions::default())?;
            for byte in 0..200_000u32 {
                archive.write_all(&(byte.wrapping_mul(0x9E37_79B9)).to_le_bytes())?;
            }
            archive.finish()?;
            Ok(())
        });
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.asked, 1);
    }
}
