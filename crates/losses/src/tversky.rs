//! The Tversky loss (Salehi et al. 2017), which weighs false positives and false negatives apart, and
//! its focal power (Abraham & Khan 2019).

use crate::overlap::{Overlap, channel_weights, check_weight, is_exponent};
use crate::{Error, LossTarget, Result};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};

/// One minus the Tversky index, averaged over samples and channels; options and defaults are those
/// of MONAI 1.6's `TverskyLoss`.
///
/// ```
/// use vesalius_losses::Tversky;
///
/// // Missed voxels cost more than wrong ones.
/// let loss = Tversky { alpha: 0.3, beta: 0.7, ..Tversky::default() };
/// loss.check()?;
/// assert!(Tversky { alpha: -1.0, ..loss }.check().is_err());
/// # Ok::<(), vesalius_losses::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tversky {
    /// Whether the first of exclusive classes counts; regions have no background.
    pub include_background: bool,
    /// Weight of false positives.
    pub alpha: f64,
    /// Weight of false negatives.
    pub beta: f64,
    /// The power that one minus the index is raised to; 1 for the plain loss, below 1 (the paper's
    /// 0.75 = 1 / (4/3)) for the focal one.
    pub gamma: f64,
    /// Added to the numerator.
    pub smooth_nr: f64,
    /// Added to the denominator.
    pub smooth_dr: f64,
    /// Whether sums run over the whole batch before they are divided.
    pub batch: bool,
    /// A weight for each channel that counts; `None` for equal ones.
    pub weight: Option<Vec<f64>>,
}

impl Default for Tversky {
    fn default() -> Self {
        Self {
            include_background: true,
            alpha: 0.5,
            beta: 0.5,
            gamma: 1.0,
            smooth_nr: 1e-5,
            smooth_dr: 1e-5,
            batch: false,
            weight: None,
        }
    }
}

impl Tversky {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        check_weight("tversky", self.weight.as_deref())?;
        let numbers = [self.alpha, self.beta, self.smooth_nr, self.smooth_dr];
        if numbers.iter().any(|n| !n.is_finite() || *n < 0.0)
            || !is_exponent(self.gamma)
            || self.gamma == 0.0
        {
            return Err(Error::BadConfig {
                loss: "tversky",
                problem: "`alpha`, `beta` and the smoothing must not be negative, `gamma` must be above 0 and at most 1000".to_owned(),
            });
        }
        Ok(())
    }

    /// The loss, one number, of label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// [`Error::WrongShape`]; [`Error::BadConfig`] when weights and channels differ in number.
    pub fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>> {
        self.of_target(logits, &LossTarget::new(logits, labels)?)
    }

    pub(crate) fn of_target(&self, logits: &Logits, target: &LossTarget) -> Result<Tensor<1>> {
        let overlap = Overlap::new(logits, target, self.include_background, self.batch);
        let both = overlap.intersection();
        let extra = overlap.sums(overlap.predicted.clone()) - both.clone();
        let missed = overlap.sums(overlap.truth.clone()) - both.clone();
        let total = both.clone() + extra.mul_scalar(self.alpha) + missed.mul_scalar(self.beta);
        let index = both.add_scalar(self.smooth_nr) / total.add_scalar(self.smooth_dr);
        let loss = index.neg().add_scalar(1.0);
        let loss = match self.gamma {
            1.0 => loss,
            gamma => loss.clamp_min(0.0).powf_scalar(gamma),
        };
        let loss = match &self.weight {
            None => loss,
            Some(weight) => {
                let row = channel_weights("tversky", weight, &loss)?;
                loss * row
            }
        };
        Ok(loss.mean())
    }
}
