//! Attention against sums in double precision, and its gradients against differences.

use super::*;
use crate::simd::{SimdLevel, with_simd_level};

fn made(count: usize, seed: usize) -> Vec<f32> {
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 700.0 - 1.4;
    (0..count).map(value).collect()
}

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

struct Case {
    shape: AttentionShape,
    input: Vec<f64>,
    bias: Option<Vec<f64>>,
    regions: Option<Vec<u32>>,
}

impl Case {
    fn new([windows, tokens, heads, depth]: [usize; 4], biased: bool, masked: usize) -> Self {
        let shape = AttentionShape {
            windows,
            tokens,
            heads,
            depth,
        };
        let regions = (0..masked * tokens).map(|i| (i * i / 7 % 3) as u32);
        Self {
            shape,
            input: double(&made(shape.input_len(), 1)),
            bias: biased.then(|| double(&made(shape.bias_len(), 2))),
            regions: (masked > 0).then(|| regions.collect()),
        }
    }

    fn exact(&self) -> Vec<f64> {
        let AttentionShape {
            windows,
            tokens,
            heads,
            depth,
        } = self.shape;
        let width = heads * depth;
        let mut output = vec![0.0; self.shape.output_len()];
        let at = |window: usize, token: usize, part: usize, head: usize, i: usize| {
            self.input[((window * tokens + token) * 3 + part) * width + head * depth + i]
        };
        for window in 0..windows {
            for head in 0..heads {
                for query in 0..tokens {
                    let score = |key: usize| {
                        let product = (0..depth)
                            .map(|i| at(window, query, 0, head, i) * at(window, key, 1, head, i));
                        let mut score = product.sum::<f64>() / (depth as f64).sqrt();
                        if let Some(bias) = &self.bias {
                            score += bias[(head * tokens + key) * tokens + query];
                        }
                        if let Some(regions) = &self.regions {
                            let mask = WindowMask { regions };
                            let regions = mask.of(window, tokens);
                            score += if regions[key] == regions[query] {
                                0.0
                            } else {
                                -100.0
                            };
                        }
                        score
                    };
                    let scores: Vec<f64> = (0..tokens).map(score).collect();
                    let most = scores.iter().fold(f64::MIN, |a, &b| a.max(b));
                    let sum: f64 = scores.iter().map(|s| (s - most).exp()).sum();
                    for (key, score) in scores.iter().enumerate() {
                        let share = (score - most).exp() / sum;
                        for i in 0..depth {
                            output[(window * tokens + query) * width + head * depth + i] +=
                                share * at(window, key, 2, head, i);
                        }
                    }
                }
            }
        }
        output
    }
}

fn check(case: &Case) {
    let shape = case.shape;
    let single = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let (input, bias) = (single(&case.input), case.bias.as_deref().map(single));
    let mask = case
        .regions
        .as_deref()
        .map(|regions| WindowMask { regions });
    let gradient = made(shape.output_len(), 3);
    let expected = case.exact();
    let loss = |case: &Case| -> f64 {
        let terms = case.exact();
        terms
            .iter()
            .zip(&gradient)
            .map(|(o, &g)| o * f64::from(g))
            .sum()
    };
    let slope = |choose: &dyn Fn(&mut Case) -> &mut f64| {
        let moved = |by: f64| {
            let mut moved = Case {
                shape,
                input: case.input.clone(),
                bias: case.bias.clone(),
                regions: case.regions.clone(),
            };
            *choose(&mut moved) += by;
            loss(&moved)
        };
        (moved(1e-5) - moved(-1e-5)) / 2e-5
    };
    let some = |length: usize| (0..7).map(move |i| i * (length - 1) / 6);
    let of_input: Vec<(usize, f64)> = some(input.len())
        .map(|i| (i, slope(&move |case: &mut Case| &mut case.input[i])))
        .collect();
    let of_bias: Vec<(usize, f64)> = match &bias {
        Some(bias) => some(bias.len())
            .map(|i| {
                let found = slope(&move |case: &mut Case| {
                    let bias = case.bias.as_mut();
                    &mut bias.unwrap()[i]
                });
                (i, found)
            })
            .collect(),
        None => Vec::new(),
    };
    for path in SimdLevel::available() {
        let mut output = vec![f32::NAN; shape.output_len()];
        let mut sums = vec![f32::NAN; shape.sums_len()];
        let mut to = vec![f32::NAN; input.len()];
        let mut to_bias = vec![f32::NAN; if bias.is_some() { shape.bias_len() } else { 0 }];
        with_simd_level(path, || {
            let bias = bias.as_deref();
            attention_forward(&shape, &input, bias, mask, &mut output, &mut sums).unwrap();
            let gradients = AttentionGradients {
                input: &mut to,
                bias: bias.is_some().then_some(&mut to_bias[..]),
            };
            attention_backward(&shape, &input, bias, mask, &sums, &gradient, gradients).unwrap();
        });
        for (found, expected) in output.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 5e-6, "{shape:?}");
        }
        for (found, slopes) in [(&to, &of_input), (&to_bias, &of_bias)] {
            assert!(found.iter().all(|v| v.is_finite()));
            for &(i, slope) in slopes {
                let far = (f64::from(found[i]) - slope).abs();
                assert!(far < 2e-5 * slope.abs().max(1.0), "{shape:?} {i}: {far}");
            }
        }
    }
}

#[test]
fn outputs_and_gradients_are_the_formulas() {
    check(&Case::new([2, 5, 2, 3], false, 0));
    check(&Case::new([3, 27, 3, 8], true, 0));
    check(&Case::new([4, 50, 1, 12], true, 2));
    check(&Case::new([2, 24, 2, 5], false, 1));
    check(&Case::new([1, 130, 1, 4], false, 0));
}

#[test]
fn odd_windows_are_the_formulas_too() {
    let sizes: &[usize] = if cfg!(miri) {
        &[1, 3]
    } else {
        &[1, 2, 3, 5, 7, 17]
    };
    for &tokens in sizes {
        for &depth in sizes {
            check(&Case::new([1, tokens, 1, depth], tokens != depth, 0));
        }
        check(&Case::new([2, tokens, 3, 1], true, 1));
    }
}

#[test]
fn gradients_do_not_depend_on_the_number_of_threads() {
    let case = Case::new([9, 30, 2, 4], true, 3);
    let shape = case.shape;
    let input: Vec<f32> = case.input.iter().map(|&v| v as f32).collect();
    let bias: Vec<f32> = case.bias.unwrap().iter().map(|&v| v as f32).collect();
    let regions = case.regions.unwrap();
    let gradient = made(shape.output_len(), 3);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let mask = Some(WindowMask { regions: &regions });
            let mut output = vec![0.0; shape.output_len()];
            let mut sums = vec![0.0; shape.sums_len()];
            let bias = Some(&bias[..]);
            attention_forward(&shape, &input, bias, mask, &mut output, &mut sums).unwrap();
            let (mut to, mut to_bias) = (vec![0.0; input.len()], vec![0.0; shape.bias_len()]);
            let gradients = AttentionGradients {
                input: &mut to,
                bias: Some(&mut to_bias),
            };
            attention_backward(&shape, &input, bias, mask, &sums, &gradient, gradients).unwrap();
            (output, to, to_bias)
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn what_does_not_fit_is_refused() {
    let shape = AttentionShape {
        windows: 2,
        tokens: 3,
        heads: 1,
        depth: 2,
    };
    let (mut output, mut sums) = ([0.0; 12], [0.0; 6]);
    let mut run = |shape: &AttentionShape, regions: Option<&[u32]>| {
        let mask = regions.map(|regions| WindowMask { regions });
        attention_forward(shape, &[0.5; 36], None, mask, &mut output, &mut sums)
    };
    assert!(run(&shape, None).is_ok());
    assert!(run(&shape, Some(&[0; 3])).is_ok());
    assert!(run(&shape, Some(&[0; 9])).is_err());
    assert!(run(&AttentionShape { depth: 0, ..shape }, None).is_err());
    assert!(run(&AttentionShape { depth: 3, ..shape }, None).is_err());
}
