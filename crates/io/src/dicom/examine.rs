//! What one file of many is: DICOM, an archive, a damaged file that may be DICOM, or nothing that concerns images.

use super::listing::{Found, header};
use super::search::{ending, is_named_as_dicom};
use crate::format::{self, Head};
use crate::layout::Packing;
use crate::place::Place;
use crate::{ReadOptions, neighbours};

/// The mark of the files that macOS adds to archives and foreign file systems for each file there.
const APPLE_DOUBLE: &[u8] = &[0, 5, 0x16, 7];

/// What a file holds, or why that cannot be said; `None` for one that is no DICOM. A `single` file is taken as DICOM.
pub(super) fn examine<'a>(
    file: &'a Place,
    single: bool,
    options: &ReadOptions,
) -> Option<(&'a Place, std::result::Result<Found, String>)> {
    let head = format::head(file);
    if single || head.as_ref().is_ok_and(begins_dicom) {
        let found = header(file, options).map_err(|error| error.to_string());
        return Some((file, found));
    }
    let head = head.as_ref();
    if head.is_ok_and(|head| head.bytes.starts_with(APPLE_DOUBLE)) {
        return None;
    }
    if head.is_ok_and(neighbours::is_archive) {
        return Some((file, Ok(Found::Archive)));
    }
    let is_empty = file.length().is_ok_and(|length| length == 0);
    // Its first bytes are those of a preamble, or cannot be unpacked.
    let is_short = head.is_ok_and(|head| head.packing != Packing::Raw && head.bytes.len() < 132);
    if !is_named_as_dicom(file.path(), is_empty || is_short || file.is_in_memory()) {
        return None;
    }
    let what = match (is_empty, ending(file.path())) {
        (true, _) => "it is empty".to_owned(),
        // A member has a check sum, which tells a damaged file from one that is no DICOM.
        (false, None) if !is_short => file.map().err()?.to_string(),
        (false, None) => "it cannot be unpacked".to_owned(),
        (false, Some(_)) => "it cannot be read as DICOM, whose ending its name has".to_owned(),
    };
    Some((file, Err(format!("{}: {what}", file.path().display()))))
}

/// Whether a file begins as DICOM does, also in gzip or Zstandard.
pub(crate) fn is_dicom(place: &Place) -> bool {
    format::head(place).is_ok_and(|head| begins_dicom(&head))
}

fn begins_dicom(head: &Head) -> bool {
    super::detect(&head.bytes)
}
