//! De-identification by the Basic Application Level Confidentiality Profile of PS3.15 and its options, and
//! identities given back to results.

mod element;
mod encode;
mod folder;
mod key;
mod open;
mod options;
mod parse;
mod persons;
mod private;
mod profile;
mod pseudonym;
mod reidentify;
mod report;
mod rules;
mod suspect;
mod values;
mod words;

pub use key::DeidentifyKey;
pub use options::{BrokenRule, Dates, DocumentRule, PixelRule};
pub use reidentify::Reidentifier;
pub use report::{AttributeCount, DeidentifyReport, LeftOut, LeftOutReason, ReidentifyReport};

use crate::{Error, Result};
use open::{Opened, open};
use options::Options;
use report::Tally;
use rules::Rules;
use std::io::Write;
use std::path::Path;
use suspect::Verdict;
use vesalius_control::Control;

/// Writes DICOM files without the identity of their patients.
///
/// What the Basic Profile of PS3.15 (table E.1-1, edition 2026c) names is removed, emptied or replaced, in sequences too;
/// private attributes, curves, overlays and free texts that it does not name are removed. Identifiers of instances are
/// hashed with the key, the same everywhere, so that references stay right; the patient gets a pseudonym. Pixels are
/// copied byte for byte, whatever their compression. What the pixels show is not changed: images that may show text
/// are refused, and faces can be recognised in images of heads.
///
/// The options of the profile are the methods `retain_…`, [`dates`](Self::dates) and
/// [`clean_descriptors`](Self::clean_descriptors).
///
/// ```
/// use vesalius_control::Control;
/// use vesalius_dicom::{Dates, Deidentifier, DeidentifyKey, example_series};
///
/// let folder = tempfile::tempdir()?;
/// let source = example_series(folder.path(), "CT", [6, 5, 4])?;
/// let key = DeidentifyKey::create(folder.path().join("study.key"))?;
/// let output = folder.path().join("out");
/// let report = Deidentifier::new(key)
///     .dates(Dates::Shift)
///     .clean_descriptors()
///     .folder(source, &output, &Control::new())?;
/// assert_eq!((report.files, report.series, report.patients), (4, 1, 1));
/// let name = report.attributes.iter().find(|count| count.keyword == "PatientName");
/// assert_eq!(name.expect("it was replaced").replaced, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Deidentifier {
    key: DeidentifyKey,
    options: Options,
}

impl Deidentifier {
    /// The basic profile without options.
    pub fn new(key: DeidentifyKey) -> Self {
        Self {
            key,
            options: Options::default(),
        }
    }

    /// Identifiers of instances, series, studies, … stay as they are (Retain UIDs).
    pub fn retain_uids(mut self) -> Self {
        self.options.uids = true;
        self
    }

    /// What becomes of dates.
    pub fn dates(mut self, dates: Dates) -> Self {
        self.options.dates = dates;
        self
    }

    /// Descriptions keep their terms of radiology and small numbers, and lose all other words (Clean Descriptors). Without
    /// this they are removed.
    pub fn clean_descriptors(mut self) -> Self {
        self.options.descriptors = true;
        self
    }

    /// Private attributes that PS3.15 E.3.10 lists as safe are kept (Retain Safe Private).
    pub fn retain_safe_private(mut self) -> Self {
        self.options.private = true;
        self
    }

    /// Sex, age, size, weight and the like are kept (Retain Patient Characteristics).
    pub fn retain_patient_characteristics(mut self) -> Self {
        self.options.patient = true;
        self
    }

    /// Serial number and names of the scanner are kept (Retain Device Identity).
    pub fn retain_device_identity(mut self) -> Self {
        self.options.device = true;
        self
    }

    /// Name and address of the hospital are kept (Retain Institution Identity).
    pub fn retain_institution_identity(mut self) -> Self {
        self.options.institution = true;
        self
    }

    /// What becomes of images whose pixels may show text.
    pub fn pixels(mut self, rule: PixelRule) -> Self {
        self.options.pixels = rule;
        self
    }

    /// What becomes of reports, documents and other objects that are texts.
    pub fn documents(mut self, rule: DocumentRule) -> Self {
        self.options.documents = rule;
        self
    }

    /// What becomes of DICOM files that cannot be read to their end.
    pub fn broken(mut self, rule: BrokenRule) -> Self {
        self.options.broken = rule;
        self
    }

    /// De-identifies one file. The rules that leave a file out are errors here, as there would be no result.
    ///
    /// # Errors
    /// [`Error::Exists`]; [`Error::Source`] for a file that is not DICOM, a DICOMDIR, or damaged; [`Error::BurnedIn`],
    /// [`Error::Document`], [`Error::Io`]. Nothing is written then.
    pub fn file(
        &self,
        input: impl AsRef<Path>,
        output: impl AsRef<Path>,
    ) -> Result<DeidentifyReport> {
        let (input, output) = (input.as_ref(), output.as_ref());
        if output.symlink_metadata().is_ok() {
            return Err(Error::Exists {
                path: output.to_owned(),
            });
        }
        let opened = open(input).map_err(|closed| closed.error(input))?;
        let kept = match self.suspicion(&opened) {
            None => false,
            Some((Verdict::Write, _)) => true,
            Some((_, reason)) => return Err(refusal(input, reason)),
        };
        let mut tally = Tally::default();
        let rules = Rules::new(&self.options, &self.key, &opened.set);
        let mut state = Ok(());
        let written = vesalius_io::write_atomically(output, |to| {
            state = self.write(&rules, opened, &mut tally, to)?;
            match state {
                Ok(()) => Ok(()),
                Err(_) => Err(std::io::Error::other("the input is damaged")),
            }
        });
        open::sound(input, state)?;
        written?;
        let mut report = self.report();
        (report.files, report.patients, report.studies, report.series) = (1, 1, 1, 1);
        report.burned_in_kept = usize::from(kept);
        tally.put_into(&mut report);
        Ok(report)
    }

    /// De-identifies the DICOM files of a folder and of its folders into a new folder
    /// `output/patient/study/series/00001.dcm`, whose names are pseudonyms. Other files are left out, and told.
    ///
    /// The folder appears when everything is written; until then it is a hidden one beside it.
    ///
    /// # Errors
    /// As [`file`](Self::file), but for what the rules leave out; [`Error::Source`] where nothing would be written;
    /// [`Error::Cancelled`].
    pub fn folder(
        &self,
        input: impl AsRef<Path>,
        output: impl AsRef<Path>,
        control: &Control,
    ) -> Result<DeidentifyReport> {
        folder::deidentify(self, input.as_ref(), output.as_ref(), control)
    }

    fn report(&self) -> DeidentifyReport {
        let methods = self.options.methods().into_iter();
        DeidentifyReport {
            methods: methods.map(|(_, meaning)| meaning.to_owned()).collect(),
            ..DeidentifyReport::default()
        }
    }

    /// Why a file must not simply be written, and what the caller's rule says.
    fn suspicion(&self, opened: &Opened) -> Option<(Verdict, LeftOutReason)> {
        if opened.pixels.is_none() {
            let what = suspect::document(&opened.set)?;
            let verdict = match self.options.documents {
                DocumentRule::Refuse => Verdict::Refuse,
                DocumentRule::LeaveOut => Verdict::LeaveOut,
            };
            return Some((verdict, LeftOutReason::Document(what)));
        }
        let reason = suspect::burned_in(&opened.set, opened.form)?;
        let verdict = suspect::verdict(&opened.set, self.options.pixels);
        Some((verdict, LeftOutReason::BurnedIn(reason)))
    }

    /// Writes an opened file by the rules.
    fn write(
        &self,
        rules: &Rules<'_>,
        mut opened: Opened,
        tally: &mut Tally,
        to: &mut dyn Write,
    ) -> std::io::Result<std::result::Result<(), String>> {
        let set = rules.file(std::mem::take(&mut opened.set), tally);
        opened.write(&set, |rest| rules.rest(rest, tally), to)
    }
}

fn refusal(path: &Path, reason: LeftOutReason) -> Error {
    let path = path.to_owned();
    match reason {
        LeftOutReason::BurnedIn(reason) => Error::BurnedIn { path, reason },
        LeftOutReason::Document(what) => Error::Document { path, what },
        other => Error::source(path, other.to_string()),
    }
}
