//! The gradient to the slopes of a PReLU that ends a group norm; the values before it are not stored
//! but made again from the norm's input.

use rayon::prelude::*;

use super::NormOptions;
use crate::activation::{Activation, ChannelShape};
use crate::error::{Result, check_length};
use crate::parallel::{PART, plain};
use crate::simd::SimdLevel;
use crate::sum::sum_pairs;

/// The gradient to the slopes of [`Activation::PRelu`] in the options of
/// [`super::group_norm_forward`]: one for all channels or one each, as there are slopes. Zeros for
/// other activations.
///
/// # Errors
/// When a slice's length does not fit the shape.
#[allow(clippy::too_many_arguments)]
pub fn group_norm_slope_gradient(
    shape: &ChannelShape,
    groups: usize,
    options: &NormOptions,
    input: &[f32],
    mean: &[f32],
    reciprocal_deviation: &[f32],
    output_gradient: &[f32],
    slope_gradient: &mut [f32],
) -> Result<()> {
    check_length("input", input, shape.len()?)?;
    check_length("output_gradient", output_gradient, input.len())?;
    check_length("mean", mean, shape.batch * groups)?;
    check_length(
        "reciprocal_deviation",
        reciprocal_deviation,
        shape.batch * groups,
    )?;
    options.check(shape.channels)?;
    slope_gradient.fill(0.0);
    let Activation::PRelu(slopes) = options.activation else {
        return Ok(());
    };
    check_length("slope_gradient", slope_gradient, slopes.len())?;
    if shape.is_empty() || groups == 0 {
        return Ok(());
    }
    let path = SimdLevel::current();
    let run = shape.channels / groups;
    let rows = input
        .par_chunks(shape.voxels)
        .zip(output_gradient.par_chunks(shape.voxels));
    let sums: Vec<f64> = rows
        .enumerate()
        .map(|(row, (input, gradient))| {
            let (sample, channel) = (row / shape.channels, row % shape.channels);
            let group = sample * groups + channel / run;
            let affine = options.affine(channel, mean[group], reciprocal_deviation[group]);
            let parts = input.par_chunks(PART).zip(gradient.par_chunks(PART));
            let sums: Vec<f64> = parts
                .map(|(input, gradient)| plain(path, || part(input, gradient, affine)))
                .collect();
            sums.iter().sum()
        })
        .collect();
    let mut totals = vec![0.0f64; slopes.len()];
    for (row, sum) in sums.into_iter().enumerate() {
        totals[row % shape.channels % slopes.len()] += sum;
    }
    for (to, total) in slope_gradient.iter_mut().zip(totals) {
        *to = total as f32;
    }
    Ok(())
}

#[inline(always)]
fn part(input: &[f32], gradient: &[f32], [factor, addend]: [f32; 2]) -> f64 {
    sum_pairs(input, gradient, |x, g| {
        let before = x * factor + addend;
        let product = g * before;
        if before > 0.0 { 0.0 } else { product }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{group_norm_forward, prelu_backward};

    #[test]
    fn it_is_the_gradient_of_a_separate_prelu() {
        let shape = ChannelShape {
            batch: 2,
            channels: 4,
            voxels: 45,
        };
        let value = |i: usize, k: usize| ((i * k % 37) as f32 - 18.0) / 7.0;
        let input: Vec<f32> = (0..360).map(|i| value(i, 11)).collect();
        let gradient: Vec<f32> = (0..360).map(|i| value(i, 23)).collect();
        let (weight, bias) = ([1.0, -0.5, 2.0, 0.3], [0.1, 0.2, -0.3, 0.0]);
        for slopes in [vec![0.25], vec![0.1, 0.2, 0.3, 0.4]] {
            let options = |activation| NormOptions {
                weight: Some(&weight),
                bias: Some(&bias),
                activation,
                ..NormOptions::default()
            };
            let (mut mean, mut reciprocal) = (vec![0.0; 4], vec![0.0; 4]);
            let mut before = vec![0.0; 360];
            let plain = options(Activation::Identity);
            group_norm_forward(
                &shape,
                2,
                &plain,
                &input,
                &mut before,
                &mut mean,
                &mut reciprocal,
            )
            .unwrap();
            let mut expected = vec![0.0; slopes.len()];
            let mut unused = vec![0.0; 360];
            prelu_backward(
                &shape,
                &before,
                &gradient,
                &slopes,
                &mut unused,
                &mut expected,
            )
            .unwrap();
            let mut found = vec![0.0; slopes.len()];
            let fused = options(Activation::PRelu(&slopes));
            group_norm_slope_gradient(
                &shape,
                2,
                &fused,
                &input,
                &mean,
                &reciprocal,
                &gradient,
                &mut found,
            )
            .unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        }
    }
}
