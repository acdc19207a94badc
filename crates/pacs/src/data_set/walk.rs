//! Walks over the elements of a data set as it is read, without holding it: memory is taken for values that are asked
//! for, and for no more bytes than are there.

use crate::classes::{EXPLICIT_BIG_ENDIAN, IMPLICIT_LITTLE_ENDIAN};
use dicom_core::Tag;
use std::io::{self, Error, ErrorKind, Read, Write};

/// Sequences in sequences beyond this are refused.
pub(super) const DEEPEST: usize = 32;
/// Values longer than this are not held.
const LONGEST: u32 = 1 << 16;
pub(super) const UNDEFINED: u32 = u32::MAX;
pub(super) const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub(super) const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
pub(super) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// How elements are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub is_explicit: bool,
    pub is_big: bool,
}

impl Encoding {
    pub const EXPLICIT: Self = Self {
        is_explicit: true,
        is_big: false,
    };

    /// Of a transfer syntax. Compression of pixels does not change it.
    pub fn of(syntax: &str) -> Self {
        Self {
            is_explicit: syntax != IMPLICIT_LITTLE_ENDIAN,
            is_big: syntax == EXPLICIT_BIG_ENDIAN,
        }
    }
}

/// The header of an element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element {
    pub tag: Tag,
    pub length: u32,
    /// The value representation, in explicit encoding.
    pub vr: Option<[u8; 2]>,
}

/// A reader at the start of an element.
pub(crate) struct Walk<R> {
    from: R,
    pub encoding: Encoding,
    /// Bytes read so far.
    pub position: u64,
}

pub(super) fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// Whether the length of values of a representation has 32 bits.
pub(super) fn is_long(vr: &[u8; 2]) -> bool {
    matches!(
        vr,
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
    )
}

impl<R: Read> Walk<R> {
    pub fn new(from: R, encoding: Encoding) -> Self {
        Self {
            from,
            encoding,
            position: 0,
        }
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.position += N as u64;
        Ok(bytes)
    }

    fn u16(&mut self) -> io::Result<u16> {
        let bytes = self.bytes()?;
        Ok(match self.encoding.is_big {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        })
    }

    fn u32(&mut self) -> io::Result<u32> {
        let bytes = self.bytes()?;
        Ok(match self.encoding.is_big {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        })
    }

    /// The next element's header; nothing at the end of the bytes.
    pub fn next(&mut self) -> io::Result<Option<Element>> {
        self.next_in(None)
    }

    /// The next element's header, if it is of this group; the elements of other groups may be encoded in another way.
    pub fn next_in(&mut self, wanted: Option<u16>) -> io::Result<Option<Element>> {
        let mut first = [0];
        loop {
            match self.from.read(&mut first) {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.position += 1;
        let [second] = self.bytes()?;
        let group = match self.encoding.is_big {
            true => u16::from_be_bytes([first[0], second]),
            false => u16::from_le_bytes([first[0], second]),
        };
        if wanted.is_some_and(|wanted| wanted != group) {
            return Ok(None);
        }
        let tag = Tag(group, self.u16()?);
        self.rest(tag).map(Some)
    }

    fn rest(&mut self, tag: Tag) -> io::Result<Element> {
        if tag.0 == 0xFFFE || !self.encoding.is_explicit {
            let length = self.u32()?;
            return Ok(Element {
                tag,
                length,
                vr: None,
            });
        }
        let vr: [u8; 2] = self.bytes()?;
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return Err(bad("an element without a value representation"));
        }
        let length = match is_long(&vr) {
            true => {
                self.bytes::<2>()?;
                self.u32()?
            }
            false => self.u16()?.into(),
        };
        Ok(Element {
            tag,
            length,
            vr: Some(vr),
        })
    }

    /// The value of the element whose header came last.
    pub fn value(&mut self, element: Element) -> io::Result<Vec<u8>> {
        if element.length > LONGEST {
            return Err(bad("a value that is longer than such a value can be"));
        }
        let mut value = Vec::new();
        let mut part = (&mut self.from).take(element.length.into());
        let read = part.read_to_end(&mut value)? as u64;
        self.position += read;
        match read == u64::from(element.length) {
            true => Ok(value),
            false => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Passes the next bytes on.
    pub fn copy(&mut self, length: u32, to: &mut dyn Write) -> io::Result<()> {
        let mut part = (&mut self.from).take(length.into());
        let copied = io::copy(&mut part, to)?;
        self.position += copied;
        match copied == u64::from(length) {
            true => Ok(()),
            false => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Goes behind the element whose header came last.
    pub fn skip(&mut self, element: Element) -> io::Result<()> {
        self.skip_at(element, 0)
    }

    fn skip_at(&mut self, element: Element, depth: usize) -> io::Result<()> {
        if element.length != UNDEFINED {
            return self.copy(element.length, &mut io::sink());
        }
        if depth >= DEEPEST {
            return Err(bad("sequences more than 32 levels deep"));
        }
        // An unknown value of undefined length is a sequence in implicit encoding (PS3.5 6.2.2).
        let outer = self.encoding;
        self.encoding.is_explicit &= element.vr != Some(*b"UN");
        let skipped = self.skip_items(depth);
        self.encoding = outer;
        skipped
    }

    fn skip_items(&mut self, depth: usize) -> io::Result<()> {
        loop {
            let item = self.next()?.ok_or(ErrorKind::UnexpectedEof)?;
            match item.tag {
                SEQUENCE_END => return Ok(()),
                ITEM if item.length != UNDEFINED => self.skip_at(item, depth + 1)?,
                ITEM => self.skip_elements(depth + 1)?,
                _ => return Err(bad("an element between the items of a sequence")),
            }
        }
    }

    fn skip_elements(&mut self, depth: usize) -> io::Result<()> {
        loop {
            let element = self.next()?.ok_or(ErrorKind::UnexpectedEof)?;
            if element.tag == ITEM_END {
                return Ok(());
            }
            self.skip_at(element, depth)?;
        }
    }
}
