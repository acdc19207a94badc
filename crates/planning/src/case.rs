//! A case of a list in memory: its image, its labels, and the spacing that its header states.

use crate::{CaseFiles, Error, Result};
use std::path::PathBuf;
use vesalius_io::{FourthAxis, ReadOptions};
use vesalius_volume::{FileWarning, LabelMap, Volume};

/// The voxels of one labelled case, on one grid.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoadedCase {
    /// All channels.
    pub image: Volume<f32>,
    /// The labels.
    pub labels: LabelMap,
    /// Spacing `[x, y, z]` in mm as ITK reads it: NIfTI's is of single precision.
    pub spacing: [f64; 3],
}

/// Reads an image of `channels` channels from one file per channel, in order, or from one file whose
/// fourth axis they are (as in the Medical Segmentation Decathlon's tasks 1 and 5).
///
/// # Errors
/// A file that cannot be read, a fourth axis where one channel is expected, or channels on
/// different grids.
///
/// ```
/// use vesalius_planning::read_image;
/// use vesalius_volume::{Geometry, Volume};
///
/// // One file per channel.
/// let folder = tempfile::tempdir()?;
/// let grid = Geometry::axis_aligned([4, 4, 2], [1.0; 3])?;
/// let files = ["a_0000.nii.gz", "a_0001.nii.gz"].map(|name| folder.path().join(name));
/// vesalius_io::write(&files[0], &Volume::filled(grid, 10_i16))?;
/// vesalius_io::write(&files[1], &Volume::filled(grid, 20_i16))?;
/// let image = read_image(&files, 2)?;
/// assert_eq!((image.get(0, [0, 0, 0]), image.get(1, [0, 0, 0])), (10.0, 20.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_image(files: &[PathBuf], channels: usize) -> Result<Volume<f32>> {
    read_image_with(files, channels, &ReadOptions::default())
}

/// As [`read_image`], with options; `fourth_axis` is decided by the number of files and channels.
///
/// # Errors
/// As [`read_image`].
pub fn read_image_with(
    files: &[PathBuf],
    channels: usize,
    options: &ReadOptions,
) -> Result<Volume<f32>> {
    Ok(read_image_and_warnings(files, channels, options)?.0)
}

/// As [`read_image_with`]; also what was decided on reading each of the files.
///
/// # Errors
/// As [`read_image`].
pub fn read_image_and_warnings(
    files: &[PathBuf],
    channels: usize,
    options: &ReadOptions,
) -> Result<(Volume<f32>, Vec<FileWarning>)> {
    let mut options = ReadOptions {
        fourth_axis: match (files.len(), channels) {
            (1, 2..) => FourthAxis::Channels,
            _ => FourthAxis::Refuse,
        },
        ..options.clone()
    };
    let mut parts: Vec<Volume<f32>> = Vec::with_capacity(files.len());
    let mut warnings = Vec::new();
    for file in files {
        let part = vesalius_io::read_with(file, &options)?;
        // The limit is for all channels together.
        let taken = size_of_val(part.data()) as u64;
        options.max_bytes = options.max_bytes.saturating_sub(taken);
        warnings.extend(FileWarning::all(file, part.warnings()));
        parts.push(part);
    }
    let image = match <[Volume<f32>; 1]>::try_from(parts) {
        Ok([image]) => image,
        Err(parts) => Volume::stack(&parts)?,
    };
    Ok((image, warnings))
}

impl LoadedCase {
    /// Reads a case and checks that it is whole: the number of channels, one grid.
    ///
    /// # Errors
    /// [`Error::Case`] with the case's name and the reason.
    pub fn read(files: &CaseFiles, channels: usize) -> Result<Self> {
        let bad = |reason: String| Error::Case {
            case: files.name.clone(),
            reason,
        };
        let image = read_image(&files.images, channels).map_err(|e| bad(e.to_string()))?;
        if image.channels() != channels {
            return Err(bad(format!(
                "has {}, but the list names {channels}",
                vesalius_volume::counted(image.channels(), "channel")
            )));
        }
        let labels = vesalius_io::read_labels(&files.label).map_err(|e| bad(e.to_string()))?;
        image
            .geometry()
            .check_same(labels.geometry(), "image and labels")
            .map_err(|e| bad(e.to_string()))?;
        Ok(Self::of(files, image, labels))
    }

    /// The parts of a case, which must be on one grid.
    pub(crate) fn of(files: &CaseFiles, image: Volume<f32>, labels: LabelMap) -> Self {
        let spacing = image.geometry().spacing();
        let spacing = match is_nifti(&files.images) {
            true => spacing.map(|s| f64::from(s as f32)),
            false => spacing,
        };
        Self {
            image,
            labels,
            spacing,
        }
    }
}

fn is_nifti(files: &[PathBuf]) -> bool {
    let name = files.first().and_then(|file| file.file_name());
    let name = name.map(|name| name.to_string_lossy().to_lowercase());
    let endings = [".nii", ".nii.gz", ".nii.zst"];
    name.is_some_and(|name| endings.iter().any(|ending| name.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn a_fourth_axis_is_channels_where_the_list_names_several() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("case.nii");
        let geometry = Geometry::axis_aligned([2, 3, 4], [1.0; 3]).unwrap();
        let data = (0..48).map(|i| i as f32).collect();
        let image = Volume::new(geometry, 2, data).unwrap();
        vesalius_io::write(&path, &image).unwrap();
        let files = [path];
        assert_eq!(read_image(&files, 2).unwrap(), image);
        let refused = read_image(&files, 1).unwrap_err().to_string();
        assert!(refused.contains("fourth axis"), "{refused}");
    }
}
