//! The boundary loss (Kervadec et al. 2019): what is predicted, weighed by how far outside it lies.

use crate::distance_field::{Measure, distance_field};
use crate::overlap::{Overlap, check_weight};
use crate::{LossTarget, Result};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};

/// The mean of probability times signed distance to the true border in voxels, which is negative inside;
/// options and defaults are those of MONAI 1.6's `BoundaryLoss`. Lower than zero is possible, and the
/// paper adds it to a loss of overlap: see [`crate::LossConfig::Sum`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Boundary {
    /// Whether the first of exclusive classes counts; regions have no background.
    pub include_background: bool,
    /// A weight for each channel that counts; `None` for equal ones.
    pub weight: Option<Vec<f64>>,
}

impl Default for Boundary {
    fn default() -> Self {
        Self {
            include_background: true,
            weight: None,
        }
    }
}

impl Boundary {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`crate::Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        check_weight("boundary", self.weight.as_deref())
    }

    /// The loss, one number, of label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// [`crate::Error::WrongShape`]; [`crate::Error::BadConfig`] when weights and channels differ in
    /// number.
    pub fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>> {
        self.of_target(logits, &LossTarget::new(logits, labels)?)
    }

    pub(crate) fn of_target(&self, logits: &Logits, target: &LossTarget) -> Result<Tensor<1>> {
        let overlap = Overlap::new(logits, target, self.include_background, false);
        // Zero on the inner border voxels, as the paper's code and MONAI have it.
        let signed: Measure = |inside, distance| {
            if inside { 1.0 - distance } else { distance }
        };
        let loss = overlap.predicted * distance_field(&overlap.truth, signed)?;
        target.mean_weighted("boundary", loss, self.weight.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::Device;
    use vesalius_volume::LabelScheme;

    #[test]
    fn a_perfect_prediction_is_the_lowest() {
        let scheme = LabelScheme::regions(&[("organ", &[1], 1)]).unwrap();
        let device = Device::flex();
        let labels = Tensor::<5, Int>::from_data([[[[[0, 0, 1, 1, 1, 0]]]]], &device);
        let loss = |values: [f32; 6]| -> f32 {
            let x = Tensor::<5>::from_data([[[[values]]]], &device).mul_scalar(20.0);
            let logits = Logits::new(x, &scheme).unwrap();
            Boundary::default()
                .forward(&logits, &labels)
                .unwrap()
                .into_scalar()
        };
        let right = loss([-1.0, -1.0, 1.0, 1.0, 1.0, -1.0]);
        assert!((right + 1.0 / 6.0).abs() < 1e-6, "{right}");
        assert!(loss([-1.0, 1.0, 1.0, 1.0, 1.0, -1.0]) > right);
        assert!(loss([-1.0, -1.0, 1.0, -1.0, 1.0, -1.0]) > right);
    }
}
