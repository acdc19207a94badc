//! How images are read: the arguments that every command on image files shares, as options of the
//! library.

use crate::interrupt::followed;
use crate::warnings;
use vesalius::inferers::ByteSize;
use vesalius::io::{DicomOptions, FourthAxis, OnWarning, ReadOptions, UnevenSlices};

/// Options for files that lack a part of a volume's geometry.
#[derive(clap::Args)]
#[command(next_help_heading = "Reading images")]
pub struct Reading {
    /// The spacing in mm of files without the position of their voxels
    #[arg(long, value_name = "X,Y,Z", value_parser = spacing, allow_hyphen_values = true)]
    assume_spacing: Option<[f64; 3]>,
    /// Keep the shear of a tilted gantry in the affine
    #[arg(long)]
    keep_shear: bool,
    /// Bring DICOM slices at unequal gaps to equal ones, linearly
    #[arg(long)]
    interpolate_slices: bool,
}

impl Reading {
    /// The library's options, with these decisions.
    pub fn options(&self) -> ReadOptions {
        ReadOptions {
            assume_spacing: self.assume_spacing,
            dicom: DicomOptions {
                uneven_slices: match self.interpolate_slices {
                    true => UnevenSlices::Interpolate,
                    false => UnevenSlices::Refuse,
                },
                keep_shear: self.keep_shear,
                ..DicomOptions::default()
            },
            on_warning: match warnings::strict() {
                true => OnWarning::Refuse,
                false => OnWarning::Collect,
            },
            ..ReadOptions::default()
        }
    }
}

/// The same, and a limit on memory.
#[derive(clap::Args)]
#[command(next_help_heading = "Reading images")]
pub struct GeometryInput {
    #[command(flatten)]
    reading: Reading,
    /// The most memory that the voxels may take, such as 32GiB [default: 16GiB]
    #[arg(long, value_name = "SIZE", value_parser = bytes, allow_hyphen_values = true)]
    max_memory: Option<u64>,
}

impl GeometryInput {
    /// The library's options, with these decisions; Ctrl-C stops the reading.
    pub fn options(&self) -> ReadOptions {
        let usual = self.reading.options().control(followed());
        ReadOptions {
            max_bytes: self.max_memory.unwrap_or(usual.max_bytes),
            ..usual
        }
    }
}

/// Which image of several, and what a fourth axis is.
#[derive(clap::Args)]
#[command(next_help_heading = "Reading images")]
pub struct ImageInput {
    /// The DICOM series to read: its UID, number or description, with /PART where it has parts
    #[arg(long, value_name = "SERIES")]
    series: Option<String>,
    /// Take a fourth axis as channels; it might also be time
    #[arg(long)]
    channels: bool,
    #[command(flatten)]
    geometry: GeometryInput,
}

impl ImageInput {
    /// The library's options, with these decisions.
    pub fn options(&self) -> ReadOptions {
        ReadOptions {
            fourth_axis: match self.channels {
                true => FourthAxis::Channels,
                false => FourthAxis::Refuse,
            },
            series: self.series.clone(),
            ..self.geometry.options()
        }
    }
}

/// Which series of several become channels, and what a fourth axis is.
#[derive(clap::Args)]
#[command(next_help_heading = "Reading images")]
pub struct SeriesInput {
    /// The DICOM series to read: its UID, number or description, with /PART where it has parts;
    /// given more than once, the series become channels on the grid of the first
    #[arg(long, value_name = "SERIES")]
    pub series: Vec<String>,
    /// Take a fourth axis as channels; it might also be time
    #[arg(long)]
    channels: bool,
    #[command(flatten)]
    geometry: GeometryInput,
}

impl SeriesInput {
    /// The library's options for the series named, or for the only one.
    pub fn options(&self, series: Option<&String>) -> ReadOptions {
        ReadOptions {
            fourth_axis: match self.channels {
                true => FourthAxis::Channels,
                false => FourthAxis::Refuse,
            },
            series: series.cloned(),
            ..self.geometry.options()
        }
    }
}

fn spacing(text: &str) -> Result<[f64; 3], String> {
    let numbers: Vec<f64> = text
        .split(',')
        .map(|part| part.trim().parse().ok())
        .collect::<Option<_>>()
        .unwrap_or_default();
    <[f64; 3]>::try_from(numbers)
        .ok()
        .filter(|spacing| spacing.iter().all(|s| s.is_finite() && *s > 0.0))
        .ok_or_else(|| "expected three positive numbers in mm, such as 0.8,0.8,2.5".to_owned())
}

fn bytes(text: &str) -> Result<u64, String> {
    text.parse::<ByteSize>().map(|bytes| bytes.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacings_and_sizes_are_read_or_refused() {
        assert_eq!(spacing("0.8, 1,2.5"), Ok([0.8, 1.0, 2.5]));
        for text in ["1,1", "1,1,0", "1,1,x", "1,1,1,1", "1,1,inf", ""] {
            assert!(spacing(text).is_err(), "{text}");
        }
        assert_eq!(bytes("4GiB"), Ok(4 << 30));
        assert_eq!(bytes("100B"), Ok(100));
        for text in ["100", "GiB", "-1GiB", "4GX"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
