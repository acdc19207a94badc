//! The voxels of a file with a text header, packed before the header is written: it names the size.

use crate::encode::Encoder;
use crate::gzip;
use crate::layout::Packing;
use crate::sink::Sink;
use crate::watch::{Watch, Work, cancelled, is_cancelled};
use crate::{Error, FileVoxel, Result, WriteOptions};
use std::io::{self, Write};
use vesalius_control::Control;

pub(crate) struct Body {
    pub bytes: Vec<u8>,
}

impl Body {
    /// Encodes all voxels, channels interleaved as ITK requires them, and packs them.
    pub fn new<T: FileVoxel>(
        encoder: &Encoder<T>,
        channels: usize,
        packing: Packing,
        options: &WriteOptions,
    ) -> Result<Self> {
        Self::pack(Self::encode(encoder)?, encoder, channels, packing, options)
    }

    /// The voxels as they are stored, channel after channel.
    pub fn encode<T: FileVoxel>(encoder: &Encoder<T>) -> Result<Vec<u8>> {
        let mut raw = vec![0; encoder.bytes()];
        encoder.encode(0, &mut raw)?;
        Ok(raw)
    }

    /// Interleaves channels and packs the voxels.
    pub fn pack<T: FileVoxel>(
        mut raw: Vec<u8>,
        encoder: &Encoder<T>,
        channels: usize,
        packing: Packing,
        options: &WriteOptions,
    ) -> Result<Self> {
        let width = encoder.voxel_type.bytes();
        if channels > 1 {
            raw = side_by_side(&raw, channels, width);
        }
        if packing == Packing::Raw {
            return Ok(Self { bytes: raw });
        }
        let mut bytes = Vec::new();
        let level = options.level(encoder.voxel_type);
        let work = encoder.watch().count("packing", raw.len() as u64);
        gzip::write_packed(&mut bytes, packing, level, raw.len(), |at, out| {
            work.done_stream(out.len() as u64)?;
            out.copy_from_slice(&raw[at..at + out.len()]);
            Ok(())
        })
        .map_err(|source: io::Error| match is_cancelled(&source) {
            true => cancelled(encoder.path),
            false => Error::Write {
                path: encoder.path.to_owned(),
                source,
            },
        })?;
        Ok(Self { bytes })
    }

    /// Writes header and voxels into one file, or the voxels first into a second file next to the header.
    pub fn write(
        &self,
        sink: &mut Sink<'_>,
        header: &str,
        detached: Option<&String>,
        control: Option<&Control>,
    ) -> Result<()> {
        let path = sink.path().to_owned();
        let work = Watch::new(&path, control).count("writing", self.bytes.len() as u64);
        if let Some(name) = detached {
            let beside = path.with_file_name(name);
            Sink::File(&beside).put(|writer| self.write_bytes(writer, &work))?;
        }
        sink.put(|writer| {
            writer.write_all(header.as_bytes())?;
            if detached.is_none() {
                self.write_bytes(writer, &work)?;
            }
            Ok(())
        })
    }
}

impl Body {
    fn write_bytes(&self, writer: &mut dyn Write, work: &Work) -> io::Result<()> {
        const PIECE: usize = 16 << 20;
        for piece in self.bytes.chunks(PIECE) {
            writer.write_all(piece)?;
            work.done_stream(piece.len() as u64)?;
        }
        Ok(())
    }
}

fn side_by_side(planes: &[u8], channels: usize, width: usize) -> Vec<u8> {
    let plane = planes.len() / channels;
    let mut out = Vec::with_capacity(planes.len());
    for at in (0..plane).step_by(width) {
        for channel in 0..channels {
            out.extend_from_slice(&planes[channel * plane + at..][..width]);
        }
    }
    out
}
