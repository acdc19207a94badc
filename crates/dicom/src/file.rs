//! Files: preamble, file meta information, data set, in explicit little-endian. What would not fit into memory is written
//! piece by piece: items of a sequence, then pixels.

use crate::identity::{IMPLEMENTATION_CLASS, IMPLEMENTATION_NAME};
use dicom_core::{Tag, VR};
use dicom_encoding::TransferSyntax;
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use dicom_transfer_syntax_registry::entries;
use std::io::{self, Write};

pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(crate) const IMPLICIT: &str = "1.2.840.10008.1.2";

fn other(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

/// Preamble and file meta information.
pub(crate) fn begin(
    to: &mut dyn Write,
    class: &str,
    instance: &str,
    syntax: &str,
) -> io::Result<()> {
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid(class)
        .media_storage_sop_instance_uid(instance)
        .transfer_syntax(syntax)
        .implementation_class_uid(IMPLEMENTATION_CLASS)
        .implementation_version_name(IMPLEMENTATION_NAME)
        .build()
        .map_err(other)?;
    to.write_all(&[0; 128])?;
    to.write_all(b"DICM")?;
    meta.write(to).map_err(other)
}

/// Elements in explicit little-endian.
pub(crate) fn elements(to: &mut dyn Write, set: &InMemDicomObject) -> io::Result<()> {
    encode(to, set, &entries::EXPLICIT_VR_LITTLE_ENDIAN.erased())
}

/// Elements in implicit little-endian, in which a value of more than 65,534 characters has a length.
pub(crate) fn implicit_elements(to: &mut dyn Write, set: &InMemDicomObject) -> io::Result<()> {
    encode(to, set, &entries::IMPLICIT_VR_LITTLE_ENDIAN.erased())
}

fn encode(to: &mut dyn Write, set: &InMemDicomObject, syntax: &TransferSyntax) -> io::Result<()> {
    set.write_dataset_with_ts(to, syntax)
        .map_err(io::Error::other)
}

/// The bytes of elements.
pub(crate) fn encoded(set: &InMemDicomObject) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    elements(&mut bytes, set)?;
    Ok(bytes)
}

/// The header of an element with a length of 32 bits.
pub(crate) fn long_header(tag: Tag, vr: VR, length: u32) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..2].copy_from_slice(&tag.group().to_le_bytes());
    bytes[2..4].copy_from_slice(&tag.element().to_le_bytes());
    bytes[4..6].copy_from_slice(&vr.to_bytes());
    bytes[8..].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// The start of a sequence of undefined length.
pub(crate) fn sequence_start(to: &mut dyn Write, tag: Tag) -> io::Result<()> {
    to.write_all(&long_header(tag, VR::SQ, u32::MAX))
}

/// An item of these encoded elements.
pub(crate) fn item(to: &mut dyn Write, parts: &[&[u8]]) -> io::Result<()> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).map_err(io::Error::other)?;
    to.write_all(&[0xFE, 0xFF, 0x00, 0xE0])?;
    to.write_all(&length.to_le_bytes())?;
    parts.iter().try_for_each(|part| to.write_all(part))
}

/// The end of a sequence.
pub(crate) fn sequence_end(to: &mut dyn Write) -> io::Result<()> {
    to.write_all(&[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0])
}
