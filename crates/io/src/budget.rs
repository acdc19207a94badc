//! What compressed data may unpack to, so that a small file does not fill the memory.

use crate::{Error, Result};
use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;
use vesalius_volume::check_memory;

/// Bytes that anything may unpack to, however short it is.
pub(crate) const FREE: u64 = 64 << 20;
/// How many times its length anything longer may unpack to. Scans of real noise unpack to less than ten times theirs.
pub(crate) const RATIO: u64 = 200;

/// Whether data unpack to so much that they were made to fill the memory.
pub(crate) fn is_excessive(packed: u64, unpacked: u64) -> bool {
    unpacked > FREE && unpacked / RATIO > packed
}

/// The error for data of which that is so.
pub(crate) fn excessive(path: &Path, what: &str) -> Error {
    Error::unsupported(
        path,
        format!(
            "{what} that unpacks to more than {RATIO} times its length, as those that were made to fill the memory do,"
        ),
        "if you trust it, unpack it with another program, and read the unpacked file or folder",
    )
}

/// Packed bytes, and how many of them were read: data that were made to fill the memory do so from their beginning.
pub(crate) struct Packed<'a, R> {
    inner: R,
    read: &'a Cell<u64>,
}

impl<'a, R> Packed<'a, R> {
    pub fn new(inner: R, read: &'a Cell<u64>) -> Self {
        Self { inner, read }
    }
}

impl<R: Read> Read for Packed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

/// Everything that a stream unpacks to, at most `limit` bytes; `packed` counts what was read of the packed bytes.
///
/// # Errors
/// [`Error::TooLarge`], data that unpack to far more than their length, less memory than they need, and the stream's.
pub(crate) fn read_all(
    path: &Path,
    what: &str,
    mut stream: impl Read,
    packed: &Cell<u64>,
    limit: u64,
) -> Result<Vec<u8>> {
    const PIECE: usize = 1 << 20;
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        if bytes.capacity() - bytes.len() < PIECE {
            let more = bytes.len().max(PIECE);
            check_memory("the unpacked data", [more, 1, 1], 1, 1, None)
                .map_err(|source| Error::volume(path, source))?;
            bytes.reserve(more);
        }
        let read = stream.by_ref().take(PIECE as u64).read_to_end(&mut bytes);
        let read = read.map_err(|source| damaged(path, bytes.len() as u64, &source))?;
        let length = bytes.len() as u64;
        if length > limit {
            let (path, needed) = (path.to_owned(), length);
            return Err(Error::TooLarge {
                path,
                needed,
                limit,
            });
        }
        if is_excessive(packed.get(), length) {
            return Err(excessive(path, what));
        }
        if read < PIECE {
            return Ok(bytes);
        }
    }
}

/// The error for compressed data that fail at a byte of what they unpack to.
pub(crate) fn damaged(path: &Path, offset: u64, error: &io::Error) -> Error {
    Error::Compression {
        path: path.to_owned(),
        offset,
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_without_end_are_refused_before_they_fill_the_memory() {
        let path = Path::new("a");
        let read = |stream: &mut dyn Read, packed, limit| {
            read_all(path, "a stream", stream, &Cell::new(packed), limit)
        };
        let error = read(&mut io::repeat(0), 1 << 16, u64::MAX).unwrap_err();
        assert!(error.to_string().contains("more than 200 times"), "{error}");
        let error = read(&mut io::repeat(0), u64::MAX, 1000).unwrap_err();
        assert!(
            matches!(error, Error::TooLarge { limit: 1000, .. }),
            "{error}"
        );
        let bytes = vec![7; 3_000_000];
        assert_eq!(read(&mut &bytes[..], 10, 1 << 30).unwrap(), bytes);
    }
}
