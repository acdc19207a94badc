//! What was done, without values of the patient.

use dicom_core::Tag;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What was done with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Removed,
    Emptied,
    Replaced,
    Cleaned,
    Shifted,
    Retained,
}

/// How often an attribute was treated, in all files and their sequences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AttributeCount {
    /// As in `(0010,0010)`; private attributes are counted together.
    pub tag: String,
    /// As in `PatientName`; empty for one that the standard does not name.
    pub keyword: String,
    /// Taken out.
    pub removed: u64,
    /// Left without a value.
    pub emptied: u64,
    /// Given a pseudonym, a hashed identifier or a dummy value.
    pub replaced: u64,
    /// Reduced to words that are no names.
    pub cleaned: u64,
    /// Given an earlier date.
    pub shifted: u64,
    /// Kept, though the basic profile would not, by an option.
    pub retained: u64,
}

/// Why a file is not among the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftOutReason {
    /// No DICOM file.
    #[error("not a DICOM file")]
    NotDicom,
    /// The directory of a medium, whose references would be wrong.
    #[error("a DICOMDIR, whose references would be wrong")]
    Directory,
    /// Pixels that may show text.
    #[error("its pixels may show text: {0}")]
    BurnedIn(String),
    /// A text, not an image.
    #[error("{0}, which is text rather than an image")]
    Document(String),
    /// A file that cannot be read to its end.
    #[error("damaged: {0}")]
    Broken(String),
}

/// A file that is not among the results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// Below the input's folder, as it was found; names of files may be names of patients.
    pub path: PathBuf,
    /// Why.
    pub reason: LeftOutReason,
}

/// What de-identification did: counts, no values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeidentifyReport {
    /// Files that were written.
    pub files: usize,
    /// Patients, studies and series that they belong to.
    pub patients: usize,
    /// Studies.
    pub studies: usize,
    /// Series.
    pub series: usize,
    /// The profile and its options, by their names in PS3.16 CID 7050.
    pub methods: Vec<String>,
    /// Attributes, by tag.
    pub attributes: Vec<AttributeCount>,
    /// Private elements that were removed.
    pub private_removed: u64,
    /// Private elements that are on the list of safe ones and were retained.
    pub private_retained: u64,
    /// Texts that no rule of the profile concerns, in which the patient's name or number was found and removed.
    pub identity_found: u64,
    /// Files with pixels that may show text, which were written because the caller asked for it.
    pub burned_in_kept: usize,
    /// Files that were not written.
    pub left_out: Vec<LeftOut>,
}

impl fmt::Display for DeidentifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            files,
            series,
            studies,
            patients,
            ..
        } = self;
        writeln!(
            f,
            "{files} files of {series} series, {studies} studies and {patients} patients de-identified"
        )?;
        writeln!(f, "{}", self.methods.join("; "))?;
        for count in &self.attributes {
            let parts = [
                (count.removed, "removed"),
                (count.emptied, "emptied"),
                (count.replaced, "replaced"),
                (count.cleaned, "cleaned"),
                (count.shifted, "shifted"),
                (count.retained, "retained"),
            ];
            let parts = parts
                .iter()
                .filter(|(n, _)| *n > 0)
                .map(|(n, what)| format!("{n} {what}"));
            let parts: Vec<String> = parts.collect();
            writeln!(f, "{} {}: {}", count.tag, count.keyword, parts.join(", "))?;
        }
        let Self {
            private_removed: removed,
            private_retained: retained,
            ..
        } = self;
        writeln!(
            f,
            "private attributes: {removed} removed, {retained} retained"
        )?;
        if self.identity_found > 0 {
            writeln!(
                f,
                "texts with the patient's name or number: {} replaced",
                self.identity_found
            )?;
        }
        if self.burned_in_kept > 0 {
            writeln!(
                f,
                "files with pixels that may show text: {} kept",
                self.burned_in_kept
            )?;
        }
        for left in &self.left_out {
            writeln!(f, "left out: {} ({})", left.path.display(), left.reason)?;
        }
        Ok(())
    }
}

/// What reidentification did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReidentifyReport {
    /// Results that were written.
    pub files: usize,
    /// Identifiers in them that are the originals' again.
    pub identifiers: u64,
    /// Dates in them that are the originals' again, but those of patient and study.
    pub dates: u64,
    /// De-identified originals among the results, which were not written: the originals are there.
    pub sources: usize,
    /// Files that are not DICOM, or directories of media.
    pub left_out: Vec<LeftOut>,
}

impl fmt::Display for ReidentifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            files,
            identifiers,
            dates,
            sources,
            ..
        } = self;
        writeln!(
            f,
            "{files} files given back to their patients, with {identifiers} identifiers and {dates} dates of the originals"
        )?;
        if *sources > 0 {
            writeln!(f, "{sources} de-identified originals left out")?;
        }
        for left in &self.left_out {
            writeln!(f, "left out: {} ({})", left.path.display(), left.reason)?;
        }
        Ok(())
    }
}

/// Counts while files are treated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    attributes: BTreeMap<Tag, AttributeCount>,
    pub private_removed: u64,
    pub private_retained: u64,
    pub identity_found: u64,
}

impl Tally {
    pub fn count(&mut self, tag: Tag, done: Done) {
        let count = self
            .attributes
            .entry(tag)
            .or_insert_with(|| AttributeCount {
                tag: tag.to_string(),
                keyword: super::element::keyword(tag),
                ..AttributeCount::default()
            });
        *match done {
            Done::Removed => &mut count.removed,
            Done::Emptied => &mut count.emptied,
            Done::Replaced => &mut count.replaced,
            Done::Cleaned => &mut count.cleaned,
            Done::Shifted => &mut count.shifted,
            Done::Retained => &mut count.retained,
        } += 1;
    }

    pub fn put_into(self, report: &mut DeidentifyReport) {
        report.attributes = self.attributes.into_values().collect();
        report.private_removed = self.private_removed;
        report.private_retained = self.private_retained;
        report.identity_found = self.identity_found;
    }
}
