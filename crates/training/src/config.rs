//! The YAML that describes a training run, one key a field; what it leaves out has a sensible default.

use crate::{Error, Result, Schedule};
use serde::{Deserialize, Serialize};
use std::path::Path;
use vesalius_inferers::Inferer;
use vesalius_losses::{DeepSupervision, LossConfig};
use vesalius_networks::NetworkConfig;
use vesalius_transforms::{Chain, PatchConfig};
use vesalius_volume::LabelScheme;

/// How one model is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// What the run is called.
    pub name: String,
    /// Everything random follows from this.
    #[serde(default)]
    pub seed: u64,
    /// What the network's channels mean; by default the dataset's labels, each exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelScheme>,
    /// Done once to every case, in training and in prediction.
    #[serde(default)]
    pub preprocessing: Chain,
    /// Done anew to every patch, in training only.
    #[serde(default)]
    pub augmentation: Chain,
    /// Size and place of training patches.
    pub patch: PatchConfig,
    /// Patches a step.
    #[serde(default = "two")]
    pub batch_size: usize,
    /// The network; its numbers of channels are set from the dataset.
    pub network: NetworkConfig,
    /// What is minimised.
    #[serde(default)]
    pub loss: LossConfig,
    /// How the heads of a deeply supervised network are weighed; of no matter to other networks.
    #[serde(default)]
    pub deep_supervision: DeepSupervision,
    /// How weights move.
    #[serde(default)]
    pub optimizer: OptimizerConfig,
    /// How the learning rate falls.
    #[serde(default)]
    pub schedule: Schedule,
    /// How long to train, where the command line does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// What is held out, and when it is segmented.
    #[serde(default)]
    pub validation: ValidationConfig,
    /// How whole volumes go through the network, in validation and in prediction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inferer: Option<Inferer>,
}

fn two() -> usize {
    2
}

/// The length of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duration {
    /// Number of optimiser steps.
    Steps(u64),
    /// Minutes of training; they become a number of steps after a warm-up, and validation is not counted.
    Minutes(f64),
}

/// How weights move along their gradients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), PyTorch's `AdamW`.
    #[serde(rename = "adamw")]
    AdamW(AdamWConfig),
}

/// Settings of AdamW; defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWConfig {
    /// The first learning rate.
    pub learning_rate: f64,
    /// Share of each weight taken away a step, times the learning rate.
    pub weight_decay: f64,
    /// Decay of the running means of gradients and of their squares.
    pub betas: [f64; 2],
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            weight_decay: 1e-2,
            betas: [0.9, 0.999],
        }
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::AdamW(AdamWConfig::default())
    }
}

/// What is held out, and when it is segmented.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// The fold that is not trained on.
    pub fold: usize,
    /// How often the held-out cases are segmented over a run, evenly spaced; the last time is its end.
    pub times: u64,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { fold: 0, times: 8 }
    }
}

impl TrainingConfig {
    /// Reads a YAML file and checks it.
    ///
    /// # Errors
    /// [`Error::Config`] with the file, the line and the key.
    pub fn read(path: &Path) -> Result<Self> {
        let bad = |reason: String| Error::Config {
            path: path.to_path_buf(),
            reason,
        };
        let text =
            std::fs::read_to_string(path).map_err(|e| bad(format!("cannot be read: {e}")))?;
        Self::parse(&text).map_err(|e| bad(e.to_string()))
    }

    /// Reads YAML text and checks it.
    ///
    /// # Errors
    /// [`Error::Yaml`] with the line and the key, or the key whose value makes no sense.
    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = serde_saphyr::from_str(text).map_err(|e| Error::Yaml(e.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Nothing when every value makes sense.
    ///
    /// # Errors
    /// An error that names the key.
    pub fn check(&self) -> Result<()> {
        let bad = |key, found: String, expected| {
            Err(Error::BadValue {
                key,
                found,
                expected,
            })
        };
        self.preprocessing.check()?;
        self.augmentation.check()?;
        self.patch.check()?;
        self.loss.check()?;
        if self.preprocessing.is_random() {
            return bad(
                "preprocessing",
                "a random transform".to_owned(),
                "transforms that do the same every time; move it to `augmentation`",
            );
        }
        if self.batch_size == 0 {
            return bad("batch_size", "0".to_owned(), "at least 1");
        }
        if self.validation.times == 0 {
            return bad("validation.times", "0".to_owned(), "at least 1");
        }
        match self.duration {
            Some(Duration::Steps(0)) => return bad("duration.steps", "0".to_owned(), "at least 1"),
            Some(Duration::Minutes(m)) if !(m.is_finite() && m > 0.0) => {
                return bad("duration.minutes", m.to_string(), "a positive number");
            }
            _ => {}
        }
        let OptimizerConfig::AdamW(adam) = self.optimizer;
        if !(adam.learning_rate.is_finite() && adam.learning_rate > 0.0) {
            return bad(
                "optimizer.adamw.learning_rate",
                adam.learning_rate.to_string(),
                "a positive number",
            );
        }
        if !(adam.weight_decay.is_finite() && adam.weight_decay >= 0.0) {
            return bad(
                "optimizer.adamw.weight_decay",
                adam.weight_decay.to_string(),
                "a number that is not negative",
            );
        }
        if adam.betas.iter().any(|b| !(0.0..1.0).contains(b)) {
            return bad(
                "optimizer.adamw.betas",
                format!("{:?}", adam.betas),
                "two numbers from 0 to below 1",
            );
        }
        if let Some(labels) = &self.labels {
            labels.clone().check()?;
        }
        self.inferer.as_ref().map_or(Ok(()), Inferer::check)?;
        Ok(())
    }

    /// How whole volumes go through the network: as configured, or windows of the patch's size (slices
    /// for a patch that is one).
    pub fn inferer(&self) -> Inferer {
        self.inferer
            .clone()
            .unwrap_or_else(|| match self.patch.slice_axis {
                Some(axis) => {
                    let order = axis.last();
                    let patch_size = [self.patch.size[order[0]], self.patch.size[order[1]]];
                    Inferer::Slice(vesalius_inferers::Slice {
                        axis,
                        patch_size,
                        ..Default::default()
                    })
                }
                None => Inferer::SlidingWindow(vesalius_inferers::SlidingWindow {
                    patch_size: self.patch.size,
                    batch_size: 2,
                    ..Default::default()
                }),
            })
    }
}
