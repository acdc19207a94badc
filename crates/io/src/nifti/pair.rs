//! Pairs of a header and a file with its voxels: where the other one is.

use super::header;
use crate::format::Head;
use crate::layout::Packing;
use crate::place::Place;
use crate::{Error, Result};
use std::path::PathBuf;

/// The `.img` of an `.hdr`, and how it is packed; packed like the header if both exist.
pub(super) fn partner(place: &Place) -> Result<(PathBuf, Packing)> {
    place.expect_neighbours("the header of a pair, whose voxels stand in an .img file,")?;
    let path = place.path();
    let name = path.to_string_lossy();
    let plain = name.strip_suffix(".gz");
    let stem = plain
        .unwrap_or(&name)
        .rsplit_once('.')
        .map_or(&*name, |(stem, _)| stem);
    let mut endings = [
        (".img", Packing::Raw),
        (".IMG", Packing::Raw),
        (".img.gz", Packing::Gzip),
    ];
    if plain.is_some() {
        endings.reverse();
    }
    for (ending, packing) in endings {
        let candidate = PathBuf::from(format!("{stem}{ending}"));
        if candidate.is_file() {
            return Ok((candidate, packing));
        }
    }
    Err(Error::header(
        path,
        "the magic",
        "`ni1` or `ni2`, which says that the voxels are in an .img file of the same name",
        format!("that file, {stem}.img or {stem}.img.gz, beside it"),
    ))
}

/// The header of an `.img` file, its first bytes and whether it is one of ANALYZE.
pub(crate) fn header_beside(place: &Place) -> Option<(Place, Head, bool)> {
    if place.is_in_memory() {
        return None;
    }
    let name = place.path().to_string_lossy();
    let plain = name.strip_suffix(".gz");
    let stem = plain.unwrap_or(&name);
    let stem = stem.strip_suffix(".img").or(stem.strip_suffix(".IMG"))?;
    let mut endings = [".hdr", ".HDR", ".hdr.gz"];
    if plain.is_some() {
        endings.reverse();
    }
    endings
        .iter()
        .map(|ending| Place::on_disk(format!("{stem}{ending}")))
        .filter(|candidate| candidate.path().is_file())
        .find_map(|candidate| {
            let head = crate::format::head(&candidate).ok()?;
            let pair = header::read(&head.bytes).is_some_and(|header| header.pair);
            let analyze = header::detect_analyze(&head.bytes);
            (pair || analyze).then_some((candidate, head, analyze))
        })
}
