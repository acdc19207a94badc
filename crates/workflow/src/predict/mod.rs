//! Files in, segmentations out: one image, a folder or a list of them through a [`Segmenter`](vesalius_inferers::Segmenter).
//!
//! Reading the next case, segmenting and writing the last one overlap. A case that cannot be read or segmented is
//! reported, and the others go on. Called again with the same folder, only what is missing is done.

mod case;
mod cases;
mod channels;
mod ensemble;
mod file_state;
mod input;
mod models;
#[cfg(feature = "dicom")]
mod objects;
mod part;
mod record;
mod run;
mod statistics;
mod targets;

pub use cases::{FoundCases, InputCase, LeftOut, find_cases, find_cases_of, find_cases_with};
pub use ensemble::{EnsembleMember, EnsembleOptions, ensemble_cases};
pub use models::{WeightCount, open_models, weights};
#[cfg(feature = "dicom")]
pub use objects::DicomObject;
pub use part::{Part, PartError};
pub use run::predict_cases;
pub use statistics::{LabelVolume, Side};

use std::path::PathBuf;
use std::sync::Arc;
use targets::Failure;
use vesalius_inferers::MemoryPlan;
use vesalius_io::{ReadOptions, RefusedImage};
use vesalius_volume::{ErrorKind, Warning};

/// The result of one case.
#[derive(Debug)]
pub struct CaseResult {
    /// The case.
    pub name: String,
    /// The file written, or why none was.
    pub outcome: Result<PathBuf, CaseError>,
    /// The image that an option of reading would make usable, where that is why none was.
    pub refused: Option<RefusedImage>,
    /// Whether the file was there already.
    pub was_there: bool,
    /// Seconds of reading, segmenting and writing; waiting for other cases is not counted.
    pub seconds: f64,
    /// Volume, mean intensity and place of each label that occurs, background left out; empty for a result of a version
    /// that did not note it.
    pub volumes: Vec<LabelVolume>,
    /// What was decided where the image is ambiguous, wrong or incomplete.
    pub warnings: Vec<Warning>,
}

/// Why a case has no result.
///
/// ```
/// use std::error::Error;
/// use vesalius_workflow::predict::CaseError;
///
/// /// The error of the file of an image that cannot be read.
/// fn of_file(error: &CaseError) -> Option<&vesalius_planning::Error> {
///     error.source()?.downcast_ref()
/// }
/// ```
#[derive(Debug, Clone)]
pub struct CaseError {
    message: String,
    kind: ErrorKind,
    cause: Arc<Failure>,
}

impl std::fmt::Display for CaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}

impl CaseError {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// What a prediction reports while it runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum PredictEvent<'a> {
    /// How a case will be segmented.
    Planned {
        /// The case.
        case: &'a str,
        /// Windows, stripes and the peak of memory.
        plan: &'a MemoryPlan,
    },
    /// A case is done, with success or failure.
    Done {
        /// How many cases are done.
        done: usize,
        /// Its result.
        result: &'a CaseResult,
    },
}

/// Errors that end a prediction before its first case, or between two.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input holds nothing to segment.
    #[error("{path}: {reason}")]
    Input {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The output cannot be written.
    #[error("{path}: {reason}")]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Another process writes the output.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// The work was cancelled. A case that was cut off counts as not begun.
    #[error("cancelled after {done} of {total} cases")]
    Cancelled {
        /// How many cases were finished, with success or failure.
        done: usize,
        /// How many cases there are.
        total: usize,
        /// The results of the finished cases.
        results: Vec<CaseResult>,
    },
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Input { .. } | Self::Output { .. } => ErrorKind::BadInput,
            Self::Io(error) => error.kind(),
            Self::Cancelled { .. } => ErrorKind::Cancelled,
        }
    }
}

/// How probabilities are saved next to the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProbabilityFiles {
    /// `NAME.npz` and `NAME.pkl`, as nnU-Net's.
    Npz,
    /// `NAME.probabilities.zip`: slab after slab, with grid and labels.
    Slabs,
    /// `NAME_probabilities.nii.gz`: an image with one channel a class or region.
    Nifti,
}

/// Where results go and what else is written.
#[derive(Debug, Clone, Default)]
pub struct PredictOptions {
    /// Also write the probabilities.
    pub save_probabilities: Option<ProbabilityFiles>,
    /// Also write these objects beside the labels; every case must be a DICOM series then.
    #[cfg(feature = "dicom")]
    pub objects: Vec<DicomObject>,
    /// Also write a mask for each label: `NAME/LABEL.nii.gz` beside `NAME.nii.gz`.
    pub separate: bool,
    /// Bytes that a case's segmentation stays under; then nothing is read ahead.
    pub max_memory: Option<u64>,
    /// Trace an output of the network that is not finite to the first layer whose output is not.
    pub check_layers: bool,
    /// Stop at the first case that fails.
    pub fail_fast: bool,
    /// Segment cases again whose result is there.
    pub overwrite: bool,
    /// The cases are a part of all: other parts may be written to the same folder at the same time, by other processes or
    /// machines.
    pub part: Option<Part>,
    /// The DICOM series of each channel, by UID, number or description, for studies with several series; one name is the
    /// series of all channels. Without names the model's `inputs` choose. Channels are brought to the grid of the first.
    pub series: Vec<String>,
    /// How images are read; `max_bytes` is at most `max_memory`.
    pub read: ReadOptions,
}
