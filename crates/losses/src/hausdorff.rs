//! The Hausdorff distance, lowered through distance transforms (Karimi & Salcudean 2019).

use crate::distance_field::distance_field;
use crate::overlap::{Overlap, check_weight, is_exponent};
use crate::{Error, LossTarget, Result};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};

/// The mean of squared errors, each weighed by how far the voxel lies from the predicted and from the
/// true border, in voxels; options and defaults are those of MONAI 1.6's `HausdorffDTLoss` and
/// `LogHausdorffDTLoss`. (Their `batch` changes nothing under a mean and is not here.)
///
/// Ignored voxels count as background for the distances and not at all for the mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HausdorffDt {
    /// The power that distances are raised to.
    pub alpha: f64,
    /// Whether the first of exclusive classes counts; regions have no background.
    pub include_background: bool,
    /// Whether the loss is `ln(1 + x)` of the mean `x`.
    pub log: bool,
    /// A weight for each channel that counts; `None` for equal ones.
    pub weight: Option<Vec<f64>>,
}

impl Default for HausdorffDt {
    fn default() -> Self {
        Self {
            alpha: 2.0,
            include_background: false,
            log: false,
            weight: None,
        }
    }
}

impl HausdorffDt {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        check_weight("hausdorff_dt", self.weight.as_deref())?;
        if is_exponent(self.alpha) && self.alpha > 0.0 {
            return Ok(());
        }
        Err(Error::BadConfig {
            loss: "hausdorff_dt",
            problem: format!(
                "`alpha` must be above 0 and at most 1000, not {}",
                self.alpha
            ),
        })
    }

    /// The loss, one number, of label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// [`Error::WrongShape`]; [`Error::BadConfig`] when weights and channels differ in number.
    pub fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>> {
        self.of_target(logits, &LossTarget::new(logits, labels)?)
    }

    pub(crate) fn of_target(&self, logits: &Logits, target: &LossTarget) -> Result<Tensor<1>> {
        let Overlap {
            predicted, truth, ..
        } = Overlap::new(logits, target, self.include_background, false);
        let far = |mask: &Tensor<5>| -> Result<Tensor<5>> {
            let distance = distance_field(mask, |_, distance| distance)?;
            Ok(match self.alpha {
                2.0 => distance.square(),
                alpha => distance.powf_scalar(alpha),
            })
        };
        let distance = far(&predicted)? + far(&truth)?;
        let error = (predicted - truth).square() * distance;
        let loss = target.mean_weighted("hausdorff_dt", error, self.weight.as_deref())?;
        Ok(if self.log { loss.log1p() } else { loss })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::Device;
    use vesalius_volume::LabelScheme;

    #[test]
    fn an_error_far_from_the_border_costs_more() {
        let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let device = Device::flex();
        let labels = Tensor::<5, Int>::from_data([[[[[1, 1, 0, 0, 0, 0]]]]], &device);
        let loss = |foreground: [f32; 6]| -> f32 {
            let x = Tensor::<5>::from_data([[[[foreground]]]], &device).mul_scalar(10.0);
            let logits = Logits::new(Tensor::cat(vec![x.clone().neg(), x], 1), &scheme).unwrap();
            HausdorffDt::default()
                .forward(&logits, &labels)
                .unwrap()
                .into_scalar()
        };
        let right = loss([1.0, 1.0, -1.0, -1.0, -1.0, -1.0]);
        let near = loss([1.0, 1.0, 1.0, -1.0, -1.0, -1.0]);
        let far = loss([1.0, 1.0, -1.0, -1.0, -1.0, 1.0]);
        assert!(
            right < 1e-6 && right < near && near < far,
            "{right} {near} {far}"
        );
    }
}
