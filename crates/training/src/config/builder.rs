//! A config built in a program, one call a key; what is not called keeps its default.

use super::{BadCase, CacheConfig, CheckpointsConfig, Duration, EarlyStopping, StartFrom};
use super::{OptimizerConfig, Precision, TrainingConfig, ValidationConfig, WeightAverageConfig};
use crate::{MixingConfig, Schedule, WarmUp};
use vesalius_inferers::Inferer;
use vesalius_losses::{DeepSupervision, LossConfig};
use vesalius_transforms::{Axis, Chain, PatchConfig};
use vesalius_volume::LabelScheme;

macro_rules! setters {
    ($($(#[$doc:meta])* $key:ident: $type:ty;)*) => {
        impl TrainingConfig {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $key(mut self, $key: $type) -> Self {
                    self.$key = $key.into();
                    self
                }
            )*
        }
    };
}

setters! {
    /// What the run is called.
    name: impl Into<String>;
    /// Everything random follows from this.
    seed: u64;
    /// What the network's channels mean.
    labels: LabelScheme;
    /// Done once to every case, in training and in prediction.
    preprocessing: Chain;
    /// Random transforms of every patch, in training only.
    augmentation: Chain;
    /// Mixes patches of a batch with one another.
    mixing: MixingConfig;
    /// Size and place of training patches; `[x, y, z]` alone is the size.
    patch: impl Into<PatchConfig>;
    /// Patches that go through the network together.
    batch_size: usize;
    /// Batches whose gradients are averaged before a step.
    gradient_accumulation: usize;
    /// Weights to start from.
    start_from: StartFrom;
    /// What is minimised; [`LossConfig::custom`] makes one of a user-defined loss.
    loss: impl Into<LossConfig>;
    /// How the heads of a deeply supervised network are weighed.
    deep_supervision: DeepSupervision;
    /// How weights move.
    optimizer: OptimizerConfig;
    /// How the learning rate falls.
    schedule: Schedule;
    /// How the learning rate rises at the start.
    warm_up: WarmUp;
    /// The global norm that gradients are scaled down to; `None` for never.
    clip_norm: Option<f64>;
    /// Validates and keeps an average of the weights.
    weight_average: WeightAverageConfig;
    /// What numbers are computed in.
    precision: Precision;
    /// How long to train.
    duration: Duration;
    /// What is held out, and when it is segmented.
    validation: ValidationConfig;
    /// Ends a run that gains nothing.
    early_stopping: EarlyStopping;
    /// How whole volumes go through the network.
    inferer: Inferer;
    /// Axes along which the finished model mirrors its input.
    mirror_axes: impl Into<Vec<Axis>>;
    /// When the state of the run is written down.
    checkpoints: CheckpointsConfig;
    /// Where preprocessed cases are kept.
    cache: CacheConfig;
    /// What happens when a case cannot be used.
    bad_case: BadCase;
}

impl TrainingConfig {
    /// Trains for so many minutes, in which validation is not counted.
    #[must_use]
    pub fn minutes(self, minutes: f64) -> Self {
        self.duration(Duration::Minutes(minutes))
    }

    /// Trains for so many steps.
    #[must_use]
    pub fn steps(self, steps: u64) -> Self {
        self.duration(Duration::Steps(steps))
    }

    /// Trains until every training case was drawn from so many times.
    #[must_use]
    pub fn epochs(self, epochs: f64) -> Self {
        self.duration(Duration::Epochs(epochs))
    }
}
