//! From an uploaded body to an image: an image file as it is, or a zip archive with DICOM files or
//! with one image file a channel. Decides by content; names inside an archive lead nowhere else.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use vesalius::io::ReadOptions;
use vesalius::planning::read_image_with;
use vesalius::prelude::*;
use vesalius::study::{ChannelSource, read_channels};
use zip::ZipArchive;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const MOST_FILES: usize = 20_000;

/// What is taken of a body.
pub struct Wanted<'a> {
    /// DICOM series by UID, number or description, with commas between channels.
    pub series: Option<&'a str>,
    /// Channels of the image.
    pub channels: usize,
    /// How much an archive may unpack to.
    pub unpacked_bytes: u64,
    /// How images are read, and how large they may be.
    pub read: ReadOptions,
}

/// The image of a body, unpacked under `folder`.
///
/// # Errors
/// An archive that is broken, too large or without an image; a file that cannot be read.
pub fn read(folder: &Path, body: &[u8], wanted: &Wanted) -> Result<Volume<f32>> {
    let image = |files: &[PathBuf]| read_image_with(files, wanted.channels, &wanted.read);
    if !body.starts_with(b"PK\x03\x04") {
        let file = folder.join("upload");
        std::fs::write(&file, body)?;
        return Ok(image(&[file])?);
    }
    let files = unpack(folder, body, wanted.unpacked_bytes)?;
    if let Some(series) = wanted.series {
        let modality = |name: &str| ChannelSource {
            path: folder.to_path_buf(),
            options: ReadOptions {
                series: Some(name.to_owned()),
                ..wanted.read.clone()
            },
        };
        let modalities: Vec<ChannelSource> = series.split(',').map(modality).collect();
        return Ok(read_channels(&modalities)?);
    }
    let mut images: Vec<PathBuf> = files
        .into_iter()
        .filter(|file| vesalius::io::is_image(file))
        .collect();
    images.sort();
    if images.is_empty() {
        images.push(folder.to_path_buf());
    }
    Ok(image(&images)?)
}

/// Unpacks the files whose names stay inside `folder`; two of one name are an error.
fn unpack(folder: &Path, body: &[u8], unpacked_bytes: u64) -> Result<Vec<PathBuf>> {
    let mut archive = ZipArchive::new(Cursor::new(body))?;
    if archive.len() > MOST_FILES {
        let found = archive.len();
        return Err(
            format!("the archive has {found} entries, at most {MOST_FILES} are taken").into(),
        );
    }
    let mut left = unpacked_bytes;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        let Some(inside) = entry.enclosed_name().filter(|_| entry.is_file()) else {
            continue;
        };
        let target = folder.join(inside);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = std::fs::File::create_new(&target)?;
        let written = std::io::copy(&mut entry.take(left + 1), &mut file)?;
        left = left
            .checked_sub(written)
            .ok_or_else(|| format!("the archive unpacks to more than {unpacked_bytes} bytes"))?;
        files.push(target);
    }
    Ok(files)
}
