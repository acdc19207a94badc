//! Normalisation of groups of channels, or of channels over a batch, by their own mean and variance.

use super::activation;
use crate::Tensor;
use crate::cpu::{self, ActivationKind, BatchNormOperation, GroupNormOperation, Operand};
use burn::tensor::TensorData;
use std::sync::{Arc, OnceLock};

/// What follows a norm: an activation, and the slopes of PReLU.
pub(crate) struct Activated {
    pub kind: ActivationKind,
    pub slopes: Option<Tensor<1>>,
}

impl Activated {
    /// Nothing follows.
    pub fn identity() -> Self {
        Self {
            kind: ActivationKind::Identity,
            slopes: None,
        }
    }
}

/// Every group of `C / groups` channels of every sample is brought to mean 0 and variance 1
/// (biased, plus `epsilon`), then scaled and shifted a channel, then activated: instance norm with
/// `groups = C`, group norm otherwise.
pub(crate) fn normalize_groups(
    input: Tensor<5>,
    groups: usize,
    scale_and_shift: Option<(Tensor<1>, Tensor<1>)>,
    epsilon: f64,
    activated: Activated,
) -> Tensor<5> {
    if !cpu::fits(&input) {
        return fallback(input, groups, scale_and_shift, epsilon, activated);
    }
    let operation = GroupNormOperation {
        shape: input.dims().to_vec(),
        groups,
        affine: scale_and_shift.is_some(),
        epsilon,
        activation: activated.kind,
    };
    let others = operands(scale_and_shift).chain(activated.slopes.map(Operand::from));
    cpu::run(input, others, operation)
}

fn operands(scale_and_shift: Option<(Tensor<1>, Tensor<1>)>) -> impl Iterator<Item = Operand> {
    scale_and_shift
        .into_iter()
        .flat_map(|(scale, shift)| [Operand::from(scale), Operand::from(shift)])
}

pub(super) fn fallback(
    input: Tensor<5>,
    groups: usize,
    scale_and_shift: Option<(Tensor<1>, Tensor<1>)>,
    epsilon: f64,
    activated: Activated,
) -> Tensor<5> {
    let [n, c, z, y, x] = input.dims();
    let flat = input.reshape([n, groups, (c / groups) * z * y * x]);
    let (variance, mean) = flat.clone().var_mean_bias(2);
    let normal = (flat - mean) / (variance + epsilon).sqrt();
    let output = affine(normal.reshape([n, c, z, y, x]), scale_and_shift);
    activation::fallback(output, activated.kind, activated.slopes)
}

/// Every channel by its moments over the batch, which are returned: mean and biased variance, `[C]`.
pub(crate) fn batch_normalize(
    input: Tensor<5>,
    scale_and_shift: Option<(Tensor<1>, Tensor<1>)>,
    epsilon: f64,
) -> (Tensor<5>, Tensor<1>, Tensor<1>) {
    if !cpu::fits(&input) {
        return batch_fallback(input, scale_and_shift, epsilon);
    }
    let moments = Arc::new(OnceLock::new());
    let device = input.device().inner();
    let operation = BatchNormOperation {
        shape: input.dims().to_vec(),
        affine: scale_and_shift.is_some(),
        epsilon,
        moments: Arc::clone(&moments),
    };
    let channels = input.dims()[1];
    let output = cpu::run(input, operands(scale_and_shift), operation);
    // The CPU has computed by now and left the moments.
    let (mean, variance) = moments.get().cloned().unwrap_or_default();
    let vector = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [channels]), &device);
    (output, vector(mean), vector(variance))
}

pub(super) fn batch_fallback(
    input: Tensor<5>,
    scale_and_shift: Option<(Tensor<1>, Tensor<1>)>,
    epsilon: f64,
) -> (Tensor<5>, Tensor<1>, Tensor<1>) {
    let [n, c, z, y, x] = input.dims();
    let flat = input.swap_dims(0, 1).reshape([c, n * z * y * x]);
    let (variance, mean) = flat.clone().var_mean_bias(1);
    let normal = (flat - mean.clone()) / (variance.clone() + epsilon).sqrt();
    let normal = normal.reshape([c, n, z, y, x]).swap_dims(0, 1);
    let moment = |tensor: Tensor<2>| tensor.detach().without_autodiff().reshape([c]);
    (
        affine(normal, scale_and_shift),
        moment(mean),
        moment(variance),
    )
}

fn affine(input: Tensor<5>, scale_and_shift: Option<(Tensor<1>, Tensor<1>)>) -> Tensor<5> {
    let Some((scale, shift)) = scale_and_shift else {
        return input;
    };
    let c = input.dims()[1];
    input * scale.reshape([1, c, 1, 1, 1]) + shift.reshape([1, c, 1, 1, 1])
}
