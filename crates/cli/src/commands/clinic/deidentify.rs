//! `vesalius clinic deidentify` and `vesalius clinic reidentify`.

use super::Result;
use crate::interrupt::control;
use crate::output::JsonOutput;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use vesalius::dicom::{
    BrokenRule, Dates, Deidentifier, DeidentifyKey, DocumentRule, Error, PixelRule, Reidentifier,
};

/// Arguments of `vesalius clinic deidentify`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The DICOM files: a folder with all below it
    input: PathBuf,
    /// The new folder to write
    output: PathBuf,
    /// The key that hashes identifiers, 64 hexadecimal digits; one that is absent is made. With it results find the way
    /// back, so keep it as secret as the patients' names
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What becomes of dates
    #[arg(long, value_name = "HOW", value_enum, default_value = "remove")]
    dates: DateRule,
    /// Keep what the basic profile would remove
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    retain: Vec<Retain>,
    /// Reduce descriptions to terms of radiology, in place of removing them
    #[arg(long)]
    clean_descriptors: bool,
    /// What becomes of images whose pixels may show text: ultrasound, secondary captures, those that say so
    #[arg(long, value_name = "HOW", value_enum, default_value = "refuse")]
    burned_in: BurnedIn,
    /// Leave out reports and documents, which are texts
    #[arg(long)]
    leave_out_documents: bool,
    /// Leave out DICOM files that cannot be read to their end
    #[arg(long)]
    leave_out_broken: bool,
    #[command(flatten)]
    json: JsonOutput,
}

#[derive(Clone, Copy, ValueEnum)]
enum DateRule {
    /// Removed
    Remove,
    /// Shifted by a number of days of each patient's own
    Shift,
    /// Kept
    Keep,
}

#[derive(Clone, Copy, ValueEnum)]
enum Retain {
    /// Identifiers of studies, series and instances
    Uids,
    /// Private attributes that the standard lists as safe
    SafePrivate,
    /// Sex, age, size, weight
    Patient,
    /// Serial number and names of the scanner
    Device,
    /// Name and address of the hospital
    Institution,
}

#[derive(Clone, Copy, ValueEnum)]
enum BurnedIn {
    /// An error
    Refuse,
    /// They are left out
    LeaveOut,
    /// They are written where the file says that they show none
    TrustFlag,
    /// They are written
    Keep,
}

impl Arguments {
    fn deidentifier(&self, key: DeidentifyKey) -> Deidentifier {
        let mut made = Deidentifier::new(key)
            .dates(match self.dates {
                DateRule::Remove => Dates::Remove,
                DateRule::Shift => Dates::Shift,
                DateRule::Keep => Dates::Keep,
            })
            .pixels(match self.burned_in {
                BurnedIn::Refuse => PixelRule::Refuse,
                BurnedIn::LeaveOut => PixelRule::LeaveOut,
                BurnedIn::TrustFlag => PixelRule::TrustFlag,
                BurnedIn::Keep => PixelRule::Keep,
            })
            .documents(match self.leave_out_documents {
                true => DocumentRule::LeaveOut,
                false => DocumentRule::Refuse,
            })
            .broken(match self.leave_out_broken {
                true => BrokenRule::LeaveOut,
                false => BrokenRule::Refuse,
            });
        if self.clean_descriptors {
            made = made.clean_descriptors();
        }
        for retain in &self.retain {
            made = match retain {
                Retain::Uids => made.retain_uids(),
                Retain::SafePrivate => made.retain_safe_private(),
                Retain::Patient => made.retain_patient_characteristics(),
                Retain::Device => made.retain_device_identity(),
                Retain::Institution => made.retain_institution_identity(),
            };
        }
        made
    }
}

/// Writes the files without the identity of their patients.
pub fn run(arguments: &Arguments) -> Result<()> {
    let key = key(&arguments.key)?;
    let made = arguments.deidentifier(key);
    let report = made.folder(&arguments.input, &arguments.output, &control());
    let report = report.map_err(explained)?;
    if !arguments.json.replaces_table() {
        out!("{}", report.to_string().trim_end());
    }
    arguments.json.write(&report)
}

/// The key of a file, which is made where it is absent.
fn key(path: &Path) -> Result<DeidentifyKey> {
    if path.exists() {
        return Ok(DeidentifyKey::read(path)?);
    }
    let key = DeidentifyKey::create(path)?;
    note!(
        "{}: a new key; whoever has it can tell which result belongs to which patient",
        path.display()
    );
    Ok(key)
}

/// An error with what to do about it, in options of this command.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    let remedy = match &error {
        Error::BurnedIn { .. } => {
            "leave such images out with `--burned-in leave-out`, or write them with `--burned-in keep` once you have looked at them"
        }
        Error::Document { .. } => "leave such objects out with `--leave-out-documents`",
        Error::Source { .. } => "to leave out files that are damaged, add `--leave-out-broken`",
        _ => return error.into(),
    };
    format!("{error}\nhelp: {remedy}").into()
}

/// Arguments of `vesalius clinic reidentify`.
#[derive(clap::Args)]
pub struct BackArguments {
    /// Results that were made from de-identified files: a folder
    results: PathBuf,
    /// The new folder to write
    output: PathBuf,
    /// The folder with the files as they were before
    #[arg(long, value_name = "FOLDER")]
    originals: PathBuf,
    /// The key with which they were de-identified
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    json: JsonOutput,
}

/// Gives results the identity of the originals.
pub fn run_back(arguments: &BackArguments) -> Result<()> {
    let (key, control) = (DeidentifyKey::read(&arguments.key)?, control());
    let back = Reidentifier::new(key, &arguments.originals, &control)?;
    let report = back.folder(&arguments.results, &arguments.output, &control)?;
    if !arguments.json.replaces_table() {
        out!(
            "{} results written, {} identifiers and {} dates as in the originals",
            report.files,
            report.identifiers,
            report.dates
        );
        for left in &report.left_out {
            out!("left out: {}: {}", left.path.display(), left.reason);
        }
    }
    arguments.json.write(&report)
}
