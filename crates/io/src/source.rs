//! The voxel bytes of a layout: whole, or run by run without loading the whole file.

use crate::gzip::{self, Unpack};
use crate::layout::Packing;
use crate::place::{Bytes, Place, Stream};
use crate::stored_order::put_in_order;
use crate::watch::{Watch, Work};
use crate::{Error, Layout, Result, ascii, bzip, hex};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use vesalius_volume::check_memory;

/// The voxel bytes of a layout in memory.
pub(crate) struct Loaded {
    bytes: Bytes,
    /// Where in them the voxels begin.
    first: usize,
    /// Bytes of the voxels.
    length: usize,
    /// Bytes of the file that follow the voxels, where only reading finds them.
    pub surplus: u64,
}

impl Loaded {
    /// The bytes of the voxels.
    pub fn voxels(&self) -> &[u8] {
        &self.bytes[self.first..self.first + self.length]
    }
}

/// All voxel bytes of the layout; a packed stream is read to its last check sum.
pub(crate) fn read_all(layout: &Layout, watch: Watch) -> Result<Loaded> {
    let length = layout.bytes() as usize;
    let (bytes, first, surplus) = match layout.packing {
        _ if layout.files.len() > 1 && layout.packing != Packing::Raw => {
            let (bytes, surplus) = read_each(layout, watch)?;
            (Bytes::Owned(bytes), 0, surplus)
        }
        // Bytes after them were reported when the file was opened.
        Packing::Raw => {
            let (bytes, first) = read_raw(layout, watch)?;
            (bytes, first, 0)
        }
        Packing::Gzip | Packing::Zlib | Packing::Zstd => {
            let file = layout.file();
            let packed = read_packed(file, watch)?;
            let start = usize::try_from(layout.start).unwrap_or(usize::MAX);
            let packed = packed.get(start..).unwrap_or(&[]);
            let expected = layout.skip.saturating_add(layout.bytes());
            let inflated = gzip::inflate(file.path(), packed, expected, layout.packing, watch)?;
            let (bytes, first) = (Bytes::Owned(inflated.bytes), layout.skip as usize);
            (bytes, first, inflated.surplus.bytes())
        }
        Packing::Bzip2 => {
            let (bytes, surplus) = bzip::read(layout, watch)?;
            (Bytes::Owned(bytes), 0, surplus)
        }
        Packing::Ascii => {
            let (bytes, surplus) = ascii::read(layout)?;
            (Bytes::Owned(bytes), 0, surplus)
        }
        Packing::Hex => {
            let (bytes, surplus) = hex::read(layout)?;
            (Bytes::Owned(bytes), 0, surplus)
        }
    };
    let (bytes, first) = match layout.order {
        Some(order) => {
            let axes = (layout.size, layout.channels);
            let stored = &bytes[first..first + length];
            let sorted = put_in_order(stored, order, axes, layout.voxel_type.bytes());
            (Bytes::Owned(sorted), 0)
        }
        None => (bytes, first),
    };
    Ok(Loaded {
        bytes,
        first,
        length,
        surplus,
    })
}

/// The voxels of several packed files, each of which holds an equal share, and how many bytes follow them.
fn read_each(layout: &Layout, watch: Watch) -> Result<(Vec<u8>, u64)> {
    let share = layout.values() / layout.files.len();
    let (mut all, mut surplus) = (Vec::new(), 0);
    for file in &layout.files {
        let part = Layout {
            files: vec![file.clone()],
            size: [share, 1, 1],
            channels: 1,
            order: None,
            ..layout.clone()
        };
        check_packed(&part)?;
        let loaded = read_all(&part, watch)?;
        all.extend_from_slice(loaded.voxels());
        surplus += loaded.surplus;
    }
    Ok((all, surplus))
}

/// The packed bytes of a file.
fn read_packed(file: &Place, watch: Watch) -> Result<Bytes> {
    if file.is_in_memory() {
        return file.bytes();
    }
    let length = file.length()?;
    // A large file after a small header can exhaust memory just as a small file with a large header can.
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    check_memory("the packed file", [size, 1, 1], 1, 1, None)
        .map_err(|source| Error::volume(file.path(), source))?;
    let mut bytes = Vec::with_capacity(size);
    let work = watch.count("reading", length);
    read_up_to(file, 0, length, &mut bytes, &work)?;
    Ok(Bytes::Owned(bytes))
}

/// Voxels that are not packed, and where in the bytes they begin.
fn read_raw(layout: &Layout, watch: Watch) -> Result<(Bytes, usize)> {
    let bytes = layout.bytes();
    if let [file] = &layout.files[..]
        && file.is_in_memory()
    {
        let (there, expected) = (file.length()?, layout.start.saturating_add(bytes));
        return match there < expected {
            true => Err(layout.truncated(0, expected, there)),
            false => Ok((file.bytes()?, layout.start as usize)),
        };
    }
    let each = bytes / layout.files.len() as u64;
    let mut all = Vec::with_capacity(bytes as usize);
    let work = watch.count("reading", bytes);
    for i in 0..layout.files.len() {
        read_file(layout, i, each, &mut all, &work)?;
    }
    Ok((Bytes::Owned(all), 0))
}

fn read_file(layout: &Layout, i: usize, length: u64, all: &mut Vec<u8>, work: &Work) -> Result<()> {
    let file = &layout.files[i];
    let got = read_up_to(file, layout.start, length, all, work)?;
    if got < length {
        return Err(layout.truncated(i, layout.start + length, layout.start + got));
    }
    Ok(())
}

/// Appends up to `length` bytes from `start` on; how many there were.
fn read_up_to(
    file: &Place,
    start: u64,
    length: u64,
    all: &mut Vec<u8>,
    work: &Work,
) -> Result<u64> {
    const PIECE: u64 = 16 << 20;
    let mut stream = file.open_at(start)?;
    let mut got = 0;
    while got < length {
        let piece = PIECE.min(length - got);
        let read = stream.by_ref().take(piece).read_to_end(all);
        let read = read.map_err(|source| Error::read(file.path(), source))? as u64;
        got += read;
        work.done(read)?;
        if read < piece {
            break;
        }
    }
    Ok(got)
}

/// The packed stream of a layout from its beginning.
pub(crate) fn unpack(layout: &Layout) -> Result<Unpack<BufReader<Stream>>> {
    let packed = layout.file().open_at(layout.start)?;
    let packed = BufReader::with_capacity(1 << 16, packed);
    Ok(Unpack::new(packed, layout.packing))
}

/// Refuses a packed file that is too small to hold what its header announces, before anything is
/// allocated for it.
pub(crate) fn check_packed(layout: &Layout) -> Result<()> {
    // Several files are checked one by one when they are read.
    if !layout.packing.is_stream() || layout.files.len() > 1 {
        return Ok(());
    }
    let file = layout.file();
    let packed = file.length()?.saturating_sub(layout.start);
    let expected = layout.skip.saturating_add(layout.bytes());
    let mut stream = unpack(layout)?;
    gzip::check_ratio(file.path(), packed, &mut stream, expected, layout.packing)
}

/// Voxel bytes on demand, requested in rising order.
pub(crate) enum Source {
    Mapped(Bytes),
    /// A file that is not packed, read run by run: the pages of a map would count as memory of the process.
    File {
        file: File,
        buffer: Vec<u8>,
    },
    Whole(Loaded),
    Stream {
        reader: Unpack<BufReader<Stream>>,
        /// Bytes of the unpacked stream that were read.
        at: u64,
        buffer: Vec<u8>,
    },
}

impl Source {
    pub fn open(layout: &Layout, watch: Watch) -> Result<Self> {
        if layout.is_loaded_whole() {
            return Ok(Self::Whole(read_all(layout, watch)?));
        }
        if layout.packing == Packing::Raw {
            let bytes = layout.file().map()?;
            let (there, expected) = (
                bytes.len() as u64,
                layout.start.saturating_add(layout.bytes()),
            );
            return match there < expected {
                true => Err(layout.truncated(0, expected, there)),
                false => Ok(Self::Mapped(bytes)),
            };
        }
        check_packed(layout)?;
        let reader = unpack(layout)?;
        Ok(Self::Stream {
            reader,
            at: 0,
            buffer: Vec::new(),
        })
    }

    /// As [`Source::open`], for all voxels from the first to the last.
    pub fn open_in_order(layout: &Layout, watch: Watch) -> Result<Self> {
        let source = Self::open(layout, watch)?;
        match (&source, layout.file().open_at(0)?) {
            (Self::Mapped(Bytes::Mapped(_)), Stream::File(file)) => Ok(Self::File {
                file,
                buffer: Vec::new(),
            }),
            _ => Ok(source),
        }
    }

    /// The voxel bytes from `offset` on; offsets rise from call to call.
    pub fn run(&mut self, layout: &Layout, offset: u64, length: usize) -> Result<&[u8]> {
        match self {
            Self::Mapped(map) => {
                let start = (layout.start + offset) as usize;
                Ok(&map[start..start + length])
            }
            Self::File { file, buffer } => {
                buffer.resize(length, 0);
                let read = file.seek(SeekFrom::Start(layout.start + offset));
                let read = read.and_then(|_| file.read_exact(buffer));
                read.map_err(|source| Error::read(layout.file().path(), source))?;
                Ok(buffer)
            }
            Self::Whole(loaded) => Ok(&loaded.voxels()[offset as usize..offset as usize + length]),
            Self::Stream { reader, at, buffer } => {
                let start = layout.skip + offset;
                let wanted = start + length as u64;
                let fail =
                    |at: u64, e: &io::Error| gzip::fault(layout.file().path(), at, wanted, e);
                while *at < start {
                    let gap = (start - *at).min(1 << 16) as usize;
                    buffer.resize(gap.max(buffer.len()), 0);
                    reader
                        .read_exact(&mut buffer[..gap])
                        .map_err(|e| fail(*at, &e))?;
                    *at += gap as u64;
                }
                buffer.resize(length, 0);
                reader.read_exact(buffer).map_err(|e| fail(*at, &e))?;
                *at = wanted;
                Ok(buffer)
            }
        }
    }

    /// Reads on to the end, so that the last check sum is checked; how many bytes follow the voxels,
    /// where only reading finds them.
    pub fn finish(&mut self, layout: &Layout, watch: Watch) -> Result<u64> {
        match self {
            Self::Mapped(_) | Self::File { .. } => Ok(0),
            Self::Whole(loaded) => Ok(loaded.surplus),
            Self::Stream { reader, at, .. } => {
                let expected = layout.skip.saturating_add(layout.bytes());
                let unread = expected.saturating_sub(*at);
                let most = unread.saturating_add(gzip::most_behind(expected));
                let found = reader.finish(most, watch);
                let found =
                    found.map_err(|e| gzip::fault(layout.file().path(), expected, expected, &e))?;
                Ok(found.bytes().saturating_sub(unread))
            }
        }
    }
}
