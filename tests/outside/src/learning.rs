//! What training minimises and how: a loss, a schedule, an optimiser.

use serde::Deserialize;
use vesalius::burn::optim::{ModuleOptimizer, SgdConfig};
use vesalius::losses::{Error, Loss, LossTarget};
use vesalius::prelude::*;
use vesalius::tensor::Int;
use vesalius::training::{CustomOptimizer, CustomSchedule};

// ANCHOR: loss
/// The mean squared error of each class's probability.
#[derive(Deserialize)]
pub struct Brier;

impl Loss for Brier {
    fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>, Error> {
        let target = LossTarget::new(logits, labels)?;
        let probabilities = logits.clone().probabilities().values();
        Ok((probabilities - target.channels).square().mean())
    }
}
// ANCHOR_END: loss

// ANCHOR: schedule
/// Half the rate after every so many steps.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// Steps between two halvings.
    pub every: u64,
}

impl CustomSchedule for Halving {
    fn factor(&self, step: u64, _: Option<u64>) -> f64 {
        0.5f64.powi((step / self.every) as i32)
    }

    fn check(&self) -> vesalius::training::Result<()> {
        match self.every {
            0 => Err(vesalius::training::Error::custom(
                "halving: `every` must be positive",
            )),
            _ => Ok(()),
        }
    }
}
// ANCHOR_END: schedule

// ANCHOR: optimizer
/// Gradient descent without momentum.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlainDescent {
    /// The highest learning rate.
    pub rate: f64,
}

impl CustomOptimizer for PlainDescent {
    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn init(&self) -> ModuleOptimizer {
        SgdConfig::new().init()
    }
}
// ANCHOR_END: optimizer
