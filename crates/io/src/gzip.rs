//! gzip, whole-file and forward-only in, parallel blocks of one member out; checks every check sum.

use crate::layout::Packing;
use crate::{Error, Result};
use flate2::{Compress, Compression, FlushCompress, Status};
use rayon::prelude::*;
use std::io::{self, Read, Write};
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

/// Bytes one task compresses; the loss at its seams is below a tenth of a per cent.
const BLOCK: usize = 1 << 18;
/// How far deflate looks back.
const WINDOW: usize = 1 << 15;

/// Writes `length` bytes, which `fill` produces from an offset on, as one gzip member or zlib stream
/// whose blocks are compressed in parallel.
pub(crate) fn write_packed(
    writer: &mut impl Write,
    packing: Packing,
    level: u32,
    length: usize,
    mut fill: impl FnMut(usize, &mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    writer.write_all(match packing {
        // Deflate with a window of 32 KiB.
        Packing::Zlib => &[0x78, 0x9c],
        // Magic, deflate, no name and no time (so that equal images give equal files), no system.
        _ => &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255],
    })?;
    let (mut crc, mut adler) = (libdeflater::Crc::new(), libdeflater::Adler32::new());
    let group = BLOCK * 2 * rayon::current_num_threads();
    let mut buffer = vec![0; WINDOW + group.min(length)];
    let mut at = 0;
    while at < length {
        let count = group.min(length - at);
        fill(at, &mut buffer[WINDOW..WINDOW + count])?;
        let bytes = &buffer[..WINDOW + count];
        match packing {
            Packing::Zlib => adler.update(&bytes[WINDOW..]),
            _ => crc.update(&bytes[WINDOW..]),
        }
        deflate_group(writer, level, bytes, WINDOW.min(at), at + count == length)?;
        at += count;
        buffer.copy_within(count..WINDOW + count, 0);
    }
    if length == 0 {
        writer.write_all(&deflate_block(level, &[], &[], true)?)?;
    }
    if packing == Packing::Zlib {
        return writer.write_all(&adler.sum().to_be_bytes());
    }
    writer.write_all(&crc.sum().to_le_bytes())?;
    // gzip stores the length modulo 2³².
    writer.write_all(&(length as u32).to_le_bytes())
}

/// Compresses what follows the first [`WINDOW`] bytes, of which the last `window` are what stood
/// before.
fn deflate_group(
    writer: &mut impl Write,
    level: u32,
    bytes: &[u8],
    window: usize,
    last: bool,
) -> io::Result<()> {
    let blocks: Vec<_> = (0..(bytes.len() - WINDOW).div_ceil(BLOCK))
        .into_par_iter()
        .map(|i| {
            let start = WINDOW + i * BLOCK;
            let end = (start + BLOCK).min(bytes.len());
            let back = if i == 0 { window } else { WINDOW };
            let last = last && end == bytes.len();
            deflate_block(level, &bytes[start - back..start], &bytes[start..end], last)
        })
        .collect::<io::Result<_>>()?;
    blocks.iter().try_for_each(|block| writer.write_all(block))
}

fn deflate_block(level: u32, window: &[u8], bytes: &[u8], last: bool) -> io::Result<Vec<u8>> {
    let mut state = Compress::new(Compression::new(level.min(9)), false);
    if !window.is_empty() {
        state.set_dictionary(window).map_err(io::Error::other)?;
    }
    let flush = if last {
        FlushCompress::Finish
    } else {
        FlushCompress::Sync
    };
    let mut out = Vec::with_capacity(bytes.len() / 2 + 1024);
    loop {
        let done = state.total_in() as usize;
        let status = state
            .compress_vec(&bytes[done..], &mut out, flush)
            .map_err(io::Error::other)?;
        let complete = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            // Room left means that nothing waits inside.
            _ => state.total_in() as usize == bytes.len() && out.len() < out.capacity(),
        };
        if complete {
            return Ok(out);
        }
        out.reserve(bytes.len() / 4 + 1024);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_packed(&mut out, Packing::Gzip, 6, bytes.len(), |at, to| {
            to.copy_from_slice(&bytes[at..at + to.len()]);
            Ok(())
        })
        .unwrap();
        out
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 7u32;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 28) as u8
            })
            .collect()
    }

    #[test]
    fn what_is_packed_in_blocks_is_one_member_that_others_unpack() {
        for length in [0, 1, BLOCK - 1, BLOCK, 9 * BLOCK + 17] {
            let bytes = noise(length);
            let file = packed(&bytes);
            let mut back = Vec::new();
            // The single-member decoder: it would stop at the first of several.
            flate2::read::GzDecoder::new(&file[..])
                .read_to_end(&mut back)
                .unwrap();
            assert!(back == bytes);
            assert!(inflate(Path::new("a"), &file, length as u64, Packing::Gzip).unwrap() == bytes);
        }
    }

    #[test]
    fn several_members_and_padding_are_read() {
        let bytes = noise(1000);
        let mut file = packed(&bytes[..400]);
        file.extend(packed(&bytes[400..]));
        assert!(inflate(Path::new("a"), &file, 1000, Packing::Gzip).unwrap() == bytes);
        file.extend([0; 512]);
        assert!(inflate(Path::new("a"), &file, 1000, Packing::Gzip).unwrap() == bytes);
    }

    #[test]
    fn damage_is_named_with_its_place() {
        let bytes = noise(100_000);
        let mut file = packed(&bytes);
        let cut = inflate(
            Path::new("a"),
            &file[..file.len() / 2],
            100_000,
            Packing::Gzip,
        )
        .unwrap_err();
        assert!(
            matches!(cut, Error::Truncated { offset, .. } if offset > 30_000),
            "{cut}"
        );
        let lie = inflate(Path::new("a"), &file, 1 << 40, Packing::Gzip).unwrap_err();
        assert!(
            matches!(
                lie,
                Error::Truncated {
                    offset: 100_000,
                    ..
                }
            ),
            "{lie}"
        );
        let end = file.len() - 6;
        file[end] ^= 1;
        let sum = inflate(Path::new("a"), &file, 100_000, Packing::Gzip).unwrap_err();
        assert!(matches!(sum, Error::Compression { .. }), "{sum}");
        let headless = inflate(
            Path::new("a"),
            &file[..file.len() - 8],
            100_000,
            Packing::Gzip,
        )
        .unwrap_err();
        assert!(matches!(headless, Error::Compression { .. }), "{headless}");
    }
}
