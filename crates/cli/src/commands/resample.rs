//! `vesalius resample`: an image on another grid.

use super::Result;
use clap::ValueEnum;
use std::path::PathBuf;
use vesalius::filters::{Convention, Interpolation, LabelResampleOptions, ResampleOptions};
use vesalius::filters::{resample, resample_labels, target_grid};
use vesalius::io::{probe, read, read_labels, write, write_labels};

/// Arguments of `vesalius resample`.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("target").required(true))]
pub struct Arguments {
    /// The image to read
    input: PathBuf,
    /// The file to write
    output: PathBuf,
    /// The new spacing in mm: x,y,z
    #[arg(long, value_delimiter = ',', num_args = 1..=3, group = "target", value_name = "X,Y,Z")]
    spacing: Vec<f64>,
    /// An image whose grid to take
    #[arg(long, group = "target", value_name = "REF")]
    like: Option<PathBuf>,
    /// How values between voxels come about
    #[arg(long, value_enum, default_value = "linear")]
    interpolation: Choice,
    /// The image is a label map: names, which are never interpolated
    #[arg(long)]
    labels: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    Nearest,
    Linear,
    Cubic,
}

/// Resamples and writes.
pub fn run(arguments: &Arguments) -> Result<()> {
    let source = probe(&arguments.input)?.geometry;
    let target = match (&arguments.like, arguments.spacing.as_slice()) {
        (Some(like), _) => probe(like)?.geometry,
        (None, &[x, y, z]) => target_grid(&source, [x, y, z], Convention::SimpleItk)?,
        (None, other) => {
            return Err(format!(
                "--spacing has {} number(s), expected three: x,y,z",
                other.len()
            )
            .into());
        }
    };
    if arguments.labels {
        let labels = read_labels(&arguments.input)?;
        write_labels(
            &arguments.output,
            &resample_labels(&labels, &target, &LabelResampleOptions::default())?,
        )?;
        return Ok(());
    }
    let interpolation = match arguments.interpolation {
        Choice::Nearest => Interpolation::Nearest,
        Choice::Linear => Interpolation::Linear,
        Choice::Cubic => Interpolation::Cubic,
    };
    let options = ResampleOptions::simple_itk(interpolation);
    write(
        &arguments.output,
        &resample(&read(&arguments.input)?, &target, &options)?,
    )?;
    Ok(())
}
