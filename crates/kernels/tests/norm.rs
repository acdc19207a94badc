//! Norms and activations against f64 references; gradients against finite differences in f64.

mod common;

use common::{assert_close, assert_close_of, on_every_path, values};
use proptest::prelude::*;
use vesalius_kernels::{
    Activation, ChannelShape, NormOptions, batch_norm_backward, batch_norm_forward,
    group_norm_backward, group_norm_forward, leaky_relu_backward, leaky_relu_forward,
    leaky_relu_in_place, prelu_backward, prelu_forward, relu_backward, relu_forward, relu_in_place,
};

fn to_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Indices that are normalised together, for each set.
fn sets(shape: &ChannelShape, groups: Option<usize>) -> Vec<Vec<usize>> {
    let ChannelShape {
        batch,
        channels,
        voxels,
    } = *shape;
    match groups {
        Some(groups) => {
            let run = channels / groups * voxels;
            (0..batch * groups)
                .map(|set| (set * run..(set + 1) * run).collect())
                .collect()
        }
        None => (0..channels)
            .map(|channel| {
                let row = |sample| (sample * channels + channel) * voxels;
                (0..batch)
                    .flat_map(|sample| row(sample)..row(sample) + voxels)
                    .collect()
            })
            .collect(),
    }
}

struct Reference<'a> {
    shape: &'a ChannelShape,
    groups: Option<usize>,
    slopes: &'a [f64],
}

impl Reference<'_> {
    fn forward(&self, input: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
        let mut output = vec![0.0; input.len()];
        for set in sets(self.shape, self.groups) {
            let mean = set.iter().map(|&index| input[index]).sum::<f64>() / set.len() as f64;
            let square = |&index: &usize| (input[index] - mean).powi(2);
            let variance = set.iter().map(square).sum::<f64>() / set.len() as f64;
            for index in set {
                let channel = index / self.shape.voxels % self.shape.channels;
                let value = (input[index] - mean) / (variance + f64::from(1e-3f32)).sqrt();
                let value = value * weight[channel] + bias[channel];
                output[index] = if value > 0.0 {
                    value
                } else {
                    value * self.slopes[channel]
                };
            }
        }
        output
    }

    /// Central differences of `Σ gradient × forward` in each value of each argument.
    fn gradients(&self, arguments: [&[f64]; 3], gradient: &[f64]) -> [Vec<f64>; 3] {
        let loss = |arguments: &[Vec<f64>; 3]| -> f64 {
            let output = self.forward(&arguments[0], &arguments[1], &arguments[2]);
            output
                .iter()
                .zip(gradient)
                .map(|(output, gradient)| output * gradient)
                .sum()
        };
        let mut all = arguments.map(<[f64]>::to_vec);
        std::array::from_fn(|which| {
            (0..all[which].len())
                .map(|index| {
                    let (value, step) = (all[which][index], 1e-6);
                    all[which][index] = value + step;
                    let above = loss(&all);
                    all[which][index] = value - step;
                    let below = loss(&all);
                    all[which][index] = value;
                    (above - below) / (2.0 * step)
                })
                .collect()
        })
    }
}

/// The largest reciprocal deviation of any set: what a gradient is multiplied by before its parts
/// along the mean and along the input are taken away from it.
fn steepest(shape: &ChannelShape, groups: Option<usize>, input: &[f64], epsilon: f64) -> f64 {
    sets(shape, groups)
        .iter()
        .map(|set| {
            let n = set.len() as f64;
            let mean = set.iter().map(|&i| input[i]).sum::<f64>() / n;
            let variance = set.iter().map(|&i| (input[i] - mean).powi(2)).sum::<f64>() / n;
            (variance + epsilon).sqrt().recip()
        })
        .fold(0.0, f64::max)
}

fn check(shape: &ChannelShape, groups: Option<usize>, activation: Activation) {
    let input = values(shape.len().unwrap(), 1);
    let (weight, bias) = (values(shape.channels, 2), values(shape.channels, 3));
    let gradient = values(input.len(), 4);
    let slopes: Vec<f64> = (0..shape.channels)
        .map(|channel| match activation {
            Activation::Identity => 1.0,
            Activation::Relu => 0.0,
            Activation::LeakyRelu(slope) => f64::from(slope),
            Activation::PRelu(slopes) => f64::from(slopes[channel % slopes.len()]),
        })
        .collect();
    let reference = Reference {
        shape,
        groups,
        slopes: &slopes,
    };
    let arguments = [to_f64(&input), to_f64(&weight), to_f64(&bias)];
    let expected = reference.forward(&arguments[0], &arguments[1], &arguments[2]);
    let [expected_input, expected_weight, expected_bias] =
        reference.gradients(arguments.each_ref().map(Vec::as_slice), &to_f64(&gradient));
    let options = NormOptions {
        weight: Some(&weight),
        bias: Some(&bias),
        epsilon: 1e-3,
        activation,
    };
    on_every_path(|path| {
        let what =
            |which: &str| format!("{which} of {shape:?} {groups:?} {activation:?} on {path}");
        let mut found = vec![f32::NAN; input.len()];
        let mut found_input = vec![f32::NAN; input.len()];
        let (mut found_weight, mut found_bias) = (weight.clone(), bias.clone());
        match groups {
            Some(groups) => {
                let mut saved = [
                    vec![0.0; shape.batch * groups],
                    vec![0.0; shape.batch * groups],
                ];
                let [mean, reciprocal] = &mut saved;
                group_norm_forward(
                    shape, groups, &options, &input, &mut found, mean, reciprocal,
                )
                .unwrap();
                group_norm_backward(
                    shape,
                    groups,
                    &options,
                    &input,
                    mean,
                    reciprocal,
                    &gradient,
                    &mut found_input,
                    &mut found_weight,
                    &mut found_bias,
                )
                .unwrap();
            }
            None => {
                let mut saved = [vec![0.0; shape.channels], vec![0.0; shape.channels]];
                let [mean, variance] = &mut saved;
                batch_norm_forward(shape, &options, &input, &mut found, mean, variance).unwrap();
                batch_norm_backward(
                    shape,
                    &options,
                    &input,
                    mean,
                    variance,
                    &gradient,
                    &mut found_input,
                    &mut found_weight,
                    &mut found_bias,
                )
                .unwrap();
            }
        }
        assert_close(&found, &expected, &what("forward"));
        let steepest = steepest(shape, groups, &arguments[0], f64::from(options.epsilon));
        let largest = |values: &[f32]| {
            values
                .iter()
                .fold(0.0, |m: f64, v| m.max(f64::from(*v).abs()))
        };
        let terms = largest(&gradient) * largest(&weight) * steepest;
        assert_close_of(
            &found_input,
            &expected_input,
            terms,
            &what("input gradient"),
        );
        assert_close_of(
            &found_weight,
            &expected_weight,
            largest(&gradient),
            &what("weight gradient"),
        );
        assert_close(&found_bias, &expected_bias, &what("bias gradient"));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn norms_and_gradients_agree_with_the_reference(
        batch in 0usize..3, groups in 1usize..4, of in 1usize..3, voxels in 1usize..40, which in 0..4,
    ) {
        let shape = ChannelShape { batch, channels: groups * of, voxels };
        let slopes = values(shape.channels, 9);
        let activation = match which {
            0 => Activation::Identity,
            1 => Activation::Relu,
            2 => Activation::LeakyRelu(0.01),
            _ => Activation::PRelu(&slopes),
        };
        check(&shape, Some(groups), activation);
        check(&shape, None, activation);
    }

    #[test]
    fn activations_agree_with_their_definition(
        batch in 0usize..3, channels in 1usize..5, voxels in 0usize..70, shared: bool,
    ) {
        let shape = ChannelShape { batch, channels, voxels };
        let input = values(shape.len().unwrap(), 1);
        let gradient = values(input.len(), 2);
        let slopes = values(if shared { 1 } else { channels }, 3);
        on_every_path(|_| {
            let (mut found, mut back) = (vec![9.0; input.len()], vec![9.0; input.len()]);
            relu_forward(&input, &mut found).unwrap();
            relu_backward(&input, &gradient, &mut back).unwrap();
            for index in 0..input.len() {
                assert_eq!(found[index], input[index].max(0.0));
                assert_eq!(back[index], if input[index] > 0.0 { gradient[index] } else { 0.0 });
            }
            let mut in_place = input.clone();
            relu_in_place(&mut in_place);
            assert_eq!(in_place, found);
            leaky_relu_forward(&input, 0.1, &mut found).unwrap();
            leaky_relu_backward(&input, &gradient, 0.1, &mut back).unwrap();
            in_place.copy_from_slice(&input);
            leaky_relu_in_place(&mut in_place, 0.1);
            assert_eq!(in_place, found);
            for index in 0..input.len() {
                let slope = if input[index] > 0.0 { 1.0 } else { 0.1 };
                assert_eq!(found[index], input[index] * slope);
                assert_eq!(back[index], gradient[index] * slope);
            }
            prelu_forward(&shape, &input, &slopes, &mut found).unwrap();
            let mut slope_gradient = vec![9.0; slopes.len()];
            prelu_backward(&shape, &input, &gradient, &slopes, &mut back, &mut slope_gradient).unwrap();
            let mut expected = vec![0.0; slopes.len()];
            for index in 0..input.len() {
                let which = if shared { 0 } else { index / voxels % channels };
                let slope = if input[index] > 0.0 { 1.0 } else { slopes[which] };
                assert_eq!(found[index], input[index] * slope);
                assert_eq!(back[index], gradient[index] * slope);
                if input[index] <= 0.0 {
                    expected[which] += f64::from(input[index]) * f64::from(gradient[index]);
                }
            }
            assert_close(&slope_gradient, &expected, "slopes");
        });
    }
}

#[test]
fn long_runs_are_split_and_joined_alike_on_any_number_of_threads() {
    let shape = ChannelShape {
        batch: 1,
        channels: 2,
        voxels: 50_001,
    };
    let input: Vec<f32> = values(100_002, 1)
        .iter()
        .map(|value| value + 500.0)
        .collect();
    let gradient = values(input.len(), 2);
    let options = NormOptions {
        activation: Activation::LeakyRelu(0.01),
        ..Default::default()
    };
    let compute = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let (mut output, mut back) = (vec![0.0; input.len()], vec![0.0; input.len()]);
            let mut saved = [vec![0.0; 2], vec![0.0; 2], vec![0.0; 2], vec![0.0; 2]];
            let [mean, reciprocal, weight, bias] = &mut saved;
            group_norm_forward(&shape, 2, &options, &input, &mut output, mean, reciprocal).unwrap();
            group_norm_backward(
                &shape, 2, &options, &input, mean, reciprocal, &gradient, &mut back, weight, bias,
            )
            .unwrap();
            (output, back, saved)
        })
    };
    let (output, back, saved) = compute(1);
    assert_eq!(compute(3), (output.clone(), back, saved));
    let mean = to_f64(&input[..50_001]).iter().sum::<f64>() / 50_001.0;
    let variance = to_f64(&input[..50_001])
        .iter()
        .map(|x| (x - mean).powi(2))
        .sum::<f64>()
        / 50_001.0;
    let expected: Vec<f64> = to_f64(&input[..50_001])
        .iter()
        .map(|x| (x - mean) / (variance + f64::from(1e-5f32)).sqrt())
        .map(|x| if x > 0.0 { x } else { x * f64::from(0.01f32) })
        .collect();
    // 500 ± 1 in f32 has steps of 3e-5: what a normalised value can keep.
    for (found, expected) in output.iter().zip(expected) {
        assert!(
            (f64::from(*found) - expected).abs() < 2e-4,
            "{found} {expected}"
        );
    }
}

#[test]
fn relu_keeps_nan() {
    let mut found = [0.0; 2];
    relu_forward(&[f32::NAN, f32::NEG_INFINITY], &mut found).unwrap();
    assert!(found[0].is_nan() && found[1] == 0.0);
}
