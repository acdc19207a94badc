//! The members of a zip archive: by its directory, which says where each lies and what it unpacks to.

use super::{Archive, Member, names};
use crate::place::{BESIDE, Held, Place};
use crate::{Error, ReadOptions, Result, budget};
use ::zip::result::ZipError;
use ::zip::{CompressionMethod, ZipArchive};
use std::io::Cursor;
use std::sync::Arc;

pub(super) fn read(place: &Place, options: &ReadOptions) -> Result<Archive> {
    let path = place.path();
    let whole = Held::new(Arc::new(place.map()?));
    let damaged = |error: ZipError| Error::Compression {
        path: path.to_owned(),
        offset: 0,
        reason: format!("as a zip archive: {error}"),
    };
    let mut zip = ZipArchive::new(Cursor::new(whole.clone())).map_err(damaged)?;
    let unpacked = zip.metadata();
    let total = (0..unpacked.len())
        .filter_map(|i| Some(unpacked.entry(i).ok()?.size()))
        .fold(0u64, u64::saturating_add);
    // Members that share their bytes unpack to as much as there are of them.
    if total > MOST && budget::is_excessive(whole.len() as u64, total) {
        return Err(budget::excessive(path, "a zip archive"));
    }
    let mut archive = Archive::default();
    if zip.has_duplicate_names() {
        let reason = "the archive holds several files of one name, of which one can be read";
        archive
            .broken
            .push((path.join("several files of one name"), reason.to_owned()));
    }
    for number in 0..zip.len() {
        let entry = zip.by_index_raw(number).map_err(damaged)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let name = entry.name().map_or(name, |name| name.into_owned());
        if entry.is_dir() {
            continue;
        }
        let file = names::path(path, &name);
        let (packed, length) = (entry.compressed_size(), entry.size());
        let problem = if entry.is_symlink() {
            Some("it is a link, which is not followed in an archive".to_owned())
        } else if entry.encrypted() {
            Some("it is encrypted; unpack the archive with its password".to_owned())
        } else {
            problem(entry.compression(), packed, length, options)
        };
        let start = entry.data_start().and_then(|at| usize::try_from(at).ok());
        let packed = usize::try_from(packed).ok();
        let part = start.zip(packed).and_then(|(at, of)| whole.part(at, of));
        match (problem, part) {
            (Some(problem), _) => archive.broken.push((file, problem)),
            (None, None) => {
                let reason = "it lies beyond the end of the archive".to_owned();
                archive.broken.push((file, reason));
            }
            (None, Some(packed)) => {
                let member = Member {
                    packed,
                    deflated: entry.compression() == CompressionMethod::Deflated,
                    length,
                    sum: entry.crc32(),
                };
                archive.members.push(Place::member(file, member));
            }
        }
    }
    Ok(archive)
}

/// Bytes that an archive may unpack to, whatever its length: its members are unpacked one by one.
const MOST: u64 = 512 << 20;

/// Why a member is not read, by what the directory says of it.
fn problem(
    method: CompressionMethod,
    packed: u64,
    length: u64,
    options: &ReadOptions,
) -> Option<String> {
    let known = [CompressionMethod::Stored, CompressionMethod::Deflated];
    if !known.contains(&method) {
        return Some(format!(
            "it is compressed by the method {method:?}, which is not read; pack the archive again, with deflate"
        ));
    }
    if budget::is_excessive(packed, length) {
        return Some(format!(
            "it unpacks to {length} bytes, more than {} times its length; unpack the archive with another program if you trust it",
            budget::RATIO
        ));
    }
    let limit = options.max_bytes.saturating_add(BESIDE);
    (length > limit).then(|| {
        format!("it unpacks to {length} bytes, the limit is {limit}; raise `ReadOptions::max_bytes` if it is right")
    })
}
