//! A small symmetric kernel along an axis; the border voxel is repeated beyond the image.

use crate::lines::{LANES, LineFilter};
use crate::simd::vectorised;

/// A symmetric kernel: the weight of the centre, of both neighbours, of the next two, …
#[derive(Debug, Clone)]
pub(crate) struct Convolution(pub Vec<f64>);

impl LineFilter for Convolution {
    fn run(&self, input: &[[f64; LANES]], output: &mut [[f64; LANES]]) {
        convolve(&self.0, input, output);
    }
}

vectorised! {
    fn convolve(half: &[f64], input: &[[f64; LANES]], output: &mut [[f64; LANES]]) {
        let last = input.len().saturating_sub(1);
        for (k, out) in output.iter_mut().enumerate() {
            let mut sum = input[k].map(|v| v * half[0]);
            for (d, &weight) in half.iter().enumerate().skip(1) {
                let (before, after) = (&input[k.saturating_sub(d)], &input[(k + d).min(last)]);
                for l in 0..LANES {
                    sum[l] += weight * (before[l] + after[l]);
                }
            }
            *out = sum;
        }
    }
}
