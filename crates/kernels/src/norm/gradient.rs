//! The loops of the norms' gradients: sums over a group, then its values.

use rayon::prelude::*;

use super::group::NormOptions;
use crate::activation::leaky_gradient;
use crate::parallel::{PART, plain};
use crate::simd::SimdLevel;
use crate::sum::sum_pairs;

/// One group of one sample, backwards.
pub(super) struct Group<'a> {
    pub path: SimdLevel,
    pub voxels: usize,
    pub options: &'a NormOptions<'a>,
    /// First channel.
    pub first: usize,
    pub mean: f32,
    pub reciprocal: f32,
}

impl Group<'_> {
    /// Per channel, `Σ g` and `Σ g × normalised`, where g is the gradient before the activation.
    pub fn sums(&self, input: &[f32], gradient: &[f32]) -> Vec<[f64; 2]> {
        let channels = input.chunks(self.voxels).zip(gradient.chunks(self.voxels));
        channels
            .enumerate()
            .map(|(channel, (input, gradient))| {
                let channel = self.first + channel;
                let affine = self.options.affine(channel, self.mean, self.reciprocal);
                let slope = self.options.activation.slope(channel);
                let mean = self.mean;
                let parts: Vec<[f64; 2]> = input
                    .par_chunks(PART)
                    .zip(gradient.par_chunks(PART))
                    .map(|(input, gradient)| {
                        plain(self.path, || {
                            gradient_sums(input, gradient, mean, affine, slope)
                        })
                    })
                    .collect();
                let total = parts
                    .iter()
                    .fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
                [total[0], total[1] * f64::from(self.reciprocal)]
            })
            .collect()
    }

    /// The gradient to the input.
    pub fn write(&self, input: &[f32], gradient: &[f32], sums: &[[f64; 2]], to: &mut [f32]) {
        let weight =
            |channel: usize| f64::from(self.options.weight.map_or(1.0, |weight| weight[channel]));
        let count = input.len() as f64;
        let mut means = [0.0f64; 2];
        for (channel, sums) in sums.iter().enumerate() {
            means[0] += weight(self.first + channel) * sums[0] / count;
            means[1] += weight(self.first + channel) * sums[1] / count;
        }
        let reciprocal = f64::from(self.reciprocal);
        // dx = r (w g − m₀ − m₁ (x − mean) r), as one factor for g, one for x and an addend.
        let of_input = (-means[1] * reciprocal * reciprocal) as f32;
        let addend = (-means[0] * reciprocal - f64::from(of_input) * f64::from(self.mean)) as f32;
        let rows = to
            .par_chunks_mut(self.voxels)
            .zip(input.par_chunks(self.voxels));
        let rows = rows.zip(gradient.par_chunks(self.voxels)).enumerate();
        rows.for_each(|(channel, ((to, input), gradient))| {
            let channel = self.first + channel;
            let affine = self.options.affine(channel, self.mean, self.reciprocal);
            let slope = self.options.activation.slope(channel);
            let of_gradient = (weight(channel) * reciprocal) as f32;
            let factors = [of_gradient, of_input, addend];
            let parts = to.par_chunks_mut(PART).zip(input.par_chunks(PART));
            parts
                .zip(gradient.par_chunks(PART))
                .for_each(|((to, input), gradient)| {
                    plain(self.path, || {
                        write_part(input, gradient, affine, slope, factors, to)
                    });
                });
        });
    }
}

/// The gradient before an activation: where what went into it was not positive, times its slope.
#[inline(always)]
pub(super) fn through(gradient: f32, x: f32, [factor, addend]: [f32; 2], slope: f32) -> f32 {
    leaky_gradient(x * factor + addend, gradient, slope)
}

/// `Σ g` and `Σ g × (x − mean)`.
#[inline(always)]
pub(super) fn gradient_sums(
    input: &[f32],
    gradient: &[f32],
    mean: f32,
    affine: [f32; 2],
    slope: f32,
) -> [f64; 2] {
    let mut total = [0.0f64; 2];
    for (input, gradient) in input.chunks(2048).zip(gradient.chunks(2048)) {
        // Read twice, the second time from the first cache: one sum a loop is what vectorises.
        total[0] += sum_pairs(input, gradient, |x, g| through(g, x, affine, slope));
        total[1] += sum_pairs(input, gradient, |x, g| {
            through(g, x, affine, slope) * (x - mean)
        });
    }
    total
}

#[inline(always)]
pub(super) fn write_part(
    input: &[f32],
    gradient: &[f32],
    affine: [f32; 2],
    slope: f32,
    [of_gradient, of_input, addend]: [f32; 3],
    to: &mut [f32],
) {
    for ((to, &x), &g) in to.iter_mut().zip(input).zip(gradient) {
        let g = through(g, x, affine, slope);
        *to = of_gradient * g + (of_input * x + addend);
    }
}
