//! The result of a check, as text and as JSON.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use vesalius_io::RefusedImage;
use vesalius_volume::{FileWarning, counted};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Training would fail or give a wrong model.
    Error,
    /// Should be looked at by a person.
    Warning,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// A file is not there.
    Missing,
    /// A file cannot be read.
    Unreadable,
    /// Another number of channels than the list names.
    Channels,
    /// Channels or labels lie on another grid.
    Geometry,
    /// NaN or infinite voxels.
    NotFinite,
    /// A channel has one value everywhere.
    Constant,
    /// Label values that the scheme does not have.
    UnknownLabel,
    /// No labelled voxel.
    EmptyLabel,
    /// The same image twice.
    Duplicate,
    /// A spacing unlike the others'.
    Spacing,
    /// An extent unlike the others'.
    Extent,
    /// Intensities unlike the others'.
    Intensity,
    /// A label that no case has.
    AbsentLabel,
    /// A label that one case has, or that is missing from the training cases of some fold.
    RareLabel,
    /// Too few cases for folds.
    TooFew,
    /// A fold without any labelled voxel.
    EmptyFold,
    /// A patient in several folds.
    SplitPatient,
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub kind: ProblemKind,
    /// The cases concerned; empty for the dataset as a whole.
    pub cases: Vec<String>,
    /// A sentence.
    pub message: String,
    /// The file that an option of reading would make usable, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusedImage>,
}

impl Problem {
    pub(super) fn error(kind: ProblemKind, cases: &[&str], message: String) -> Self {
        Self::new(Severity::Error, kind, cases, message)
    }

    pub(super) fn warning(kind: ProblemKind, cases: &[&str], message: String) -> Self {
        Self::new(Severity::Warning, kind, cases, message)
    }

    /// A problem of some cases, or with none of the dataset as a whole.
    pub fn new(severity: Severity, kind: ProblemKind, cases: &[&str], message: String) -> Self {
        Self {
            severity,
            kind,
            cases: cases.iter().map(|name| (*name).to_owned()).collect(),
            message,
            refused: None,
        }
    }
}

/// What a case is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CaseFacts {
    /// Its name.
    pub name: String,
    /// Voxels along `[x, y, z]`.
    pub size: [usize; 3],
    /// Spacing `[x, y, z]` in mm.
    pub spacing: [f64; 3],
    /// Orientation of the index axes, such as `RAS`.
    pub orientation: String,
    /// Voxels of each label value, the background too.
    pub labels: BTreeMap<u16, usize>,
    /// Mean intensity of each channel.
    pub mean_intensity: Vec<f64>,
    /// A hash of the image's voxels, equal for equal images.
    pub content: String,
}

impl CaseFacts {
    /// Voxels with any label but 0.
    pub fn foreground(&self) -> usize {
        self.labels
            .iter()
            .filter(|(value, _)| **value > 0)
            .map(|(_, count)| count)
            .sum()
    }
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DatasetReport {
    /// The dataset's name.
    pub dataset: String,
    /// How many labelled cases the list has.
    pub cases: usize,
    /// What was found, errors first.
    pub problems: Vec<Problem>,
    /// The cases that could be read, in the list's order.
    pub facts: Vec<CaseFacts>,
    /// What was decided on reading the files, each once for its file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FileWarning>,
}

impl DatasetReport {
    /// Whether training should not start.
    pub fn has_errors(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }
}

impl fmt::Display for DatasetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |severity| {
            self.problems
                .iter()
                .filter(|p| p.severity == severity)
                .count()
        };
        writeln!(
            f,
            "{}: {} cases, {} readable; {}, {}",
            self.dataset,
            self.cases,
            self.facts.len(),
            counted(of(Severity::Error), "error"),
            counted(of(Severity::Warning), "warning")
        )?;
        for problem in &self.problems {
            let severity = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            writeln!(f, "{severity}: {}", problem.message)?;
        }
        Ok(())
    }
}
