//! Products of matrices, and the linear layer made of them: `x · weightᵀ + bias` along the last axis.

mod pack;
mod product;
mod tile;

pub(crate) use pack::Matrix;
pub(crate) use tile::{MAX_COLUMNS, ROWS, Tile, columns, term_offsets};

use crate::error::{Result, check_length};
use crate::parallel::plain;
use crate::simd::SimdLevel;
use product::{Sizes, product};
use rayon::prelude::*;

/// A linear layer on `rows` vectors: input `[rows, in_features]`, output `[rows, out_features]`,
/// weight `[out_features, in_features]`, as PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearShape {
    /// Vectors; zero is allowed.
    pub rows: usize,
    /// Numbers in.
    pub in_features: usize,
    /// Numbers out.
    pub out_features: usize,
}

impl LinearShape {
    fn check(&self, input: usize, weight: usize, output: usize) -> Result<()> {
        let lengths = |what, found, expected| {
            if found == expected {
                Ok(())
            } else {
                Err(crate::Error::WrongLength {
                    what,
                    expected,
                    found,
                })
            }
        };
        lengths("input", input, self.rows * self.in_features)?;
        lengths("weight", weight, self.out_features * self.in_features)?;
        lengths("output", output, self.rows * self.out_features)
    }
}

/// `output = input · weightᵀ + bias`. `output` need not be initialised with anything.
///
/// # Errors
/// When a slice's length does not fit the shape.
pub fn linear_forward(
    shape: &LinearShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    shape.check(input.len(), weight.len(), output.len())?;
    bias.map_or(Ok(()), |bias| {
        check_length("bias", bias, shape.out_features)
    })?;
    let sizes = Sizes {
        rows: shape.rows,
        columns: shape.out_features,
        terms: shape.in_features,
    };
    let input = Matrix::dense(input, shape.in_features);
    let weight = Matrix::dense(weight, shape.in_features).transposed();
    product(sizes, input, weight, bias, output);
    Ok(())
}

/// The gradient to the input of a linear layer: `output_gradient · weight`.
///
/// # Errors
/// As [`linear_forward`].
pub fn linear_backward_input(
    shape: &LinearShape,
    output_gradient: &[f32],
    weight: &[f32],
    input_gradient: &mut [f32],
) -> Result<()> {
    shape.check(input_gradient.len(), weight.len(), output_gradient.len())?;
    let sizes = Sizes {
        rows: shape.rows,
        columns: shape.in_features,
        terms: shape.out_features,
    };
    let gradient = Matrix::dense(output_gradient, shape.out_features);
    let weight = Matrix::dense(weight, shape.in_features);
    product(sizes, gradient, weight, None, input_gradient);
    Ok(())
}

/// The gradients to weight and bias of a linear layer: `output_gradientᵀ · input`, and its sum over rows.
///
/// # Errors
/// As [`linear_forward`].
pub fn linear_backward_weight(
    shape: &LinearShape,
    input: &[f32],
    output_gradient: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: Option<&mut [f32]>,
) -> Result<()> {
    shape.check(input.len(), weight_gradient.len(), output_gradient.len())?;
    if let Some(bias) = &bias_gradient {
        check_length("bias_gradient", bias, shape.out_features)?;
    }
    let sizes = Sizes {
        rows: shape.out_features,
        columns: shape.in_features,
        terms: shape.rows,
    };
    let gradient = Matrix::dense(output_gradient, shape.out_features).transposed();
    let input = Matrix::dense(input, shape.in_features);
    product(sizes, gradient, input, None, weight_gradient);
    if let Some(bias) = bias_gradient {
        sum_rows(output_gradient, bias);
    }
    Ok(())
}

/// Rows whose sum is a part of its own, so that the order of sums does not depend on threads.
const ROWS_OF_PART: usize = 256;

/// The sum of rows as long as `sums`; parts are added in double precision.
pub(crate) fn sum_rows(rows: &[f32], sums: &mut [f32]) {
    let width = sums.len();
    if width == 0 {
        return;
    }
    let path = SimdLevel::current();
    let parts: Vec<Vec<f32>> = rows
        .par_chunks(width * ROWS_OF_PART)
        .map(|rows| {
            plain(path, move || {
                let mut sums = vec![0.0f32; width];
                for row in rows.chunks_exact(width) {
                    for (sum, value) in sums.iter_mut().zip(row) {
                        *sum += value;
                    }
                }
                sums
            })
        })
        .collect();
    for (column, sum) in sums.iter_mut().enumerate() {
        let parts = parts.iter().map(|part| f64::from(part[column]));
        *sum = parts.sum::<f64>() as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::with_simd_level;

    fn made(count: usize, seed: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0;
        (0..count).map(value).collect()
    }

    /// Largest difference to sums in double precision, as a share of the largest.
    fn far(found: &[f32], expected: &[f64]) -> f64 {
        let most = expected.iter().fold(1e-30f64, |most, e| most.max(e.abs()));
        let pairs = found.iter().zip(expected);
        pairs.fold(0.0f64, |far, (&f, &e)| far.max((f64::from(f) - e).abs())) / most
    }

    fn check(shape: LinearShape) {
        let LinearShape {
            rows,
            in_features,
            out_features,
        } = shape;
        let x = made(rows * in_features, 1);
        let w = made(out_features * in_features, 2);
        let b = made(out_features, 3);
        let g = made(rows * out_features, 4);
        let at = |v: &[f32], i: usize| f64::from(v[i]);
        let mut y = vec![0.0f64; g.len()];
        let mut dx = vec![0.0f64; x.len()];
        let mut dw = vec![0.0f64; w.len()];
        let mut db = vec![0.0f64; b.len()];
        for r in 0..rows {
            for o in 0..out_features {
                let gradient = at(&g, r * out_features + o);
                db[o] += gradient;
                y[r * out_features + o] = at(&b, o);
                for i in 0..in_features {
                    let (xi, wi) = (r * in_features + i, o * in_features + i);
                    y[r * out_features + o] += at(&x, xi) * at(&w, wi);
                    dx[xi] += gradient * at(&w, wi);
                    dw[wi] += gradient * at(&x, xi);
                }
            }
        }
        for path in SimdLevel::available() {
            with_simd_level(path, || {
                let mut out = vec![f32::NAN; y.len()];
                linear_forward(&shape, &x, &w, Some(&b), &mut out).unwrap();
                assert!(far(&out, &y) < 2e-6, "{shape:?} {path:?} forward");
                let mut out = vec![f32::NAN; dx.len()];
                linear_backward_input(&shape, &g, &w, &mut out).unwrap();
                assert!(far(&out, &dx) < 2e-6, "{shape:?} {path:?} input");
                let mut out = vec![f32::NAN; dw.len()];
                let mut bias = vec![f32::NAN; b.len()];
                linear_backward_weight(&shape, &x, &g, &mut out, Some(&mut bias)).unwrap();
                assert!(far(&out, &dw) < 4e-6, "{shape:?} {path:?} weight");
                // Terms of size one that nearly cancel: what is lost is a share of them, not of the sum.
                for (&found, sum) in bias.iter().zip(&db) {
                    let most = 1e-6 * sum.abs().max((rows as f64).sqrt());
                    assert!(
                        (f64::from(found) - sum).abs() < most,
                        "{shape:?} {path:?} bias"
                    );
                }
            });
        }
    }

    #[test]
    fn products_agree_with_sums_in_double_precision() {
        for [rows, in_features, out_features] in [
            [1, 1, 1],
            [5, 3, 7],
            [64, 24, 72],
            [193, 300, 25],
            [10, 513, 130],
            [9001, 24, 12],
        ] {
            check(LinearShape {
                rows,
                in_features,
                out_features,
            });
        }
    }

    #[test]
    fn odd_products_agree_with_sums_too() {
        let sizes: &[usize] = if cfg!(miri) {
            &[1, 3, 17]
        } else {
            &[1, 2, 3, 5, 7, 17]
        };
        for &rows in sizes {
            for &in_features in sizes {
                for &out_features in sizes {
                    check(LinearShape {
                        rows,
                        in_features,
                        out_features,
                    });
                }
            }
        }
    }

    #[test]
    fn a_product_does_not_depend_on_the_number_of_threads() {
        let shape = LinearShape {
            rows: 9000,
            in_features: 40,
            out_features: 33,
        };
        let (x, g) = (made(9000 * 40, 1), made(9000 * 33, 2));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let (mut w, mut b) = (vec![0.0; 33 * 40], vec![0.0; 33]);
                linear_backward_weight(&shape, &x, &g, &mut w, Some(&mut b)).unwrap();
                let mut y = vec![0.0; 9000 * 33];
                linear_forward(&shape, &x, &w, Some(&b), &mut y).unwrap();
                (w, b, y)
            })
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn nothing_in_gives_the_bias() {
        let shape = LinearShape {
            rows: 2,
            in_features: 0,
            out_features: 2,
        };
        let mut out = [9.0; 4];
        linear_forward(&shape, &[], &[], Some(&[1.0, 2.0]), &mut out).unwrap();
        assert_eq!(out, [1.0, 2.0, 1.0, 2.0]);
        assert!(linear_forward(&shape, &[1.0], &[], None, &mut out).is_err());
    }
}
