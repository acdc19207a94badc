//! How one image is segmented.

use crate::MemoryPlan;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use vesalius_control::Control;

/// Called with the plan of a segmentation.
type Planned = dyn Fn(&MemoryPlan) + Send + Sync;

/// How one image is segmented. The default is what is fastest, for the labels alone.
///
/// ```
/// use vesalius_inferers::SegmentOptions;
///
/// let control = vesalius_control::Control::new();
/// let options = SegmentOptions::new().control(control.clone()).max_memory(4 << 30).probabilities();
/// assert!(options.probabilities);
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct SegmentOptions {
    /// Memory, in bytes, that the segmentation stays under; none means what is fastest.
    pub max_memory: Option<u64>,
    /// Whether probabilities are kept next to the labels.
    pub probabilities: bool,
    /// Whether an output that is not finite is traced to the first layer whose output is not: the window goes
    /// through the network once more.
    pub check_layers: bool,
    /// The folder of scratch files, which hold what exceeds a limit of memory; `None` means the system's for temporary
    /// files. They have no names and end with the segmentation.
    pub scratch: Option<PathBuf>,
    /// Cancels the segmentation between steps of preprocessing, windows and slabs of the result, and carries its
    /// progress: a stage `segment` that counts models, and within it for each model `preprocess` (transforms),
    /// `windows`, `export` (slices of the result) and `postprocess` (steps). An ensemble has one model a part; a coarser
    /// stage is a model too.
    pub control: Control,
    /// Called with the plan: before the first window where earlier images give the time of a window (or there is only
    /// one window), else after the first windows, which are timed and not run again. Each model of an ensemble has a
    /// plan of its own.
    pub planned: Option<Arc<Planned>>,
}

impl SegmentOptions {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Memory, in bytes, that the segmentation stays under.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = Some(bytes);
        self
    }

    /// Keeps probabilities next to the labels.
    #[must_use]
    pub fn probabilities(mut self) -> Self {
        self.probabilities = true;
        self
    }

    /// Traces an output that is not finite to the first layer whose output is not.
    #[must_use]
    pub fn check_layers(mut self) -> Self {
        self.check_layers = true;
        self
    }

    /// The folder of scratch files.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// Cancels the segmentation, and carries its progress.
    #[must_use]
    pub fn control(mut self, control: Control) -> Self {
        self.control = control;
        self
    }

    /// Calls a closure with the plan, on the thread that segments.
    #[must_use]
    pub fn on_plan(mut self, planned: impl Fn(&MemoryPlan) + Send + Sync + 'static) -> Self {
        self.planned = Some(Arc::new(planned));
        self
    }

    /// Where scratch files go.
    pub(crate) fn scratch_folder(&self) -> PathBuf {
        self.scratch.clone().unwrap_or_else(std::env::temp_dir)
    }
}

impl fmt::Debug for SegmentOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentOptions")
            .field("max_memory", &self.max_memory)
            .field("probabilities", &self.probabilities)
            .field("check_layers", &self.check_layers)
            .field("scratch", &self.scratch)
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}
