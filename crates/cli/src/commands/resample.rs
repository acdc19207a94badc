//! `vesalius resample`: an image or labels on another grid.

use super::Result;
use crate::input::{ImageInput, image_with};
use crate::kind::KindOption;
use crate::values::triple;
use clap::ValueEnum;
use std::path::PathBuf;
use vesalius::filters::{self, Interpolation, LabelInterpolation, Outside};
use vesalius::io::{FourthAxis, ReadOptions, probe_with};
use vesalius::io::{write, write_labels};
use vesalius::resample::{Grid, Resampling, Through};
use vesalius::transform_file::read_affine;
use vesalius::volume::Volume;

/// Arguments of `vesalius resample`.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("target").required(true).multiple(true)
    .args(["spacing", "size", "like", "affine", "displacement"]))]
pub struct Arguments {
    /// The image to read
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write; its name decides the format
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The new spacing in mm, one or x,y,z
    #[arg(long, value_parser = triple::<f64>, value_name = "MM", conflicts_with_all = ["size", "like"])]
    spacing: Option<[f64; 3]>,
    /// The new number of voxels x,y,z, over the same extent
    #[arg(long, value_parser = triple::<usize>, value_name = "X,Y,Z", conflicts_with = "like", allow_negative_numbers = true)]
    size: Option<[usize; 3]>,
    /// An image whose grid to take
    #[arg(long, value_name = "REF")]
    like: Option<PathBuf>,
    /// Whose rule decides on size and place at a spacing, on interpolation and on what lies outside
    #[arg(long, value_enum, default_value = "simple-itk")]
    convention: Convention,
    /// How values between voxels come about [default: the convention's; nearest for labels]
    #[arg(long, value_enum)]
    interpolation: Option<Choice>,
    #[command(flatten)]
    kind: KindOption,
    /// What lies outside of IN: a value, or `edge` for the border voxel continued [default: the
    /// convention's]
    #[arg(long, value_parser = outside, value_name = "VALUE|edge", allow_hyphen_values = true)]
    outside: Option<Outside>,
    /// An affine map from the result's world to IN's: 16 numbers in RAS mm, or ITK's text format
    #[arg(long, value_name = "FILE", conflicts_with = "displacement")]
    affine: Option<PathBuf>,
    /// A displacement field from the result to IN: an image of three channels in mm; its grid is
    /// the result's unless another is given
    #[arg(long, value_name = "FILE")]
    displacement: Option<PathBuf>,
    /// The axes that the field's vectors point along
    #[arg(long, value_enum, default_value = "lps", requires = "displacement")]
    vectors: Vectors,
    #[command(flatten)]
    reading: ImageInput,
}

#[derive(Clone, Copy, ValueEnum)]
enum Convention {
    /// round(n·s/s') voxels, first voxel kept; linear; 0 outside
    SimpleItk,
    /// round((n-1)·s/s' + 1) voxels, first voxel kept; linear; border continued (`Spacing`)
    Monai,
    /// round(n·s/s') voxels over the same extent; cubic; thick slices apart; its vote of labels
    Nnunet,
    /// floor(n·s/s') voxels, centre kept, and axes of one voxel (TorchIO 1.2.1); linear; 0 outside
    Torchio,
    /// A grid along the world's axes around all voxels; cubic; 0 outside (`resample_to_output`)
    Nibabel,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Choice {
    /// The nearest voxel
    Nearest,
    /// Linear; for labels the label with the largest share
    Linear,
    /// Cubic B-spline, for images
    Cubic,
    /// For labels: the label with the largest share under a Gaussian of one voxel
    Gaussian,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Vectors {
    /// Left, posterior, superior: what ITK and ANTs write
    Lps,
    /// Right, anterior, superior
    Ras,
}

/// Resamples and writes.
pub fn run(arguments: &Arguments) -> Result<()> {
    let grid = match (arguments.spacing, arguments.size, &arguments.like) {
        (Some(spacing), _, _) => Grid::Spacing(spacing),
        (_, Some(size), _) => Grid::Size(size),
        (_, _, Some(like)) => Grid::Like(probe_with(like, &arguments.reading.options())?.geometry),
        _ => Grid::Same,
    };
    let job = Resampling {
        grid,
        convention: match arguments.convention {
            Convention::SimpleItk => filters::Convention::SimpleItk,
            Convention::Monai => filters::Convention::Monai,
            Convention::Nnunet => filters::Convention::NnUnet,
            Convention::Torchio => filters::Convention::TorchIo,
            Convention::Nibabel => filters::Convention::Nibabel,
        },
        through: through(arguments)?,
        outside: arguments.outside,
    };
    if arguments.kind.says_labels() {
        return labels(&job, arguments);
    }
    let interpolation = match arguments.interpolation {
        None => None,
        Some(Choice::Nearest) => Some(Interpolation::Nearest),
        Some(Choice::Linear) => Some(Interpolation::Linear),
        Some(Choice::Cubic) => Some(Interpolation::Cubic),
        Some(Choice::Gaussian) => {
            return Err("`--interpolation gaussian` is for --labels; \
                        choose nearest, linear or cubic"
                .into());
        }
    };
    let image = arguments.reading.image(&arguments.input)?;
    let reading = arguments.reading.options();
    if arguments
        .kind
        .is_labels(&arguments.input, &image, &reading)?
    {
        return labels(&job, arguments);
    }
    Ok(write(
        &arguments.output,
        &job.image(&image, interpolation)?,
    )?)
}

/// The input as labels.
fn labels(job: &Resampling, arguments: &Arguments) -> Result<()> {
    let interpolation = match arguments.interpolation {
        None => None,
        Some(Choice::Nearest) => Some(LabelInterpolation::Nearest),
        Some(Choice::Linear) => Some(LabelInterpolation::Linear),
        Some(Choice::Gaussian) => Some(LabelInterpolation::Gaussian {
            sigma: [1.0; 3],
            alpha: 1.0,
        }),
        Some(Choice::Cubic) => {
            return Err(
                "`--interpolation cubic` overshoots, so it does not suit --labels; \
                            choose nearest, linear or gaussian"
                    .into(),
            );
        }
    };
    let labels = job.labels(&arguments.reading.labels(&arguments.input)?, interpolation)?;
    Ok(write_labels(&arguments.output, &labels)?)
}

fn through(arguments: &Arguments) -> Result<Through> {
    if let Some(path) = &arguments.affine {
        return Ok(Through::Affine(read_affine(path)?));
    }
    let Some(path) = &arguments.displacement else {
        return Ok(Through::Nothing);
    };
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..arguments.reading.options()
    };
    let mut field: Volume<f64> = image_with(path, &options)?;
    if field.channels() != 3 {
        return Err(format!(
            "{}: a displacement field has three channels, this image has {}",
            path.display(),
            field.channels()
        )
        .into());
    }
    if arguments.vectors == Vectors::Lps {
        for channel in 0..2 {
            field.channel_mut(channel).iter_mut().for_each(|v| *v = -*v);
        }
    }
    Ok(Through::Displacement(field))
}

fn outside(text: &str) -> std::result::Result<Outside, String> {
    match text {
        "edge" => Ok(Outside::Edge),
        value => value
            .parse()
            .map(Outside::Value)
            .map_err(|_| "expected a number or `edge`".to_owned()),
    }
}
