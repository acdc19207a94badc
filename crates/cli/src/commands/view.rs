//! `vesalius view`: a picture of an image, with labels laid over it.

use super::Result;
use std::path::PathBuf;
use vesalius::io::{read, read_labels, write_bytes_atomically};
use vesalius::view::{Montage, Scene};

/// Arguments of `vesalius view`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The image
    input: PathBuf,
    /// Labels on the image's grid, drawn over it
    #[arg(long)]
    labels: Option<PathBuf>,
    /// A second set of labels, drawn beside the first
    #[arg(long, requires = "labels")]
    prediction: Option<PathBuf>,
    /// The PNG to write
    #[arg(long)]
    output: PathBuf,
    /// How many slices
    #[arg(long, default_value_t = 4)]
    slices: usize,
}

/// Draws and writes.
pub fn run(arguments: &Arguments) -> Result<()> {
    let image = read(&arguments.input)?;
    let labels = arguments.labels.as_ref().map(read_labels).transpose()?;
    let prediction = arguments.prediction.as_ref().map(read_labels).transpose()?;
    let scene = Scene {
        reference: labels.as_ref(),
        prediction: prediction.as_ref(),
        ..Scene::of(&image)
    };
    let montage = Montage {
        slices: arguments.slices,
        ..Montage::default()
    };
    write_bytes_atomically(&arguments.output, &montage.draw(&scene)?.png()?)?;
    Ok(())
}
