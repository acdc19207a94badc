//! The voxels of a file with a text header, packed before the header is written where it names their size.

use crate::encode::Encoder;
use crate::gzip;
use crate::layout::Packing;
use crate::sink::Sink;
use crate::watch::{Watch, Work, cancelled, is_cancelled};
use crate::whole_file::{ByteOrder, Packed, write_file};
use crate::{Error, FileVoxel, Result, WriteOptions};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use vesalius_control::Control;

/// Bytes that are written between two checks for cancellation.
const PIECE: usize = 16 << 20;

/// Writes a header and voxels slab by slab: into one file, or the voxels first into a second file next to the header.
pub(crate) fn write_apart<T: FileVoxel>(
    sink: &mut Sink<'_>,
    header: &str,
    detached: Option<&String>,
    (encoder, packed): (&Encoder<T>, Packed),
    options: &WriteOptions,
) -> Result<()> {
    let (order, header) = (ByteOrder::Little, header.as_bytes());
    let Some(name) = detached else {
        return write_file(sink, header, Some(encoder), packed, order, options);
    };
    let beside = sink.path().with_file_name(name);
    let mut data = Sink::File(&beside);
    write_file(&mut data, &[], Some(encoder), packed, order, options)?;
    sink.put(|writer| writer.write_all(header))
}

/// Packed voxels.
pub(crate) struct Body {
    held: Held,
    pub length: u64,
}

/// Where they are until they are written.
enum Held {
    Memory(Vec<u8>),
    /// A file without a name, in the folder of the one that is written.
    File(File),
}

impl Body {
    /// Packs the voxels of one channel slab by slab; those that are made one after another are not kept in memory
    /// where a file is written.
    pub fn in_order<T: FileVoxel>(
        encoder: &Encoder<T>,
        packing: Packing,
        is_made: bool,
        sink: &Sink<'_>,
        options: &WriteOptions,
    ) -> Result<Self> {
        let failed = |source| Error::Write {
            path: encoder.path.to_owned(),
            source,
        };
        let mut held = match sink {
            Sink::File(path) if is_made => {
                let folder = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty());
                let file = tempfile::tempfile_in(folder.unwrap_or(Path::new(".")));
                Held::File(file.map_err(failed)?)
            }
            _ => Held::Memory(Vec::new()),
        };
        let writer: &mut dyn Write = match &mut held {
            Held::Memory(bytes) => bytes,
            Held::File(file) => file,
        };
        let mut stream = Sink::Stream {
            name: encoder.path,
            writer,
        };
        let (packed, order) = (Packed::Voxels(packing), ByteOrder::Little);
        write_file(&mut stream, &[], Some(encoder), packed, order, options)?;
        let length = match &mut held {
            Held::Memory(bytes) => bytes.len() as u64,
            Held::File(file) => {
                let length = file.stream_position().map_err(failed)?;
                file.rewind().map_err(failed)?;
                length
            }
        };
        Ok(Self { held, length })
    }

    fn in_memory(bytes: Vec<u8>) -> Self {
        Self {
            length: bytes.len() as u64,
            held: Held::Memory(bytes),
        }
    }

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
            return Ok(Self::in_memory(raw));
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
        Ok(Self::in_memory(bytes))
    }

    /// Writes header and voxels into one file, or the voxels first into a second file next to the header.
    pub fn write(
        mut self,
        sink: &mut Sink<'_>,
        header: &str,
        detached: Option<&String>,
        control: Option<&Control>,
    ) -> Result<()> {
        let path = sink.path().to_owned();
        let work = Watch::new(&path, control).count("writing", self.length);
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
    fn write_bytes(&mut self, writer: &mut dyn Write, work: &Work) -> io::Result<()> {
        let file = match &mut self.held {
            Held::Memory(bytes) => {
                for piece in bytes.chunks(PIECE) {
                    writer.write_all(piece)?;
                    work.done_stream(piece.len() as u64)?;
                }
                return Ok(());
            }
            Held::File(file) => file,
        };
        loop {
            match io::copy(&mut Read::take(&*file, PIECE as u64), writer)? {
                0 => return Ok(()),
                copied => work.done_stream(copied)?,
            }
        }
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
