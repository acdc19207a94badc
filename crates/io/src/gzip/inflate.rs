//! gzip, zlib and Zstandard in: whole streams and several members, every check sum checked.

use super::unpack::{Surplus, Unpack};
use crate::layout::Packing;
use crate::watch::{Watch, cancelled, is_cancelled};
use crate::{Error, Result, zstd};
use std::io::{self, Read};
use std::path::Path;

/// An unpacked stream, cut to the bytes that were expected.
#[derive(Debug)]
pub(crate) struct Inflated {
    pub bytes: Vec<u8>,
    /// What follows them.
    pub surplus: Surplus,
}

/// At most so many bytes after the voxels are unpacked to reach the check sum.
pub(crate) fn most_behind(expected: u64) -> u64 {
    expected.max(1 << 30)
}

/// Refuses a length that a stream of `packed` bytes cannot unpack to; `stream` is read to say where it
/// ends instead, unless that is far away.
pub(crate) fn check_ratio(
    path: &Path,
    packed: u64,
    stream: &mut dyn Read,
    expected: u64,
    packing: Packing,
) -> Result<()> {
    /// Bytes that are unpacked to find the end.
    const MOST: u64 = 1 << 30;
    if expected <= packed.saturating_mul(packing.largest_ratio()) {
        return Ok(());
    }
    let mut offset = 0;
    let mut buffer = vec![0; 1 << 16];
    while offset < MOST {
        match stream.read(&mut buffer) {
            Ok(0) => return Err(truncated(path, offset, expected)),
            Ok(n) => offset += n as u64,
            Err(source) => return Err(fault(path, offset, expected, &source)),
        }
    }
    Err(Error::Compression {
        path: path.to_owned(),
        offset,
        reason: format!(
            "{packed} bytes of {} cannot unpack to the {expected} that the header announces",
            packing.name()
        ),
    })
}

/// Unpacks bytes whose content must have at least `expected` bytes; returns just those.
pub(crate) fn inflate(
    path: &Path,
    packed: &[u8],
    expected: u64,
    packing: Packing,
    watch: Watch,
) -> Result<Inflated> {
    /// Bytes that are unpacked at once even where the work may be cancelled: less than a second's.
    const AT_ONCE: u64 = 256 << 20;
    /// Bytes between two checks for cancellation.
    const PIECE: usize = 4 << 20;
    let length = packed.len() as u64;
    let mut stream = Unpack::new(packed, packing);
    check_ratio(path, length, &mut stream, expected, packing)?;
    // Within memory: the caller has checked `expected` against its limit.
    let mut out = vec![0; expected as usize];
    let at_once = packing != Packing::Zstd && (!watch.is_watched() || expected <= AT_ONCE);
    if at_once && whole(packed, &mut out, packing) {
        let surplus = Surplus::default();
        return Ok(Inflated {
            bytes: out,
            surplus,
        });
    }
    // Several members, bytes after the image, or a fault: the careful decoder finds which.
    let work = watch.count("unpacking", expected);
    let (mut at, mut told) = (0, 0);
    while at < out.len() {
        let piece = (out.len() - at).min(PIECE);
        match stream.read(&mut out[at..at + piece]) {
            Ok(0) => return Err(truncated(path, at as u64, expected)),
            Ok(n) => {
                at += n;
                told += n;
                if told >= PIECE || at == out.len() {
                    work.done(told as u64)?;
                    told = 0;
                }
            }
            Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(fault(path, at as u64, expected, &source)),
        }
    }
    let finished = stream.finish(most_behind(expected), watch);
    let surplus = finished.map_err(|source| fault(path, expected, expected, &source))?;
    Ok(Inflated {
        bytes: out,
        surplus,
    })
}

/// Whether the bytes are one stream of just this length, with its check sum.
fn whole(packed: &[u8], out: &mut [u8], packing: Packing) -> bool {
    let mut decompressor = libdeflater::Decompressor::new();
    // A stream shorter than its trailer, or with bytes behind it, is left to the careful decoder: this one
    // does not say where it stopped.
    let trailer = match packing {
        Packing::Zlib => packed.last_chunk::<4>().map(|word| {
            (
                u32::from_be_bytes(*word),
                libdeflater::adler32 as fn(&[u8]) -> u32,
            )
        }),
        _ => packed
            .get(packed.len().saturating_sub(8)..packed.len().saturating_sub(4))
            .and_then(|word| Some(u32::from_le_bytes(word.try_into().ok()?)))
            .map(|sum| (sum, libdeflater::crc32 as fn(&[u8]) -> u32)),
    };
    let length = match packing {
        Packing::Zlib => decompressor.zlib_decompress(packed, out),
        _ => decompressor.gzip_decompress(packed, out),
    };
    let exact = length.is_ok_and(|length| length == out.len());
    exact && trailer.is_some_and(|(sum, of)| sum == of(out))
}

/// The error for a stream that ends at `offset`.
pub(crate) fn truncated(path: &Path, offset: u64, expected: u64) -> Error {
    Error::Truncated {
        path: path.to_owned(),
        what: "header and voxels".to_owned(),
        expected,
        offset,
    }
}

/// The error for a stream that failed at `offset`.
pub(crate) fn fault(path: &Path, offset: u64, expected: u64, source: &io::Error) -> Error {
    if is_cancelled(source) {
        return cancelled(path);
    }
    if let Some(refused) = zstd::refused(source) {
        return Error::unsupported(path, &refused.what, refused.remedy);
    }
    if source.kind() == io::ErrorKind::UnexpectedEof && offset < expected {
        return truncated(path, offset, expected);
    }
    Error::Compression {
        path: path.to_owned(),
        offset,
        reason: source.to_string(),
    }
}
