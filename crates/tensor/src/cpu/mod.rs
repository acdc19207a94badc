//! Our own kernels on the CPU backend, with gradients: one extension of Burn's backend that runs any
//! [`CpuOperation`]. On other backends nothing here is called; `ops` falls back to Burn's operations.

mod activation;
mod attention;
mod autodiff;
mod concatenate;
mod convolution;
mod fused;
mod layer_norm;
mod linear;
mod norm;
mod operation;
mod pool;
mod resize;
mod rows;

pub(crate) use activation::{ActivationKind, ActivationOperation};
pub(crate) use attention::AttentionOperation;
pub(crate) use concatenate::ConcatenateOperation;
pub(crate) use convolution::{ConvolutionOperation, TransposedOperation};
pub(crate) use fused::{FusedFollow, FusedShape, fused};
pub(crate) use layer_norm::LayerNormOperation;
pub(crate) use linear::{GeluOperation, LinearOperation};
pub(crate) use norm::{BatchNormOperation, GroupNormOperation};
pub(crate) use operation::{CpuOperation, Saved, expect_fit};
pub(crate) use pool::{PoolKind, PoolOperation};
pub(crate) use resize::ResizeOperation;
pub(crate) use rows::{RowsOperation, TransposeOperation};

use crate::{Device, Tensor};
use autodiff::CpuOperations;
use burn::backend::Dispatch;
use burn::tensor::DType;
use std::sync::Arc;

/// Whether our kernels can work on this tensor: 32-bit floats on the CPU backend.
pub(crate) fn fits<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && tensor.device().inner() == Device::flex()
}

/// A tensor of any rank as an operand.
pub(crate) struct Operand(burn::backend::DispatchTensor);

impl<const D: usize> From<Tensor<D>> for Operand {
    fn from(tensor: Tensor<D>) -> Self {
        Self(tensor.into_dispatch())
    }
}

/// Runs an operation on one to four tensors that [`fits`] accepted; gradients flow to every operand.
pub(crate) fn run<const D: usize>(
    first: impl Into<Operand>,
    others: impl IntoIterator<Item = Operand>,
    operation: impl CpuOperation,
) -> Tensor<D> {
    let mut others = others.into_iter().map(|operand| operand.0);
    let operation = Arc::new(operation);
    let first = first.into().0;
    let output = match (others.next(), others.next(), others.next()) {
        (None, _, _) => Dispatch::cpu_operation_on_one(first, operation),
        (Some(second), None, _) => Dispatch::cpu_operation_on_two(first, second, operation),
        (Some(second), Some(third), None) => {
            Dispatch::cpu_operation_on_three(first, second, third, operation)
        }
        (Some(second), Some(third), Some(fourth)) => {
            Dispatch::cpu_operation_on_four(first, second, third, fourth, operation)
        }
    };
    Tensor::from_dispatch(output)
}
