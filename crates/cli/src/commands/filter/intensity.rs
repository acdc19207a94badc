//! Filters that change what values mean: ranges, histograms, the bias field.

use super::Result;
use super::files::Files;
use crate::values::{pair, triple};
use clap::ValueEnum;
use std::path::PathBuf;
use vesalius::filters::{
    ClaheOptions, Deviation, HistogramMatchingOptions, N4Options, ScikitImageClaheOptions, clahe,
    clahe_scikit_image, clip, match_histogram, n4_bias_field_correction, normalise,
    rescale_intensity, window,
};
use vesalius::io::write;

/// Filters of intensities.
#[derive(clap::Subcommand)]
pub enum Intensity {
    /// Map the smallest value to --low and the largest to --high, linearly
    Rescale {
        #[command(flatten)]
        files: Files,
        /// What the smallest value becomes
        #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
        low: f64,
        /// What the largest value becomes
        #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
        high: f64,
    },
    /// Map a window of values to a range, linearly, and cut off what lies outside
    Window {
        #[command(flatten)]
        files: Files,
        /// The window's centre, in the image's values
        #[arg(long, allow_negative_numbers = true)]
        level: f64,
        /// The window's width, in the image's values
        #[arg(long)]
        width: f64,
        /// What the ends of the window become
        #[arg(long, value_parser = pair, value_name = "LOW,HIGH", default_value = "0,1", allow_hyphen_values = true)]
        to: [f64; 2],
    },
    /// Cut values off below --low and above --high
    Clip {
        #[command(flatten)]
        files: Files,
        /// The least value that stays
        #[arg(long, allow_negative_numbers = true)]
        low: f64,
        /// The largest value that stays
        #[arg(long, allow_negative_numbers = true)]
        high: f64,
    },
    /// Mean 0 and standard deviation 1, each channel on its own
    Normalise {
        #[command(flatten)]
        files: Files,
        /// Labels: mean and deviation are those of the foreground
        #[arg(long, value_name = "LABELS")]
        mask: Option<PathBuf>,
        /// Divide by n - 1 in the deviation, as ITK does, instead of by n
        #[arg(long)]
        sample: bool,
    },
    /// Give the image the histogram of another one
    MatchHistogram {
        #[command(flatten)]
        files: Files,
        /// The image whose histogram it gets
        #[arg(long, value_name = "IMAGE")]
        reference: PathBuf,
        /// Bins of the histograms
        #[arg(long, default_value_t = 256)]
        levels: usize,
        /// Quantiles that are matched, besides the ends
        #[arg(long, default_value_t = 1)]
        points: usize,
        /// Match what lies below each image's mean too, usually air
        #[arg(long)]
        whole: bool,
    },
    /// Contrast-limited adaptive histogram equalisation, over tiles of the image
    Clahe {
        #[command(flatten)]
        files: Files,
        /// Tiles along x,y,z [default: 8,8,4; scikit-image's are an eighth of the image]
        #[arg(long, value_parser = triple::<usize>, value_name = "X,Y,Z")]
        tiles: Option<[usize; 3]>,
        /// Times the mean of the bins that a bin may hold, from 1 on [default: 3]; scikit-image's
        /// is the share of a tile's voxels, from 0 on [default: 0.01]
        #[arg(long)]
        clip_limit: Option<f64>,
        /// Bins of a tile's histogram
        #[arg(long, default_value_t = 256)]
        bins: usize,
        /// Keep the range and every shade, or do as scikit-image: 14 bits, to the range 0 to 1
        #[arg(long, value_enum, default_value = "exact")]
        convention: ClaheConvention,
    },
    /// N4: take the slow unevenness of an MR coil out of the image
    N4 {
        #[command(flatten)]
        files: Files,
        /// Labels: the field is estimated over their foreground
        #[arg(long, value_name = "LABELS")]
        mask: Option<PathBuf>,
        /// Most iterations on each level, each twice as fine as the one before
        #[arg(
            long,
            value_delimiter = ',',
            value_name = "N,N,…",
            default_value = "50,50,50,50"
        )]
        iterations: Vec<usize>,
        /// A level ends when the field changes by less than this, as a share
        #[arg(long, default_value_t = 0.001)]
        convergence: f64,
        /// Spans of the first level's spline along x,y,z
        #[arg(long, value_parser = triple::<usize>, value_name = "X,Y,Z", default_value = "1")]
        spans: [usize; 3],
        /// Bins of the histogram of log intensities
        #[arg(long, default_value_t = 200)]
        bins: usize,
        /// Full width at half maximum of the Gaussian taken out of the histogram, in log intensity
        #[arg(long, default_value_t = 0.15)]
        width: f64,
        /// Noise of the Wiener filter that takes it out
        #[arg(long, default_value_t = 0.01)]
        noise: f64,
        /// Write the logarithm of the field here
        #[arg(long, value_name = "FILE")]
        log_field: Option<PathBuf>,
    },
}

/// Which CLAHE.
#[derive(Clone, Copy, ValueEnum)]
pub enum ClaheConvention {
    /// Without rounding to grey levels; the range stays
    Exact,
    /// As `skimage.exposure.equalize_adapthist`
    ScikitImage,
}

impl Intensity {
    /// Reads, filters and writes.
    pub fn run(&self) -> Result<()> {
        match self {
            Self::Rescale { files, low, high } => {
                files.filter(|image| rescale_intensity(image, *low, *high))
            }
            Self::Window {
                files,
                level,
                width,
                to,
            } => {
                let ends = [level - width / 2.0, level + width / 2.0];
                files.filter(|image| window(image, ends, *to))
            }
            Self::Clip { files, low, high } => files.filter(|image| clip(image, *low, *high)),
            Self::Normalise {
                files,
                mask,
                sample,
            } => {
                let mask = mask
                    .as_ref()
                    .map(|path| files.labels_of(path))
                    .transpose()?;
                let deviation = match sample {
                    true => Deviation::Sample,
                    false => Deviation::Population,
                };
                files.filter(|image| normalise(image, mask.as_ref(), deviation))
            }
            Self::MatchHistogram {
                files,
                reference,
                levels,
                points,
                whole,
            } => {
                let options = HistogramMatchingOptions {
                    levels: *levels,
                    match_points: *points,
                    threshold_at_mean: !whole,
                };
                let reference = files.image_of(reference)?;
                files.filter(|image| match_histogram(image, &reference, &options))
            }
            Self::Clahe {
                files,
                tiles,
                clip_limit,
                bins,
                convention: ClaheConvention::Exact,
            } => {
                let default = ClaheOptions::default();
                let options = ClaheOptions {
                    tiles: tiles.unwrap_or(default.tiles),
                    clip_limit: clip_limit.unwrap_or(default.clip_limit),
                    bins: *bins,
                };
                files.filter(|image| clahe(image, &options))
            }
            Self::Clahe {
                files,
                tiles,
                clip_limit,
                bins,
                convention: ClaheConvention::ScikitImage,
            } => files.filter(|image| {
                let size = image.geometry().size();
                let voxels = |tiles: [usize; 3]| {
                    std::array::from_fn(|axis| size[axis].div_ceil(tiles[axis].max(1)))
                };
                let default = ScikitImageClaheOptions::default();
                let options = ScikitImageClaheOptions {
                    tile: tiles.map(voxels),
                    clip_limit: clip_limit.unwrap_or(default.clip_limit),
                    bins: *bins,
                };
                clahe_scikit_image(image, &options)
            }),
            Self::N4 {
                files,
                mask,
                iterations,
                convergence,
                spans,
                bins,
                width,
                noise,
                log_field,
            } => {
                let options = N4Options {
                    iterations: iterations.clone(),
                    convergence_threshold: *convergence,
                    spans: *spans,
                    bins: *bins,
                    full_width_at_half_maximum: *width,
                    wiener_noise: *noise,
                };
                let mask = mask
                    .as_ref()
                    .map(|path| files.labels_of(path))
                    .transpose()?;
                let result = n4_bias_field_correction(&files.image()?, mask.as_ref(), &options)?;
                if let Some(path) = log_field {
                    write(path, &result.log_bias)?;
                }
                Ok(write(files.output(), &result.corrected)?)
            }
        }
    }
}
