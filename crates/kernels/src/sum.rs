//! Sums that do not depend on the number of threads and lose little to rounding.

use rayon::prelude::*;

/// Values that are added in `f32`; such sums are added in `f64`.
const RUN: usize = 4096;

/// A sum in sixteen parts, so that it can be computed with vectors; runs are joined in `f64`.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f64 {
    // A plain loop: an iterator's `sum` would not be compiled for the chosen SIMD level.
    let mut total = 0.0;
    for run in values.chunks(RUN) {
        total += short_sum(run);
    }
    total
}

#[inline(always)]
fn short_sum(values: &[f32]) -> f64 {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    sums.iter().chain(rest).map(|&value| f64::from(value)).sum()
}

/// `Σ term(a[i], b[i])`, in sixteen parts. For parts of a tensor: all is added in `f32`.
#[inline(always)]
pub(crate) fn sum_pairs(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    let ((chunks, rest), (others, other_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = [0.0f32; 16];
    for (a, b) in chunks.iter().zip(others) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(a, b);
        }
    }
    for ((sum, &a), &b) in sums.iter_mut().zip(rest).zip(other_rest) {
        *sum += term(a, b);
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

/// The sum over samples and voxels of each channel of a `[batch, channels, voxels]` tensor.
pub(crate) fn channel_sums(values: &[f32], batch: usize, channels: usize, sums: &mut [f32]) {
    let voxels = values.len() / (batch * channels).max(1);
    sums.par_iter_mut().enumerate().for_each(|(channel, to)| {
        *to = (0..batch)
            .map(|sample| sum(&values[(sample * channels + channel) * voxels..][..voxels]))
            .sum::<f64>() as f32;
    });
}
