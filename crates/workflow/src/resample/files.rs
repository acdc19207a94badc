//! Resampling from file to file: what is resampled through maps and onto grids that are files too.

use super::slabs::Large;
use super::{Grid, Resampling, Through};
use crate::FileError as Error;
use crate::kind::{FileKind, Notice, Reader};
use crate::transform_file::read_affine;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_filters::{Convention, Extrapolation, Interpolation, LabelInterpolation};
use vesalius_io::{FourthAxis, ReadOptions, WriteOptions, probe_with, write, write_labels_with};
use vesalius_volume::Volume;

/// The grid of the result.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum FileGrid {
    /// That of the input, or of the displacement field where there is one.
    #[default]
    Same,
    /// A spacing `[x, y, z]` in mm; the convention decides on size and place.
    Spacing([f64; 3]),
    /// So many voxels over exactly the extent of the input.
    Size([usize; 3]),
    /// The grid of another image file.
    Like(PathBuf),
}

/// The file of the map from the result to the input.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum FileMap {
    /// None: values come from the same place.
    #[default]
    Identity,
    /// An affine map, as [`read_affine`] reads it.
    Affine(PathBuf),
    /// A displacement field: an image of three channels, in mm.
    Displacement {
        /// The file.
        path: PathBuf,
        /// The axes that its vectors point along.
        axes: VectorAxes,
    },
}

/// The axes that the vectors of a displacement field point along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VectorAxes {
    /// Left, posterior, superior: what ITK and ANTs write.
    #[default]
    Lps,
    /// Right, anterior, superior.
    Ras,
}

/// How values between voxels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileInterpolation {
    /// The nearest voxel.
    Nearest,
    /// Linear; for labels the label with the largest share.
    Linear,
    /// Cubic B-spline, for images.
    Cubic,
    /// For labels: the label with the largest share under a Gaussian of one voxel.
    Gaussian,
}

impl std::fmt::Display for FileInterpolation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nearest => "nearest",
            Self::Linear => "linear",
            Self::Cubic => "cubic",
            Self::Gaussian => "gaussian",
        })
    }
}

/// What to do with a file.
#[derive(Debug, Clone, Default)]
pub struct FileResampling {
    /// The grid of the result.
    pub grid: FileGrid,
    /// The tool whose rules are followed.
    pub convention: Convention,
    /// The map from the result to the input.
    pub map: FileMap,
    /// Instead of what the convention finds beyond the input.
    pub outside: Option<Extrapolation>,
    /// Instead of the convention's interpolation, or of the nearest label.
    pub interpolation: Option<FileInterpolation>,
    /// Whether the input is an image or a label map.
    pub kind: FileKind,
    /// How the files are read.
    pub reading: ReadOptions,
    /// Cancels and follows the resampling itself, in the stage `resampling`.
    pub control: Control,
}

/// Resamples an image or label map into a new file, whose name decides its format; `notice` is called with
/// what reading decided.
///
/// Where input and result together are larger than [`ReadOptions::max_bytes`], or than what the machine has left, some
/// slices are read, resampled and written at a time, where format, convention and grid allow it: the values are the same,
/// but for cubic splines, whose last bit may differ.
///
/// # Errors
/// [`Error`]: a file that cannot be read or written, or that may be an image or a label map; an interpolation
/// that does not suit it; what [`Resampling`] refuses.
pub fn resample_file(
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &FileResampling,
    notice: &mut dyn FnMut(&Notice),
) -> Result<(), Error> {
    let (input, output) = (input.as_ref(), output.as_ref());
    let mut reader = Reader {
        options: &options.reading,
        notice,
    };
    let job = Resampling {
        grid: match &options.grid {
            FileGrid::Same => Grid::Same,
            FileGrid::Spacing(spacing) => Grid::Spacing(*spacing),
            FileGrid::Size(size) => Grid::Size(*size),
            FileGrid::Like(path) => Grid::Like(probe_with(path, &options.reading)?.geometry),
        },
        convention: options.convention,
        through: match &options.map {
            FileMap::Identity => Through::Nothing,
            FileMap::Affine(path) => Through::Affine(read_affine(path)?),
            FileMap::Displacement { path, axes } => {
                Through::Displacement(field(path, *axes, &mut reader)?)
            }
        },
        outside: options.outside,
    };
    let large = Large {
        input,
        output,
        job: &job,
        interpolation: options.interpolation,
        control: &options.control,
    };
    if large.run(options.kind, &mut reader)? {
        return Ok(());
    }
    if options.kind != FileKind::Labels {
        let interpolation = of_images(options.interpolation)?;
        let image = reader.image(input)?;
        if !reader.is_labels(input, &image, options.kind)? {
            write(
                output,
                &job.image_with(&image, interpolation, &options.control)?,
            )?;
            return Ok(());
        }
    }
    let interpolation = of_labels(options.interpolation)?;
    let labels = job.labels_with(&reader.labels(input)?, interpolation, &options.control)?;
    // Names and colours go along.
    let names = WriteOptions {
        labels: probe_with(input, &options.reading)?.labels,
        ..WriteOptions::default()
    };
    Ok(write_labels_with(output, &labels, &names)?)
}

pub(super) fn of_images(found: Option<FileInterpolation>) -> Result<Option<Interpolation>, Error> {
    Ok(Some(match found {
        None => return Ok(None),
        Some(FileInterpolation::Nearest) => Interpolation::Nearest,
        Some(FileInterpolation::Linear) => Interpolation::Linear,
        Some(FileInterpolation::Cubic) => Interpolation::Cubic,
        Some(found @ FileInterpolation::Gaussian) => {
            let expected = "nearest, linear or cubic for an image";
            return Err(Error::Interpolation { found, expected });
        }
    }))
}

pub(super) fn of_labels(
    found: Option<FileInterpolation>,
) -> Result<Option<LabelInterpolation>, Error> {
    Ok(Some(match found {
        None => return Ok(None),
        Some(FileInterpolation::Nearest) => LabelInterpolation::Nearest,
        Some(FileInterpolation::Linear) => LabelInterpolation::Linear,
        Some(FileInterpolation::Gaussian) => LabelInterpolation::Gaussian {
            sigma: [1.0; 3],
            alpha: 1.0,
        },
        Some(found @ FileInterpolation::Cubic) => {
            let expected = "nearest, linear or gaussian for labels";
            return Err(Error::Interpolation { found, expected });
        }
    }))
}

/// A displacement field with vectors in RAS+ mm.
fn field(path: &Path, axes: VectorAxes, reader: &mut Reader) -> Result<Volume<f64>, Error> {
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..reader.options.clone()
    };
    let mut field: Volume<f64> = reader.image_with(path, &options)?;
    if field.channels() != 3 {
        return Err(Error::FieldChannels {
            path: path.to_owned(),
            channels: field.channels(),
        });
    }
    if axes == VectorAxes::Lps {
        for channel in 0..2 {
            field.channel_mut(channel).iter_mut().for_each(|v| *v = -*v);
        }
    }
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn a_field_in_lps_moves_against_right_and_anterior() {
        let folder = tempfile::tempdir().unwrap();
        let [input, field, output] = ["a.nii", "field.nii", "b.nii"].map(|n| folder.path().join(n));
        let grid = Geometry::axis_aligned([6, 5, 4], [1.0; 3]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 100 * z) as f32 + 0.5);
        vesalius_io::write(&input, &image).unwrap();
        let vectors = [-1.0, -2.0, 1.0].map(|v| Volume::filled(grid, v));
        vesalius_io::write(&field, &Volume::stack(&vectors).unwrap()).unwrap();
        let mut options = FileResampling {
            map: FileMap::Displacement {
                path: field.clone(),
                axes: VectorAxes::Lps,
            },
            ..FileResampling::default()
        };
        let value = |options: &FileResampling| {
            resample_file(&input, &output, options, &mut |_| {}).unwrap();
            vesalius_io::read(&output).unwrap().get(0, [1, 1, 1])
        };
        assert_eq!(value(&options), image.get(0, [2, 3, 2]));
        options.map = FileMap::Displacement {
            path: field.clone(),
            axes: VectorAxes::Ras,
        };
        // One voxel before the first: outside, which is 0.
        assert_eq!(value(&options), 0.0);
        options.interpolation = Some(FileInterpolation::Gaussian);
        let refused = resample_file(&input, &output, &options, &mut |_| {}).unwrap_err();
        assert!(refused.to_string().contains("gaussian"), "{refused}");
    }
}
