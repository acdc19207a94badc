//! TIFF: one page of grey or colour, or several of grey as the slices of a stack; strips or tiles, as stored or
//! packed by LZW, deflate, PackBits or JPEG. Values are those of Python's `tifffile`. (The `tiff` crate would
//! change what `half` is built with, and Burn: the directory is read here, and what is packed by `weezl`, `flate2`
//! and `jpeg-decoder`.)

mod file;
mod page;
mod unpack;
mod write;

pub(super) use write::{bytes, spacing, write_spacing};

use super::{Budget, Picture};
use crate::{Error, Result};
use file::TiffFile;
use page::Page;
use std::collections::BTreeSet;
use std::path::Path;

/// Tags that are read.
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const STRIP_OFFSETS: u16 = 273;
const SAMPLES: u16 = 277;
const ROWS_PER_STRIP: u16 = 278;
const STRIP_BYTES: u16 = 279;
const PLANAR: u16 = 284;
const PREDICTOR: u16 = 317;
const TILE_WIDTH: u16 = 322;
const TILE_HEIGHT: u16 = 323;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTES: u16 = 325;
const SAMPLE_FORMAT: u16 = 339;
const JPEG_TABLES: u16 = 347;
/// Pages that a stack may have.
const MOST_PAGES: usize = 1 << 16;

pub(super) fn read(path: &Path, bytes: &[u8], budget: Budget) -> Result<Picture> {
    let file = TiffFile::new(path, bytes)?;
    let mut stack: Option<Picture> = None;
    let mut seen = BTreeSet::new();
    let mut next = file.first();
    while next != 0 {
        if !seen.insert(next) || seen.len() > MOST_PAGES {
            return Err(Error::header(
                path,
                "the TIFF's chain of pages",
                format!("{} pages without an end", seen.len()),
                "pages that follow each other once",
            ));
        }
        budget.watch.check()?;
        let (entries, after) = file.entries(next)?;
        next = after;
        let page = Page::new(&file, &entries, budget)?;
        let Some(stack) = &mut stack else {
            stack = Some(page.read(&file, &entries, budget)?);
            continue;
        };
        if stack.size[..2] != page.size || [stack.channels, page.channels] != [1, 1] {
            return Err(Error::unsupported(
                path,
                "a TIFF whose pages differ in size or are of colour",
                "give one page, or pages of grey of one size",
            ));
        }
        stack.size[2] += 1;
        budget.admit(path, &stack.size)?;
        stack
            .values
            .extend(page.read(&file, &entries, budget)?.values);
    }
    stack.ok_or_else(|| Error::header(path, "the TIFF", "no page", "at least one"))
}
