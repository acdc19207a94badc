//! NIfTI's header extensions.

use super::header::{self, Header};
use crate::format::Head;
use crate::layout::Packing;
use crate::place::Place;
use crate::{Extension, Result, gzip};
use std::io::Read;

/// The extensions between the header and the voxels; `esize` is checked, so a zero ends the loop.
pub(super) fn read_extensions(
    place: &Place,
    header: &Header,
    offset: u64,
    head: &Head,
) -> Result<Vec<Extension>> {
    /// Beyond this, extensions are skipped: they are metadata, not a place for a volume.
    const MOST: u64 = 64 << 20;
    let start = header::length(header.version) as u64;
    let end = if header.pair { MOST } else { offset.min(MOST) };
    let (bytes, fault) = match head.packing {
        _ if end <= head.bytes.len() as u64 => (head.bytes[..end as usize].to_vec(), None),
        Packing::Raw => {
            let mut bytes = Vec::new();
            let read = place.open_at(0)?.take(end).read_to_end(&mut bytes);
            (bytes, read.err())
        }
        packing => gzip::first_bytes(place.open_at(0)?, packing, end),
    };
    if fault.is_some() || bytes.get(start as usize).copied().unwrap_or(0) == 0 {
        // A fault in the stream is reported, with its place, when the voxels are read.
        return Ok(Vec::new());
    }
    let int = |at: usize| {
        let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if header.big_endian {
            i32::from_be_bytes(word)
        } else {
            i32::from_le_bytes(word)
        })
    };
    let mut found = Vec::new();
    let mut at = start as usize + 4;
    while let (Some(size), Some(code)) = (int(at), int(at + 4)) {
        // Less than its own eight bytes, or more than there is: there is no extension here.
        let end = usize::try_from(size).ok().and_then(|n| at.checked_add(n));
        let Some((data, end)) = end.and_then(|end| Some((bytes.get(at + 8..end)?, end))) else {
            break;
        };
        found.push(Extension {
            code,
            data: data.to_vec(),
        });
        at = end;
    }
    Ok(found)
}
