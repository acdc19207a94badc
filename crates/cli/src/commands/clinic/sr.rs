//! `vesalius clinic sr`.

use super::{Result, ToSource};
use crate::warnings;
use std::path::{Path, PathBuf};
use vesalius::dicom::Error;
use vesalius::io::Error as ImageError;
use vesalius::workflow::clinic::write_report;

/// Arguments of `vesalius clinic sr`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The segmentation that is measured, as `vesalius clinic seg` writes it
    #[arg(value_name = "SEG")]
    seg: PathBuf,
    #[command(flatten)]
    target: ToSource,
}

/// Measures and writes the report.
pub fn run(arguments: &Arguments) -> Result<()> {
    let (seg, target) = (&arguments.seg, &arguments.target);
    let options = target.options();
    let write = |output: &Path| write_report(seg, &target.source, output, &options);
    let written = target.write(seg, write, explained)?;
    warnings::tell(seg, &written.warnings);
    note!("report of series {}", written.series_uid);
    Ok(())
}

/// An error with what to do about it, in options of this command.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    let remedy = match &error {
        Error::OwnResult { .. } => {
            "where it is the image that the segmentation belongs to, add `--own-results`"
        }
        Error::Source { .. } => "a segmentation is written by `vesalius clinic seg`",
        Error::Io(ImageError::SeveralSeries { .. } | ImageError::SeveralVolumes { .. }) => {
            "name one with `--source-series`"
        }
        _ => return error.into(),
    };
    format!("{error}\nhelp: {remedy}").into()
}
