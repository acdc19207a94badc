//! Pooling.

use super::{CpuOperation, Saved, expect_fit};
use vesalius_kernels as kernels;
use vesalius_kernels::PoolShape;

/// What becomes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PoolKind {
    Max,
    Average,
}

/// Operand: input.
#[derive(Debug)]
pub(crate) struct PoolOperation {
    pub batch: usize,
    pub shape: PoolShape,
    pub kind: PoolKind,
}

impl CpuOperation for PoolOperation {
    fn output_shape(&self) -> Vec<usize> {
        let [x, y, z] = expect_fit(self.shape.output());
        let channels = self.shape.channels / self.batch.max(1);
        vec![self.batch, channels, z, y, x]
    }

    fn forward(&self, inputs: &[&[f32]], keep: bool) -> (Vec<f32>, Saved) {
        let length = expect_fit(self.shape.output_len());
        let mut output = kernels::zeros(length);
        let mut saved = Saved::default();
        expect_fit(match self.kind {
            PoolKind::Average => kernels::avg_pool3d_forward(&self.shape, inputs[0], &mut output),
            PoolKind::Max => {
                let mut indices = keep.then(|| vec![0; length]);
                let done = kernels::max_pool3d_forward(
                    &self.shape,
                    inputs[0],
                    &mut output,
                    indices.as_deref_mut(),
                );
                saved.indices = indices.unwrap_or_default();
                done
            }
        });
        (output, saved)
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        saved: &Saved,
        gradient: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let mut to = kernels::zeros(inputs[0].len());
        expect_fit(match self.kind {
            PoolKind::Average => kernels::avg_pool3d_backward(&self.shape, gradient, &mut to),
            PoolKind::Max => {
                kernels::max_pool3d_backward(&self.shape, &saved.indices, gradient, &mut to)
            }
        });
        vec![Some(to)]
    }
}
