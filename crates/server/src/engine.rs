//! What the server asks of a program that segments: its models by name, and the run of one job. The server itself knows
//! no network; the command `vesalius serve` implements this trait over model folders.

use serde::{Deserialize, Serialize};
use std::path::Path;
use vesalius_control::Control;

/// The file that [`Engine::run`] must write: the label map on the grid of the input.
pub const LABELS_FILE: &str = "labels.nii.gz";

/// The file that [`Engine::run`] may write: probabilities of the channels on the grid of the input.
pub const PROBABILITIES_FILE: &str = "probabilities.nii.gz";

/// A label of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelInfo {
    /// Its value in label maps.
    pub value: u32,
    /// Its name.
    pub name: String,
    /// Its colour, red, green and blue.
    pub color: [u8; 3],
}

impl LabelInfo {
    /// A label with the colour that it has in all pictures of this workspace.
    pub fn new(value: u32, name: impl Into<String>) -> Self {
        Self {
            value,
            name: name.into(),
            color: vesalius_volume::label_colour(value),
        }
    }
}

/// A model that an engine offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelInfo {
    /// The name by which jobs choose it.
    pub name: String,
    /// What it segments, in a sentence; may be empty.
    pub description: String,
    /// Its version, for DICOM objects; may be empty.
    pub version: String,
    /// The names of the channels that it expects, in order.
    pub channels: Vec<String>,
    /// Its labels without the background.
    pub labels: Vec<LabelInfo>,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The name of the model.
    pub model: &'a str,
    /// The input: the file of an image, or the folder of DICOM series.
    pub input: &'a Path,
    /// Which DICOM series, where the folder has several: UID, number or description.
    pub series: Option<&'a str>,
    /// Whether [`PROBABILITIES_FILE`] is asked for.
    pub probabilities: bool,
    /// An empty folder in which [`LABELS_FILE`] is written.
    pub output: &'a Path,
    /// The number of the device, from 0 to [`Engine::devices`].
    pub device: usize,
    /// Cancels the run and follows it; the page shows its stages.
    pub control: &'a Control,
}

/// Why a run failed: a sentence for the person who asked. It is kept with the job and never logged.
pub type EngineError = Box<dyn std::error::Error + Send + Sync>;

/// A program that segments.
pub trait Engine: Send + Sync + 'static {
    /// The models, in the order in which the page lists them.
    fn models(&self) -> Vec<ModelInfo>;

    /// How many jobs may run at one time: one for each device.
    fn devices(&self) -> usize {
        1
    }

    /// Segments one input and writes [`LABELS_FILE`] into `task.output`. It is called from one thread for each device.
    ///
    /// # Errors
    /// A sentence for the person who asked: what was found, what was expected and what to do.
    fn run(&self, task: &Task) -> Result<(), EngineError>;
}
