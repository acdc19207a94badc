//! The file meta information of a DICOM file (PS3.10).

use super::walk::{Encoding, Walk};
use crate::uid::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, unpadded};
use crate::{Error, Result, is_uid};
use dicom_core::Tag;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Meta information is shorter in every file of a sane writer.
const LONGEST: u64 = 1 << 20;

/// What the meta information of a file tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileMeta {
    /// MediaStorageSOPClassUID.
    pub class: String,
    /// MediaStorageSOPInstanceUID.
    pub instance: String,
    /// TransferSyntaxUID.
    pub syntax: String,
    /// ImplementationClassUID.
    pub implementation: String,
}

impl FileMeta {
    /// Reads the preamble and the meta information of a stream. Returns how many bytes these took, too.
    ///
    /// # Errors
    /// [`Error::DataSet`] where they are missing or have no transfer syntax.
    pub fn read(from: impl Read) -> Result<(Self, u64)> {
        let bad = |error: std::io::Error| Error::DataSet(error.to_string());
        let mut from = BufReader::new(from.take(LONGEST));
        let mut preamble = [0; 132];
        from.read_exact(&mut preamble)
            .map_err(|_| Error::DataSet("it is shorter than a DICOM file".into()))?;
        if !preamble.ends_with(b"DICM") {
            return Err(Error::DataSet("it is no DICOM file with preamble".into()));
        }
        let mut walk = Walk::new(from, Encoding::EXPLICIT);
        let mut meta = Self::default();
        let mut start = 0;
        while let Some(element) = walk.next_in(Some(0x0002)).map_err(bad)? {
            let field = match element.tag.1 {
                0x0002 => &mut meta.class,
                0x0003 => &mut meta.instance,
                0x0010 => &mut meta.syntax,
                0x0012 => &mut meta.implementation,
                _ => {
                    walk.skip(element).map_err(bad)?;
                    start = walk.position;
                    continue;
                }
            };
            *field = unpadded(&walk.value(element).map_err(bad)?);
            start = walk.position;
        }
        match is_uid(&meta.syntax) {
            true => Ok((meta, 132 + start)),
            false => Err(Error::DataSet("it names no transfer syntax".into())),
        }
    }
}

/// Opens a DICOM file at the start of its data set. Returns how long the data set is, too.
pub(crate) fn open(path: &Path) -> Result<(FileMeta, File, u64)> {
    let failed = |source: std::io::Error| Error::file(path, source.to_string());
    let mut file = File::open(path).map_err(failed)?;
    let (meta, start) = FileMeta::read(&mut file).map_err(|error| match error {
        Error::DataSet(what) => Error::file(
            path,
            format!("{what}; write it with preamble and file meta information"),
        ),
        other => other,
    })?;
    let length = file.metadata().map_err(failed)?.len();
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    Ok((meta, file, length.saturating_sub(start)))
}

/// Preamble and meta information for an object that `source` sent.
pub(crate) fn meta_bytes(class: &str, instance: &str, syntax: &str, source: &str) -> Vec<u8> {
    let mut group = Vec::new();
    put(&mut group, Tag(2, 0x0001), b"OB", &[0, 1], 0);
    put(&mut group, Tag(2, 0x0002), b"UI", class.as_bytes(), 0);
    put(&mut group, Tag(2, 0x0003), b"UI", instance.as_bytes(), 0);
    put(&mut group, Tag(2, 0x0010), b"UI", syntax.as_bytes(), 0);
    let implementation = IMPLEMENTATION_CLASS_UID.as_bytes();
    put(&mut group, Tag(2, 0x0012), b"UI", implementation, 0);
    let name = IMPLEMENTATION_VERSION_NAME.as_bytes();
    put(&mut group, Tag(2, 0x0013), b"SH", name, b' ');
    if !source.is_empty() {
        put(&mut group, Tag(2, 0x0016), b"AE", source.as_bytes(), b' ');
    }
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    // The values are texts of at most 64 bytes.
    let length = (group.len() as u32).to_le_bytes();
    put(&mut bytes, Tag(2, 0), b"UL", &length, 0);
    bytes.extend(group);
    bytes
}

fn put(bytes: &mut Vec<u8>, tag: Tag, vr: &[u8; 2], value: &[u8], padding: u8) {
    let length = (value.len() + value.len() % 2) as u16;
    bytes.extend(tag.0.to_le_bytes());
    bytes.extend(tag.1.to_le_bytes());
    bytes.extend(vr);
    if vr == b"OB" {
        bytes.extend([0, 0]);
        bytes.extend(u32::from(length).to_le_bytes());
    } else {
        bytes.extend(length.to_le_bytes());
    }
    bytes.extend(value);
    if value.len() % 2 == 1 {
        bytes.push(padding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_information_is_read_as_it_was_written() {
        let mut bytes = meta_bytes("1.2.3", "4.5", "1.2.840.10008.1.2.1", "PACS");
        let length = bytes.len() as u64;
        // In implicit little-endian, which is no element in the encoding of the meta information.
        bytes.extend(b"\x08\x00\x60\x00\x02\0\0\0MR");
        let (meta, start) = FileMeta::read(bytes.as_slice()).unwrap();
        assert_eq!(start, length);
        assert_eq!(
            (meta.class.as_str(), meta.instance.as_str()),
            ("1.2.3", "4.5")
        );
        assert_eq!(meta.syntax, "1.2.840.10008.1.2.1");
        assert_eq!(meta.implementation, IMPLEMENTATION_CLASS_UID);
        for cut in 0..bytes.len() {
            let _ = FileMeta::read(&bytes[..cut]);
        }
    }
}
