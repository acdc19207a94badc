//! `vesalius convert --source`: the image as a DICOM series derived from another.

use super::{Arguments, Result};
use crate::warnings;
use std::path::{Path, PathBuf};
use vesalius::dicom::Error;
use vesalius::io::{Error as ImageError, ReadOptions};
use vesalius::workflow::derive::{DeriveOptions, derive_series};

const WRITING: &str = "Writing DICOM";

/// Options of a derived series.
#[derive(clap::Args)]
pub struct Derived {
    /// Write DICOM files: a series derived from this one, with its patient, study and frame of reference
    #[arg(long, help_heading = WRITING, value_name = "SERIES", conflicts_with_all = ["labels", "like", "sidecar", "voxel_type", "overwrite"])]
    pub source: Option<PathBuf>,
    /// The series of --source, where it holds several: its UID, number or description
    #[arg(long, help_heading = WRITING, value_name = "SERIES", requires = "source")]
    source_series: Option<String>,
    /// What the derived series is called [default: the source's description, `derived`]
    #[arg(long, help_heading = WRITING, value_name = "TEXT", requires = "source")]
    description: Option<String>,
    /// The channel that becomes the derived series, from 0
    #[arg(long, help_heading = WRITING, value_name = "N", requires = "source")]
    channel: Option<usize>,
    /// The value for voxels that are not finite, which DICOM cannot hold
    #[arg(
        long,
        help_heading = WRITING,
        value_name = "VALUE",
        requires = "source",
        allow_hyphen_values = true
    )]
    not_finite: Option<f64>,
}

/// Writes the image of a conversion as a series derived from `source`.
pub fn run(arguments: &Arguments, source: &Path) -> Result<()> {
    let (image, derived) = (&arguments.image, &arguments.derived);
    if image.series.len() > 1 {
        return Err("--source is for one --series".into());
    }
    let options = DeriveOptions {
        read: image.options(image.series.first()),
        source: ReadOptions {
            series: derived.source_series.clone(),
            ..ReadOptions::default()
        },
        description: derived.description.clone(),
        channel: derived.channel,
        not_finite: derived.not_finite,
    };
    let written = derive_series(&arguments.input, source, &arguments.output, &options);
    let written = written.map_err(explained)?;
    warnings::tell(&arguments.input, &written.warnings);
    note!(
        "{} slices of series {}",
        written.files.len(),
        written.series_uid
    );
    Ok(())
}

/// An error with what to do about it, in options of this command.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    let remedy = match &error {
        Error::NotFinite { .. } => "give the value to write for them with `--not-finite`",
        Error::Channels { .. } => "choose one with `--channel N`",
        Error::Io(ImageError::SeveralSeries { .. } | ImageError::SeveralVolumes { .. }) => {
            "name one of the source with `--source-series`, one of the image with `--series`"
        }
        _ => return error.into(),
    };
    format!("{error}\nhelp: {remedy}").into()
}
