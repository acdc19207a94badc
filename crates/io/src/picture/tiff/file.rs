//! A TIFF file's directory: its tags and where their numbers lie, both orders of bytes, 32 and 64 bits.

use crate::{Error, Result};
use std::path::Path;

/// The tags of a page: number, type, count, and where the numbers lie.
pub(super) type Entries = Vec<(u16, u16, u64, usize)>;

pub(super) struct TiffFile<'a> {
    pub path: &'a Path,
    bytes: &'a [u8],
    /// Whether the most significant byte comes first.
    pub big: bool,
    /// Whether offsets are of 64 bits.
    long: bool,
}

impl<'a> TiffFile<'a> {
    pub fn new(path: &'a Path, bytes: &'a [u8]) -> Result<Self> {
        let file = Self {
            path,
            bytes,
            big: bytes.starts_with(b"MM"),
            long: matches!(bytes.get(2..4), Some([43, 0] | [0, 43])),
        };
        file.number(if file.long { 8 } else { 4 }, file.wide())?;
        Ok(file)
    }

    fn wide(&self) -> usize {
        if self.long { 8 } else { 4 }
    }

    /// Where the first page's directory lies.
    pub fn first(&self) -> usize {
        let at = if self.long { 8 } else { 4 };
        // `new` has read it.
        self.number(at, self.wide()).unwrap_or(0) as usize
    }

    fn short(&self) -> Error {
        Error::header(self.path, "the TIFF", "cut short", "a whole TIFF file")
    }

    /// Bytes of the file.
    pub fn slice(&self, offset: u64, length: u64) -> Result<&'a [u8]> {
        let end = offset
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len() as u64);
        match end {
            Some(end) => Ok(&self.bytes[offset as usize..end as usize]),
            None => Err(Error::Truncated {
                path: self.path.to_owned(),
                what: "the pixels of a strip or tile".to_owned(),
                expected: offset.saturating_add(length),
                offset: self.bytes.len() as u64,
            }),
        }
    }

    fn number(&self, at: usize, width: usize) -> Result<u64> {
        let end = at.checked_add(width).ok_or_else(|| self.short())?;
        let bytes = self.bytes.get(at..end).ok_or_else(|| self.short())?;
        let join = |all: u64, &byte: &u8| all << 8 | u64::from(byte);
        Ok(match self.big {
            true => bytes.iter().fold(0, join),
            false => bytes.iter().rev().fold(0, join),
        })
    }

    /// The tags of the directory at a place, and the place of the next.
    pub fn entries(&self, at: usize) -> Result<(Entries, usize)> {
        let (counted, each) = if self.long { (8, 20) } else { (2, 12) };
        let count = self.number(at, counted)?;
        if count > 4096 {
            return Err(self.short());
        }
        let mut entries = Entries::new();
        for index in 0..count as usize {
            let entry = at.saturating_add(counted + index * each);
            let (tag, kind) = (
                self.number(entry, 2)?,
                self.number(entry.saturating_add(2), 2)?,
            );
            let count = self.number(entry.saturating_add(4), self.wide())?;
            let value = entry.saturating_add(4 + self.wide());
            let inline = count.saturating_mul(width(kind as u16) as u64) <= self.wide() as u64;
            let value = match inline {
                true => value,
                false => self.number(value, self.wide())? as usize,
            };
            entries.push((tag as u16, kind as u16, count, value));
        }
        let next = self.number(
            at.saturating_add(counted + count as usize * each),
            self.wide(),
        )?;
        Ok((entries, next as usize))
    }

    /// Whether a page has a tag.
    pub fn has(&self, entries: &Entries, tag: u16) -> bool {
        entries.iter().any(|entry| entry.0 == tag)
    }

    /// The first `most` numbers of a tag; none where it is absent.
    pub fn numbers(&self, entries: &Entries, tag: u16, most: usize) -> Result<Vec<u64>> {
        let Some(&(_, kind, count, at)) = entries.iter().find(|entry| entry.0 == tag) else {
            return Ok(Vec::new());
        };
        let width = width(kind);
        if width == 0 {
            return Err(self.short());
        }
        (0..usize::try_from(count).unwrap_or(most).min(most))
            .map(|i| self.number(at.saturating_add(i * width), width))
            .collect()
    }

    /// The bytes of a tag that holds bytes; none where it is absent.
    pub fn bytes_of(&self, entries: &Entries, tag: u16) -> Result<&'a [u8]> {
        let found = entries.iter().find(|entry| entry.0 == tag);
        match found.filter(|entry| width(entry.1) == 1) {
            Some(&(_, _, count, at)) => self.slice(at as u64, count),
            None => Ok(&[]),
        }
    }

    /// The first number of a tag, or what holds without it.
    pub fn one(&self, entries: &Entries, tag: u16, default: Option<u64>) -> Result<u64> {
        let found = self.numbers(entries, tag, 1)?.first().copied().or(default);
        let missing = || {
            Error::header(
                self.path,
                format!("tag {tag} of the TIFF"),
                "missing",
                "a number",
            )
        };
        found.ok_or_else(missing)
    }
}

/// Bytes of a number of a type: bytes, 16, 32 and 64 bits.
fn width(kind: u16) -> usize {
    match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 13 => 4,
        16..=18 => 8,
        _ => 0,
    }
}
