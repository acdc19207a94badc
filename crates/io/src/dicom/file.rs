//! One DICOM file: preamble, transfer syntax, data set; values as text and numbers.

use super::charset::CharacterSets;
use super::element::{DataSet, Syntax, Walker};
use super::sidecar::describing;
use super::{packed, tags};
use crate::place::{Bytes, Place};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A DICOM file, read through once.
pub(super) struct DicomFile {
    pub path: PathBuf,
    pub place: Arc<Place>,
    bytes: Bytes,
    /// Where the data set begins.
    start: usize,
    pub set: DataSet,
    pub syntax: Syntax,
    pub transfer_syntax: String,
    sets: CharacterSets,
}

/// Whether the bytes begin a DICOM file, with its preamble or without.
pub(crate) fn detect(head: &[u8]) -> bool {
    head.get(128..132) == Some(b"DICM") || guess(head).is_some()
}

/// The syntax of a file without preamble, from its first element, which is of group 2 or 8.
fn guess(head: &[u8]) -> Option<Syntax> {
    let [g0, g1, e0, e1, v0, v1, l0, l1] = *head.first_chunk::<8>()?;
    let letters = v0.is_ascii_uppercase() && v1.is_ascii_uppercase();
    match (g0, g1) {
        (2 | 8, 0) if letters => Some(Syntax {
            explicit: true,
            big_endian: false,
        }),
        (0, 2 | 8) if letters && e0 == 0 => Some(Syntax {
            explicit: true,
            big_endian: true,
        }),
        // A short first value, as all of those in group 8 are.
        (8, 0) if e1 == 0 && v1 == 0 && l0 == 0 && l1 == 0 && e0 <= 0x18 => Some(Syntax {
            explicit: false,
            big_endian: false,
        }),
        _ => None,
    }
}

const EXPLICIT_LITTLE: Syntax = Syntax {
    explicit: true,
    big_endian: false,
};

impl DicomFile {
    /// The elements of a damaged file, as far as they can be read; `None` where none can.
    pub fn open_damaged(place: &Place, limit: u64) -> Option<Self> {
        Self::read(place, limit, tags::is_kept, |walker, end| {
            Ok(walker.data_set_until_damage(end))
        })
        .ok()
    }

    /// Reads the file's elements; pixel data stay in the file. `limit` bounds what a deflated file
    /// may unpack to.
    pub fn open(place: &Place, limit: u64) -> Result<Self> {
        Self::read(place, limit, tags::is_kept, |walker, end| {
            walker.data_set(end, 0)
        })
    }

    /// As [`DicomFile::open`], with the elements that describe the acquisition.
    pub fn open_described(place: &Place, limit: u64) -> Result<Self> {
        let kept = |tag| tags::is_kept(tag) || describing::is_kept(tag);
        Self::read(place, limit, kept, |walker, end| walker.data_set(end, 0))
    }

    fn read(
        place: &Place,
        limit: u64,
        kept: fn(u32) -> bool,
        elements: impl Fn(&mut Walker, usize) -> Result<DataSet>,
    ) -> Result<Self> {
        let path = place.path();
        let map = packed::unpacked(path, place.map()?, limit)?;
        if map.is_empty() {
            return Err(Error::NotAnImage {
                path: path.to_owned(),
                found: "nothing (it is empty)".to_owned(),
            });
        }
        let (syntax, transfer_syntax, start) = read_meta(path, &map)?;
        let deflated = transfer_syntax == "1.2.840.10008.1.2.1.99";
        let (bytes, start) = if deflated {
            (
                Bytes::Owned(packed::inflate(path, &map[start..], limit)?),
                0,
            )
        } else {
            (map, start)
        };
        let mut walker = Walker {
            path,
            bytes: &bytes,
            at: start,
            syntax,
            kept,
        };
        let set = elements(&mut walker, bytes.len())?;
        let declared = set.bytes(&bytes, tags::CHARACTER_SET);
        let sets = declared.map_or_else(CharacterSets::default, |value| {
            CharacterSets::declared(&CharacterSets::default().decode(value))
        });
        Ok(Self {
            start,
            path: path.to_owned(),
            place: Arc::new(place.clone()),
            bytes,
            set,
            syntax,
            transfer_syntax,
            sets,
        })
    }

    pub fn raw(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the data set: all but preamble and file meta information.
    pub fn data_set_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// A value as text: its parts stay apart with `\`, the padding is gone.
    pub fn text(&self, set: &DataSet, tag: u32) -> Option<String> {
        let bytes = set.bytes(&self.bytes, tag)?;
        let text = self.sets.decode(bytes);
        (!text.is_empty()).then_some(text)
    }

    /// The numbers of a value that is written as text.
    pub fn reals(&self, set: &DataSet, tag: u32) -> Option<Vec<f64>> {
        let text = self.text(set, tag)?;
        text.split('\\')
            .map(|part| part.trim().parse().ok())
            .collect()
    }

    pub fn real(&self, set: &DataSet, tag: u32) -> Option<f64> {
        self.reals(set, tag)?.first().copied()
    }

    /// `N` finite numbers of a value that is written as text.
    pub fn vector<const N: usize>(&self, set: &DataSet, tag: u32) -> Option<[f64; N]> {
        let values: [f64; N] = self.reals(set, tag)?.try_into().ok()?;
        values.iter().all(|v| v.is_finite()).then_some(values)
    }

    /// The 16-bit numbers of a value.
    pub fn words<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = u16> + 'a {
        let big_endian = self.syntax.big_endian;
        let word = move |&word: &[u8; 2]| match big_endian {
            true => u16::from_be_bytes(word),
            false => u16::from_le_bytes(word),
        };
        bytes.as_chunks::<2>().0.iter().map(word)
    }

    pub fn u16(&self, set: &DataSet, tag: u32) -> Option<u16> {
        self.words(set.bytes(&self.bytes, tag)?).next()
    }

    pub fn u32(&self, set: &DataSet, tag: u32) -> Option<u32> {
        let word = set.bytes(&self.bytes, tag)?.first_chunk::<4>()?;
        Some(match self.syntax.big_endian {
            true => u32::from_be_bytes(*word),
            false => u32::from_le_bytes(*word),
        })
    }

    /// The 64-bit numbers of a value.
    pub fn doubles(&self, bytes: &[u8]) -> Vec<f64> {
        let double = |word: &[u8; 8]| match self.syntax.big_endian {
            true => f64::from_be_bytes(*word),
            false => f64::from_le_bytes(*word),
        };
        bytes.as_chunks::<8>().0.iter().map(double).collect()
    }

    pub fn f64(&self, set: &DataSet, tag: u32) -> Option<f64> {
        let word = set.bytes(&self.bytes, tag)?.first_chunk::<8>()?;
        Some(match self.syntax.big_endian {
            true => f64::from_be_bytes(*word),
            false => f64::from_le_bytes(*word),
        })
    }
}

/// Syntax and UID of the data set, and where it begins.
fn read_meta(path: &Path, bytes: &[u8]) -> Result<(Syntax, String, usize)> {
    let preamble = bytes.get(128..132) == Some(b"DICM");
    let start = if preamble { 132 } else { 0 };
    let mut walker = Walker {
        path,
        bytes,
        at: start,
        syntax: EXPLICIT_LITTLE,
        kept: tags::is_kept,
    };
    let mut end = start;
    // The meta group ends where another group begins, independent of its length field.
    while walker.peek(bytes.len()).is_some_and(|tag| tag >> 16 == 2) {
        end = walker.skip_element(bytes.len())?;
    }
    let mut meta = Walker {
        path,
        bytes,
        at: start,
        syntax: EXPLICIT_LITTLE,
        kept: tags::is_kept,
    };
    let set = meta.data_set(end, 0)?;
    let uid = set
        .bytes(bytes, tags::TRANSFER_SYNTAX)
        .map(|b| CharacterSets::default().decode(b));
    let rest = &bytes[end..];
    match uid {
        Some(uid) => {
            let syntax = Syntax {
                explicit: uid != "1.2.840.10008.1.2",
                big_endian: uid == "1.2.840.10008.1.2.2",
            };
            Ok((syntax, uid, end))
        }
        None => match guess(rest) {
            Some(syntax) => Ok((syntax, String::new(), end)),
            None => Err(Error::NotAnImage {
                path: path.to_owned(),
                found: "a DICOM file that does not say its transfer syntax".to_owned(),
            }),
        },
    }
}
