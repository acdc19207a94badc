//! Convolution and its transpose.

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
        let mut found = vec![None; inputs.len()];
        if wanted[0] {
            let mut to = kernels::zeros(inputs[0].len());
            let done = kernels::conv3d_backward_input(&self.0, gradient, inputs[1], &mut to);
            expect_fit(done);
            found[0] = Some(to);
        }
        if wanted[1..].contains(&true) {
            let mut to = vec![0.0; inputs[1].len()];
            let mut bias = inputs.get(2).map(|bias| vec![0.0; bias.len()]);
            expect_fit(kernels::conv3d_backward_weight(
                &self.0,
                inputs[0],
                gradient,
                &mut to,
                bias.as_deref_mut(),
            ));
            found[1] = Some(to);
            if let Some(bias) = bias {
                found[2] = Some(bias);
            }
        }
        found
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
        let mut found = vec![None; inputs.len()];
        if wanted[0] {
            let mut to = kernels::zeros(inputs[0].len());
            let done =
                kernels::conv_transpose3d_backward_input(&self.0, gradient, inputs[1], &mut to);
            expect_fit(done);
            found[0] = Some(to);
        }
        if wanted[1..].contains(&true) {
            let mut to = vec![0.0; inputs[1].len()];
            let mut bias = inputs.get(2).map(|bias| vec![0.0; bias.len()]);
            expect_fit(kernels::conv_transpose3d_backward_weight(
                &self.0,
                inputs[0],
                gradient,
                &mut to,
                bias.as_deref_mut(),
            ));
            found[1] = Some(to);
            if let Some(bias) = bias {
                found[2] = Some(bias);
            }
        }
        found
    }
}
