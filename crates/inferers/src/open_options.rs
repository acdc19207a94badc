//! How a model is opened.

use std::fmt;
use std::path::PathBuf;
use vesalius_control::Control;
use vesalius_registry::Registry;
use vesalius_tensor::Device;

/// How a model is opened, with changes of its settings. The default is the CPU, all members, and the settings of
/// the model.
///
/// ```
/// let options = vesalius_inferers::OpenOptions::new().folds(["0", "1"]).step(0.5);
/// assert_eq!(options.step, Some(0.5));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct OpenOptions {
    /// The device that computes.
    pub device: Device,
    /// The members (folds) to use, by name or number; none means all.
    pub folds: Option<Vec<String>>,
    /// The file of weights in each fold of an nnU-Net folder, such as `checkpoint_best.pth`; none means
    /// `checkpoint_final.pth`.
    pub checkpoint: Option<String>,
    /// Whether inputs are mirrored, and augmented at test time; `None` follows the model, `false` means never.
    pub mirror: Option<bool>,
    /// The step between windows, as a share of their size; `None` is the model's.
    pub step: Option<f64>,
    /// Windows that go through the network together; `None` is the model's.
    pub batch_size: Option<usize>,
    /// The folder that an archive of a model is unpacked in, until it is loaded; none means the system's for temporary
    /// files.
    pub scratch: Option<PathBuf>,
    /// Values for ids of a MONAI bundle's config, as text in JSON or YAML, or an expression that begins with `$`; in their order.
    pub settings: Vec<(String, String)>,
    /// User-defined types that a model names.
    pub registry: Registry,
    /// Cancels the opening between two members and two companions, and follows it in the stage `members`.
    pub control: Control,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            device: Device::flex(),
            folds: None,
            checkpoint: None,
            mirror: None,
            step: None,
            batch_size: None,
            scratch: None,
            settings: Vec::new(),
            registry: Registry::default(),
            control: Control::new(),
        }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions")
            .field("device", &self.device)
            .field("folds", &self.folds)
            .field("checkpoint", &self.checkpoint)
            .field("mirror", &self.mirror)
            .field("step", &self.step)
            .field("batch_size", &self.batch_size)
            .field("scratch", &self.scratch)
            .field("settings", &self.settings)
            .field("registry", &self.registry)
            .finish()
    }
}

impl OpenOptions {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// The device that computes.
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// The members (folds) to use, by name or number.
    #[must_use]
    pub fn folds<S: Into<String>>(mut self, folds: impl IntoIterator<Item = S>) -> Self {
        self.folds = Some(folds.into_iter().map(Into::into).collect());
        self
    }

    /// The file of weights in each fold of an nnU-Net folder.
    #[must_use]
    pub fn checkpoint(mut self, name: impl Into<String>) -> Self {
        self.checkpoint = Some(name.into());
        self
    }

    /// No mirrored inputs, and nothing else of test-time augmentation.
    #[must_use]
    pub fn without_mirroring(mut self) -> Self {
        self.mirror = Some(false);
        self
    }

    /// How far windows are apart, as a share of their size.
    #[must_use]
    pub fn step(mut self, step: f64) -> Self {
        self.step = Some(step);
        self
    }

    /// Windows that go through the network together.
    #[must_use]
    pub fn batch_size(mut self, windows: usize) -> Self {
        self.batch_size = Some(windows);
        self
    }

    /// The folder that an archive of a model is unpacked in.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// Gives an id of a MONAI bundle's config another value, as MONAI's `--id value` does; other models have none.
    ///
    /// ```
    /// use vesalius_inferers::OpenOptions;
    ///
    /// let options = OpenOptions::new().set("inferer::overlap", "0.5").set("postprocessing::transforms::2::nearest_interp", "true");
    /// assert_eq!(options.settings.len(), 2);
    /// ```
    #[must_use]
    pub fn set(mut self, id: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((id.into(), value.into()));
        self
    }

    /// User-defined types that a model names.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Cancels and follows the opening.
    #[must_use]
    pub fn control(mut self, control: Control) -> Self {
        self.control = control;
        self
    }
}
