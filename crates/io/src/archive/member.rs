//! A member of a zip archive, unpacked each time that it is read, so that only those at work take memory.

use crate::place::{Bytes, Held};
use crate::{Error, Result, budget};
use flate2::read::DeflateDecoder;
use std::cell::Cell;
use std::io::{self, Cursor, Read};
use std::path::Path;

/// Where a member lies in its archive.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub packed: Held,
    pub deflated: bool,
    /// Bytes that it unpacks to.
    pub length: u64,
    /// Their CRC-32.
    pub sum: u32,
}

impl Member {
    /// The bytes from `start` on; their check sum is not reached.
    pub fn open_at(&self, start: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut packed = Cursor::new(self.packed.clone());
        if !self.deflated {
            packed.set_position(start);
            return Ok(Box::new(packed));
        }
        let mut stream = DeflateDecoder::new(packed).take(self.length);
        io::copy(&mut stream.by_ref().take(start), &mut io::sink())?;
        Ok(Box::new(stream))
    }

    /// All bytes, after a check of their length and sum.
    pub fn bytes(&self, path: &Path) -> Result<Bytes> {
        let bytes = match self.deflated {
            false => Bytes::Held(self.packed.clone()),
            true => Bytes::Owned(self.inflated(path)?),
        };
        let fail = |reason: &str| Error::Compression {
            path: path.to_owned(),
            offset: bytes.len() as u64,
            reason: reason.to_owned(),
        };
        if bytes.len() as u64 != self.length {
            return Err(fail("its length is not what the archive says"));
        }
        match libdeflater::crc32(&bytes) == self.sum {
            true => Ok(bytes),
            false => Err(fail("its check sum is wrong")),
        }
    }

    fn inflated(&self, path: &Path) -> Result<Vec<u8>> {
        let packed: &[u8] = self.packed.as_ref();
        // The archive was opened with a limit for this length.
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        vesalius_volume::check_memory("the unpacked file", [length, 1, 1], 1, 1, None)
            .map_err(|source| Error::volume(path, source))?;
        let mut bytes = vec![0; length];
        let mut decompressor = libdeflater::Decompressor::new();
        match decompressor.deflate_decompress(packed, &mut bytes) {
            Ok(found) => bytes.truncate(found),
            // The careful decoder finds how far the data can be read.
            Err(_) => {
                let stream = DeflateDecoder::new(packed).take(self.length + 1);
                let (all, limit) = (Cell::new(packed.len() as u64), u64::MAX);
                bytes = budget::read_all(path, "a file of an archive", stream, &all, limit)?;
            }
        }
        Ok(bytes)
    }
}
