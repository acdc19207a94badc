//! gzip and zlib in: whole streams and several members, every check sum checked.

use crate::layout::Packing;
use crate::{Error, Result};
use std::io::{self, Read};
use std::path::Path;

/// Deflate cannot expand further than this, so a length beyond it is a lie of the header.
const LARGEST_RATIO: u64 = 1032;

/// Inflates gzip or zlib bytes whose content must have at least `expected` bytes; returns just those.
pub(crate) fn inflate(
    path: &Path,
    packed: &[u8],
    expected: u64,
    packing: Packing,
) -> Result<Vec<u8>> {
    if expected > (packed.len() as u64).saturating_mul(LARGEST_RATIO) {
        return Err(stream_fault(path, packed, expected, packing));
    }
    // Within memory: the caller has checked `expected` against its limit.
    let mut out = vec![0; expected as usize];
    let mut decompressor = libdeflater::Decompressor::new();
    let whole = match packing {
        Packing::Zlib => decompressor.zlib_decompress(packed, &mut out),
        _ => decompressor.gzip_decompress(packed, &mut out),
    };
    match whole {
        Ok(length) if length as u64 == expected => Ok(out),
        // Several members, bytes after the image, or a fault: the careful way knows which.
        _ => inflate_stream(path, packed, out, packing),
    }
}

fn decoder(packed: &[u8], packing: Packing) -> Box<dyn Read + '_> {
    match packing {
        Packing::Zlib => Box::new(flate2::bufread::ZlibDecoder::new(packed)),
        _ => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
    }
}

/// How far a stream goes that promises more than deflate can hold.
fn stream_fault(path: &Path, packed: &[u8], expected: u64, packing: Packing) -> Error {
    let mut offset = 0;
    let mut decoder = decoder(packed, packing);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => offset += n as u64,
            Err(source) => return fault(path, offset, expected, &source),
        }
    }
    truncated(path, offset, expected)
}

fn inflate_stream(
    path: &Path,
    packed: &[u8],
    mut out: Vec<u8>,
    packing: Packing,
) -> Result<Vec<u8>> {
    let mut decoder = decoder(packed, packing);
    let expected = out.len() as u64;
    let mut at = 0;
    while at < out.len() {
        match decoder.read(&mut out[at..]) {
            Ok(0) => return Err(truncated(path, at as u64, expected)),
            Ok(n) => at += n,
            Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(fault(path, at as u64, expected, &source)),
        }
    }
    finish(path, &mut decoder, expected)?;
    Ok(out)
}

/// Reads on to the check sum at the end of the member. Whatever follows the image is not ours, so a
/// fault there counts only as long as it can be this image's check sum.
fn finish(path: &Path, decoder: &mut dyn Read, expected: u64) -> Result<()> {
    const PATIENCE: usize = 256;
    let mut buffer = vec![0; 1 << 16];
    for _ in 0..PATIENCE {
        match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            // Bytes that are no gzip header follow the last member: zero padding of tapes and tars.
            Err(source) if source.to_string().contains("invalid gzip header") => break,
            Err(source) => return Err(fault(path, expected, expected, &source)),
        }
    }
    Ok(())
}

fn truncated(path: &Path, offset: u64, expected: u64) -> Error {
    Error::Truncated {
        path: path.to_owned(),
        what: "header and voxels".to_owned(),
        expected,
        offset,
    }
}

/// The error for a stream that failed at `offset`.
pub(crate) fn fault(path: &Path, offset: u64, expected: u64, source: &io::Error) -> Error {
    if source.kind() == io::ErrorKind::UnexpectedEof && offset < expected {
        return truncated(path, offset, expected);
    }
    Error::Compression {
        path: path.to_owned(),
        offset,
        reason: source.to_string(),
    }
}
