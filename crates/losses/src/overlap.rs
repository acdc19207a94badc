//! What all losses of overlap start from: probabilities and target of the channels that count, and
//! their sums over voxels.

use crate::{Error, LossTarget, Result};
use burn::tensor::TensorData;
use vesalius_tensor::{Logits, Tensor};
use vesalius_volume::LabelScheme;

/// Probabilities and target, `[N, C, Z, Y, X]` without the background where it does not count, both
/// zero where voxels are ignored.
pub(crate) struct Overlap {
    pub predicted: Tensor<5>,
    pub truth: Tensor<5>,
    /// Whether sums run over the whole batch.
    pub batch: bool,
}

impl Overlap {
    pub fn new(
        logits: &Logits,
        target: &LossTarget,
        include_background: bool,
        batch: bool,
    ) -> Self {
        let predicted = target.masked(logits.clone().probabilities().values());
        Self {
            predicted: foreground(logits, predicted, include_background),
            truth: foreground(logits, target.channels.clone(), include_background),
            batch,
        }
    }

    /// `[N, C]`, or `[1, C]` over the batch.
    pub fn sums(&self, tensor: Tensor<5>) -> Tensor<2> {
        let [n, c, z, y, x] = tensor.dims();
        let sums: Tensor<2> = tensor.reshape([n, c, z * y * x]).sum_dim(2).reshape([n, c]);
        if self.batch { sums.sum_dim(0) } else { sums }
    }

    /// True positives.
    pub fn intersection(&self) -> Tensor<2> {
        self.sums(self.predicted.clone() * self.truth.clone())
    }
}

/// A tensor of channels without the background where it does not count; regions have none.
pub(crate) fn foreground(
    logits: &Logits,
    tensor: Tensor<5>,
    include_background: bool,
) -> Tensor<5> {
    let exclusive = matches!(logits.scheme(), LabelScheme::Exclusive { .. });
    if include_background || !exclusive {
        return tensor;
    }
    let channels = tensor.dims()[1];
    tensor.narrow(1, 1, channels - 1)
}

/// Checks that weights, if any, are numbers that are not negative, and not all zero: such a loss would be zero
/// for any prediction.
pub(crate) fn check_weight(loss: &'static str, weight: Option<&[f64]>) -> Result<()> {
    match weight {
        Some(weights) if !are_weights(weights) => Err(Error::BadConfig {
            loss,
            problem: format!(
                "`weight` is {weights:?}, expected numbers that are not negative, one of them positive"
            ),
        }),
        _ => Ok(()),
    }
}

/// Whether a number can be an exponent of a loss: from 0 to 1000. Burn ends the process at whole ones beyond 64 bits.
pub(crate) fn is_exponent(number: f64) -> bool {
    (0.0..=1000.0).contains(&number)
}

/// Whether these are finite numbers that are not negative, one of them positive.
pub(crate) fn are_weights(weights: &[f64]) -> bool {
    weights.iter().all(|w| w.is_finite() && *w >= 0.0) && weights.iter().any(|&w| w > 0.0)
}

/// A weight for each channel that counts, shaped to multiply a tensor `[N, C, …]`.
pub(crate) fn channel_weights<const D: usize>(
    loss: &'static str,
    weight: &[f64],
    like: &Tensor<D>,
) -> Result<Tensor<D>> {
    let channels = like.dims()[1];
    if weight.len() != channels {
        return Err(Error::BadConfig {
            loss,
            problem: format!(
                "`weight` has {} numbers, expected {channels}: one for each class or region that counts, in the order of the labels (with the background first where it counts)",
                weight.len()
            ),
        });
    }
    let weight: Vec<f32> = weight.iter().map(|&w| w as f32).collect();
    let mut shape = [1; D];
    shape[1] = channels;
    Ok(Tensor::from_data(
        TensorData::new(weight, shape),
        &like.device(),
    ))
}
