//! Convolution and its transpose.

use super::operation::weighted_backward;
use super::{CpuOperation, Saved, expect_fit};
use vesalius_kernels as kernels;
use vesalius_kernels::{ConvShape, ConvTransposeShape};

/// Operands: input, weight and, if any, bias.
#[derive(Debug)]
pub(crate) struct ConvolutionOperation(pub ConvShape);

impl CpuOperation for ConvolutionOperation {
    fn output_shape(&self) -> Vec<usize> {
        let [x, y, z] = expect_fit(self.0.output());
        vec![self.0.batch, self.0.out_channels, z, y, x]
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let mut output = kernels::zeros(expect_fit(self.0.output_len()));
        expect_fit(kernels::conv3d_forward(
            &self.0,
            inputs[0],
            inputs[1],
            inputs.get(2).copied(),
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
            |to| kernels::conv3d_backward_input(&self.0, gradient, inputs[1], to),
            |to, bias| kernels::conv3d_backward_weight(&self.0, inputs[0], gradient, to, bias),
        )
    }
}

/// Operands: input, weight and, if any, bias.
#[derive(Debug)]
pub(crate) struct TransposedOperation(pub ConvTransposeShape);

impl CpuOperation for TransposedOperation {
    fn output_shape(&self) -> Vec<usize> {
        let [x, y, z] = expect_fit(self.0.output());
        vec![self.0.batch, self.0.out_channels, z, y, x]
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let mut output = kernels::zeros(expect_fit(self.0.output_len()));
        expect_fit(kernels::conv_transpose3d_forward(
            &self.0,
            inputs[0],
            inputs[1],
            inputs.get(2).copied(),
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
            |to| kernels::conv_transpose3d_backward_input(&self.0, gradient, inputs[1], to),
            |to, bias| {
                kernels::conv_transpose3d_backward_weight(&self.0, inputs[0], gradient, to, bias)
            },
        )
    }
}
