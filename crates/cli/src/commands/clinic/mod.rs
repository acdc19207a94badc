//! `vesalius clinic`: results as the DICOM objects that a PACS stores.

mod check;
mod deidentify;
mod picture;
mod rtstruct;
mod seg;
mod sr;

use super::Result;
use crate::input::GeometryInput;
use crate::interrupt::followed;
use crate::target::OutputOption;
use crate::warnings;
use clap::Subcommand;
use std::path::{Path, PathBuf};
use vesalius::dicom::{Error, GridRule, OwnResultRule};
use vesalius::io::{Error as ImageError, ReadOptions};
use vesalius::volume::Warning;
use vesalius::workflow::clinic::{ClinicOptions, replacing};

/// Arguments of `vesalius clinic`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    object: Object,
}

#[derive(Subcommand)]
enum Object {
    /// Labels as a DICOM segmentation (SEG) on the frames of the series that they were made from
    Seg(seg::Arguments),
    /// Labels as contours (RTSTRUCT) on the slices of the series that they were made from
    Rtstruct(rtstruct::Arguments),
    /// Volumes, intensities and diameters of a segmentation as a structured report (SR, TID 1500) that refers to it
    Sr(sr::Arguments),
    /// Labels over the image, with a table of volumes, as a picture (secondary capture) that every viewer shows
    Picture(picture::Arguments),
    /// Check whether references, places, segments and bits of an object fit together
    Check(check::Arguments),
    /// DICOM files without the identity of their patients, by PS3.15's Basic Profile and its options
    Deidentify(deidentify::Arguments),
    /// Results of de-identified files with the identity of the originals
    Reidentify(deidentify::BackArguments),
}

/// Writes the object.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.object {
        Object::Seg(arguments) => seg::run(arguments),
        Object::Rtstruct(arguments) => rtstruct::run(arguments),
        Object::Sr(arguments) => sr::run(arguments),
        Object::Picture(arguments) => picture::run(arguments),
        Object::Check(arguments) => check::run(arguments),
        Object::Deidentify(arguments) => deidentify::run(arguments),
        Object::Reidentify(arguments) => deidentify::run_back(arguments),
    }
}

/// What every object made from labels needs.
#[derive(clap::Args)]
struct FromLabels {
    /// The label map: NIfTI, NRRD and others, on the grid of the source
    labels: PathBuf,
    /// What the labels mean, in dcmqi's form; otherwise the names in the labels' file or beside it decide
    #[arg(long, value_name = "JSON")]
    segments: Option<PathBuf>,
    /// Take the nearest label at each pixel of the source, where the labels are on another grid
    #[arg(long)]
    nearest: bool,
    #[command(flatten)]
    target: ToSource,
}

/// The series that a new object belongs to, and the object.
#[derive(clap::Args)]
struct ToSource {
    /// The DICOM series from which the labels were made: a folder, an archive or a DICOMDIR
    #[arg(long, value_name = "SERIES")]
    source: PathBuf,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OutputOption,
    /// The series of --source, where it holds several: its UID, number or description
    #[arg(long, value_name = "SERIES")]
    source_series: Option<String>,
    /// What the new series is called
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// An earlier object of the same patient and study, which the new one replaces and names
    #[arg(long, value_name = "FILE")]
    predecessor: Option<PathBuf>,
    /// Take a source that this program made, such as a series that was resampled
    #[arg(long)]
    own_results: bool,
    #[command(flatten)]
    reading: GeometryInput,
}

impl FromLabels {
    fn options(&self) -> ClinicOptions {
        ClinicOptions {
            segments: self.segments.clone(),
            grid: match self.nearest {
                true => GridRule::Nearest,
                false => GridRule::Exact,
            },
            ..self.target.options()
        }
    }

    /// Writes by `write` to the output; with `--overwrite` an object that is there goes when the new one is complete.
    fn write<T>(&self, write: impl FnOnce(&Path) -> vesalius::dicom::Result<T>) -> Result<T> {
        self.target.write(&self.labels, write, explained)
    }

    fn tell(&self, told: &[Warning]) {
        warnings::tell(&self.labels, told);
    }
}

impl ToSource {
    fn options(&self) -> ClinicOptions {
        let read = self.reading.options();
        ClinicOptions {
            // How a file of labels is chosen says nothing about the series.
            source: ReadOptions {
                series: self.source_series.clone(),
                dicom: read.dicom,
                ..ReadOptions::default()
            },
            read,
            description: self.description.clone(),
            predecessor: self.predecessor.clone(),
            own_results: match self.own_results {
                true => OwnResultRule::Allow,
                false => OwnResultRule::Refuse,
            },
            control: followed(),
            ..ClinicOptions::default()
        }
    }

    /// Writes by `write` to the output, with errors by `explained`; with `--overwrite` an object that is there goes when the
    /// new one is complete.
    fn write<T>(
        &self,
        input: &Path,
        write: impl FnOnce(&Path) -> vesalius::dicom::Result<T>,
        explained: fn(Error) -> Box<dyn std::error::Error>,
    ) -> Result<T> {
        let earlier = self.predecessor.iter().map(PathBuf::as_path);
        let inputs: Vec<&Path> = std::iter::once(input).chain(earlier).collect();
        let _claimed = self.overwrite.file(&self.output, &inputs)?;
        replacing(&self.output, write).map_err(explained)
    }
}

/// An error with what to do about it, in options of this command.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    let remedy = match &error {
        Error::OtherGrid { .. } | Error::OffSource { .. } => {
            "to take the nearest label at each pixel of the source, add `--nearest`"
        }
        Error::OwnResult { .. } => {
            "where it is the image that the labels belong to, add `--own-results`"
        }
        Error::Segments(_) => "say what the labels mean with `--segments JSON`",
        Error::Io(ImageError::SeveralSeries { .. } | ImageError::SeveralVolumes { .. }) => {
            "name one with `--source-series`"
        }
        _ => return error.into(),
    };
    format!("{error}\nhelp: {remedy}").into()
}
