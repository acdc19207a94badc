//! Linear layers, and the GELU between two of them.

use super::operation::weighted_backward;
use super::{CpuOperation, Saved, expect_fit};
use vesalius_kernels as kernels;
use vesalius_kernels::LinearShape;

/// `input · weightᵀ + bias`. Operands: input, weight and, if there is one, bias.
#[derive(Debug)]
pub(crate) struct LinearOperation {
    /// The output's.
    pub shape: Vec<usize>,
    pub layer: LinearShape,
}

impl CpuOperation for LinearOperation {
    fn output_shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let mut output = kernels::zeros(self.layer.rows * self.layer.out_features);
        let bias = inputs.get(2).copied();
        expect_fit(kernels::linear_forward(
            &self.layer,
            inputs[0],
            inputs[1],
            bias,
            &mut output,
        ));
        (output, Saved::default())
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        _: &Saved,
        gradient: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        weighted_backward(
            inputs,
            wanted,
            |to| kernels::linear_backward_input(&self.layer, gradient, inputs[1], to),
            |to, bias| kernels::linear_backward_weight(&self.layer, inputs[0], gradient, to, bias),
        )
    }
}

/// `x · Φ(x)`. Operand: input.
#[derive(Debug)]
pub(crate) struct GeluOperation {
    pub shape: Vec<usize>,
}

impl CpuOperation for GeluOperation {
    fn output_shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let mut output = kernels::zeros(inputs[0].len());
        expect_fit(kernels::gelu_forward(inputs[0], &mut output));
        (output, Saved::default())
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        _: &Saved,
        gradient: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let mut to = kernels::zeros(gradient.len());
        expect_fit(kernels::gelu_backward(inputs[0], gradient, &mut to));
        vec![Some(to)]
    }
}
