//! Resizing.

use super::{CpuOperation, Saved, expect_fit};
use vesalius_kernels as kernels;
use vesalius_kernels::{Resize, ResizeShape};

/// Operand: input.
#[derive(Debug)]
pub(crate) struct ResizeOperation {
    pub batch: usize,
    pub shape: ResizeShape,
    pub how: Resize,
}

impl CpuOperation for ResizeOperation {
    fn output_shape(&self) -> Vec<usize> {
        let [x, y, z] = self.shape.output;
        let channels = self.shape.channels / self.batch.max(1);
        vec![self.batch, channels, z, y, x]
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let [_, length] = expect_fit(self.shape.lens());
        let mut output = kernels::zeros(length);
        expect_fit(kernels::resize3d_forward(
            &self.shape,
            self.how,
            inputs[0],
            &mut output,
        ));
        (output, Saved::default())
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        _: &Saved,
        gradient: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let mut to = kernels::zeros(inputs[0].len());
        expect_fit(kernels::resize3d_backward(
            &self.shape,
            self.how,
            gradient,
            &mut to,
        ));
        vec![Some(to)]
    }
}
