//! The unified focal loss (Yeung et al. 2022): focal cross-entropy and focal Tversky under one pair of
//! parameters, in its asymmetric and its symmetric form.

use crate::overlap::{Overlap, foreground};
use crate::{Error, LossTarget, Result};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};
use vesalius_volume::LabelScheme;

/// Probabilities are kept this far from 0 and 1, and sums are smoothed by it (MONAI's and the paper's).
const EPSILON: f64 = 1e-7;

/// `weight` times the focal part plus `1 - weight` times the focal Tversky part; defaults are those of
/// MONAI 1.6's `AsymmetricUnifiedFocalLoss`, which is the case of two exclusive classes.
///
/// The first of exclusive classes is the background and all others are foreground, as in the paper; each
/// region is a problem of two classes of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnifiedFocal {
    /// Whether only the background's cross-entropy fades and only the foreground's overlap is enhanced;
    /// otherwise both happen to all classes.
    pub asymmetric: bool,
    /// The share of the focal part against the Tversky part, in [0, 1].
    pub weight: f64,
    /// How strongly what is easy fades, in [0, 1).
    pub gamma: f64,
    /// Weight of the foreground against the background and of missed voxels against wrong ones, in [0, 1].
    pub delta: f64,
}

impl Default for UnifiedFocal {
    fn default() -> Self {
        Self {
            asymmetric: true,
            weight: 0.5,
            gamma: 0.5,
            delta: 0.7,
        }
    }
}

/// Probabilities and truth `[N, C, Z, Y, X]` of some classes, zero in the truth where voxels are ignored.
struct Classes {
    predicted: Tensor<5>,
    truth: Tensor<5>,
}

impl UnifiedFocal {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        let shares = [self.weight, self.delta];
        if shares.iter().all(|share| (0.0..=1.0).contains(share))
            && (0.0..1.0).contains(&self.gamma)
        {
            return Ok(());
        }
        Err(Error::BadConfig {
            loss: "unified_focal",
            problem: "`weight` and `delta` must lie in [0, 1], `gamma` in [0, 1)".to_owned(),
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
        let [background, foreground] = split(logits, target);
        let focal = Tensor::cat(
            vec![
                self.focal(&background, true, 1.0 - self.delta),
                self.focal(&foreground, !self.asymmetric, self.delta),
            ],
            1,
        );
        let tversky = Tensor::cat(
            vec![
                self.tversky(&background, target, !self.asymmetric),
                self.tversky(&foreground, target, true),
            ],
            1,
        );
        target.mean(focal).mul_scalar(self.weight) + tversky.mean().mul_scalar(1.0 - self.weight)
    }

    /// `[N, C, Z, Y, X]`.
    fn focal(&self, classes: &Classes, fades: bool, weight: f64) -> Tensor<5> {
        let entropy = classes.predicted.clone().log().neg() * classes.truth.clone();
        let entropy = entropy.mul_scalar(weight);
        if !fades || self.gamma == 0.0 {
            return entropy;
        }
        let unsure = classes.predicted.clone().neg().add_scalar(1.0);
        entropy * unsure.powf_scalar(self.gamma)
    }

    /// `[N, C]`.
    fn tversky(&self, classes: &Classes, target: &LossTarget, enhanced: bool) -> Tensor<2> {
        let overlap = Overlap {
            predicted: target.masked(classes.predicted.clone()),
            truth: classes.truth.clone(),
            batch: false,
        };
        let both = overlap.intersection();
        let missed = overlap.sums(overlap.truth.clone()) - both.clone();
        let wrong = overlap.sums(overlap.predicted.clone()) - both.clone();
        let total =
            both.clone() + missed.mul_scalar(self.delta) + wrong.mul_scalar(1.0 - self.delta);
        let index = both.add_scalar(EPSILON) / total.add_scalar(EPSILON);
        let loss = index.neg().add_scalar(1.0);
        if !enhanced || self.gamma == 0.0 {
            return loss;
        }
        // The power's slope is infinite at zero, which a perfect overlap reaches.
        loss.clamp_min(EPSILON).powf_scalar(1.0 - self.gamma)
    }
}

/// Background and foreground.
fn split(logits: &Logits, target: &LossTarget) -> [Classes; 2] {
    let probabilities = logits.clone().probabilities().values();
    let probabilities = probabilities.clamp(EPSILON, 1.0 - EPSILON);
    let truth = target.channels.clone();
    let background = match logits.scheme() {
        LabelScheme::Exclusive { .. } => Classes {
            predicted: probabilities.clone().narrow(1, 0, 1),
            truth: truth.clone().narrow(1, 0, 1),
        },
        LabelScheme::Regions { .. } => Classes {
            predicted: probabilities.clone().neg().add_scalar(1.0),
            truth: target.masked(truth.clone().neg().add_scalar(1.0)),
        },
    };
    let foreground = Classes {
        predicted: foreground(logits, probabilities, false),
        truth: foreground(logits, truth, false),
    };
    [background, foreground]
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::Device;

    #[test]
    fn both_forms_fall_to_zero_where_all_is_right() {
        let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
        let device = Device::flex();
        let labels = Tensor::<5, Int>::from_data([[[[[0, 1, 2]]]]], &device);
        let right = Tensor::<5>::from_data(
            [[
                [[[9.0, -9.0, -9.0]]],
                [[[-9.0, 9.0, -9.0]]],
                [[[-9.0, -9.0, 9.0]]],
            ]],
            &device,
        );
        for asymmetric in [true, false] {
            let loss = UnifiedFocal {
                asymmetric,
                ..UnifiedFocal::default()
            };
            let of = |values: Tensor<5>| -> f32 {
                let logits = Logits::new(values, &scheme).unwrap();
                loss.forward(&logits, &labels).unwrap().into_scalar()
            };
            assert!(of(right.clone()) < 1e-3 && of(right.clone().neg()) > 0.5);
        }
    }
}
