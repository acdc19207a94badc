//! The header of a DICOM file as the bytes that it holds: text is not decoded, so that it can be copied whatever its
//! character set. Pixels are not read.

use crate::file::EXPLICIT;
use crate::{Error, Result};
use dicom_core::value::{DataSetSequence, Value};
use dicom_core::{DataElement, Length, PrimitiveValue, Tag, VR, header::Header};
use dicom_encoding::text::SpecificCharacterSet;
use dicom_encoding::transfer_syntax::{Endianness, TransferSyntax, TransferSyntaxIndex};
use dicom_object::{FileMetaTable, InMemDicomObject};
use dicom_parser::dataset::DataToken;
use dicom_parser::dataset::read::{DataSetReader, DataSetReaderOptions, ValueReadStrategy};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Transfer syntaxes of compressed pixels begin so.
const COMPRESSED: &str = "1.2.840.10008.1.2.";
/// Pixel data have elements of this group.
const PIXEL_GROUP: u16 = 0x7FE0;
/// Sequences in sequences beyond this are refused.
const DEEPEST: usize = 32;

/// A file's header, and what is known of its pixels.
pub(crate) struct Content {
    /// Of the file meta information: MediaStorageSOPClassUID, MediaStorageSOPInstanceUID, TransferSyntaxUID.
    pub meta: [String; 3],
    /// Every element before the pixel data, with the bytes of its value, little-endian.
    pub set: InMemDicomObject,
    /// The length of the pixel data, undefined for compressed ones.
    pub length: Option<Length>,
    /// The pixels, where they were wanted and are not compressed.
    pub pixels: Option<Vec<u8>>,
}

/// Whether pixels are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pixels {
    Leave,
    Read,
}

/// Every element before the pixel data, with the bytes of its value, little-endian.
///
/// # Errors
/// As [`content`].
pub(crate) fn header(path: &Path) -> Result<InMemDicomObject> {
    Ok(content(path, Pixels::Leave)?.set)
}

/// Reads a file.
///
/// # Errors
/// [`Error::Source`] for a file without preamble and file meta information, or one that ends within its header.
pub(crate) fn content(path: &Path, wanted: Pixels) -> Result<Content> {
    let bad = |what: String| {
        let remedy = "write the file again with its preamble and file meta information";
        Error::source(
            path,
            format!("its header cannot be read ({what}); {remedy}"),
        )
    };
    let file = File::open(path).map_err(|source| {
        Error::Io(vesalius_io::Error::Read {
            path: path.to_owned(),
            source,
        })
    })?;
    let mut file = BufReader::new(file);
    let mut preamble = [0; 128];
    file.read_exact(&mut preamble)
        .map_err(|e| bad(e.to_string()))?;
    let meta = FileMetaTable::from_reader(&mut file).map_err(|e| bad(reasons(&e)))?;
    let name = meta.transfer_syntax();
    let syntax = syntax(name).ok_or_else(|| bad(format!("transfer syntax {name} is not known")))?;
    let content: Box<dyn Read> = match name {
        DEFLATED => Box::new(BufReader::new(DeflateDecoder::new(file))),
        _ => Box::new(file),
    };
    let options = DataSetReaderOptions::default().value_read(ValueReadStrategy::Raw);
    let ascii = SpecificCharacterSet::default();
    let mut tokens = DataSetReader::new_with_ts_cs_options(content, syntax, ascii, options)
        .map_err(|e| bad(reasons(&e)))?;
    let swap = syntax.endianness() == Endianness::Big;
    let (set, pixels) = data_set(&mut tokens, swap, 0).map_err(bad)?;
    let mut found = Content {
        meta: [
            meta.media_storage_sop_class_uid(),
            meta.media_storage_sop_instance_uid(),
            meta.transfer_syntax(),
        ]
        .map(|uid| uid.trim_end_matches(['\0', ' ']).to_owned()),
        set,
        length: pixels.map(|(length, _)| length),
        pixels: None,
    };
    let native = pixels.filter(|(length, _)| length.is_defined() && wanted == Pixels::Read);
    if let Some((_, vr)) = native {
        let value = tokens.next().transpose().map_err(|e| bad(reasons(&e)))?;
        if let Some(DataToken::PrimitiveValue(value)) = value {
            found.pixels = Some(in_order(value.to_bytes().into_owned(), vr, swap));
        }
    }
    Ok(found)
}

/// How the header of a file in a transfer syntax is encoded: compression of the pixels does not change it.
fn syntax(name: &str) -> Option<&'static TransferSyntax> {
    let explicit = || TransferSyntaxRegistry.get(EXPLICIT);
    match name {
        DEFLATED => explicit(),
        _ => TransferSyntaxRegistry
            .get(name)
            .or_else(|| name.starts_with(COMPRESSED).then(explicit)?),
    }
}

fn reasons(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

type Tokens =
    dyn Iterator<Item = std::result::Result<DataToken, dicom_parser::dataset::read::Error>>;

/// The elements up to the end of an item, or up to the pixel data, of which length and kind are given.
fn data_set(
    tokens: &mut Tokens,
    swap: bool,
    depth: usize,
) -> std::result::Result<(InMemDicomObject, Option<(Length, VR)>), String> {
    if depth > DEEPEST {
        return Err(format!("sequences are nested more than {DEEPEST} deep"));
    }
    let mut set = InMemDicomObject::new_empty();
    while let Some(token) = tokens.next() {
        match token.map_err(|e| reasons(&e))? {
            DataToken::ElementHeader(header)
                if depth == 0 && header.tag().group() >= PIXEL_GROUP =>
            {
                return Ok((set, Some((header.len, header.vr()))));
            }
            DataToken::ElementHeader(header) => {
                let value = tokens.next().ok_or("it ends within an element")?;
                let DataToken::PrimitiveValue(value) = value.map_err(|e| reasons(&e))? else {
                    return Err(format!("element {} has no value", header.tag()));
                };
                let bytes = in_order(value.to_bytes().into_owned(), header.vr(), swap);
                put_bytes(&mut set, header.tag(), header.vr(), bytes);
            }
            DataToken::SequenceStart { tag, .. } => {
                let items = sequence(tokens, swap, depth)?;
                let value = Value::from(DataSetSequence::new(items, Length::UNDEFINED));
                set.put(DataElement::new(tag, VR::SQ, value));
            }
            DataToken::PixelSequenceStart => return Ok((set, Some((Length::UNDEFINED, VR::OB)))),
            DataToken::ItemEnd => return Ok((set, None)),
            other => return Err(format!("{other} where an element was expected")),
        }
    }
    Ok((set, None))
}

fn sequence(
    tokens: &mut Tokens,
    swap: bool,
    depth: usize,
) -> std::result::Result<Vec<InMemDicomObject>, String> {
    let mut items = Vec::new();
    while let Some(token) = tokens.next() {
        match token.map_err(|e| reasons(&e))? {
            DataToken::ItemStart { .. } => items.push(data_set(tokens, swap, depth + 1)?.0),
            DataToken::SequenceEnd => return Ok(items),
            other => return Err(format!("{other} where an item was expected")),
        }
    }
    Err("it ends within a sequence".to_owned())
}

/// Big-endian numbers become little-endian.
fn in_order(mut bytes: Vec<u8>, vr: VR, swap: bool) -> Vec<u8> {
    let width = match vr {
        VR::US | VR::SS | VR::OW | VR::AT => 2,
        VR::UL | VR::SL | VR::FL | VR::OF | VR::OL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    };
    if swap {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    bytes
}

/// Puts an element with these bytes; decimal and integer strings are ASCII, which the writer wants as text.
pub(crate) fn put_bytes(set: &mut InMemDicomObject, tag: Tag, vr: VR, bytes: Vec<u8>) {
    let value = match vr {
        VR::DS | VR::IS => {
            PrimitiveValue::from(bytes.iter().map(|&b| char::from(b)).collect::<String>())
        }
        _ => PrimitiveValue::U8(bytes.into()),
    };
    set.put(DataElement::new(tag, vr, value));
}

/// The bytes of an element's value.
pub(crate) fn bytes(set: &InMemDicomObject, tag: Tag) -> Option<Vec<u8>> {
    match set.get(tag)?.value() {
        Value::Primitive(value) => Some(value.to_bytes().into_owned()),
        _ => None,
    }
}

/// An element's value as text without its padding; bytes that are not ASCII become `?`.
pub(crate) fn text(set: &InMemDicomObject, tag: Tag) -> Option<String> {
    let bytes = bytes(set, tag)?;
    let chars = bytes
        .iter()
        .map(|&b| if b.is_ascii() { char::from(b) } else { '?' });
    let text: String = chars.collect();
    let text = text.trim_matches(|c: char| c == ' ' || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// The numbers of a decimal or integer string.
pub(crate) fn numbers<const N: usize>(set: &InMemDicomObject, tag: Tag) -> Option<[f64; N]> {
    let text = text(set, tag)?;
    let values = text.split('\\').map(|part| part.trim().parse::<f64>());
    let values: Vec<f64> = values.collect::<std::result::Result<_, _>>().ok()?;
    let values: [f64; N] = values.get(..N)?.try_into().ok()?;
    values
        .iter()
        .all(|value| value.is_finite())
        .then_some(values)
}

/// The items of a sequence; none where it is absent.
pub(crate) fn items(set: &InMemDicomObject, tag: Tag) -> &[InMemDicomObject] {
    set.get(tag)
        .and_then(|element| element.items())
        .unwrap_or_default()
}

/// The values of 16 bits of an element.
pub(crate) fn words(set: &InMemDicomObject, tag: Tag) -> Vec<u16> {
    let bytes = bytes(set, tag).unwrap_or_default();
    let words = bytes.chunks_exact(2);
    words
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

/// The first item of a sequence.
pub(crate) fn item(set: &InMemDicomObject, tag: Tag) -> Option<&InMemDicomObject> {
    set.get(tag)?.items()?.first()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_dictionary_std::tags;

    #[test]
    fn headers_of_every_transfer_syntax_are_read() {
        for end in [
            "1", "1.99", "2", "4.50", "4.57", "4.70", "4.80", "4.90", "4.201", "5", "8.1",
        ] {
            let name = format!("1.2.840.10008.1.2.{end}");
            let big = syntax(&name).unwrap().endianness() == Endianness::Big;
            assert_eq!(big, end == "2", "{name}");
        }
        assert!(syntax("1.2.840.10008.1.2").is_some() && syntax("1.2.3").is_none());
    }

    #[test]
    fn deflated_and_big_endian_headers_hold_the_same_values() {
        use std::io::Write;
        let folder = tempfile::tempdir().unwrap();
        let begin = |syntax: &str| {
            let mut bytes = Vec::new();
            crate::file::begin(&mut bytes, "1.2.3", "1.2.3.4", syntax).unwrap();
            bytes
        };
        let little = [
            8, 0, 0x60, 0, b'C', b'S', 2, 0, b'M', b'R', 0x28, 0, 0x10, 0, b'U', b'S', 2, 0, 5, 1,
        ];
        let big = [
            0, 8, 0, 0x60, b'C', b'S', 0, 2, b'M', b'R', 0, 0x28, 0, 0x10, b'U', b'S', 0, 2, 1, 5,
        ];
        let mut deflated =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        deflated.write_all(&little).unwrap();
        for (syntax, content) in [
            (EXPLICIT, little.to_vec()),
            ("1.2.840.10008.1.2.2", big.to_vec()),
            (DEFLATED, deflated.finish().unwrap()),
        ] {
            let path = folder.path().join("file");
            std::fs::write(&path, [begin(syntax), content].concat()).unwrap();
            let set = header(&path).unwrap();
            assert_eq!(
                text(&set, tags::MODALITY).as_deref(),
                Some("MR"),
                "{syntax}"
            );
            assert_eq!(bytes(&set, tags::ROWS).unwrap(), [5, 1], "{syntax}");
        }
        let path = folder.path().join("none");
        std::fs::write(&path, b"no DICOM").unwrap();
        assert!(header(&path).is_err());
    }
}
