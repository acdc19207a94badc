//! The generalised Dice loss (Sudre et al. 2017): classes weigh by the inverse of their size.

use crate::overlap::Overlap;
use crate::{Error, LossTarget, Result};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};

/// How a class weighs by the number of its voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClassWeight {
    /// One over its square.
    #[default]
    Square,
    /// One over it.
    Simple,
    /// All alike.
    Uniform,
}

/// One minus the generalised Dice score, averaged over samples; options and defaults are those of
/// MONAI 1.6's `GeneralizedDiceLoss`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneralizedDice {
    /// Whether the first of exclusive classes counts; regions have no background.
    pub include_background: bool,
    /// How classes weigh.
    pub w_type: ClassWeight,
    /// Added to the numerator.
    pub smooth_nr: f64,
    /// Added to the denominator.
    pub smooth_dr: f64,
    /// Whether sums run over the whole batch before they are divided.
    pub batch: bool,
}

impl Default for GeneralizedDice {
    fn default() -> Self {
        Self {
            include_background: true,
            w_type: ClassWeight::default(),
            smooth_nr: 1e-5,
            smooth_dr: 1e-5,
            batch: false,
        }
    }
}

impl GeneralizedDice {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        if self.smooth_nr >= 0.0 && self.smooth_dr >= 0.0 {
            return Ok(());
        }
        Err(Error::BadConfig {
            loss: "generalized_dice",
            problem: "`smooth_nr` and `smooth_dr` must not be negative".to_owned(),
        })
    }

    /// The loss, one number, of label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// [`Error::WrongShape`].
    pub fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>> {
        Ok(self.of_target(logits, &LossTarget::new(logits, labels)?))
    }

    pub(crate) fn of_target(&self, logits: &Logits, target: &LossTarget) -> Tensor<1> {
        let overlap = Overlap::new(logits, target, self.include_background, self.batch);
        let size = overlap.sums(overlap.truth.clone());
        let total = overlap.sums(overlap.predicted.clone()) + size.clone();
        let weight = self.weights(size);
        let both = (overlap.intersection() * weight.clone()).sum_dim(1);
        let total = (total * weight).sum_dim(1);
        let score =
            both.mul_scalar(2.0).add_scalar(self.smooth_nr) / total.add_scalar(self.smooth_dr);
        score.neg().add_scalar(1.0).mean()
    }

    /// A class that does not occur weighs as the heaviest of those that do.
    fn weights(&self, size: Tensor<2>) -> Tensor<2> {
        let occurs = size.clone().greater_scalar(0.0).float();
        // Keeps the division finite where nothing occurs; those are replaced below.
        let safe = size.clamp_min(1.0);
        let weight = match self.w_type {
            ClassWeight::Square => safe.square().recip(),
            ClassWeight::Simple => safe.recip(),
            ClassWeight::Uniform => return safe.ones_like(),
        };
        let weight = weight * occurs.clone();
        let heaviest = weight.clone().max_dim(1);
        weight + occurs.neg().add_scalar(1.0) * heaviest
    }
}
