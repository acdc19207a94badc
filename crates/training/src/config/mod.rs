//! The YAML that describes a training run, one key a field; keys that are left out have defaults.

mod as_run;
mod builder;
mod cache;
mod optimizer;
mod registered;
mod run_length;
mod validation;
mod yaml;

pub use cache::{BadCase, CacheConfig};
pub use optimizer::{
    AdamConfig, AdamWConfig, CustomOptimizer, OptimizerConfig, RegisterOptimizer,
    StochasticGradientDescent,
};
pub use run_length::{CheckpointsConfig, Duration, Precision, StartFrom, WeightAverageConfig};
pub use validation::{EarlyStopping, ValidationConfig, ValidationOn};
pub use yaml::parse as parse_yaml;

use crate::{Error, MixingConfig, Result, Schedule, WarmUp};
use serde::{Deserialize, Serialize};
use std::path::Path;
use vesalius_inferers::Inferer;
use vesalius_losses::{DeepSupervision, LossConfig};
use vesalius_networks::NetworkConfig;
use vesalius_transforms::{Axis, Chain, PatchConfig};
use vesalius_volume::LabelScheme;

/// Most patches of one optimiser step.
const MOST_PATCHES: usize = 1 << 32;

/// How one model is trained. A program builds it from [`TrainingConfig::new`]; [`crate::fit`] checks it.
///
/// ```
/// use vesalius_losses::Dice;
/// use vesalius_networks::{NetworkConfig, UNetConfig};
/// use vesalius_training::TrainingConfig;
///
/// let config = TrainingConfig::new(NetworkConfig::UNet(UNetConfig::default()))
///     .patch([96, 96, 64])
///     .loss(Dice::default())
///     .minutes(10.0);
/// assert!(config.check().is_ok());
/// assert!(config.batch_size(0).check().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TrainingConfig {
    /// The name of the run.
    pub name: String,
    /// The seed of all random numbers.
    #[serde(default)]
    pub seed: u64,
    /// The classes or regions of the network's channels; by default the dataset's labels, each exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelScheme>,
    /// Transforms of every case, once, in training and in prediction.
    #[serde(default)]
    pub preprocessing: Chain,
    /// Random transforms of every patch, in training only.
    #[serde(default)]
    pub augmentation: Chain,
    /// Patches of a batch mixed with one another; by default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixing: Option<MixingConfig>,
    /// Size and place of training patches.
    pub patch: PatchConfig,
    /// Patches that go through the network together.
    #[serde(default = "two")]
    pub batch_size: usize,
    /// Batches whose gradients are averaged before a step: a larger batch in the same memory.
    #[serde(default = "one")]
    pub gradient_accumulation: usize,
    /// The network; its numbers of channels are set from the dataset.
    pub network: NetworkConfig,
    /// Weights to start from, and which stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_from: Option<StartFrom>,
    /// The loss.
    #[serde(default)]
    pub loss: LossConfig,
    /// The weights of the heads of a deeply supervised network; unused for other networks.
    #[serde(default)]
    pub deep_supervision: DeepSupervision,
    /// The optimiser.
    #[serde(default)]
    pub optimizer: OptimizerConfig,
    /// The schedule of the learning rate.
    #[serde(default)]
    pub schedule: Schedule,
    /// The rise of the learning rate in the first steps.
    #[serde(default, skip_serializing_if = "WarmUp::is_none")]
    pub warm_up: WarmUp,
    /// Gradients are scaled down to this global norm where theirs is greater, as PyTorch's
    /// `clip_grad_norm_`; `null` for never. The default is nnU-Net's.
    #[serde(default = "twelve")]
    pub clip_norm: Option<f64>,
    /// An average of the weights over the last steps, which is validated and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_average: Option<WeightAverageConfig>,
    /// The precision of the computation.
    #[serde(default)]
    pub precision: Precision,
    /// The length of training, where the command line has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// The held-out cases, and when they are scored.
    #[serde(default)]
    pub validation: ValidationConfig,
    /// When a run whose validations no longer improve ends early; by default never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// The inferer of whole volumes, in validation and in prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inferer: Option<Inferer>,
    /// Axes along which the finished model mirrors its input, in every combination, and averages what comes
    /// out; validation while training does without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirror_axes: Vec<Axis>,
    /// When checkpoints are written.
    #[serde(default)]
    pub checkpoints: CheckpointsConfig,
    /// Where preprocessed cases are kept, and how batches are made ahead.
    #[serde(default)]
    pub cache: CacheConfig,
    /// What happens when a case cannot be used.
    #[serde(default)]
    pub bad_case: BadCase,
}

fn one() -> usize {
    1
}

fn two() -> usize {
    2
}

fn twelve() -> Option<f64> {
    Some(12.0)
}

/// An error that names a key, what it holds and what it may hold.
pub(crate) fn bad<T>(
    key: impl Into<String>,
    found: impl std::fmt::Display,
    expected: &'static str,
) -> Result<T> {
    Err(Error::BadValue {
        key: key.into(),
        found: found.to_string(),
        expected,
    })
}

impl TrainingConfig {
    /// A run of this network, everything else at its default: patches of 64 voxels along each axis, drawn at random.
    pub fn new(network: NetworkConfig) -> Self {
        Self {
            name: "model".to_owned(),
            seed: 0,
            labels: None,
            preprocessing: Chain::default(),
            augmentation: Chain::default(),
            mixing: None,
            patch: [64; 3].into(),
            batch_size: two(),
            gradient_accumulation: one(),
            network,
            start_from: None,
            loss: LossConfig::default(),
            deep_supervision: DeepSupervision::default(),
            optimizer: OptimizerConfig::default(),
            schedule: Schedule::default(),
            warm_up: WarmUp::default(),
            clip_norm: twelve(),
            weight_average: None,
            precision: Precision::default(),
            duration: None,
            validation: ValidationConfig::default(),
            early_stopping: None,
            inferer: None,
            mirror_axes: Vec::new(),
            checkpoints: CheckpointsConfig::default(),
            cache: CacheConfig::default(),
            bad_case: BadCase::default(),
        }
    }

    /// Reads a YAML file and checks it.
    ///
    /// # Errors
    /// [`Error::Config`] with the file, the line and the key.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::read_by(path, Self::parse)
    }

    fn read_by(path: &Path, parse: impl FnOnce(&str) -> Result<Self>) -> Result<Self> {
        let bad = |reason: String| Error::Config {
            path: path.to_path_buf(),
            reason,
        };
        let text = vesalius_io::read_text(path).map_err(|e| bad(format!("cannot be read: {e}")))?;
        parse(&text).map_err(|e| bad(e.to_string()))
    }

    /// Reads YAML text and checks it.
    ///
    /// # Errors
    /// [`Error::Yaml`] with the line, the key and, for one that is unknown, the nearest that is
    /// known; or the key whose value makes no sense.
    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = yaml::parse(text)?;
        config.check()?;
        Ok(config)
    }

    /// Checks that every value is valid.
    ///
    /// # Errors
    /// An error that names the key.
    pub fn check(&self) -> Result<()> {
        self.preprocessing.check()?;
        self.augmentation.check()?;
        self.mixing.as_ref().map_or(Ok(()), MixingConfig::check)?;
        self.patch.check()?;
        self.network.check_resolved()?;
        self.loss.check()?;
        self.deep_supervision.check()?;
        if self.preprocessing.is_random() {
            return bad(
                "preprocessing",
                "a random transform",
                "transforms that do the same every time; move it to `augmentation`",
            );
        }
        if self.batch_size == 0 {
            return bad("batch_size", 0, "at least 1");
        }
        if self.gradient_accumulation == 0 {
            return bad("gradient_accumulation", 0, "at least 1");
        }
        let patches = self.batch_size.checked_mul(self.gradient_accumulation);
        if patches.is_none_or(|patches| patches > MOST_PATCHES) {
            let found = format!("{} × {}", self.batch_size, self.gradient_accumulation);
            let expected = "a product of at most 2^32 patches a step";
            return bad("batch_size × gradient_accumulation", found, expected);
        }
        if let Some(norm) = self.clip_norm.filter(|n| !(n.is_finite() && *n > 0.0)) {
            return bad("clip_norm", norm, "a positive number, or null");
        }
        if let Some(average) = self
            .weight_average
            .filter(|a| !(0.0..1.0).contains(&a.decay))
        {
            let key = "weight_average.decay";
            return bad(key, average.decay, "a number from 0 to below 1");
        }
        self.optimizer.check()?;
        self.schedule.check()?;
        self.warm_up.check()?;
        self.validation.check()?;
        self.checkpoints.check()?;
        self.cache.check()?;
        self.duration.map_or(Ok(()), Duration::check)?;
        self.early_stopping
            .map_or(Ok(()), |stopping| stopping.check())?;
        self.inferer.as_ref().map_or(Ok(()), Inferer::check)?;
        Ok(())
    }

    /// Patches a step.
    pub fn patches_per_step(&self) -> u64 {
        (self.batch_size * self.gradient_accumulation) as u64
    }

    /// Voxels `[x, y, z]` of what reaches the network in training, in the network's order of axes: the patch
    /// after the augmentation, which may crop or pad. `None` where that depends on the case.
    pub fn network_patch(&self) -> Option<[usize; 3]> {
        let order = self.patch.slice_axis.map_or([0, 1, 2], |axis| axis.last());
        let cut = order.map(|axis| self.patch.size[axis]);
        if cut.iter().any(|&n| n <= 0) {
            // A whole axis may have any length: the size is known where two unlike cases come to the same.
            let of = |whole: [usize; 3]| {
                let size = std::array::from_fn(|a| usize::try_from(cut[a]).unwrap_or(whole[a]));
                self.augmentation.size_after(size)
            };
            let large = of([1 << 20, 1 << 21, 1 << 22]);
            return large.filter(|size| of([1 << 23, 1 << 24, 1 << 25]) == Some(*size));
        }
        self.augmentation.size_after(cut.map(|n| n as usize))
    }

    /// The patch as it would be cut for the network without augmentation.
    pub(crate) fn plain_patch(&self) -> PatchConfig {
        let mut patch = self.patch.clone();
        if let Some(size) = self.network_patch() {
            let order = patch.slice_axis.map_or([0, 1, 2], |axis| axis.last());
            for (axis, n) in order.into_iter().zip(size) {
                patch.size[axis] = n as i64;
            }
        }
        patch
    }

    /// How whole volumes go through the network: as configured, or windows of the size that it is trained
    /// on (slices for a patch that is one).
    pub fn inferer_in_use(&self) -> Inferer {
        let size = self.plain_patch().size;
        self.inferer
            .clone()
            .unwrap_or_else(|| match self.patch.slice_axis {
                Some(axis) => {
                    let order = axis.last();
                    Inferer::Slice(vesalius_inferers::Slice {
                        axis,
                        patch_size: [size[order[0]], size[order[1]]],
                        ..Default::default()
                    })
                }
                None => Inferer::SlidingWindow(vesalius_inferers::SlidingWindow {
                    patch_size: size,
                    batch_size: 2,
                    ..Default::default()
                }),
            })
    }
}
