//! The header of a `.npy` file: a Python dictionary of three entries.

use crate::composite::Composite;
use crate::place::Place;
use crate::{Error, Result, VoxelType};
use std::io::Read;
use std::path::Path;

/// The first bytes of a `.npy` file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// Longer headers are refused: they describe records, not numbers.
const LONGEST: usize = 1 << 16;

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: Number,
    /// Whether the first axis varies fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<u64>,
    /// Where the values begin.
    pub(super) end: u64,
}

impl Header {
    /// Bytes of the header and its values.
    pub(super) fn length(&self) -> u64 {
        let parts = self.number.composite.map_or(1, Composite::parts);
        let width = (self.number.voxel_type.bytes() * parts) as u64;
        let values = self
            .shape
            .iter()
            .fold(width, |all, n| all.saturating_mul(*n));
        self.end.saturating_add(values)
    }
}

/// A kind of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) voxel_type: VoxelType,
    pub(super) composite: Option<Composite>,
    pub(super) big_endian: bool,
}

/// Reads the header at a place.
pub(super) fn read(place: &Place) -> Result<Header> {
    let path = place.path();
    let mut file = place.open_at(0)?;
    let mut start = Vec::new();
    let got = (&mut file).take(12).read_to_end(&mut start);
    got.map_err(|e| Error::read(path, e))?;
    let cut = |expected: usize, offset: usize| Error::Truncated {
        path: path.to_owned(),
        what: "NumPy's header".to_owned(),
        expected: expected as u64,
        offset: offset as u64,
    };
    let &[_, _, _, _, _, _, major, _, a, b, ref more @ ..] = &start[..] else {
        return Err(cut(10, start.len()));
    };
    let (length, front) = match (major, more) {
        (1, _) => (usize::from(u16::from_le_bytes([a, b])), 10),
        (2 | 3, &[c, d]) => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
        (2 | 3, _) => return Err(cut(12, start.len())),
        _ => {
            return Err(Error::header(path, "NumPy's version", major, "1, 2 or 3"));
        }
    };
    if length > LONGEST {
        let expected = format!("at most {LONGEST} bytes");
        return Err(Error::header(
            path,
            "the length of NumPy's header",
            length,
            expected,
        ));
    }
    let mut bytes = start.split_off(front);
    let rest = length.saturating_sub(bytes.len()) as u64;
    let got = file.take(rest).read_to_end(&mut bytes);
    got.map_err(|e| Error::read(path, e))?;
    if bytes.len() < length {
        return Err(cut(front + length, front + bytes.len()));
    }
    let text = String::from_utf8_lossy(&bytes[..length]);
    parse(path, &text, (front + length) as u64)
}

fn parse(path: &Path, text: &str, end: u64) -> Result<Header> {
    let shown: String = text.trim().chars().take(200).collect();
    let entry = |name: &str, expected: &str| {
        let key = text
            .find(&format!("'{name}'"))
            .or(text.find(&format!("\"{name}\"")));
        let value = key.and_then(|at| text[at + name.len() + 2..].trim_start().strip_prefix(':'));
        value
            .map(str::trim_start)
            .ok_or_else(|| Error::header(path, name, format!("missing in `{shown}`"), expected))
    };
    let expected = "a number type such as '<f4'";
    let descr = entry("descr", expected)?;
    let quoted = descr
        .strip_prefix(['\'', '"'])
        .and_then(|rest| rest.split_once(['\'', '"']));
    let Some((descr, _)) = quoted else {
        return Err(Error::unsupported(
            path,
            "a NumPy array of records",
            "save one field of it",
        ));
    };
    let number = number(descr).ok_or_else(|| {
        Error::unsupported(
            path,
            format!("NumPy's type `{descr}`"),
            "save it as a plain number type (`array.astype(\"float32\")`)",
        )
    })?;
    let fortran = entry("fortran_order", "True or False")?;
    let fortran = match (fortran.starts_with("True"), fortran.starts_with("False")) {
        (true, _) => true,
        (_, true) => false,
        _ => return Err(Error::header(path, "fortran_order", shown, "True or False")),
    };
    let bad = || Error::header(path, "shape", &shown, "a tuple of whole numbers");
    let shape = entry("shape", "a tuple of whole numbers")?;
    let inner = shape
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'));
    let (inner, _) = inner.ok_or_else(bad)?;
    let words = inner
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let shape = words.map(|word| word.trim_end_matches('L').parse().map_err(|_| bad()));
    Ok(Header {
        number,
        fortran,
        shape: shape.collect::<Result<_>>()?,
        end,
    })
}

/// The kind of number of a type's name.
fn number(descr: &str) -> Option<Number> {
    let (order, name) = match descr.split_at_checked(1)? {
        (order @ ("<" | ">" | "=" | "|"), name) => (order, name),
        _ => ("=", descr),
    };
    let (voxel_type, composite) = match name {
        "b1" | "u1" => (VoxelType::U8, None),
        "i1" => (VoxelType::I8, None),
        "u2" => (VoxelType::U16, None),
        "i2" => (VoxelType::I16, None),
        "u4" => (VoxelType::U32, None),
        "i4" => (VoxelType::I32, None),
        "u8" => (VoxelType::U64, None),
        "i8" => (VoxelType::I64, None),
        "f4" => (VoxelType::F32, None),
        "f8" => (VoxelType::F64, None),
        "c8" => (VoxelType::F32, Some(Composite::Complex)),
        "c16" => (VoxelType::F64, Some(Composite::Complex)),
        _ => return None,
    };
    Some(Number {
        voxel_type,
        composite,
        big_endian: order == ">",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_every_spelling_or_refused() {
        let path = Path::new("a.npy");
        let read = |text: &str| parse(path, text, 128);
        let found =
            read("{'descr': '>i2', 'fortran_order': True, 'shape': (3, 4L,5), }  \n").unwrap();
        assert!(found.fortran && found.number.big_endian && found.shape == [3, 4, 5]);
        let found = read("{\"shape\":(7,),\"fortran_order\":False,\"descr\":\"|b1\"}").unwrap();
        assert!(!found.fortran && found.number.voxel_type == VoxelType::U8);
        for text in [
            "",
            "{'descr': '<f4'}",
            "{'descr': '<f2', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,",
            "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': 'é', 'fortran_order': False, 'shape': (1,)}",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
