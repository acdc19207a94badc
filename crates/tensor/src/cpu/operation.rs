//! What an operation on slices is to the autodiff graph: forward, what it keeps, and backward.

use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};
use std::fmt::Debug;

/// What the forward pass saves for the backward pass, besides the operands themselves.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    /// Such as means and reciprocal deviations.
    pub floats: Vec<Vec<f32>>,
    /// Such as where the largest values were.
    pub indices: Vec<u32>,
}

/// An operation on dense 32-bit tensors with a known shape.
pub(crate) trait CpuOperation: Debug + Send + Sync + 'static {
    /// The output's shape.
    fn output_shape(&self) -> Vec<usize>;

    /// The output's values; `keep` is true when a backward pass follows.
    fn forward(&self, inputs: &[&[f32]], keep: bool) -> (Vec<f32>, Saved);

    /// Whether [`CpuOperation::backward`] reads its inputs; if not, they are not kept for it.
    fn keeps_inputs(&self) -> bool {
        true
    }

    /// The gradient to each input that is wanted, in order; `None` for the others.
    fn backward(
        &self,
        inputs: &[&[f32]],
        saved: &Saved,
        gradient: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>>;
}

/// The result of a kernel whose slices were made to fit its shape.
///
/// # Panics
/// When the shape itself is impossible, such as a kernel larger than its padded input: sizes are checked where
/// networks are built, as with every other tensor operation.
pub(crate) fn expect_fit<T>(result: vesalius_kernels::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// The gradients of an operation with operands input, weight and, if any, bias; each half is run only
/// where something of it is wanted.
pub(super) fn weighted_backward(
    inputs: &[&[f32]],
    wanted: &[bool],
    to_input: impl FnOnce(&mut [f32]) -> vesalius_kernels::Result<()>,
    to_weight: impl FnOnce(&mut [f32], Option<&mut [f32]>) -> vesalius_kernels::Result<()>,
) -> Vec<Option<Vec<f32>>> {
    let mut found = vec![None; inputs.len()];
    if wanted[0] {
        let mut to = vesalius_kernels::zeros(inputs[0].len());
        expect_fit(to_input(&mut to));
        found[0] = Some(to);
    }
    if wanted[1..].contains(&true) {
        let mut weight = vesalius_kernels::zeros(inputs[1].len());
        let mut bias = inputs.get(2).map(|bias| vec![0.0; bias.len()]);
        expect_fit(to_weight(&mut weight, bias.as_deref_mut()));
        found[1] = Some(weight);
        if let Some(bias) = bias {
            found[2] = Some(bias);
        }
    }
    found
}

/// A tensor's values, dense; copied only where they are not.
pub(super) fn dense(tensor: FlexTensor) -> FlexTensor {
    if tensor.as_slice::<f32>().is_some() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

/// The values of a tensor that [`dense`] returned.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    // `dense` made it contiguous, and `fits` accepts only 32-bit floats.
    tensor.as_slice::<f32>().expect("dense 32-bit floats")
}

/// A tensor around a buffer, which moves in.
pub(super) fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(Shape::from(shape)),
        DType::F32,
    )
}
