//! Layer norm: every row by its own mean and variance (Ba et al. 2016), forward and backward.

use rayon::prelude::*;

use super::moments::Moments;
use crate::error::{Error, Result, check_length};
use crate::parallel::{PART, plain};
use crate::simd::SimdLevel;
use crate::sum::sum_pairs;

/// Rows that share a sum of weight gradients, so that sums do not depend on the number of threads.
const ROWS_OF_PART: usize = 1024;

/// Rows of a length, scaled and shifted by learned numbers if they are given.
#[derive(Debug, Clone, Copy)]
pub struct LayerNormOptions<'a> {
    /// Values of a row.
    pub length: usize,
    /// A factor a place of the row, and what is added.
    pub affine: Option<(&'a [f32], &'a [f32])>,
    /// Added to the variance.
    pub epsilon: f32,
}

impl LayerNormOptions<'_> {
    fn rows(&self, values: usize) -> Result<usize> {
        if self.length == 0 {
            return Err(Error::Zero {
                what: "the length of a row",
            });
        }
        if let Some((weight, bias)) = self.affine {
            check_length("weight", weight, self.length)?;
            check_length("bias", bias, self.length)?;
        }
        if !values.is_multiple_of(self.length) {
            return Err(Error::WrongLength {
                what: "input",
                expected: values.next_multiple_of(self.length),
                found: values,
            });
        }
        Ok(values / self.length)
    }

    /// Rows of one part.
    fn rows_of_part(&self) -> usize {
        (PART / self.length).max(1)
    }
}

/// `output = (x − mean) / √(variance + epsilon) · weight + bias` a row; `moments` receives each row's
/// mean and reciprocal deviation.
///
/// # Errors
/// When a slice's length does not fit the others.
pub fn layer_norm_forward(
    options: &LayerNormOptions,
    input: &[f32],
    output: &mut [f32],
    moments: &mut [[f32; 2]],
) -> Result<()> {
    let rows = options.rows(input.len())?;
    check_length("output", output, input.len())?;
    check_length("moments", moments, rows)?;
    let (path, part) = (SimdLevel::current(), options.rows_of_part());
    let inputs = input.par_chunks(part * options.length);
    output
        .par_chunks_mut(part * options.length)
        .zip(inputs)
        .zip(moments.par_chunks_mut(part))
        .for_each(|((output, input), moments)| {
            plain(path, || forward_rows(options, input, output, moments));
        });
    Ok(())
}

#[inline(always)]
fn forward_rows(
    options: &LayerNormOptions,
    input: &[f32],
    output: &mut [f32],
    moments: &mut [[f32; 2]],
) {
    let rows = input.chunks_exact(options.length);
    let outputs = output.chunks_exact_mut(options.length);
    for ((row, output), moments) in rows.zip(outputs).zip(moments) {
        let found = Moments::of(row);
        let mean = found.mean as f32;
        let reciprocal = found.reciprocal_deviation(f64::from(options.epsilon)) as f32;
        *moments = [mean, reciprocal];
        match options.affine {
            Some((weight, bias)) => {
                let factors = weight.iter().zip(bias);
                for ((to, &x), (&weight, &bias)) in output.iter_mut().zip(row).zip(factors) {
                    *to = (x - mean) * reciprocal * weight + bias;
                }
            }
            None => {
                for (to, &x) in output.iter_mut().zip(row) {
                    *to = (x - mean) * reciprocal;
                }
            }
        }
    }
}

/// The gradients to the input of [`layer_norm_forward`] and, where slices for them are given, to weight and bias.
///
/// # Errors
/// As there.
pub fn layer_norm_backward(
    options: &LayerNormOptions,
    input: &[f32],
    moments: &[[f32; 2]],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
    affine_gradient: Option<(&mut [f32], &mut [f32])>,
) -> Result<()> {
    let rows = options.rows(input.len())?;
    check_length("output_gradient", output_gradient, input.len())?;
    check_length("input_gradient", input_gradient, input.len())?;
    check_length("moments", moments, rows)?;
    if let Some((weight, bias)) = &affine_gradient {
        check_length("weight gradient", weight, options.length)?;
        check_length("bias gradient", bias, options.length)?;
    }
    let (path, wanted) = (SimdLevel::current(), affine_gradient.is_some());
    let part = ROWS_OF_PART * options.length;
    let sums: Vec<Vec<f32>> = input_gradient
        .par_chunks_mut(part)
        .zip(input.par_chunks(part).zip(output_gradient.par_chunks(part)))
        .zip(moments.par_chunks(ROWS_OF_PART))
        .map(|((to, (input, gradient)), moments)| {
            plain(path, || {
                let mut sums = vec![0.0; if wanted { 2 * options.length } else { 0 }];
                let ones = vec![1.0; options.length];
                let weight = options.affine.map_or(&ones[..], |(weight, _)| weight);
                backward_rows(weight, input, gradient, moments, to, &mut sums);
                sums
            })
        })
        .collect();
    if let Some((weight, bias)) = affine_gradient {
        weight.fill(0.0);
        bias.fill(0.0);
        for sums in sums {
            let (of_weight, of_bias) = sums.split_at(options.length);
            weight
                .iter_mut()
                .zip(of_weight)
                .for_each(|(to, s)| *to += s);
            bias.iter_mut().zip(of_bias).for_each(|(to, s)| *to += s);
        }
    }
    Ok(())
}

/// `sums` receives those of weight and bias, one after the other, unless it is empty.
#[inline(always)]
fn backward_rows(
    weight: &[f32],
    input: &[f32],
    gradient: &[f32],
    moments: &[[f32; 2]],
    to: &mut [f32],
    sums: &mut [f32],
) {
    let length = weight.len();
    let mut scaled = vec![0.0f32; length];
    let mut normal = vec![0.0f32; length];
    let (of_weight, of_bias) = sums.split_at_mut(sums.len() / 2);
    for (row, &[mean, reciprocal]) in moments.iter().enumerate() {
        let at = row * length..(row + 1) * length;
        let (input, gradient) = (&input[at.clone()], &gradient[at.clone()]);
        for ((to, &x), (&g, (scaled, &weight))) in normal
            .iter_mut()
            .zip(input)
            .zip(gradient.iter().zip(scaled.iter_mut().zip(weight)))
        {
            *to = (x - mean) * reciprocal;
            *scaled = g * weight;
        }
        let count = length as f64;
        let mean_gradient = (sum_pairs(&scaled, &scaled, |g, _| g) / count) as f32;
        let mean_product = (sum_pairs(&scaled, &normal, |g, n| g * n) / count) as f32;
        for ((to, &g), &n) in to[at].iter_mut().zip(&scaled).zip(&normal) {
            *to = (g - mean_gradient - n * mean_product) * reciprocal;
        }
        for ((sum, &g), &n) in of_weight.iter_mut().zip(gradient).zip(&normal) {
            *sum += g * n;
        }
        for (sum, &g) in of_bias.iter_mut().zip(gradient) {
            *sum += g;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::with_simd_level;

    fn made(count: usize, seed: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 0.7;
        (0..count).map(value).collect()
    }

    /// The layer in double precision.
    fn exact(x: &[f64], w: &[f32], b: &[f32]) -> Vec<f64> {
        let mut out = Vec::new();
        for row in x.chunks(w.len()) {
            let count = row.len() as f64;
            let mean = row.iter().sum::<f64>() / count;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
            let normal = row.iter().map(|x| (x - mean) / (variance + 1e-5).sqrt());
            let affine = w.iter().zip(b);
            out.extend(
                normal
                    .zip(affine)
                    .map(|(n, (&w, &b))| n * f64::from(w) + f64::from(b)),
            );
        }
        out
    }

    #[test]
    fn values_and_gradients_are_the_formulas() {
        for (rows, length) in [(3, 5), (7, 24), (1100, 3), (2, 770)] {
            let (x, g) = (made(rows * length, 1), made(rows * length, 2));
            let (w, b) = (made(length, 3), made(length, 4));
            let x64: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
            let expected = exact(&x64, &w, &b);
            let options = LayerNormOptions {
                length,
                affine: Some((&w, &b)),
                epsilon: 1e-5,
            };
            for path in SimdLevel::available() {
                let mut out = vec![f32::NAN; x.len()];
                let mut moments = vec![[0.0; 2]; rows];
                let mut dx = out.clone();
                let (mut dw, mut db) = (vec![f32::NAN; length], vec![f32::NAN; length]);
                with_simd_level(path, || {
                    layer_norm_forward(&options, &x, &mut out, &mut moments).unwrap();
                    let affine = Some((&mut dw[..], &mut db[..]));
                    layer_norm_backward(&options, &x, &moments, &g, &mut dx, affine).unwrap();
                });
                for (found, expected) in out.iter().zip(&expected) {
                    assert!((f64::from(*found) - expected).abs() < 3e-6);
                }
                let loss = |out: Vec<f64>| -> f64 {
                    out.iter().zip(&g).map(|(o, &g)| o * f64::from(g)).sum()
                };
                for i in [0, length / 2, x.len() - 1] {
                    let step = 1e-5;
                    let moved = |by: f64| {
                        let mut moved = x64.clone();
                        moved[i] += by;
                        loss(exact(&moved, &w, &b))
                    };
                    let slope = (moved(step) - moved(-step)) / (2.0 * step);
                    assert!((f64::from(dx[i]) - slope).abs() < 1e-4 * slope.abs().max(1.0));
                }
                let ones = vec![1.0; length];
                let zeros = vec![0.0; length];
                let normal = exact(&x64, &ones, &zeros);
                for i in [0, length - 1] {
                    let places = (i..x.len()).step_by(length);
                    let bias: f64 = places.clone().map(|p| f64::from(g[p])).sum();
                    let weight: f64 = places.map(|p| f64::from(g[p]) * normal[p]).sum();
                    assert!((f64::from(db[i]) - bias).abs() < 1e-4 * bias.abs().max(1.0));
                    assert!((f64::from(dw[i]) - weight).abs() < 1e-4 * weight.abs().max(1.0));
                }
            }
        }
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let options = LayerNormOptions {
            length: 3,
            affine: None,
            epsilon: 1e-5,
        };
        let (mut out, mut moments) = ([0.0; 4], [[0.0; 2]; 1]);
        assert!(layer_norm_forward(&options, &[0.0; 4], &mut out, &mut moments).is_err());
    }
}
