//! The voxel bytes of a layout: whole, or run by run without loading the whole file.

use crate::gzip::{self, Unpack};
use crate::layout::Packing;
use crate::{Error, Layout, Result, ascii};
use memmap2::Mmap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use vesalius_volume::check_memory;

/// The voxel bytes of a layout in memory.
pub(crate) struct Loaded {
    bytes: Vec<u8>,
    /// Where in them the voxels begin.
    first: usize,
    /// Bytes of the file that follow the voxels, where only reading tells.
    pub surplus: u64,
}

impl Loaded {
    /// The bytes of the voxels.
    pub fn voxels(&self) -> &[u8] {
        &self.bytes[self.first..]
    }
}

/// All voxel bytes of the layout; a packed stream is read to its last check sum.
pub(crate) fn read_all(layout: &Layout) -> Result<Loaded> {
    let bytes = layout.bytes();
    match layout.packing {
        Packing::Raw => {
            let each = bytes / layout.files.len() as u64;
            let mut all = Vec::with_capacity(bytes as usize);
            for i in 0..layout.files.len() {
                read_file(layout, i, each, &mut all)?;
            }
            Ok(Loaded {
                bytes: all,
                first: 0,
                // Told when the file was opened.
                surplus: 0,
            })
        }
        Packing::Gzip | Packing::Zlib => {
            let path = layout.file();
            // A large file behind a small header is as much of a bomb as the other way round.
            let there = std::fs::metadata(path).map_err(|e| Error::read(path, e))?;
            let length = usize::try_from(there.len()).unwrap_or(usize::MAX);
            check_memory("the packed file", [length, 1, 1], 1, 1, None)
                .map_err(|source| Error::volume(path, source))?;
            let packed = std::fs::read(path).map_err(|e| Error::read(path, e))?;
            let start = usize::try_from(layout.start).unwrap_or(usize::MAX);
            let packed = packed.get(start..).unwrap_or(&[]);
            let expected = layout.skip.saturating_add(bytes);
            let inflated = gzip::inflate(path, packed, expected, layout.packing)?;
            Ok(Loaded {
                bytes: inflated.bytes,
                first: layout.skip as usize,
                surplus: inflated.surplus.bytes(),
            })
        }
        Packing::Ascii => {
            let (bytes, surplus) = ascii::read(layout)?;
            Ok(Loaded {
                bytes,
                first: 0,
                surplus,
            })
        }
    }
}

fn read_file(layout: &Layout, i: usize, length: u64, all: &mut Vec<u8>) -> Result<()> {
    let path = &layout.files[i];
    let fail = |source| Error::read(path, source);
    let mut file = File::open(path).map_err(fail)?;
    file.seek(SeekFrom::Start(layout.start)).map_err(fail)?;
    let got = file.take(length).read_to_end(all).map_err(fail)? as u64;
    if got < length {
        return Err(layout.truncated(i, layout.start + length, layout.start + got));
    }
    Ok(())
}

/// The packed stream of a layout from its beginning.
fn unpack(layout: &Layout) -> Result<Unpack<BufReader<File>>> {
    let path = layout.file();
    let fail = |source| Error::read(path, source);
    let mut file = File::open(path).map_err(fail)?;
    file.seek(SeekFrom::Start(layout.start)).map_err(fail)?;
    let packed = BufReader::with_capacity(1 << 16, file);
    Ok(Unpack::new(packed, layout.packing))
}

/// Refuses a packed file that is too small to hold what its header announces, before anything is
/// allocated for it.
pub(crate) fn check_packed(layout: &Layout) -> Result<()> {
    if !matches!(layout.packing, Packing::Gzip | Packing::Zlib) {
        return Ok(());
    }
    let path = layout.file();
    let there = std::fs::metadata(path).map_err(|e| Error::read(path, e))?;
    let packed = there.len().saturating_sub(layout.start);
    let expected = layout.skip.saturating_add(layout.bytes());
    gzip::check_ratio(path, packed, &mut unpack(layout)?, expected)
}

/// Voxel bytes on demand, asked for in rising order.
pub(crate) enum Source {
    Mapped(Mmap),
    Whole(Loaded),
    Stream {
        reader: Unpack<BufReader<File>>,
        /// Bytes of the unpacked stream that are behind us.
        at: u64,
        buffer: Vec<u8>,
    },
}

impl Source {
    pub fn open(layout: &Layout) -> Result<Self> {
        let path = layout.file();
        let fail = |source| Error::read(path, source);
        if layout.files.len() > 1 || layout.packing == Packing::Ascii {
            return Ok(Self::Whole(read_all(layout)?));
        }
        let file = File::open(path).map_err(fail)?;
        let there = file.metadata().map_err(fail)?.len();
        if layout.packing == Packing::Raw {
            let expected = layout.start.saturating_add(layout.bytes());
            if there < expected {
                return Err(layout.truncated(0, expected, there));
            }
            // SAFETY: the map is read-only and as long as the file was a moment ago. A program that
            // shortens the file meanwhile would break any reader that maps files.
            return Ok(Self::Mapped(unsafe { Mmap::map(&file) }.map_err(fail)?));
        }
        check_packed(layout)?;
        let reader = unpack(layout)?;
        Ok(Self::Stream {
            reader,
            at: 0,
            buffer: Vec::new(),
        })
    }

    /// The voxel bytes from `offset` on; offsets rise from call to call.
    pub fn run(&mut self, layout: &Layout, offset: u64, length: usize) -> Result<&[u8]> {
        match self {
            Self::Mapped(map) => {
                let start = (layout.start + offset) as usize;
                Ok(&map[start..start + length])
            }
            Self::Whole(loaded) => Ok(&loaded.voxels()[offset as usize..offset as usize + length]),
            Self::Stream { reader, at, buffer } => {
                let start = layout.skip + offset;
                let wanted = start + length as u64;
                let fail = |at: u64, e: &io::Error| gzip::fault(layout.file(), at, wanted, e);
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
    /// where only reading tells.
    pub fn finish(&mut self, layout: &Layout) -> Result<u64> {
        match self {
            Self::Mapped(_) => Ok(0),
            Self::Whole(loaded) => Ok(loaded.surplus),
            Self::Stream { reader, at, .. } => {
                let expected = layout.skip.saturating_add(layout.bytes());
                let unread = expected.saturating_sub(*at);
                let most = unread.saturating_add(gzip::most_behind(expected));
                let found = reader.finish(most);
                let found =
                    found.map_err(|e| gzip::fault(layout.file(), expected, expected, &e))?;
                Ok(found.bytes().saturating_sub(unread))
            }
        }
    }
}
