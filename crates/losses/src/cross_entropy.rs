//! Cross-entropy: of the softmax for exclusive labels, of every sigmoid for regions.

use crate::overlap::{channel_weights, check_weight};
use crate::{Error, LossTarget, Result};
use burn::tensor::activation::log_sigmoid;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};
use vesalius_volume::LabelScheme;

/// The mean over voxels of the negative log-likelihood: PyTorch's `CrossEntropyLoss` for exclusive
/// labels, `BCEWithLogitsLoss` for regions.
///
/// ```
/// use vesalius_losses::CrossEntropy;
/// use vesalius_tensor::{Device, Int, Logits, Tensor};
/// use vesalius_volume::LabelScheme;
///
/// let device = Device::flex();
/// let scheme = LabelScheme::exclusive(&[("liver", 1), ("tumour", 2)])?;
/// let labels = Tensor::<5, Int>::from_data([[[[[2]]]]], &device);
/// let logits = Logits::new(Tensor::zeros([1, 3, 1, 1, 1], &device), &scheme)?;
/// // Three classes of equal probability.
/// let loss: f32 = CrossEntropy::default().forward(&logits, &labels)?.into_scalar();
/// assert!((loss - 3f32.ln()).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropy {
    /// A weight for each channel. For exclusive labels it weighs voxels of that class, and the
    /// mean is weighted too, as PyTorch does it; for regions it weighs the channel's positive
    /// voxels (PyTorch's `pos_weight`).
    pub weight: Option<Vec<f64>>,
    /// How much of the target is spread evenly over the classes; for exclusive labels only.
    pub label_smoothing: f64,
}

impl CrossEntropy {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        check_weight("cross_entropy", self.weight.as_deref())?;
        if (0.0..=1.0).contains(&self.label_smoothing) {
            return Ok(());
        }
        Err(Error::BadConfig {
            loss: "cross_entropy",
            problem: "`label_smoothing` must lie in [0, 1]".to_owned(),
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
        let weight = self.weight_column(logits)?;
        match logits.scheme() {
            LabelScheme::Exclusive { .. } => Ok(self.softmax(logits, target, weight)),
            LabelScheme::Regions { .. } if self.label_smoothing > 0.0 => Err(Error::BadConfig {
                loss: "cross_entropy",
                problem: format!(
                    "`label_smoothing` is {}, but the labels are regions, which it is not defined for; leave it out",
                    self.label_smoothing
                ),
            }),
            LabelScheme::Regions { .. } => Ok(sigmoids(logits, target, weight)),
        }
    }

    fn softmax(
        &self,
        logits: &Logits,
        target: &LossTarget,
        weight: Option<Tensor<5>>,
    ) -> Tensor<1> {
        let channels = logits.dims()[1] as f64;
        let log = logits.log_softmax();
        let truth = target.channels.clone();
        // Voxel weights: that of its class, zero where ignored.
        let truth_weight = match &weight {
            Some(weight) => truth.clone() * weight.clone(),
            None => truth.clone(),
        };
        let total = match (&weight, &target.valid) {
            (None, None) => truth_weight.clone().sum(),
            _ => truth_weight.clone().sum().clamp_min(1e-8),
        };
        let sharp = (log.clone() * truth_weight).sum().neg();
        if self.label_smoothing == 0.0 {
            return sharp / total;
        }
        let weighted = match weight {
            Some(weight) => log * weight,
            None => log,
        };
        let even = target.masked(weighted).sum().neg();
        let smoothing = self.label_smoothing;
        (sharp.mul_scalar(1.0 - smoothing) + even.mul_scalar(smoothing / channels)) / total
    }

    /// `[1, C, 1, 1, 1]`.
    fn weight_column(&self, logits: &Logits) -> Result<Option<Tensor<5>>> {
        let Some(weight) = &self.weight else {
            return Ok(None);
        };
        channel_weights("cross_entropy", weight, &logits.values()).map(Some)
    }
}

/// `-(w · t · ln σ(x) + (1 - t) · ln σ(-x))`, which neither overflows nor cancels and is smooth where x
/// is zero, as the first outputs of a network may be.
pub(crate) fn binary_cross_entropy(
    x: Tensor<5>,
    truth: Tensor<5>,
    weight: Option<Tensor<5>>,
) -> Tensor<5> {
    let positive = log_sigmoid(x.clone()) * truth.clone();
    let positive = match weight {
        None => positive,
        Some(weight) => positive * weight,
    };
    (positive + log_sigmoid(x.neg()) * truth.neg().add_scalar(1.0)).neg()
}

/// The mean over voxels that count and all channels.
fn sigmoids(logits: &Logits, target: &LossTarget, weight: Option<Tensor<5>>) -> Tensor<1> {
    let loss = binary_cross_entropy(logits.values(), target.channels.clone(), weight);
    target.mean(target.masked(loss))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::Device;

    #[test]
    fn undecided_costs_the_logarithm_of_the_number_of_classes() {
        let device = Device::flex();
        let labels = Tensor::<5, Int>::from_data([[[[[0, 1, 2, 1]]]]], &device);
        let three = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
        let logits = Logits::new(Tensor::zeros([1, 3, 1, 1, 4], &device), &three).unwrap();
        let loss: f32 = CrossEntropy::default()
            .forward(&logits, &labels)
            .unwrap()
            .into_scalar();
        assert!((loss - 3f32.ln()).abs() < 1e-6);
        let regions = LabelScheme::regions(&[("a", &[1, 2], 1)]).unwrap();
        let logits = Logits::new(Tensor::zeros([1, 1, 1, 1, 4], &device), &regions).unwrap();
        let loss: f32 = CrossEntropy::default()
            .forward(&logits, &labels)
            .unwrap()
            .into_scalar();
        assert!((loss - 2f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn weights_that_leave_nothing_or_do_not_fit_are_refused() {
        let device = Device::flex();
        let labels = Tensor::<5, Int>::from_data([[[[[0, 100, 201, 100]]]]], &device);
        let scheme = LabelScheme::exclusive(&[("a", 100), ("b", 201)]).unwrap();
        let logits = Logits::new(Tensor::zeros([1, 3, 1, 1, 4], &device), &scheme).unwrap();
        let with = |weight: &[f64]| CrossEntropy {
            weight: Some(weight.to_vec()),
            ..CrossEntropy::default()
        };
        for bad in [&[0.0; 3][..], &[1.0, -1.0, 1.0], &[f64::NAN; 3], &[]] {
            assert!(with(bad).check().is_err(), "{bad:?}");
        }
        let text = with(&[1.0; 2])
            .forward(&logits, &labels)
            .unwrap_err()
            .to_string();
        assert!(text.contains("has 2 numbers, expected 3"), "{text}");
        // By the scheme's order, whatever the values are: only class `b` counts.
        let loss = with(&[0.0, 0.0, 1.0]).forward(&logits, &labels).unwrap();
        assert!((loss.into_scalar::<f32>() - 3f32.ln()).abs() < 1e-6);
        let regions = LabelScheme::regions(&[("a", &[100, 201], 100)]).unwrap();
        let logits = Logits::new(Tensor::zeros([1, 1, 1, 1, 4], &device), &regions).unwrap();
        let smooth = CrossEntropy {
            label_smoothing: 0.1,
            ..CrossEntropy::default()
        };
        let text = smooth.forward(&logits, &labels).unwrap_err().to_string();
        assert!(text.contains("label_smoothing"), "{text}");
    }

    #[test]
    fn ignored_voxels_do_not_change_the_loss() {
        let device = Device::flex();
        let scheme = LabelScheme::exclusive(&[("a", 1)]).unwrap();
        let scheme = scheme.with_ignore(Some(255)).unwrap();
        let loss = |last: f32| -> f32 {
            let values =
                Tensor::<5>::from_data([[[[[1.0, -2.0, last]]], [[[0.5, 1.0, 3.0]]]]], &device);
            let labels = Tensor::<5, Int>::from_data([[[[[0, 1, 255]]]]], &device);
            let logits = Logits::new(values, &scheme).unwrap();
            CrossEntropy::default()
                .forward(&logits, &labels)
                .unwrap()
                .into_scalar()
        };
        assert_eq!(loss(7.0), loss(-7.0));
        let exact = ((1.0 + (-0.5f32).exp()).ln() + (1.0 + (-3.0f32).exp()).ln()) / 2.0;
        assert!((loss(0.0) - exact).abs() < 1e-6);
    }
}
