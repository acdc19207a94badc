//! The optimisers by name, with their settings and the allowed ranges.

use super::bad;
use crate::Result;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{ModuleOptimizer, SgdConfig};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use vesalius_registry::{Custom, Registry};

/// PyTorch's, for both kinds of Adam.
const EPSILON: f32 = 1e-8;

/// A user-defined optimiser, built on Burn's. It is set in a config by [`OptimizerConfig::custom`], or by name
/// through a [`Registry`]; see [`RegisterOptimizer`].
pub trait CustomOptimizer: Send + Sync {
    /// The highest learning rate, which the schedule starts from.
    fn learning_rate(&self) -> f64;

    /// Burn's optimiser. A resumed run makes a new one and gives it the state of the checkpoint.
    fn init(&self) -> ModuleOptimizer;
}

vesalius_registry::registered! {
    /// Adds user-defined optimisers to a [`Registry`].
    pub trait RegisterOptimizer {
        /// Makes `optimizer: {custom: name}` mean this type; its options are read by serde.
        fn optimizer => CustomOptimizer, "optimizer";
    }
}

/// An optimiser with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OptimizerConfig {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019), PyTorch's `AdamW`.
    #[serde(rename = "adamw")]
    AdamW(AdamWConfig),
    /// Adam (Kingma and Ba 2015), PyTorch's `Adam`: weight decay is added to the gradient.
    Adam(AdamConfig),
    /// Gradient descent with momentum, PyTorch's `SGD`; defaults are nnU-Net's.
    Sgd(StochasticGradientDescent),
    /// A user-defined optimiser: in YAML `custom: mine` or `custom: {name: mine, learning_rate: 0.1}`, for
    /// which the config is read with a registry.
    Custom(Custom<dyn CustomOptimizer>),
}

/// Settings of AdamW; defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWConfig {
    /// The highest learning rate.
    pub learning_rate: f64,
    /// The share of each weight that is subtracted in a step, times the learning rate.
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

/// Settings of Adam; defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Times the weight, added to the gradient.
    pub weight_decay: f64,
    /// Decay of the running means of gradients and of their squares.
    pub betas: [f64; 2],
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            weight_decay: 0.0,
            betas: [0.9, 0.999],
        }
    }
}

/// Settings of stochastic gradient descent; defaults are nnU-Net's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StochasticGradientDescent {
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Share of the last step's velocity that is kept; 0 for none.
    pub momentum: f64,
    /// Whether the gradient is taken where the velocity leads to.
    pub nesterov: bool,
    /// Times the weight, added to the gradient.
    pub weight_decay: f64,
}

impl Default for StochasticGradientDescent {
    fn default() -> Self {
        Self {
            learning_rate: 1e-2,
            momentum: 0.99,
            nesterov: true,
            weight_decay: 3e-5,
        }
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::AdamW(AdamWConfig::default())
    }
}

impl OptimizerConfig {
    /// A user-defined optimiser. Files that are written hold the name, so that reading them again needs a
    /// [`Registry`] that has it.
    pub fn custom(name: impl Into<String>, optimizer: impl CustomOptimizer + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(optimizer)))
    }

    pub(super) fn resolve(&mut self, registry: &Registry) -> Result<()> {
        match self {
            Self::Custom(custom) => Ok(custom.resolve(registry)?),
            _ => Ok(()),
        }
    }

    /// The highest learning rate, which the schedule starts from; NaN for a custom optimiser that is only
    /// named.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::AdamW(settings) => settings.learning_rate,
            Self::Adam(settings) => settings.learning_rate,
            Self::Sgd(settings) => settings.learning_rate,
            Self::Custom(custom) => custom.get().map_or(f64::NAN, |own| own.learning_rate()),
        }
    }

    /// Checks that rates and decays are in range, as [`crate::TrainingConfig::check`] does.
    ///
    /// ```
    /// use vesalius_training::{AdamWConfig, OptimizerConfig};
    ///
    /// let rate = |learning_rate| OptimizerConfig::AdamW(AdamWConfig { learning_rate, ..AdamWConfig::default() });
    /// assert!(rate(1e-3).check().is_ok());
    /// assert!(rate(-1.0).check().unwrap_err().to_string().contains("learning_rate"));
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::BadValue`], which names the key; a user-defined optimiser that is only named.
    pub fn check(&self) -> Result<()> {
        let (name, decay) = match self {
            Self::AdamW(settings) => ("optimizer.adamw", settings.weight_decay),
            Self::Adam(settings) => ("optimizer.adam", settings.weight_decay),
            Self::Sgd(settings) => ("optimizer.sgd", settings.weight_decay),
            Self::Custom(custom) => {
                custom.get()?;
                ("optimizer.custom", 0.0)
            }
        };
        let rate = self.learning_rate();
        if !(rate.is_finite() && rate > 0.0) {
            return bad(format!("{name}.learning_rate"), rate, "a positive number");
        }
        if !(decay.is_finite() && decay >= 0.0) {
            return bad(
                format!("{name}.weight_decay"),
                decay,
                "a number that is not negative",
            );
        }
        let betas = match self {
            Self::AdamW(settings) => Some(settings.betas),
            Self::Adam(settings) => Some(settings.betas),
            Self::Sgd(_) | Self::Custom(_) => None,
        };
        if let Some(betas) = betas.filter(|betas| betas.iter().any(|b| !(0.0..1.0).contains(b))) {
            return bad(
                format!("{name}.betas"),
                format!("{betas:?}"),
                "two numbers from 0 to below 1",
            );
        }
        if let Self::Sgd(settings) = self {
            if !(0.0..1.0).contains(&settings.momentum) {
                let key = format!("{name}.momentum");
                return bad(key, settings.momentum, "a number from 0 to below 1");
            }
            if settings.nesterov && settings.momentum == 0.0 {
                return bad(format!("{name}.momentum"), 0, "above 0 with `nesterov`");
            }
        }
        Ok(())
    }

    /// Burn's optimiser with these settings.
    ///
    /// # Errors
    /// A custom optimiser that is only named.
    pub(crate) fn init(&self) -> Result<ModuleOptimizer> {
        Ok(match self {
            Self::AdamW(settings) => burn::optim::AdamWConfig::new()
                .with_beta_1(settings.betas[0] as f32)
                .with_beta_2(settings.betas[1] as f32)
                .with_epsilon(EPSILON)
                .with_weight_decay(settings.weight_decay as f32)
                .init(),
            Self::Adam(settings) => burn::optim::AdamConfig::new()
                .with_beta_1(settings.betas[0] as f32)
                .with_beta_2(settings.betas[1] as f32)
                .with_epsilon(EPSILON)
                .with_weight_decay(decay(settings.weight_decay))
                .init(),
            Self::Sgd(settings) => SgdConfig::new()
                .with_weight_decay(decay(settings.weight_decay))
                .with_momentum((settings.momentum > 0.0).then_some(MomentumConfig {
                    momentum: settings.momentum,
                    dampening: 0.0,
                    nesterov: settings.nesterov,
                }))
                .init(),
            Self::Custom(custom) => custom.get()?.init(),
        })
    }
}

fn decay(penalty: f64) -> Option<WeightDecayConfig> {
    (penalty > 0.0).then(|| WeightDecayConfig::new(penalty as f32))
}
