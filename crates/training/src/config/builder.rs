//! A config built in a program, one call a key; other keys keep their defaults.

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
    /// The name of the run.
    name: impl Into<String>;
    /// The seed of all random numbers.
    seed: u64;
    /// The classes or regions of the network's channels.
    labels: LabelScheme;
    /// Transforms of every case, once, in training and in prediction.
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
    /// The loss; [`LossConfig::custom`] makes one of a user-defined loss.
    loss: impl Into<LossConfig>;
    /// The weights of the heads of a deeply supervised network.
    deep_supervision: DeepSupervision;
    /// The optimiser.
    optimizer: OptimizerConfig;
    /// The schedule of the learning rate.
    schedule: Schedule;
    /// The rise of the learning rate in the first steps.
    warm_up: WarmUp;
    /// The global norm that gradients are scaled down to; `None` for never.
    clip_norm: Option<f64>;
    /// Validates and keeps an average of the weights.
    weight_average: WeightAverageConfig;
    /// The precision of the computation.
    precision: Precision;
    /// The length of the run.
    duration: Duration;
    /// The held-out cases, and when they are scored.
    validation: ValidationConfig;
    /// Ends a run whose validations no longer improve.
    early_stopping: EarlyStopping;
    /// The inferer of whole volumes.
    inferer: Inferer;
    /// Axes along which the finished model mirrors its input.
    mirror_axes: impl Into<Vec<Axis>>;
    /// When checkpoints are written.
    checkpoints: CheckpointsConfig;
    /// Where preprocessed cases are kept.
    cache: CacheConfig;
    /// What happens when a case cannot be used.
    bad_case: BadCase;
}

impl TrainingConfig {
    /// The length of the run in minutes, validations included.
    #[must_use]
    pub fn minutes(self, minutes: f64) -> Self {
        self.duration(Duration::Minutes(minutes))
    }

    /// The length of the run in optimiser steps.
    #[must_use]
    pub fn steps(self, steps: u64) -> Self {
        self.duration(Duration::Steps(steps))
    }

    /// The length of the run in epochs: how often every training case is drawn from.
    #[must_use]
    pub fn epochs(self, epochs: f64) -> Self {
        self.duration(Duration::Epochs(epochs))
    }
}
