//! `vesalius view`: a picture of an image, with labels laid over it.

use super::Result;
use crate::input::{ImageInput, image_with};
use crate::values::{pair, triple};
use clap::ValueEnum;
use std::path::PathBuf;
use vesalius::io::{FourthAxis, ReadOptions, read_label_names, write_bytes_atomically};
use vesalius::view::{Animation, Montage, Overlay, Plane, Scene, Slicing, ThreePlanes, Window};
use vesalius::volume::Volume;

/// Arguments of `vesalius view`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The image
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Labels on the image's grid, drawn over it
    #[arg(long)]
    labels: Option<PathBuf>,
    /// A second set of labels, drawn beside the first
    #[arg(long, requires = "labels", value_name = "LABELS")]
    prediction: Option<PathBuf>,
    /// The file to write: .png, or .gif for a walk through the slices
    #[arg(long)]
    output: PathBuf,
    /// Slices of one plane, or one point in all three
    #[arg(long, value_enum, default_value = "axial")]
    plane: Choice,
    /// How many slices, spread over those that hold labels [default: 4; for a .gif up to 80]
    #[arg(long, value_name = "N")]
    slices: Option<usize>,
    /// Exactly these slices, counted from 1 towards right, anterior or superior
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "N,N,…",
        conflicts_with = "slices"
    )]
    at: Vec<usize>,
    /// The voxel that three planes go through, x,y,z from 0 [default: in the middle of the labels]
    #[arg(long, value_parser = triple::<usize>, value_name = "X,Y,Z")]
    through: Option<[usize; 3]>,
    /// The values drawn black and white [default: the 0.5th and 99.5th percentile]
    #[arg(long, value_parser = pair, value_name = "LOW,HIGH", allow_hyphen_values = true, conflicts_with = "level")]
    window: Option<[f64; 2]>,
    /// The window's centre, as radiology names it
    #[arg(long, requires = "width", allow_negative_numbers = true)]
    level: Option<f32>,
    /// The window's width
    #[arg(long, requires = "level")]
    width: Option<f32>,
    /// How much of the image a label hides, 0 to 1
    #[arg(long, default_value_t = Overlay::default().opacity)]
    opacity: f32,
    /// Width of the outlines in pixels; 0 draws none
    #[arg(long, default_value_t = Overlay::default().outline, value_name = "PIXELS")]
    outline: usize,
    /// Pixels of a slice's longer side
    #[arg(long, default_value_t = 320, value_name = "PIXELS")]
    tile: usize,
    /// Slices side by side
    #[arg(long, default_value_t = 1)]
    columns: usize,
    /// A line above it all
    #[arg(long, default_value = "")]
    title: String,
    /// Names of the labels for the legend: an ITK-SNAP label file, or an NRRD with segments
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// Which channel of the image, from 0
    #[arg(long, default_value_t = 0)]
    channel: usize,
    #[command(flatten)]
    reading: ImageInput,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
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
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..arguments.reading.options()
    };
    let animated = match ending(arguments).as_str() {
        "png" => false,
        "gif" => true,
        _ => {
            return Err(format!(
                "{}: a picture is written as .png or .gif; give --output one of these endings",
                arguments.output.display()
            )
            .into());
        }
    };
    check(arguments, animated)?;
    let image: Volume<f32> = image_with(&arguments.input, &options)?;
    let plane = plane(arguments.plane);
    let count = Slicing::new(image.geometry(), plane).count();
    if let Some(slice) = arguments.at.iter().find(|&&slice| slice > count) {
        return Err(format!(
            "`--at {slice}`: the image has {count} {} slices, counted from 1",
            plane.name()
        )
        .into());
    }
    let read_labels = |path: &PathBuf| arguments.reading.labels(path);
    let labels = arguments.labels.as_ref().map(read_labels).transpose()?;
    let prediction = arguments.prediction.as_ref().map(read_labels).transpose()?;
    let names = match &arguments.names {
        Some(path) => read_label_names(path)?,
        None => Vec::new(),
    };
    let scene = Scene {
        channel: arguments.channel,
        reference: labels.as_ref(),
        prediction: prediction.as_ref(),
        names: names.into_iter().map(|l| (l.value, l.name)).collect(),
        ..Scene::of(&image)
    };
    let bytes = draw(arguments, &scene, animated)?;
    Ok(write_bytes_atomically(&arguments.output, &bytes)?)
}

fn plane(choice: Choice) -> Plane {
    match choice {
        Choice::Coronal => Plane::Coronal,
        Choice::Sagittal => Plane::Sagittal,
        Choice::Axial | Choice::Three => Plane::Axial,
    }
}

/// Options that contradict each other, which would be passed over in silence otherwise.
fn check(arguments: &Arguments, animated: bool) -> Result<()> {
    let three = arguments.plane == Choice::Three;
    for (name, value) in [
        ("tile", Some(arguments.tile)),
        ("slices", arguments.slices),
        ("columns", Some(arguments.columns)),
    ] {
        if value == Some(0) {
            return Err(format!("`--{name} 0`: expected 1 or more").into());
        }
    }
    if let Err(error) = window(arguments).check() {
        let option = if arguments.window.is_some() {
            "--window"
        } else {
            "--level and --width"
        };
        return Err(format!("{option}: {error}").into());
    }
    if arguments.at.contains(&0) {
        return Err("`--at 0`: slices are counted from 1".into());
    }
    if !(0.0..=1.0).contains(&arguments.opacity) {
        return Err(format!("`--opacity {}`: expected 0 to 1", arguments.opacity).into());
    }
    if three && animated {
        return Err(
            "a .gif walks through one plane; choose --plane axial, coronal or \
                    sagittal, or write a .png"
                .into(),
        );
    }
    if three && !(arguments.at.is_empty() && arguments.slices.is_none()) {
        return Err(
            "--plane three shows one point; name it with --through instead of --at or \
                    --slices"
                .into(),
        );
    }
    if arguments.through.is_some() && !three {
        return Err("--through is for --plane three; name slices with --at".into());
    }
    Ok(())
}

fn ending(arguments: &Arguments) -> String {
    let ending = arguments.output.extension().and_then(|e| e.to_str());
    ending.unwrap_or_default().to_ascii_lowercase()
}

fn window(arguments: &Arguments) -> Window {
    match (arguments.window, arguments.level, arguments.width) {
        (Some([low, high]), _, _) => Window::Range(low as f32, high as f32),
        (_, Some(level), Some(width)) => Window::level(level, width),
        _ => Window::default(),
    }
}

fn draw(arguments: &Arguments, scene: &Scene, animated: bool) -> Result<Vec<u8>> {
    let window = window(arguments);
    let overlay = Overlay {
        opacity: arguments.opacity,
        outline: arguments.outline,
    };
    let montage = Montage {
        plane: plane(arguments.plane),
        slices: arguments.slices.unwrap_or(Montage::default().slices),
        at: arguments.at.iter().map(|slice| slice - 1).collect(),
        window,
        overlay,
        tile: arguments.tile,
        columns: arguments.columns,
        title: arguments.title.clone(),
    };
    if animated {
        let animation = Animation {
            frames: arguments.slices.unwrap_or(Animation::default().frames),
            frame: montage,
            ..Animation::default()
        };
        return Ok(animation.gif(scene)?);
    }
    if arguments.plane == Choice::Three {
        let planes = ThreePlanes {
            through: arguments.through,
            window,
            overlay,
            tile: arguments.tile,
            title: arguments.title.clone(),
        };
        return Ok(planes.draw(scene)?.png()?);
    }
    Ok(montage.draw(scene)?.png()?)
}
