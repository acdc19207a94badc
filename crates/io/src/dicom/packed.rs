//! DICOM in compressed form: whole files in gzip or Zstandard, and data sets that are deflated.

use crate::gzip::Unpack;
use crate::layout::Packing;
use crate::place::Bytes;
use crate::{Error, Result, budget, format, gzip, neighbours};
use std::cell::Cell;
use std::io::BufReader;
use std::path::Path;

/// The bytes of a file, or of the DICOM file that is in them in gzip or Zstandard; `limit` bounds what that may unpack to.
pub(super) fn unpacked(path: &Path, bytes: Bytes, limit: u64) -> Result<Bytes> {
    let packing = Packing::of_file(&bytes);
    // A preamble may begin with anything.
    let is_plain = super::detect(&bytes[..bytes.len().min(format::HEAD as usize)]);
    if packing == Packing::Raw || is_plain {
        return Ok(bytes);
    }
    // What could be unpacked before a fault is enough to recognise the content.
    let (head, _) = gzip::first_bytes(&bytes[..], packing, format::HEAD);
    if !super::detect(&head) {
        let head = format::Head {
            bytes: head,
            packing,
        };
        return Err(Error::NotAnImage {
            path: path.to_owned(),
            found: neighbours::nature(&head),
        });
    }
    if packing == Packing::Gzip
        && let Some(whole) = at_once(&bytes, limit)
    {
        return Ok(Bytes::Owned(whole));
    }
    let read = Cell::new(0);
    let packed = BufReader::new(budget::Packed::new(&bytes[..], &read));
    let stream = Unpack::new(packed, packing);
    let what = format!("a DICOM file in {}", packing.name());
    let whole = budget::read_all(path, &what, stream, &read, limit)?;
    Ok(Bytes::Owned(whole))
}

/// A short file of one gzip member, by the length at its end.
fn at_once(packed: &[u8], limit: u64) -> Option<Vec<u8>> {
    let length = u64::from(u32::from_le_bytes(*packed.last_chunk()?));
    if length > limit.min(budget::FREE) {
        return None;
    }
    let mut bytes = vec![0; length as usize];
    let mut decompressor = libdeflater::Decompressor::new();
    let found = decompressor.gzip_decompress(packed, &mut bytes).ok()?;
    // The last bytes of a second member, or of what follows, are no length of the first.
    let sum = packed.get(packed.len() - 8..)?.first_chunk()?;
    let exact = found == bytes.len() && libdeflater::crc32(&bytes) == u32::from_le_bytes(*sum);
    exact.then_some(bytes)
}

/// A data set that is deflated.
pub(super) fn inflate(path: &Path, packed: &[u8], limit: u64) -> Result<Vec<u8>> {
    let read = Cell::new(0);
    let packed = BufReader::new(budget::Packed::new(packed, &read));
    let stream = flate2::bufread::DeflateDecoder::new(packed);
    budget::read_all(path, "a deflated DICOM file", stream, &read, limit)
}
