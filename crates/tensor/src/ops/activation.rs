//! Activations.

use crate::Tensor;
use crate::cpu::{self, ActivationKind, ActivationOperation, Operand};
use burn::tensor::activation::{leaky_relu, prelu, relu};

/// One activation; the second axis holds channels. `slopes` are those of PReLU.
pub(crate) fn activate<const D: usize>(
    input: Tensor<D>,
    kind: ActivationKind,
    slopes: Option<Tensor<1>>,
) -> Tensor<D> {
    if kind == ActivationKind::Identity || !cpu::fits(&input) || D < 2 {
        return fallback(input, kind, slopes);
    }
    let operation = ActivationOperation {
        shape: input.dims().to_vec(),
        kind,
    };
    cpu::run(input, slopes.map(Operand::from), operation)
}

pub(super) fn fallback<const D: usize>(
    input: Tensor<D>,
    kind: ActivationKind,
    slopes: Option<Tensor<1>>,
) -> Tensor<D> {
    match (kind, slopes) {
        (ActivationKind::Relu, _) => relu(input),
        (ActivationKind::LeakyRelu(slope), _) => leaky_relu(input, f64::from(slope)),
        (ActivationKind::Prelu, Some(slopes)) => prelu(input, slopes),
        _ => input,
    }
}
