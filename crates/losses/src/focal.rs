//! The focal loss (Lin et al. 2017): cross-entropy that fades where the prediction is sure and right.

use crate::cross_entropy::binary_cross_entropy;
use crate::overlap::{check_weight, foreground, is_exponent};
use crate::{Error, LossTarget, Result};
use burn::tensor::TensorData;
use burn::tensor::activation::log_sigmoid;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};
use vesalius_volume::LabelScheme;

/// The mean over voxels and channels. Options and defaults are those of MONAI 1.6's `FocalLoss`, except that
/// softmax or sigmoid follows from the scheme unless it is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Focal {
    /// Whether the first of exclusive classes counts; regions have no background.
    pub include_background: bool,
    /// The power that fades what is sure and right; 0 for cross-entropy.
    pub gamma: f64,
    /// Weight of positive voxels against that of negative ones, `1 - alpha`; with softmax, of all
    /// classes against the background. `None` for equal ones.
    pub alpha: Option<f64>,
    /// A weight for each channel that counts.
    pub weight: Option<Vec<f64>>,
    /// Whether exclusive labels go through one softmax or a sigmoid each; `None` for softmax. A
    /// region always has its own sigmoid.
    pub use_softmax: Option<bool>,
}

impl Default for Focal {
    fn default() -> Self {
        Self {
            include_background: true,
            gamma: 2.0,
            alpha: None,
            weight: None,
            use_softmax: None,
        }
    }
}

impl Focal {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        check_weight("focal", self.weight.as_deref())?;
        let problem = if !is_exponent(self.gamma) {
            "`gamma` must lie in [0, 1000]"
        } else if self
            .alpha
            .is_some_and(|alpha| !(0.0..=1.0).contains(&alpha))
        {
            "`alpha` must lie in [0, 1]"
        } else {
            return Ok(());
        };
        Err(Error::BadConfig {
            loss: "focal",
            problem: problem.to_owned(),
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
        let exclusive = matches!(logits.scheme(), LabelScheme::Exclusive { .. });
        let truth = foreground(logits, target.channels.clone(), self.include_background);
        let loss = if exclusive && self.use_softmax.unwrap_or(true) {
            // As in MONAI, without the background the softmax is over the other channels alone.
            let values = foreground(logits, logits.values(), self.include_background);
            self.softmax(values, truth)
        } else {
            let values = foreground(logits, logits.values(), self.include_background);
            self.sigmoid(values, truth)
        };
        target.mean_weighted("focal", target.masked(loss), self.weight.as_deref())
    }

    fn softmax(&self, values: Tensor<5>, truth: Tensor<5>) -> Tensor<5> {
        let log = burn::tensor::activation::log_softmax(values, 1);
        let unsure = log.clone().exp().neg().add_scalar(1.0);
        let mut loss = power(unsure, self.gamma).neg() * log * truth;
        if let (Some(alpha), true) = (self.alpha, self.include_background) {
            let channels = loss.dims()[1];
            let mut factors = vec![alpha as f32; channels];
            factors[0] = 1.0 - alpha as f32;
            let data = TensorData::new(factors, [1, channels, 1, 1, 1]);
            let factors = Tensor::from_data(data, &loss.device());
            loss = loss * factors;
        }
        loss
    }

    fn sigmoid(&self, x: Tensor<5>, truth: Tensor<5>) -> Tensor<5> {
        let entropy = binary_cross_entropy(x.clone(), truth.clone(), None);
        // The logarithm of the probability of being wrong.
        let sign = truth.clone().mul_scalar(2.0).sub_scalar(1.0);
        let wrong = log_sigmoid((x * sign).neg());
        let loss = wrong.mul_scalar(self.gamma).exp() * entropy;
        match self.alpha {
            None => loss,
            Some(alpha) => {
                let negative = truth.clone().neg().add_scalar(1.0);
                loss * (truth.mul_scalar(alpha) + negative.mul_scalar(1.0 - alpha))
            }
        }
    }
}

/// `x` to the power of `gamma`, for `x` from 0 on; small whole powers by products, whose gradients
/// are finite at 0.
fn power(x: Tensor<5>, gamma: f64) -> Tensor<5> {
    match gamma {
        0.0 => x.ones_like(),
        1.0 => x,
        2.0 => x.square(),
        _ => x.clamp_min(1e-12).powf_scalar(gamma),
    }
}
