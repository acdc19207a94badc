//! Normalisation of groups of channels by their own mean and variance.

use crate::Tensor;

/// Every group of `C / groups` channels of every sample is brought to mean 0 and variance 1
/// (biased, plus `epsilon`), then scaled and shifted a channel: instance norm with `groups = C`,
/// group norm otherwise.
pub(crate) fn normalize_groups(
    input: Tensor<5>,
    groups: usize,
    scale_and_shift: Option<(Tensor<1>, Tensor<1>)>,
    epsilon: f64,
) -> Tensor<5> {
    let [n, c, z, y, x] = input.dims();
    let flat = input.reshape([n, groups, (c / groups) * z * y * x]);
    let (variance, mean) = flat.clone().var_mean_bias(2);
    let normal = (flat - mean) / (variance + epsilon).sqrt();
    let output = normal.reshape([n, c, z, y, x]);
    match scale_and_shift {
        Some((scale, shift)) => {
            output * scale.reshape([1, c, 1, 1, 1]) + shift.reshape([1, c, 1, 1, 1])
        }
        None => output,
    }
}
