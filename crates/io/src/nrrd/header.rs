//! The fields of an NRRD header, and the content of single ones.

use crate::place::Place;
use crate::text_header::read_head;
use crate::{Error, Result, VoxelType, labels};
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_volume::Warning;

/// The header as it is written.
pub(super) struct Header<'a> {
    pub(super) place: &'a Place,
    pub(super) path: &'a Path,
    pub(super) fields: BTreeMap<String, String>,
    pub(super) pairs: BTreeMap<String, String>,
    /// File names of `data file: LIST`.
    pub(super) list: Vec<String>,
    pub(super) end: u64,
}

pub(super) fn read_header(place: &Place) -> Result<Header<'_>> {
    let blank = |bytes: &[u8]| {
        bytes.windows(2).any(|w| w == b"\n\n") || bytes.windows(4).any(|w| w == b"\r\n\r\n")
    };
    let bytes = read_head(place, blank)?;
    let mut header = Header {
        place,
        path: place.path(),
        fields: BTreeMap::new(),
        pairs: BTreeMap::new(),
        list: Vec::new(),
        end: bytes.len() as u64,
    };
    let (mut at, mut listing) = (0, false);
    while at < bytes.len() {
        let length = bytes[at..]
            .iter()
            .position(|&b| b == b'\n')
            .unwrap_or(bytes.len() - at);
        let line = String::from_utf8_lossy(&bytes[at..at + length]).into_owned();
        let line = line.trim_end_matches('\r');
        at += length + 1;
        if line.is_empty() {
            header.end = at as u64;
            break;
        }
        if listing {
            header.list.push(line.trim().to_owned());
        } else if line.starts_with('#') || line.starts_with("NRRD000") {
        } else if let Some((key, value)) = line.split_once(":=") {
            header
                .pairs
                .insert(key.to_owned(), labels::unescaped(value));
        } else if let Some((key, value)) = line.split_once(':') {
            let key = key.trim().to_ascii_lowercase().replace(' ', "");
            listing = key == "datafile" && value.trim().starts_with("LIST");
            header.fields.insert(key, value.trim().to_owned());
        }
    }
    Ok(header)
}

impl Header<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    pub(super) fn need(&self, name: &str) -> Result<&str> {
        self.get(name)
            .ok_or_else(|| Error::header(self.path, name, "missing", "a value"))
    }
}

/// Fields that change the meaning of values or lengths and are not applied.
pub(super) fn ignored(header: &Header) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut ignore = |field: &str, value: &str| {
        warnings.push(Warning::FieldIgnored {
            field: field.to_owned(),
            value: value.to_owned(),
        });
    };
    // Values that were quantised; the type's own range means that none were.
    for (name, field) in [("oldmin", "old min"), ("oldmax", "old max")] {
        if let Some(value) = header.get(name) {
            ignore(field, value);
        }
    }
    if let Some(units) = header.get("spaceunits") {
        let mut names = units
            .split('"')
            .map(str::trim)
            .filter(|unit| !unit.is_empty());
        if !names.all(|unit| matches!(unit, "mm" | "millimeter" | "millimeters" | "s" | "ms")) {
            ignore("space units", units);
        }
    }
    warnings
}

pub(super) fn voxel_type(header: &Header) -> Result<VoxelType> {
    let name = header.need("type")?.to_ascii_lowercase();
    Ok(match name.trim_end_matches("_t") {
        "uchar" | "unsigned char" | "uint8" => VoxelType::U8,
        "signed char" | "int8" => VoxelType::I8,
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" => VoxelType::U16,
        "short" | "short int" | "signed short" | "signed short int" | "int16" => VoxelType::I16,
        "uint" | "unsigned int" | "uint32" => VoxelType::U32,
        "int" | "signed int" | "int32" => VoxelType::I32,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" => VoxelType::U64,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64" => VoxelType::I64,
        "float" => VoxelType::F32,
        "double" => VoxelType::F64,
        _ => {
            return Err(Error::header(
                header.path,
                "type",
                format!("`{name}`"),
                "a plain number type, int8 to double",
            ));
        }
    })
}

pub(super) fn big_endian(header: &Header) -> Result<bool> {
    let encoding = header.get("encoding").unwrap_or("raw").to_ascii_lowercase();
    match header.get("endian") {
        Some("little") => Ok(false),
        Some("big") => Ok(true),
        None if matches!(encoding.as_str(), "text" | "txt" | "ascii") => Ok(false),
        other => Err(Error::header(
            header.path,
            "endian",
            format!("`{}`", other.unwrap_or("missing")),
            "`little` or `big`",
        )),
    }
}
