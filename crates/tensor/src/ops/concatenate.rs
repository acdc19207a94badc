//! Joining channels, as a U-Net does with what it skipped.

use crate::Tensor;
use crate::cpu::{self, ConcatenateOperation};

/// The channels of both, those of `first` before those of `second`.
///
/// # Shapes
/// `[N, C₁, Z, Y, X]` and `[N, C₂, Z, Y, X]` → `[N, C₁ + C₂, Z, Y, X]`.
///
/// # Panics
/// When the other sizes differ, as with Burn's own `Tensor::cat`.
pub fn concatenate(first: Tensor<5>, second: Tensor<5>) -> Tensor<5> {
    let ([batch, a, z, y, x], [other, b, ..]) = (first.dims(), second.dims());
    let alike = batch == other && first.dims()[2..] == second.dims()[2..];
    if !(alike && cpu::fits(&first) && cpu::fits(&second)) {
        return Tensor::cat(vec![first, second], 1);
    }
    let operation = ConcatenateOperation {
        batch,
        channels: [a, b],
        size: [z, y, x],
    };
    cpu::run(first, [second.into()], operation)
}
