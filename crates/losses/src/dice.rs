//! The soft Dice loss (Milletari et al. 2016) with MONAI's options.

use crate::overlap::{Overlap, channel_weights, check_weight};
use crate::{Error, LossTarget, Result};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};

/// One minus the soft Dice coefficient, averaged over samples and channels; options and defaults
/// are those of MONAI 1.6's `DiceLoss`, except that softmax or sigmoid follows from the scheme.
///
/// ```
/// use vesalius_losses::Dice;
/// use vesalius_tensor::{Device, Int, Logits, Tensor};
/// use vesalius_volume::LabelScheme;
///
/// let device = Device::flex();
/// let scheme = LabelScheme::regions(&[("lesion", &[1], 1)])?;
/// let labels = Tensor::<5, Int>::from_data([[[[[1, 0]]]]], &device);
/// // Probability ½ for both voxels: 1 − 2 · ½ / (1 + 1).
/// let logits = Logits::new(Tensor::zeros([1, 1, 1, 1, 2], &device), &scheme)?;
/// let loss: f32 = Dice::default().forward(&logits, &labels)?.into_scalar();
/// assert!((loss - 0.5).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dice {
    /// Whether the first of exclusive classes counts; regions have no background.
    pub include_background: bool,
    /// Whether the denominator holds squared probabilities.
    pub squared_pred: bool,
    /// Whether the soft Jaccard index takes the coefficient's place.
    pub jaccard: bool,
    /// Added to the numerator.
    pub smooth_nr: f64,
    /// Added to the denominator.
    pub smooth_dr: f64,
    /// Whether sums run over the whole batch before they are divided.
    pub batch: bool,
    /// A weight for each channel that counts; `None` for equal ones.
    pub weight: Option<Vec<f64>>,
}

impl Default for Dice {
    fn default() -> Self {
        Self {
            include_background: true,
            squared_pred: false,
            jaccard: false,
            smooth_nr: 1e-5,
            smooth_dr: 1e-5,
            batch: false,
            weight: None,
        }
    }
}

impl Dice {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        if !(self.smooth_nr >= 0.0 && self.smooth_dr >= 0.0) {
            return Err(Error::BadConfig {
                loss: "dice",
                problem: "`smooth_nr` and `smooth_dr` must not be negative".to_owned(),
            });
        }
        check_weight("dice", self.weight.as_deref())
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
        let intersection = overlap.intersection();
        let predicted = match self.squared_pred {
            true => overlap.sums(overlap.predicted.clone().square()),
            false => overlap.sums(overlap.predicted.clone()),
        };
        // The target holds zeros and ones, which are their own squares.
        let total = predicted + overlap.sums(overlap.truth.clone());
        let denominator = match self.jaccard {
            true => (total - intersection.clone()).mul_scalar(2.0),
            false => total,
        };
        let coefficient = intersection.mul_scalar(2.0).add_scalar(self.smooth_nr)
            / denominator.add_scalar(self.smooth_dr);
        let loss = coefficient.neg().add_scalar(1.0);
        let loss = match &self.weight {
            None => loss,
            Some(weight) => {
                let row = channel_weights("dice", weight, &loss)?;
                loss * row
            }
        };
        Ok(loss.mean())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::Device;
    use vesalius_volume::LabelScheme;

    #[test]
    fn a_perfect_prediction_costs_nothing_and_a_wrong_one_everything() {
        let scheme = LabelScheme::exclusive(&[("organ", 3)]).unwrap();
        let device = Device::flex();
        let labels = Tensor::<5, Int>::from_data([[[[[0, 3, 3, 0]]]]], &device);
        let sure = Tensor::<5>::from_data(
            [[
                [[[20.0, -20.0, -20.0, 20.0]]],
                [[[-20.0, 20.0, 20.0, -20.0]]],
            ]],
            &device,
        );
        let loss = |values: Tensor<5>| -> f32 {
            let logits = Logits::new(values, &scheme).unwrap();
            Dice::default()
                .forward(&logits, &labels)
                .unwrap()
                .into_scalar()
        };
        assert!(loss(sure.clone()).abs() < 1e-6);
        assert!((loss(sure.neg()) - 1.0).abs() < 1e-5);
    }
}
