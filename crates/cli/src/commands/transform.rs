//! `vesalius transform`: a chain of transforms applied to files, to see it before training with it.

use super::Result;
use crate::again::{command, this_command};
use crate::input::ImageInput;
use crate::interrupt::followed;
use crate::target::OutputOption;
use crate::warnings;
use std::ffi::OsString;
use std::path::PathBuf;
use vesalius::transform::{Error, TransformOptions, UnclearImages, read_chain, transform_files};

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
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    seed: u64,
    /// How many samples are drawn
    #[arg(
        long,
        default_value_t = 1,
        value_name = "N",
        allow_hyphen_values = true
    )]
    samples: usize,
    /// Bring each result back to the file's grid as well
    #[arg(long)]
    inverse: bool,
    /// IMAGE is an image, even if it holds few whole numbers as a label map does
    #[arg(long)]
    image: bool,
    #[command(flatten)]
    overwrite: OutputOption,
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
        unclear: match arguments.image {
            true => UnclearImages::AreImages,
            false => UnclearImages::Refuse,
        },
        control: followed(),
    };
    let _claimed = arguments
        .overwrite
        .folder(&arguments.output, &arguments.images)?;
    let transformed = transform_files(&chain, &arguments.images, &arguments.output, &options)
        .map_err(|error| explained(error, arguments))?;
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

/// An image that may be a label map, with the commands to choose from.
fn explained(error: Error, arguments: &Arguments) -> Box<dyn std::error::Error> {
    let Error::MayBeLabels { path, reason } = error else {
        return error.into();
    };
    let mut text = format!(
        "{}: {reason}, and the chain interpolates images, which makes false labels; say which it is:\n  \
         as an image: {}",
        path.display(),
        this_command(&["--image"])
    );
    let others: Vec<&PathBuf> = arguments
        .images
        .iter()
        .filter(|image| **image != path)
        .collect();
    if others.is_empty() || arguments.labels.is_some() {
        text.push_str("\n  as labels:   give its image as IMAGE and this file as --labels");
    } else {
        let mut words: Vec<OsString> = vec!["transform".into(), arguments.chain.clone().into()];
        words.extend(others.into_iter().map(OsString::from));
        words.extend(["--labels".into(), path.into()]);
        words.extend(["--output".into(), arguments.output.clone().into()]);
        words.extend(["--seed".into(), arguments.seed.to_string().into()]);
        words.extend(["--samples".into(), arguments.samples.to_string().into()]);
        words.extend(arguments.inverse.then(|| "--inverse".into()));
        text.push_str(&format!("\n  as labels:   {}", command(words)));
    }
    text.into()
}
