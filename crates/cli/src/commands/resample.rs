//! `vesalius resample`: an image or labels on another grid.

use super::Result;
use crate::input::ImageInput;
use crate::interrupt::followed;
use crate::kind::{self, KindOption};
use crate::target::OutputOption;
use crate::values::triple;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use vesalius::filters::{self, Extrapolation};
use vesalius::resample::{
    FileError, FileGrid, FileInterpolation, FileMap, FileResampling, VectorAxes, resample_file,
};

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
    #[arg(long, value_parser = triple::<f64>, value_name = "MM", conflicts_with_all = ["size", "like"], allow_hyphen_values = true)]
    spacing: Option<[f64; 3]>,
    /// The new number of voxels x,y,z, over the same extent
    #[arg(long, value_parser = triple::<usize>, value_name = "X,Y,Z", conflicts_with = "like", allow_hyphen_values = true)]
    size: Option<[usize; 3]>,
    /// An image whose grid to take
    #[arg(long, value_name = "REF")]
    like: Option<PathBuf>,
    /// Whose rule decides on size and place at a spacing, on interpolation and on what lies outside
    #[arg(long, value_enum, default_value = "simple-itk")]
    convention: Convention,
    /// How values between voxels are computed [default: the convention's; nearest for labels]
    #[arg(long, value_enum)]
    interpolation: Option<Choice>,
    #[command(flatten)]
    kind: KindOption,
    /// What lies outside of IN: a value, or `edge` for the border voxel continued [default: the
    /// convention's]
    #[arg(long, value_parser = outside, value_name = "VALUE|edge", allow_hyphen_values = true)]
    outside: Option<Extrapolation>,
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
    overwrite: OutputOption,
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

#[derive(Clone, Copy, ValueEnum)]
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

#[derive(Clone, Copy, ValueEnum)]
enum Vectors {
    /// Left, posterior, superior: what ITK and ANTs write
    Lps,
    /// Right, anterior, superior
    Ras,
}

/// Resamples and writes.
pub fn run(arguments: &Arguments) -> Result<()> {
    let options = FileResampling {
        grid: match (arguments.spacing, arguments.size, &arguments.like) {
            (Some(spacing), _, _) => FileGrid::Spacing(spacing),
            (_, Some(size), _) => FileGrid::Size(size),
            (_, _, Some(like)) => FileGrid::Like(like.clone()),
            _ => FileGrid::Same,
        },
        convention: match arguments.convention {
            Convention::SimpleItk => filters::Convention::SimpleItk,
            Convention::Monai => filters::Convention::Monai,
            Convention::Nnunet => filters::Convention::NnUnet,
            Convention::Torchio => filters::Convention::TorchIo,
            Convention::Nibabel => filters::Convention::Nibabel,
        },
        map: match (&arguments.affine, &arguments.displacement) {
            (Some(path), _) => FileMap::Affine(path.clone()),
            (_, Some(path)) => FileMap::Displacement {
                path: path.clone(),
                axes: match arguments.vectors {
                    Vectors::Lps => VectorAxes::Lps,
                    Vectors::Ras => VectorAxes::Ras,
                },
            },
            _ => FileMap::Identity,
        },
        outside: arguments.outside,
        interpolation: arguments.interpolation.map(|choice| match choice {
            Choice::Nearest => FileInterpolation::Nearest,
            Choice::Linear => FileInterpolation::Linear,
            Choice::Cubic => FileInterpolation::Cubic,
            Choice::Gaussian => FileInterpolation::Gaussian,
        }),
        kind: arguments.kind.kind(),
        reading: arguments.reading.options(),
        control: followed(),
    };
    let (input, output) = (&arguments.input, &arguments.output);
    let files = [
        Some(input),
        arguments.like.as_ref(),
        arguments.affine.as_ref(),
        arguments.displacement.as_ref(),
    ];
    let files: Vec<&Path> = files.into_iter().flatten().map(PathBuf::as_path).collect();
    let _claimed = arguments.overwrite.image(output, &files)?;
    resample_file(input, output, &options, &mut kind::notice).map_err(explained)
}

/// What went wrong, in the options of the command.
fn explained(error: FileError) -> Box<dyn std::error::Error> {
    match error {
        FileError::MayBeLabels(unclear) => kind::explained(&unclear).into(),
        FileError::Interpolation {
            found: FileInterpolation::Gaussian,
            ..
        } => "`--interpolation gaussian` is for --labels; choose nearest, linear or cubic".into(),
        FileError::Interpolation { .. } => "`--interpolation cubic` overshoots, so it does not suit --labels; choose nearest, linear or gaussian".into(),
        error => error.into(),
    }
}

fn outside(text: &str) -> std::result::Result<Extrapolation, String> {
    match text {
        "edge" => Ok(Extrapolation::Edge),
        value => value
            .parse()
            .map(Extrapolation::Value)
            .map_err(|_| "expected a number or `edge`".to_owned()),
    }
}
