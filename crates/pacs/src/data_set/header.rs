//! Chosen elements of a data set, read from a stream of any length.

use super::walk::{Encoding, Walk};
use crate::classes::DEFLATED;
use crate::uid::unpadded;
use crate::{Error, Result};
use dicom_core::Tag;
use flate2::read::DeflateDecoder;
use std::collections::BTreeMap;
use std::io::Read;

/// Pixel data and what follows are never looked at.
const PIXELS: Tag = Tag(0x7FE0, 0x0008);

/// Deflated bytes may become a thousand times as many; what is chosen is within these.
const LONGEST_INFLATED: u64 = 64 << 20;

/// The values of chosen elements at the top level of a data set, as bytes.
///
/// Reading is bounded: values up to 65,536 bytes are held, others are passed over, sequences may be 32 levels deep.
///
/// ```
/// use vesalius_pacs::{EXPLICIT_LITTLE_ENDIAN, Header};
///
/// let modality = vesalius_pacs::Tag(0x0008, 0x0060);
/// let bytes = b"\x08\x00\x60\x00CS\x02\x00MR\xE0\x7F\x10\x00OW\x00\x00\xFF\xFF\xFF\xFF";
/// let header = Header::read(&bytes[..], EXPLICIT_LITTLE_ENDIAN, &[modality])?;
/// assert_eq!(header.text(modality), Some("MR".into()));
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    values: BTreeMap<(u16, u16), Vec<u8>>,
    is_big: bool,
}

impl Header {
    /// Reads the chosen elements of a data set in a transfer syntax, up to the last of them.
    ///
    /// # Errors
    /// [`Error::DataSet`] for bytes that are no data set, or end within an element.
    pub fn read(from: impl Read, syntax: &str, chosen: &[Tag]) -> Result<Self> {
        let read = match syntax {
            DEFLATED => {
                let mut inflated = DeflateDecoder::new(from).take(LONGEST_INFLATED);
                Self::walk(&mut inflated, syntax, chosen)
            }
            _ => {
                let mut from = from;
                Self::walk(&mut from, syntax, chosen)
            }
        };
        read.map_err(|error| Error::DataSet(error.to_string()))
    }

    fn walk(from: &mut dyn Read, syntax: &str, chosen: &[Tag]) -> std::io::Result<Self> {
        let encoding = Encoding::of(syntax);
        let mut walk = Walk::new(from, encoding);
        let last = chosen.iter().max().copied().unwrap_or(Tag(0, 0));
        let mut values = BTreeMap::new();
        while let Some(element) = walk.next()? {
            if element.tag > last || element.tag >= PIXELS {
                break;
            }
            if chosen.contains(&element.tag) {
                let key = (element.tag.0, element.tag.1);
                values.insert(key, walk.value(element)?);
            } else {
                walk.skip(element)?;
            }
        }
        Ok(Self {
            values,
            is_big: encoding.is_big,
        })
    }

    /// The bytes of a value.
    pub fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        self.values.get(&(tag.0, tag.1)).map(Vec::as_slice)
    }

    /// A value as text without padding. Bytes outside of ASCII are read as UTF-8, others are replaced: this is for
    /// identifiers, codes and comparisons.
    pub fn text(&self, tag: Tag) -> Option<String> {
        self.bytes(tag).map(unpadded)
    }

    /// The numbers of a decimal string.
    pub fn numbers(&self, tag: Tag) -> Option<Vec<f64>> {
        let text = self.text(tag)?;
        text.split('\\')
            .map(|part| part.trim().parse().ok())
            .collect()
    }

    /// A number of 16 bits.
    pub fn u16(&self, tag: Tag) -> Option<u16> {
        let bytes = *self.bytes(tag)?.first_chunk()?;
        Some(match self.is_big {
            true => u16::from_be_bytes(bytes),
            false => u16::from_le_bytes(bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN};

    const LAST: Tag = Tag(0x0020, 0x0013);

    fn explicit(tag: [u8; 4], vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
        let mut bytes = tag.to_vec();
        bytes.extend(vr);
        bytes.extend((value.len() as u16).to_le_bytes());
        bytes.extend(value);
        bytes
    }

    /// A sequence of undefined length in which are an item of undefined and one of defined length.
    fn sequence() -> Vec<u8> {
        let mut bytes = vec![0x08, 0, 0x40, 0x11];
        bytes.extend(b"SQ\0\0\xFF\xFF\xFF\xFF");
        bytes.extend([0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
        bytes.extend(explicit([0x20, 0, 0x13, 0], b"IS", b"9 "));
        bytes.extend([0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0]);
        bytes.extend([0xFE, 0xFF, 0, 0xE0, 2, 0, 0, 0, 1, 2]);
        bytes.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn elements_within_sequences_are_not_taken_for_those_of_the_top_level() {
        let mut bytes = sequence();
        bytes.extend(explicit([0x20, 0, 0x13, 0], b"IS", b"4 "));
        let header = Header::read(bytes.as_slice(), EXPLICIT_LITTLE_ENDIAN, &[LAST]).unwrap();
        assert_eq!(header.text(LAST).unwrap(), "4");
        assert_eq!(header.numbers(LAST).unwrap(), [4.0]);
    }

    #[test]
    fn bytes_cut_anywhere_and_lengths_of_gigabytes_end_in_an_error() {
        let mut bytes = sequence();
        bytes.extend(explicit([0x20, 0, 0x13, 0], b"IS", b"4 "));
        for length in 1..bytes.len() {
            let header = Header::read(&bytes[..length], EXPLICIT_LITTLE_ENDIAN, &[LAST]);
            assert!(
                header.is_err() || header.unwrap().text(LAST).is_none(),
                "{length}"
            );
        }
        let huge = [0x08, 0, 0x60, 0, 0xFE, 0xFF, 0xFF, 0xFF, b'M'];
        assert!(Header::read(&huge[..], IMPLICIT_LITTLE_ENDIAN, &[LAST]).is_err());
        let chosen = Tag(0x0008, 0x0060);
        assert!(Header::read(&huge[..], IMPLICIT_LITTLE_ENDIAN, &[chosen]).is_err());
    }

    #[test]
    fn sequences_without_an_end_of_depth_are_refused() {
        let mut bytes = Vec::new();
        for _ in 0..100_000 {
            bytes.extend([0x08, 0, 0x40, 0x11]);
            bytes.extend([0xFF; 4]);
            bytes.extend([0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
        }
        let read = Header::read(bytes.as_slice(), IMPLICIT_LITTLE_ENDIAN, &[LAST]);
        assert!(read.unwrap_err().to_string().contains("32 levels"));
    }
}
