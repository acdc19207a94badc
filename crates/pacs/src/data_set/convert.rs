//! Data sets between explicit and implicit little-endian, element by element: values keep their bytes, whatever their
//! character set. Sequences get an undefined length, because the lengths of their items change.

use super::walk::{DEEPEST, Element, Encoding, ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, Walk, bad};
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use std::io::{self, ErrorKind, Read, Write};

/// Writes a data set of one uncompressed little-endian transfer syntax in the other.
pub(crate) fn convert(from: impl Read, syntax: &str, to: &mut dyn Write) -> io::Result<()> {
    let encoding = Encoding::of(syntax);
    let mut convert = Convert {
        walk: Walk::new(from, encoding),
        to,
        to_explicit: !encoding.is_explicit,
        is_signed: false,
    };
    while let Some(element) = convert.walk.next()? {
        convert.element(element, 0)?;
    }
    Ok(())
}

struct Convert<'a, R> {
    walk: Walk<R>,
    to: &'a mut dyn Write,
    to_explicit: bool,
    /// PixelRepresentation, on which the representation of some values depends.
    is_signed: bool,
}

impl<R: Read> Convert<'_, R> {
    fn element(&mut self, element: Element, depth: usize) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(bad("sequences more than 32 levels deep"));
        }
        let vr = match self.to_explicit {
            true => self.representation(element.tag),
            false => element.vr.unwrap_or(*b"UN"),
        };
        let is_sequence = &vr == b"SQ" || element.length == UNDEFINED;
        if is_sequence {
            let is_implicit = element.vr == Some(*b"UN");
            return self.sequence(element, is_implicit, depth);
        }
        self.header(element.tag, vr, element.length)?;
        if element.tag == tags::PIXEL_REPRESENTATION && element.length == 2 {
            let value = self.walk.value(element)?;
            self.is_signed = value.first() == Some(&1);
            return self.to.write_all(&value);
        }
        self.walk.copy(element.length, self.to)
    }

    fn sequence(&mut self, element: Element, is_implicit: bool, depth: usize) -> io::Result<()> {
        if matches!(element.vr, Some(vr) if &vr != b"SQ" && !is_implicit) {
            return Err(bad("compressed pixels, which are not converted"));
        }
        self.header(element.tag, *b"SQ", UNDEFINED)?;
        let outer = self.walk.encoding;
        self.walk.encoding.is_explicit &= !is_implicit;
        let end = self.end(element.length)?;
        while self.walk.position < end {
            let item = self.walk.next()?.ok_or(ErrorKind::UnexpectedEof)?;
            match item.tag {
                SEQUENCE_END if end == u64::MAX => break,
                ITEM => self.item(item, depth + 1)?,
                _ => return Err(bad("an element between the items of a sequence")),
            }
        }
        self.walk.encoding = outer;
        self.delimiter(SEQUENCE_END, 0)
    }

    fn item(&mut self, item: Element, depth: usize) -> io::Result<()> {
        self.delimiter(ITEM, UNDEFINED)?;
        let end = self.end(item.length)?;
        while self.walk.position < end {
            let element = self.walk.next()?.ok_or(ErrorKind::UnexpectedEof)?;
            if element.tag == ITEM_END {
                break;
            }
            self.element(element, depth)?;
        }
        self.delimiter(ITEM_END, 0)
    }

    /// The place where something of this length ends; none for an undefined length.
    fn end(&self, length: u32) -> io::Result<u64> {
        match length {
            UNDEFINED => Ok(u64::MAX),
            length => Ok(self.walk.position + u64::from(length)),
        }
    }

    fn header(&mut self, tag: Tag, vr: [u8; 2], length: u32) -> io::Result<()> {
        let mut bytes = tag.0.to_le_bytes().to_vec();
        bytes.extend(tag.1.to_le_bytes());
        match (self.to_explicit, u16::try_from(length)) {
            (false, _) => bytes.extend(length.to_le_bytes()),
            (true, Ok(short)) if !super::walk::is_long(&vr) => {
                bytes.extend(vr);
                bytes.extend(short.to_le_bytes());
            }
            // A value that is too long for its representation is of an unknown one (PS3.5 6.2.2).
            (true, _) => {
                bytes.extend(if super::walk::is_long(&vr) {
                    vr
                } else {
                    *b"UN"
                });
                bytes.extend([0, 0]);
                bytes.extend(length.to_le_bytes());
            }
        }
        self.to.write_all(&bytes)
    }

    fn delimiter(&mut self, tag: Tag, length: u32) -> io::Result<()> {
        let mut bytes = tag.0.to_le_bytes().to_vec();
        bytes.extend(tag.1.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        self.to.write_all(&bytes)
    }

    /// The value representation of an attribute by the dictionary of the standard.
    fn representation(&self, tag: Tag) -> [u8; 2] {
        let Tag(group, number) = tag;
        if number == 0 {
            return *b"UL";
        }
        if group % 2 == 1 && (0x0010..0x0100).contains(&number) {
            return *b"LO";
        }
        let Some(entry) = StandardDataDictionary.by_tag(tag) else {
            return *b"UN";
        };
        match entry.vr() {
            VirtualVr::Exact(vr) => vr.to_bytes(),
            VirtualVr::Xs if self.is_signed => VR::SS.to_bytes(),
            VirtualVr::Xs => VR::US.to_bytes(),
            // In implicit little-endian, pixels and tables are words.
            _ => VR::OW.to_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN};

    fn explicit() -> Vec<u8> {
        let mut bytes =
            b"\x08\x00\x05\x00CS\x0A\x00ISO_IR 100\x08\x00\x60\x00CS\x02\x00MR".to_vec();
        // A sequence with an item that has a private attribute and another sequence.
        bytes.extend(b"\x08\x00\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
        bytes.extend(b"\x09\x00\x10\x00LO\x04\x00ACME\x09\x00\x01\x10UN\0\0\x02\0\0\0xy");
        bytes.extend(b"\x40\x00\x75\xA3SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\xDD\xE0\0\0\0\0");
        bytes.extend(b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
        bytes.extend(b"\x10\x00\x10\x00PN\x06\x00M\xFCller\x28\x00\x03\x01US\x02\x00\x01\x00");
        bytes.extend(b"\x28\x00\x06\x01SS\x02\x00\xFF\xFF\xE0\x7F\x10\x00OW\0\0\x04\0\0\0abcd");
        bytes
    }

    fn to_other(bytes: &[u8], syntax: &str) -> io::Result<Vec<u8>> {
        let mut to = Vec::new();
        convert(bytes, syntax, &mut to).map(|()| to)
    }

    #[test]
    fn there_and_back_every_byte_is_the_same() {
        let implicit = to_other(&explicit(), EXPLICIT_LITTLE_ENDIAN).unwrap();
        assert!(!implicit.windows(2).any(|two| two == b"SQ" || two == b"OW"));
        let back = to_other(&implicit, IMPLICIT_LITTLE_ENDIAN).unwrap();
        assert!(back == explicit(), "{back:?}");
    }

    #[test]
    fn sequences_of_defined_length_get_an_undefined_one() {
        let mut bytes = b"\x08\x00\x40\x11SQ\0\0\x12\0\0\0\xFE\xFF\x00\xE0\x0A\0\0\0".to_vec();
        bytes.extend(b"\x08\x00\x60\x00CS\x02\x00MR\x08\x00\x70\x00LO\x02\x00ab");
        let implicit = to_other(&bytes, EXPLICIT_LITTLE_ENDIAN).unwrap();
        let expected = b"\x08\x00\x40\x11\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF\x08\x00\x60\x00\x02\0\0\0MR\
            \xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0\x08\x00\x70\x00\x02\0\0\0ab";
        assert!(implicit == expected, "{implicit:?}");
    }

    #[test]
    fn cut_data_sets_are_refused() {
        let bytes = explicit();
        let ends: Vec<_> = (1..bytes.len())
            .filter(|&k| to_other(&bytes[..k], EXPLICIT_LITTLE_ENDIAN).is_ok())
            .collect();
        assert!(
            ends.len() <= 6,
            "only between elements of the top level: {ends:?}"
        );
    }
}
