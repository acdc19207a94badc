//! The settings of a run's length, its precision, its initial weights, and what is kept of it.

use super::bad;
use crate::Result;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use vesalius_tensor::Device;

/// The length of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duration {
    /// Number of optimiser steps.
    Steps(u64),
    /// Times that every training case is drawn from.
    Epochs(f64),
    /// Minutes of the whole run, over all resumes: caches, steps, validations, what is written at its end. They become
    /// a number of steps after a warm-up, which is adjusted during the run. Validations are made fewer, or of fewer
    /// cases, where they would take more than a fifth of the time.
    Minutes(f64),
}

impl Duration {
    pub(crate) fn check(self) -> Result<()> {
        let usable = |number: f64| number.is_finite() && number > 0.0;
        match self {
            Self::Steps(0) => bad("duration.steps", 0, "at least 1"),
            Self::Epochs(n) if !usable(n) => bad("duration.epochs", n, "a positive number"),
            Self::Minutes(n) if !usable(n) => bad("duration.minutes", n, "a positive number"),
            _ => Ok(()),
        }
    }
}

/// A second set of weights that follows the trained one slowly: their exponential moving average,
/// which is validated and kept in the trained one's place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeightAverageConfig {
    /// Share of the average that a step leaves; the first steps leave less, (1 + step) / (10 + step).
    pub decay: f64,
}

impl Default for WeightAverageConfig {
    fn default() -> Self {
        Self { decay: 0.999 }
    }
}

/// Weights that a run starts from, and which of them stay as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartFrom {
    /// A model folder, or a `.safetensors`, `.pt` or `.pth` file with the network's names, wrapped
    /// or not.
    pub weights: PathBuf,
    /// Whether weights that are missing or have another shape may keep their first values: for
    /// another number of classes or channels. Without it they are an error.
    #[serde(default)]
    pub partial: bool,
    /// Beginnings of the names of parameters that are not trained, such as `model.0.`.
    #[serde(default)]
    pub freeze: Vec<String>,
    /// Train the frozen ones as well after so many steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze_steps: Option<u64>,
}

/// What numbers are computed in; parameters are always 32-bit floats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// The upper half of a 32-bit float: the range of f32 with 8 bits of precision.
    Bf16,
    /// IEEE half precision; the loss is scaled so that small gradients do not vanish.
    F16,
}

impl Precision {
    /// Checks that the device computes in it.
    ///
    /// # Errors
    /// [`crate::Error::BadValue`] with what to use instead.
    pub fn check_device(self, device: &Device) -> Result<()> {
        let (name, kind) = match self {
            Self::F32 => return Ok(()),
            Self::Bf16 => ("bf16", burn::tensor::FloatDType::BF16),
            Self::F16 => ("f16", burn::tensor::FloatDType::F16),
        };
        // The CPU's own kernels are written for 32-bit floats: halves would only be slower there.
        if device.clone().inner() == Device::flex() {
            let expected = "f32 on the CPU; halves need a GPU (`cuda` or `vulkan`)";
            return bad("precision", name, expected);
        }
        if !device.supports_dtype(kind) {
            let expected = "f32, or a device that computes in this type";
            return bad("precision", name, expected);
        }
        Ok(())
    }
}

/// When the state of a run is written down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointsConfig {
    /// A killed run loses at most so many minutes.
    pub every_minutes: f64,
    /// And at most so many steps; `null` for no such limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_steps: Option<u64>,
    /// Keep a copy of its own every so many steps, `checkpoint_STEP.bin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_every_steps: Option<u64>,
    /// Keep a copy of the state with the best Dice, `checkpoint_best.bin`; its weights are in the
    /// model folder in any case.
    pub keep_best: bool,
}

impl Default for CheckpointsConfig {
    fn default() -> Self {
        Self {
            every_minutes: 1.0,
            every_steps: None,
            keep_every_steps: None,
            keep_best: false,
        }
    }
}

impl CheckpointsConfig {
    pub(crate) fn check(&self) -> Result<()> {
        if !(self.every_minutes.is_finite() && self.every_minutes > 0.0) {
            let found = self.every_minutes;
            return bad("checkpoints.every_minutes", found, "a positive number");
        }
        if self.every_steps == Some(0) {
            return bad("checkpoints.every_steps", 0, "at least 1, or null");
        }
        if self.keep_every_steps == Some(0) {
            return bad("checkpoints.keep_every_steps", 0, "at least 1, or null");
        }
        Ok(())
    }
}
