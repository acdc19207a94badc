//! Attention within windows.

use super::{CpuOperation, Saved, expect_fit};
use std::sync::Arc;
use vesalius_kernels as kernels;
use vesalius_kernels::{AttentionGradients, AttentionShape, WindowMask};

/// Operands: queries, keys and values side by side and, if there is one, the bias.
#[derive(Debug)]
pub(crate) struct AttentionOperation {
    pub shape: AttentionShape,
    /// The region of each token of each window of a sample, if windows are shifted.
    pub regions: Option<Arc<Vec<u32>>>,
}

impl AttentionOperation {
    fn mask(&self) -> Option<WindowMask<'_>> {
        let regions = self.regions.as_ref()?;
        Some(WindowMask { regions })
    }
}

impl CpuOperation for AttentionOperation {
    fn output_shape(&self) -> Vec<usize> {
        let AttentionShape {
            windows,
            tokens,
            heads,
            depth,
        } = self.shape;
        vec![windows, tokens, heads * depth]
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let mut output = kernels::zeros(self.shape.output_len());
        let mut sums = vec![0.0; self.shape.sums_len()];
        expect_fit(kernels::attention_forward(
            &self.shape,
            inputs[0],
            inputs.get(1).copied(),
            self.mask(),
            &mut output,
            &mut sums,
        ));
        let saved = Saved {
            floats: vec![sums],
            indices: Vec::new(),
        };
        (output, saved)
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        saved: &Saved,
        gradient: &[f32],
        wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let mut to = kernels::zeros(self.shape.input_len());
        let biased = wanted.get(1).is_some_and(|wanted| *wanted);
        let mut bias = biased.then(|| vec![0.0; self.shape.bias_len()]);
        expect_fit(kernels::attention_backward(
            &self.shape,
            inputs[0],
            inputs.get(1).copied(),
            self.mask(),
            &saved.floats[0],
            gradient,
            AttentionGradients {
                input: &mut to,
                bias: bias.as_deref_mut(),
            },
        ));
        vec![Some(to), bias]
    }
}
