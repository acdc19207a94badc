//! Packed voxels that are decoded into their place while they are unpacked: neither the packed file nor its unpacked bytes
//! are in memory as a whole. One thread unpacks, another decodes.

use crate::decode::{convert, misfit};
use crate::source::unpack;
use crate::watch::Watch;
use crate::{FileVoxel, Layout, Result, gzip};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

/// Fewer bytes are unpacked at once, which needs little memory and less time.
const LARGE: u64 = 16 << 20;
/// Bytes that are decoded at once: they stay in the cache.
const PIECE: usize = 1 << 18;
/// Pieces that are unpacked and not yet decoded.
const AHEAD: usize = 4;

/// Whether the voxels are so many, and stored in their order.
pub(crate) fn is_streamed(layout: &Layout) -> bool {
    let is_apart = !layout.interleaved || layout.channels == 1;
    layout.packing.is_stream() && is_apart && !layout.is_loaded_whole() && layout.bytes() >= LARGE
}

/// All voxels, and how many bytes follow them; the stream is read to its last check sum.
///
/// # Errors
/// [`Error::Truncated`](crate::Error::Truncated), [`Error::Compression`](crate::Error::Compression),
/// [`Error::Value`](crate::Error::Value), [`Error::Cancelled`](crate::Error::Cancelled).
pub(crate) fn read_streamed<T: FileVoxel>(
    path: &Path,
    layout: &Layout,
    watch: Watch,
) -> Result<(Vec<T>, u64)> {
    let mut data = vec![T::default(); layout.values()];
    let (surplus, misfit_at) = std::thread::scope(|scope| {
        let (full, pieces) = sync_channel(AHEAD);
        let (done, spare) = channel();
        let out = &mut data[..];
        let decoder = scope.spawn(move || decode(layout, &pieces, &done, out));
        let surplus = unpack_pieces(path, layout, watch, |piece| {
            // The decoder takes every piece.
            let _ = full.send(piece);
            spare.try_recv().unwrap_or_default()
        });
        drop(full);
        let misfit_at = decoder
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        surplus.map(|surplus| (surplus, misfit_at))
    })?;
    match misfit_at {
        None => Ok((data, surplus)),
        Some((at, stored)) => {
            let [x, y, z] = layout.size;
            let (channel, voxel) = (at / (x * y * z), at % (x * y * z));
            let index = [voxel % x, voxel / x % y, voxel / (x * y)];
            Err(misfit::<T>(path, &stored, layout, index, channel))
        }
    }
}

/// Decodes pieces as they come; the first value that does not fit, with its number.
fn decode<T: FileVoxel>(
    layout: &Layout,
    pieces: &Receiver<Vec<u8>>,
    done: &Sender<Vec<u8>>,
    out: &mut [T],
) -> Option<(usize, Vec<u8>)> {
    let width = layout.voxel_type.bytes();
    let (mut at, mut found) = (0, None);
    while let Ok(piece) = pieces.recv() {
        let count = piece.len() / width;
        // After a value that does not fit the stream is still read to its end: a fault there explains the value.
        if found.is_none()
            && let Err(k) = convert(&piece, layout, &mut out[at..at + count])
        {
            found = Some((at + k, piece[k * width..][..width].to_vec()));
        }
        at += count;
        // The one that unpacks may have ended.
        let _ = done.send(piece);
    }
    found
}

/// Passes on the bytes of the voxels in pieces of whole voxels, each for a buffer for the next; how many bytes follow.
fn unpack_pieces(
    path: &Path,
    layout: &Layout,
    watch: Watch,
    mut pass: impl FnMut(Vec<u8>) -> Vec<u8>,
) -> Result<u64> {
    let mut stream = unpack(layout)?;
    let expected = layout.skip.saturating_add(layout.bytes());
    let work = watch.count("unpacking", expected);
    let mut at = 0;
    let mut fill = |buffer: &mut [u8]| {
        let mut filled = 0;
        while filled < buffer.len() {
            match stream.read(&mut buffer[filled..]) {
                Ok(0) => return Err(gzip::truncated(path, at, expected)),
                Ok(n) => {
                    filled += n;
                    at += n as u64;
                }
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(gzip::fault(path, at, expected, &source)),
            }
        }
        work.done(filled as u64)
    };
    let mut buffer = vec![0; PIECE];
    let mut rest = layout.skip;
    while rest > 0 {
        let piece = rest.min(PIECE as u64) as usize;
        fill(&mut buffer[..piece])?;
        rest -= piece as u64;
    }
    let mut rest = layout.bytes();
    while rest > 0 {
        // A multiple of every voxel's width.
        let piece = rest.min(PIECE as u64);
        buffer.resize(piece as usize, 0);
        fill(&mut buffer)?;
        buffer = pass(buffer);
        rest -= piece;
    }
    let surplus = stream.finish(gzip::most_behind(expected), watch);
    let surplus = surplus.map_err(|source| gzip::fault(path, expected, expected, &source))?;
    Ok(surplus.bytes())
}
