//! `vesalius view`: a picture of an image, with labels drawn over it.

use super::Result;
use crate::input::ImageInput;
use crate::kind;
use crate::target::OutputOption;
use crate::values::{pair, triple};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use vesalius::view::{Overlay, Plane, Window};
use vesalius::workflow::view::{Error, Shown, ViewOptions, view_file};

/// Arguments of `vesalius view`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The image
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Labels on the image's grid, drawn over it
    #[arg(long)]
    labels: Option<PathBuf>,
    /// A second set of labels, drawn next to the first
    #[arg(long, requires = "labels", value_name = "LABELS")]
    prediction: Option<PathBuf>,
    /// The file to write: .png, or .gif for an animation through the slices
    #[arg(long)]
    output: PathBuf,
    /// Slices of one plane, or one point in all three
    #[arg(long, value_enum, default_value = "axial")]
    plane: Choice,
    /// How many slices, spread over those that hold labels [default: 4; for a .gif up to 80]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    slices: Option<usize>,
    /// Exactly these slices, counted from 1 towards right, anterior or superior
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "N,N,…",
        allow_hyphen_values = true,
        conflicts_with = "slices"
    )]
    at: Vec<usize>,
    /// The voxel that three planes go through, x,y,z from 0 [default: in the middle of the labels]
    #[arg(long, value_parser = triple::<usize>, value_name = "X,Y,Z", allow_hyphen_values = true)]
    through: Option<[usize; 3]>,
    /// The values drawn black and white [default: the 0.5th and 99.5th percentile]
    #[arg(long, value_parser = pair, value_name = "LOW,HIGH", allow_hyphen_values = true, conflicts_with = "level")]
    window: Option<[f64; 2]>,
    /// The window's centre, as radiology names it
    #[arg(long, requires = "width", allow_hyphen_values = true)]
    level: Option<f32>,
    /// The window's width
    #[arg(long, requires = "level", allow_hyphen_values = true)]
    width: Option<f32>,
    /// How much of the image a label hides, 0 to 1
    #[arg(long, default_value_t = Overlay::default().opacity, allow_hyphen_values = true)]
    opacity: f32,
    /// Width of the outlines in pixels; 0 draws none
    #[arg(long, default_value_t = Overlay::default().outline, value_name = "PIXELS", allow_hyphen_values = true)]
    outline: usize,
    /// Pixels of a slice's longer side
    #[arg(
        long,
        default_value_t = 320,
        value_name = "PIXELS",
        allow_hyphen_values = true
    )]
    tile: usize,
    /// Slices side by side
    #[arg(long, default_value_t = 1, allow_hyphen_values = true)]
    columns: usize,
    /// A line above it all
    #[arg(long, default_value = "")]
    title: String,
    /// Names of the labels for the legend: an ITK-SNAP label file, or a label map with names in it [default: those in
    /// or next to the label maps]
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// Which channel of the image, from 0
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    channel: usize,
    #[command(flatten)]
    overwrite: OutputOption,
    #[command(flatten)]
    reading: ImageInput,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    /// Seen from the feet
    Axial,
    /// Seen from the front
    Coronal,
    /// Seen from the patient's left
    Sagittal,
    /// All three through one point
    Three,
}

/// Draws and writes.
pub fn run(arguments: &Arguments) -> Result<()> {
    let options = ViewOptions {
        labels: arguments.labels.clone(),
        prediction: arguments.prediction.clone(),
        names: arguments.names.clone(),
        shown: match arguments.plane {
            Choice::Axial => Shown::Slices(Plane::Axial),
            Choice::Coronal => Shown::Slices(Plane::Coronal),
            Choice::Sagittal => Shown::Slices(Plane::Sagittal),
            Choice::Three => Shown::ThreePlanes,
        },
        slices: arguments.slices,
        at: arguments.at.clone(),
        through: arguments.through,
        window: match (arguments.window, arguments.level, arguments.width) {
            (Some([low, high]), _, _) => Window::Range(low as f32, high as f32),
            (_, Some(level), Some(width)) => Window::level(level, width),
            _ => Window::default(),
        },
        overlay: Overlay {
            opacity: arguments.opacity,
            outline: arguments.outline,
        },
        tile: arguments.tile,
        columns: arguments.columns,
        title: arguments.title.clone(),
        channel: arguments.channel,
        reading: arguments.reading.options(),
    };
    let (input, output) = (&arguments.input, &arguments.output);
    let files = [
        Some(input),
        arguments.labels.as_ref(),
        arguments.prediction.as_ref(),
        arguments.names.as_ref(),
    ];
    let files: Vec<&Path> = files.into_iter().flatten().map(PathBuf::as_path).collect();
    vesalius::workflow::view::check_name(output).map_err(|error| explained(error, arguments))?;
    let _claimed = arguments.overwrite.file(output, &files)?;
    let drawn = view_file(input, output, &options, &mut kind::notice);
    drawn.map_err(|error| explained(error, arguments))
}

/// What went wrong, in the options of the command.
fn explained(error: Error, arguments: &Arguments) -> Box<dyn std::error::Error> {
    match error {
        Error::Ending(path) => format!(
            "{}: a picture is written as .png or .gif; give --output one of these endings",
            path.display()
        )
        .into(),
        Error::BadOption { option: "at", .. } => "`--at 0`: slices are counted from 1".into(),
        Error::BadOption {
            option,
            found,
            expected,
        } => format!("`--{option} {found}`: expected {expected}").into(),
        Error::NoSlice {
            slice,
            count,
            plane,
        } => format!("`--at {slice}`: the image has {count} {plane} slices, counted from 1").into(),
        Error::Window(error) => match arguments.window {
            Some(_) => format!("--window: {error}").into(),
            None => format!("--level and --width: {error}").into(),
        },
        Error::AnimatedPlanes => "a .gif walks through one plane; choose --plane axial, coronal or sagittal, or write a .png".into(),
        Error::SlicesOfPlanes => "--plane three shows one point; name it with --through instead of --at or --slices".into(),
        Error::PointOfSlices => "--through is for --plane three; name slices with --at".into(),
        error => error.into(),
    }
}
