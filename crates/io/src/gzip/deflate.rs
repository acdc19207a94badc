//! gzip members and zlib streams out, compressed in parallel.

use super::block_splice;
use crate::layout::Packing;
use libdeflater::{CompressionLvl, Compressor};
use rayon::prelude::*;
use std::io::{self, Write};

/// Bytes one task compresses; the loss at its seams is below half a per cent.
pub(super) const BLOCK: usize = 1 << 19;

/// Writes `length` bytes, which `fill` produces from an offset on, as one gzip member or zlib stream
/// whose blocks are compressed in parallel, at libdeflate's levels 0 to 12.
pub(crate) fn write_packed(
    writer: &mut (impl Write + ?Sized),
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
    let group = BLOCK * 2 * rayon::current_num_threads();
    let mut sum = Sum::new(packing);
    let mut next = |at: usize, bytes: &mut Vec<u8>| {
        bytes.resize(group.min(length - at), 0);
        fill(at, bytes)?;
        sum.update(bytes);
        Ok::<usize, io::Error>(at + bytes.len())
    };
    let (mut bytes, mut filled, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = next(0, &mut filled)?;
    loop {
        std::mem::swap(&mut bytes, &mut filled);
        let last = at == length;
        let mut packed = Ok(Vec::new());
        // While the threads compress a group, this one writes the group before and makes the next.
        let made = rayon::in_place_scope(|scope| {
            scope.spawn(|_| packed = deflate(&bytes, level, last));
            write_blocks(writer, &blocks)?;
            match last {
                true => Ok(at),
                false => next(at, &mut filled),
            }
        });
        (blocks, at) = (packed?, made?);
        if last {
            break;
        }
    }
    write_blocks(writer, &blocks)?;
    match sum {
        Sum::Adler(adler) => writer.write_all(&adler.sum().to_be_bytes()),
        Sum::Crc(crc) => {
            writer.write_all(&crc.sum().to_le_bytes())?;
            // gzip stores the length modulo 2³².
            writer.write_all(&(length as u32).to_le_bytes())
        }
    }
}

/// The check sum of what is packed.
enum Sum {
    Crc(libdeflater::Crc),
    Adler(libdeflater::Adler32),
}

impl Sum {
    fn new(packing: Packing) -> Self {
        match packing {
            Packing::Zlib => Self::Adler(libdeflater::Adler32::new()),
            _ => Self::Crc(libdeflater::Crc::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc) => crc.update(bytes),
            Self::Adler(adler) => adler.update(bytes),
        }
    }
}

fn write_blocks(writer: &mut (impl Write + ?Sized), blocks: &[Vec<u8>]) -> io::Result<()> {
    blocks.iter().try_for_each(|block| writer.write_all(block))
}

/// The bytes as deflate blocks that follow each other; the last of them ends the stream if `last`.
fn deflate(bytes: &[u8], level: u32, last: bool) -> io::Result<Vec<Vec<u8>>> {
    if bytes.is_empty() {
        return Ok(vec![compress(&mut compressor(level)?, &[])?]);
    }
    let count = bytes.len().div_ceil(BLOCK);
    bytes
        .par_chunks(BLOCK)
        .enumerate()
        .map_init(
            || compressor(level),
            |compressor, (i, block)| {
                let compressor = match compressor {
                    Ok(compressor) => compressor,
                    Err(error) => return Err(io::Error::other(error.to_string())),
                };
                let mut out = compress(compressor, block)?;
                if !last || i + 1 < count {
                    block_splice::open(&mut out).ok_or_else(|| {
                        io::Error::other("the compressor wrote no deflate stream")
                    })?;
                }
                Ok(out)
            },
        )
        .collect()
}

fn compressor(level: u32) -> io::Result<Compressor> {
    let level = i32::try_from(level.min(12)).unwrap_or(12);
    let level = CompressionLvl::new(level).map_err(|e| io::Error::other(format!("{e:?}")))?;
    Ok(Compressor::new(level))
}

fn compress(compressor: &mut Compressor, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = vec![0; compressor.deflate_compress_bound(bytes.len())];
    let length = compressor
        .deflate_compress(bytes, &mut out)
        .map_err(io::Error::other)?;
    out.truncate(length);
    // Space for the join of the blocks.
    out.reserve(8);
    Ok(out)
}
