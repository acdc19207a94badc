//! The discrete Fourier transform of a volume, axis by axis.

use rayon::prelude::*;
use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

/// A channel as complex numbers.
pub(crate) fn complex(values: &[f32]) -> Vec<Complex64> {
    values
        .iter()
        .map(|&v| Complex64::new(f64::from(v), 0.0))
        .collect()
}

/// Transforms in place; forward without a factor, inverse divided by the number of voxels.
pub(crate) fn transform(data: &mut [Complex64], size: [usize; 3], inverse: bool) {
    let mut planner = FftPlanner::<f64>::new();
    let strides = [1, size[0], size[0] * size[1]];
    for axis in 0..3 {
        let n = size[axis];
        if n < 2 {
            continue;
        }
        let fft = if inverse {
            planner.plan_fft_inverse(n)
        } else {
            planner.plan_fft_forward(n)
        };
        let stride = strides[axis];
        // Blocks that hold whole lines of this axis.
        let block = stride * n;
        let blocks = data.par_chunks_mut(block);
        blocks.for_each_init(
            || {
                (
                    vec![Complex64::default(); n],
                    vec![Complex64::default(); fft.get_inplace_scratch_len()],
                )
            },
            |(line, scratch), block| {
                for start in 0..stride {
                    for (i, value) in line.iter_mut().enumerate() {
                        *value = block[start + i * stride];
                    }
                    fft.process_with_scratch(line, scratch);
                    for (i, value) in line.iter().enumerate() {
                        block[start + i * stride] = *value;
                    }
                }
            },
        );
    }
    if inverse {
        let scale = 1.0 / data.len().max(1) as f64;
        data.par_iter_mut().for_each(|v| *v *= scale);
    }
}

/// The index of frequency `i` of `n` when zero is in the middle (numpy's `fftshift`).
pub(crate) fn shifted(i: usize, n: usize) -> usize {
    (i + n / 2) % n
}
