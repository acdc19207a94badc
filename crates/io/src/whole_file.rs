//! Files of a header and the voxels behind it, channel after channel, compressed or not.

use crate::encode::Encoder;
use crate::layout::Packing;
use crate::sink::Sink;
use crate::{FileVoxel, Result, WriteOptions, gzip};
use std::io;

/// Voxels encoded at a time when the file is not compressed.
const SLAB: usize = 1 << 22;

/// The order of the bytes of a voxel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

/// What of a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packed {
    Nothing,
    /// Header and voxels together, by gzip.
    All,
    /// The voxels.
    Voxels(Packing),
}

/// Writes the header's bytes and the voxels behind them, slab by slab.
pub(crate) fn write_file<T: FileVoxel>(
    sink: &mut Sink<'_>,
    head: &[u8],
    voxels: Option<&Encoder<T>>,
    packed: Packed,
    order: ByteOrder,
    options: &WriteOptions,
) -> Result<()> {
    let mut misfit = None;
    let body = voxels.map_or(0, Encoder::bytes);
    let voxel_type = voxels.map_or(T::TYPE, |encoder| encoder.voxel_type);
    let stage = match packed {
        Packed::Voxels(_) => "packing",
        Packed::Nothing | Packed::All => "writing",
    };
    let work = voxels.map(|encoder| encoder.watch().count(stage, body as u64));
    let mut encode = |first_byte: usize, out: &mut [u8]| {
        // A header alone is not cancelled: the voxels that it belongs to are there.
        let (Some(encoder), Some(work)) = (voxels, &work) else {
            return Ok(());
        };
        work.done_stream(out.len() as u64)?;
        let width = encoder.voxel_type.bytes();
        encoder.encode(first_byte / width, out).map_err(|error| {
            misfit = Some(error);
            io::Error::other("a value does not fit")
        })?;
        if order == ByteOrder::Big {
            out.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        Ok(())
    };
    let written = sink.put(|writer| {
        let level = options.level(voxel_type);
        if packed == Packed::All {
            let length = head.len() + body;
            return gzip::write_packed(writer, Packing::Gzip, level, length, |at, out| {
                let rest = head.get(at..).unwrap_or(&[]);
                let (front, back) = out.split_at_mut(rest.len().min(out.len()));
                front.copy_from_slice(&rest[..front.len()]);
                encode((at + front.len()).saturating_sub(head.len()), back)
            });
        }
        writer.write_all(head)?;
        if let Packed::Voxels(packing @ (Packing::Gzip | Packing::Zlib)) = packed {
            return gzip::write_packed(writer, packing, level, body, encode);
        }
        let mut slab = vec![0; SLAB.min(body)];
        for at in (0..body).step_by(SLAB) {
            let part = &mut slab[..SLAB.min(body - at)];
            encode(at, part)?;
            writer.write_all(part)?;
        }
        Ok(())
    });
    match misfit {
        Some(error) => Err(error),
        None => written,
    }
}
