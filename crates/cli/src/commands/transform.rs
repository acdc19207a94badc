//! `vesalius transform`: a chain of transforms applied to files, to see it before training with it.

use super::Result;
use crate::input::ImageInput;
use crate::warnings;
use std::path::PathBuf;
use vesalius::transform::{TransformOptions, read_chain, transform_files};

/// Arguments of `vesalius transform`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The chain: a YAML list of transforms, as `preprocessing` and `augmentation` of a training take it
    #[arg(value_name = "CHAIN.yaml")]
    chain: PathBuf,
    /// The image; further ones become its channels, on the grid of the first
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,
    /// Labels on the image's grid, which go through the chain with it
    #[arg(long)]
    labels: Option<PathBuf>,
    /// The folder for results: images, labels, what was drawn, and montage.png
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// The seed; the same seed draws the same samples
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many samples are drawn
    #[arg(long, default_value_t = 1, value_name = "N")]
    samples: usize,
    /// Bring each result back to the file's grid as well
    #[arg(long)]
    inverse: bool,
    #[command(flatten)]
    reading: ImageInput,
}

/// Transforms and writes.
pub fn run(arguments: &Arguments) -> Result<()> {
    let chain = read_chain(&arguments.chain)?;
    let options = TransformOptions {
        labels: arguments.labels.clone(),
        seed: arguments.seed,
        samples: arguments.samples,
        inverse: arguments.inverse,
        reading: arguments.reading.options(),
    };
    let transformed = transform_files(&chain, &arguments.images, &arguments.output, &options)?;
    warnings::tell_files(&transformed.warnings);
    for sample in transformed.samples {
        out!(
            "{}: {} steps, {} interpolations, {:?} voxels",
            sample.image.display(),
            sample.trace.steps.len(),
            sample.trace.interpolations,
            sample.trace.to.size()
        );
    }
    Ok(())
}
