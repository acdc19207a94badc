//! The members of a tar archive: parts of its bytes, which are unpacked into memory as a whole where they are in gzip or
//! Zstandard.

use super::{Archive, Kind, names};
use crate::gzip::Unpack;
use crate::place::{BESIDE, Bytes, Held, Place};
use crate::{Error, ReadOptions, Result, budget};
use ::tar::EntryType;
use std::cell::Cell;
use std::io::{BufReader, Cursor};
use std::sync::Arc;

pub(super) fn read(place: &Place, kind: Kind, options: &ReadOptions) -> Result<Archive> {
    let path = place.path();
    let bytes = match kind {
        Kind::PackedTar(packing) => {
            let read = Cell::new(0);
            let packed = budget::Packed::new(place.open_at(0)?, &read);
            let packed = BufReader::with_capacity(1 << 16, packed);
            let stream = Unpack::new(packed, packing);
            let limit = options.max_bytes.saturating_add(BESIDE);
            Bytes::Owned(budget::read_all(
                path,
                "a tar archive",
                stream,
                &read,
                limit,
            )?)
        }
        _ => place.map()?,
    };
    let whole = Held::new(Arc::new(bytes));
    let fail = |at: u64, error: std::io::Error| Error::Compression {
        path: path.to_owned(),
        offset: at,
        reason: format!("tar: {error}"),
    };
    let mut archive = Archive::default();
    let mut reader = ::tar::Archive::new(Cursor::new(whole.clone()));
    let mut end = 0;
    let entries = reader.entries_with_seek().map_err(|e| fail(0, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| fail(end, e))?;
        let (start, length) = (entry.raw_file_position(), entry.size());
        end = start.saturating_add(length).next_multiple_of(512);
        let file = names::path(path, &String::from_utf8_lossy(&entry.path_bytes()));
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            other => {
                let reason = match other {
                    EntryType::Link | EntryType::Symlink => {
                        "it is a link, which is not followed in an archive".to_owned()
                    }
                    other => format!("it is no plain file of the archive (type {other:?})"),
                };
                archive.broken.push((file, reason));
                continue;
            }
        }
        let range = (usize::try_from(start).ok()).zip(usize::try_from(length).ok());
        match range.and_then(|(start, length)| whole.part(start, length)) {
            Some(part) => archive.members.push(Place::held(file, part)),
            None => {
                return Err(Error::Truncated {
                    path: path.to_owned(),
                    what: format!("the file {}", file.display()),
                    expected: start.saturating_add(length),
                    offset: whole.len() as u64,
                });
            }
        }
    }
    // Two blocks of zeros end an archive; some programs write one.
    let rest = usize::try_from(end).ok().and_then(|end| whole.part(end, 1));
    if rest.is_none() {
        let reason = "the archive has no end mark, so files may be missing".to_owned();
        archive
            .broken
            .push((path.join("end of the archive"), reason));
    }
    Ok(archive)
}
