//! A zip archive of a DICOM series becomes a folder: files under names that this server made, within the limits.

use crate::limits::Limits;
use crate::spool::{make_folder, sync_folder};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use vesalius_control::Control;

/// The most files of an archive.
const FILES: usize = 100_000;

/// Unpacks the files of `archive` into `folder`, which is there afterwards whole or not at all.
///
/// # Errors
/// A sentence for the person who sent it.
pub(crate) fn unpack(
    archive: &Path,
    folder: &Path,
    limits: &Limits,
    control: &Control,
) -> Result<(), String> {
    if folder.is_dir() {
        // A server before this one ended after it.
        return Ok(());
    }
    let part = folder.with_extension("part");
    let broken = |error: &dyn std::fmt::Display| {
        format!("the zip archive cannot be read ({error}); make it again and send it once more")
    };
    let failed =
        |_: io::Error| "the server could not write to its disk; try again later".to_owned();
    let _ = fs::remove_dir_all(&part);
    make_folder(&part).map_err(failed)?;
    let file = File::open(archive).map_err(failed)?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(&error))?;
    if archive.len() > FILES {
        return Err(format!(
            "the archive has {} files, and at most {FILES} are taken; send one series",
            archive.len()
        ));
    }
    let mut left = limits.unpacked_bytes;
    for index in 0..archive.len() {
        control.check().map_err(|error| error.to_string())?;
        let entry = archive.by_index(index).map_err(|error| broken(&error))?;
        if entry.is_dir() || entry.size() == 0 {
            continue;
        }
        let mut out = File::create(part.join(format!("{index:06}.dcm"))).map_err(failed)?;
        // One byte more than allowed tells that there is more, whatever the archive says.
        let written =
            io::copy(&mut entry.take(left + 1), &mut out).map_err(|error| broken(&error))?;
        if written > left {
            return Err(format!(
                "the archive unpacks to more than {} bytes, which is the limit of this server; send one series",
                limits.unpacked_bytes
            ));
        }
        left -= written;
    }
    sync_folder(&part)
        .and_then(|()| fs::rename(&part, folder))
        .map_err(failed)
}
