//! DICOM's data elements out of a file's bytes. Every length is checked against what the file holds
//! before it is used, and nesting has a limit; nothing is copied.

use super::tags;
use crate::{Error, Result};
use std::ops::Range;
use std::path::Path;

/// Deeper nesting of sequences is refused as hostile.
const DEEPEST: usize = 32;
const UNDEFINED: u32 = u32::MAX;
const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;

/// What an element holds.
#[derive(Debug)]
pub(super) enum Value {
    Bytes(Range<usize>),
    Items(Vec<DataSet>),
    /// Pieces of encapsulated pixel data, the offset table first.
    Fragments(Vec<Range<usize>>),
}

/// The kept elements of a data set.
#[derive(Debug, Default)]
pub(super) struct DataSet {
    elements: Vec<(u32, Value)>,
}

impl DataSet {
    pub fn get(&self, tag: u32) -> Option<&Value> {
        let found = self.elements.iter().find(|(t, _)| *t == tag);
        found.map(|(_, value)| value)
    }

    pub fn bytes<'a>(&self, file: &'a [u8], tag: u32) -> Option<&'a [u8]> {
        match self.get(tag)? {
            Value::Bytes(range) => file.get(range.clone()),
            _ => None,
        }
    }

    pub fn items(&self, tag: u32) -> &[DataSet] {
        match self.get(tag) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }

    /// The first item of a sequence.
    pub fn item(&self, tag: u32) -> Option<&DataSet> {
        self.items(tag).first()
    }
}

/// How elements are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Syntax {
    pub explicit: bool,
    pub big_endian: bool,
}

/// A cursor over the bytes of one file.
pub(super) struct Walker<'a> {
    pub path: &'a Path,
    pub bytes: &'a [u8],
    pub at: usize,
    pub syntax: Syntax,
    /// Whether an element is kept; the rest is skipped.
    pub kept: fn(u32) -> bool,
}

struct Header {
    tag: u32,
    sequence: bool,
    unknown: bool,
    length: u32,
}

impl Walker<'_> {
    fn truncated(&self, what: &str, expected: u64) -> Error {
        Error::Truncated {
            path: self.path.to_owned(),
            what: what.to_owned(),
            expected,
            offset: self.bytes.len() as u64,
        }
    }

    fn u16(&self, at: usize) -> u16 {
        let word = [self.bytes[at], self.bytes[at + 1]];
        match self.syntax.big_endian {
            true => u16::from_be_bytes(word),
            false => u16::from_le_bytes(word),
        }
    }

    fn u32(&self, at: usize) -> u32 {
        let word = [0, 1, 2, 3].map(|i| self.bytes[at + i]);
        match self.syntax.big_endian {
            true => u32::from_be_bytes(word),
            false => u32::from_le_bytes(word),
        }
    }

    /// The tag at the cursor, when there are enough bytes for one.
    pub fn peek(&self, end: usize) -> Option<u32> {
        (self.at + 8 <= end)
            .then(|| u32::from(self.u16(self.at)) << 16 | u32::from(self.u16(self.at + 2)))
    }

    fn header(&mut self, tag: u32, end: usize) -> Result<Header> {
        let at = self.at;
        if !self.syntax.explicit || tag >> 16 == 0xFFFE {
            self.at += 8;
            return Ok(Header {
                tag,
                sequence: tags::SEQUENCES.contains(&tag),
                unknown: false,
                length: self.u32(at + 4),
            });
        }
        let kind = [self.bytes[at + 4], self.bytes[at + 5]];
        if !kind.iter().all(u8::is_ascii_uppercase) {
            return Err(Error::header(
                self.path,
                format!("the value type of element {tag:08X} at byte {at}"),
                format!("{kind:02x?}"),
                "two capital letters",
            ));
        }
        let long = matches!(
            &kind,
            b"OB"
                | b"OD"
                | b"OF"
                | b"OL"
                | b"OV"
                | b"OW"
                | b"SQ"
                | b"SV"
                | b"UC"
                | b"UN"
                | b"UR"
                | b"UT"
                | b"UV"
        );
        let length = if long {
            if at + 12 > end {
                return Err(self.truncated("the header of an element", at as u64 + 12));
            }
            self.at += 12;
            self.u32(at + 8)
        } else {
            self.at += 8;
            self.u16(at + 6).into()
        };
        Ok(Header {
            tag,
            sequence: &kind == b"SQ" || &kind == b"UN" && tags::SEQUENCES.contains(&tag),
            unknown: &kind == b"UN",
            length,
        })
    }

    /// Steps over one element of defined length; returns where the next begins.
    pub fn skip_element(&mut self, end: usize) -> Result<usize> {
        if let Some(tag) = self.peek(end) {
            let header = self.header(tag, end)?;
            self.value(&header, end, 0, false)?;
        }
        Ok(self.at)
    }

    /// The elements before the first that cannot be read.
    pub fn data_set_until_damage(&mut self, end: usize) -> DataSet {
        let mut set = DataSet::default();
        while let Some(tag) = self.peek(end) {
            let kept = (self.kept)(tag);
            let read = self
                .header(tag, end)
                .and_then(|header| self.value(&header, end, 0, kept));
            match read {
                Ok(Some(value)) if kept => set.elements.push((tag, value)),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        set
    }

    /// Elements up to `end` or to the delimiter of an item of undefined length.
    pub fn data_set(&mut self, end: usize, depth: usize) -> Result<DataSet> {
        let mut set = DataSet::default();
        while let Some(tag) = self.peek(end) {
            let header = self.header(tag, end)?;
            if tag == ITEM_END || tag == SEQUENCE_END {
                break;
            }
            let kept = (self.kept)(tag);
            if let Some(value) = self.value(&header, end, depth, kept)?
                && kept
            {
                set.elements.push((tag, value));
            }
        }
        Ok(set)
    }

    fn value(
        &mut self,
        header: &Header,
        end: usize,
        depth: usize,
        kept: bool,
    ) -> Result<Option<Value>> {
        if header.length == UNDEFINED {
            if header.tag == tags::PIXELS && depth == 0 {
                return self.fragments(end).map(|list| Some(Value::Fragments(list)));
            }
            // Unknown values of undefined length are sequences without value types (CP-246).
            let before = self.syntax;
            if header.unknown {
                self.syntax = Syntax {
                    explicit: false,
                    big_endian: false,
                };
            }
            let items = self.items(end, depth, true);
            self.syntax = before;
            return Ok(Some(Value::Items(items?)));
        }
        let start = self.at;
        let stop = start as u64 + u64::from(header.length);
        if stop > end as u64 {
            let what = format!("element {:08X} at byte {start} and its value", header.tag);
            return Err(self.truncated(&what, stop));
        }
        let stop = stop as usize;
        if header.sequence && kept {
            let before = self.syntax;
            if header.unknown {
                self.syntax = Syntax {
                    explicit: false,
                    big_endian: false,
                };
            }
            let items = self.items(stop, depth, false);
            self.syntax = before;
            self.at = stop;
            return Ok(Some(Value::Items(items?)));
        }
        self.at = stop;
        Ok(Some(Value::Bytes(start..stop)))
    }

    fn items(&mut self, end: usize, depth: usize, undefined: bool) -> Result<Vec<DataSet>> {
        if depth >= DEEPEST {
            return Err(Error::header(
                self.path,
                format!("the sequence at byte {}", self.at),
                format!("nested {depth} deep"),
                format!("at most {DEEPEST} levels"),
            ));
        }
        let mut items = Vec::new();
        while let Some(tag) = self.peek(end) {
            let length = self.u32(self.at + 4);
            self.at += 8;
            if tag == SEQUENCE_END {
                return Ok(items);
            }
            if tag != ITEM {
                return Err(Error::header(
                    self.path,
                    format!("the sequence at byte {}", self.at - 8),
                    format!("element {tag:08X}"),
                    "an item or the sequence's end",
                ));
            }
            let stop = match length {
                UNDEFINED => end,
                _ => self.at.saturating_add(length as usize),
            };
            if stop > end {
                return Err(self.truncated("an item of a sequence", stop as u64));
            }
            items.push(self.data_set(stop, depth + 1)?);
            if length != UNDEFINED {
                self.at = stop;
            }
        }
        if undefined {
            return Err(self.truncated("the end of a sequence", end as u64 + 8));
        }
        Ok(items)
    }

    fn fragments(&mut self, end: usize) -> Result<Vec<Range<usize>>> {
        let mut list = Vec::new();
        while let Some(tag) = self.peek(end) {
            let length = self.u32(self.at + 4) as usize;
            self.at += 8;
            if tag == SEQUENCE_END {
                return Ok(list);
            }
            let stop = self.at.saturating_add(length);
            if tag != ITEM || stop > end {
                return Err(self.truncated("a fragment of the pixel data", stop as u64));
            }
            list.push(self.at..stop);
            self.at = stop;
        }
        // Some writers leave out the last delimiter; the fragments are all there.
        Ok(list)
    }
}
