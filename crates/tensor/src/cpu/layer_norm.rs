//! Layer norm over the last axis.

use super::{CpuOperation, Saved, expect_fit};
use vesalius_kernels as kernels;
use vesalius_kernels::LayerNormOptions;

/// Operands: input, weight and bias if `affine`.
#[derive(Debug)]
pub(crate) struct LayerNormOperation {
    /// The last axis is normalised.
    pub shape: Vec<usize>,
    pub affine: bool,
    pub epsilon: f64,
}

impl LayerNormOperation {
    fn options<'a>(&self, inputs: &[&'a [f32]]) -> LayerNormOptions<'a> {
        LayerNormOptions {
            length: self.shape.last().copied().unwrap_or(1),
            affine: self.affine.then(|| (inputs[1], inputs[2])),
            epsilon: self.epsilon as f32,
        }
    }
}

impl CpuOperation for LayerNormOperation {
    fn output_shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    fn forward(&self, inputs: &[&[f32]], _: bool) -> (Vec<f32>, Saved) {
        let options = self.options(inputs);
        let mut output = kernels::zeros(inputs[0].len());
        let mut moments = vec![0.0; 2 * (inputs[0].len() / options.length.max(1))];
        expect_fit(kernels::layer_norm_forward(
            &options,
            inputs[0],
            &mut output,
            moments.as_chunks_mut().0,
        ));
        let saved = Saved {
            floats: vec![moments],
            indices: Vec::new(),
        };
        (output, saved)
    }

    fn backward(
        &self,
        inputs: &[&[f32]],
        saved: &Saved,
        gradient: &[f32],
        _: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let options = self.options(inputs);
        let mut to = kernels::zeros(inputs[0].len());
        let room = if self.affine { options.length } else { 0 };
        let (mut weight, mut bias) = (vec![0.0; room], vec![0.0; room]);
        expect_fit(kernels::layer_norm_backward(
            &options,
            inputs[0],
            saved.floats[0].as_chunks().0,
            gradient,
            &mut to,
            self.affine.then_some((&mut weight[..], &mut bias[..])),
        ));
        let mut found = vec![Some(to)];
        if self.affine {
            found.extend([Some(weight), Some(bias)]);
        }
        found
    }
}
