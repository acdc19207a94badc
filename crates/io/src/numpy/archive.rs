//! A `.npz` file: a zip archive whose members are `.npy` files. One of them is unpacked into memory.

use super::header::{self, Header};
use crate::layout::Parsed;
use crate::place::Place;
use crate::{Error, ReadOptions, Result, budget};
use std::io::{Cursor, Read};
use vesalius_volume::check_memory;
use zip::ZipArchive;
use zip::result::ZipError;

/// The ending of a member.
const ENDING: &str = ".npy";
/// Bytes of a member that are not values, at most.
const BESIDE: u64 = 1 << 17;

/// Whether the bytes begin an archive whose first member is an array.
pub(crate) fn detect(head: &[u8]) -> bool {
    let length = |at: usize| {
        head.get(at..at + 2)
            .map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))
    };
    let name = length(26).and_then(|length| head.get(30..30 + length));
    head.starts_with(b"PK\x03\x04") && name.is_some_and(|name| name.ends_with(ENDING.as_bytes()))
}

/// Reads the array that the options name, or the only one.
pub(crate) fn parse(place: &Place, options: &ReadOptions) -> Result<Parsed> {
    let member = unpacked(place, options)?;
    let mut parsed = super::parse(&member, options)?;
    parsed.info.compressed = true;
    Ok(parsed)
}

fn unpacked(place: &Place, options: &ReadOptions) -> Result<Place> {
    let path = place.path();
    let packed = place.map()?;
    let mut archive =
        ZipArchive::new(Cursor::new(&packed[..])).map_err(|error| damaged(place, 0, &error))?;
    let name = chosen(place, &archive, options)?;
    let member = archive
        .by_name(&name)
        .map_err(|error| damaged(place, 0, &error))?;
    let limit = options.max_bytes.saturating_add(BESIDE);
    let needed = member.size();
    if needed > limit {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            needed,
            limit,
        });
    }
    let size = usize::try_from(needed).unwrap_or(usize::MAX);
    check_memory("the array", [size, 1, 1], 1, 1, None)
        .map_err(|source| Error::volume(path, source))?;
    let packed = member.compressed_size();
    drop(member);
    if budget::is_excessive(packed, needed) {
        let header = beginning(&mut archive, place, &name)?;
        if needed > header.length().saturating_add(BESIDE) {
            return Err(budget::excessive(path, "an array"));
        }
    }
    let mut member = archive
        .by_name(&name)
        .map_err(|error| damaged(place, 0, &error))?;
    // What is unpacked is allocated, not what the archive says.
    let mut bytes = Vec::new();
    let got = member
        .by_ref()
        .take(needed.saturating_add(1))
        .read_to_end(&mut bytes);
    got.map_err(|error| Error::Compression {
        path: path.to_owned(),
        offset: bytes.len() as u64,
        reason: error.to_string(),
    })?;
    Ok(Place::in_memory(path, bytes))
}

/// The header of a member.
fn beginning(archive: &mut ZipArchive<Cursor<&[u8]>>, place: &Place, name: &str) -> Result<Header> {
    let mut bytes = Vec::new();
    let member = archive
        .by_name(name)
        .map_err(|error| damaged(place, 0, &error))?;
    let read = member.take(BESIDE).read_to_end(&mut bytes);
    read.map_err(|error| budget::damaged(place.path(), bytes.len() as u64, &error))?;
    header::read(&Place::in_memory(place.path(), bytes))
}

/// The member's name in the archive.
fn chosen(
    place: &Place,
    archive: &ZipArchive<Cursor<&[u8]>>,
    options: &ReadOptions,
) -> Result<String> {
    let path = place.path().to_owned();
    let members = archive.file_names().flatten();
    let names = members.filter_map(|name| Some(name.strip_suffix(ENDING)?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    match (&options.array, &names[..]) {
        (Some(array), _) if names.contains(array) => Ok(format!("{array}{ENDING}")),
        (None, [only]) => Ok(format!("{only}{ENDING}")),
        _ => Err(Error::SeveralArrays {
            path,
            found: names.join(", "),
        }),
    }
}

fn damaged(place: &Place, offset: u64, error: &ZipError) -> Error {
    Error::Compression {
        path: place.path().to_owned(),
        offset,
        reason: error.to_string(),
    }
}
