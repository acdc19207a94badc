//! Kernels on bfloat16 against references in f64 of the same stored numbers, at every level of the processor.

mod common;

use common::{assert_close, conv_products, on_every_path, values};
use proptest::prelude::*;
use vesalius_kernels::*;

/// Half of the last place of a number between 1 and 2: what rounding to bfloat16 changes at most, as a share.
const HALF_PLACE: f64 = 1.0 / 256.0;

fn stored(values: &[f32]) -> Vec<bf16> {
    values.iter().map(|&value| bf16::narrow(value)).collect()
}

fn widened<E: Element>(values: &[E]) -> Vec<f32> {
    values.iter().map(|value| value.widen()).collect()
}

/// Numbers that bfloat16 holds.
fn exact_values(count: usize, seed: u64) -> Vec<f32> {
    widened(&stored(&values(count, seed)))
}

/// Fails unless values are what rounding makes of the expected ones, which are known to 10⁻⁵ of the largest.
#[track_caller]
fn assert_rounded<E: Element>(found: &[E], expected: &[f64], what: &str) {
    if E::NAME == "f32" {
        return assert_close(&widened(found), expected, what);
    }
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let largest = expected.iter().fold(1e-30f64, |most, e| most.max(e.abs()));
    for (index, (found, &expected)) in found.iter().zip(expected).enumerate() {
        let far = (f64::from(found.widen()) - expected).abs();
        assert!(
            far <= HALF_PLACE * expected.abs() + 2e-5 * largest,
            "{what}: [{index}] is {found:?}, expected {expected}"
        );
    }
}

/// `input ⋆ weight + bias`.
fn convolved(shape: &ConvShape, input: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let outputs = shape.output_len().unwrap();
    let voxels = outputs / (shape.batch * shape.out_channels).max(1);
    let mut expected: Vec<f64> = (0..outputs)
        .map(|index| f64::from(bias[index / voxels % bias.len()]))
        .collect();
    conv_products(shape, |to, from, tap, _| {
        expected[to] += f64::from(input[from]) * f64::from(weight[tap]);
    });
    expected
}

/// A convolution for all element types of input, weights and output.
fn check(shape: &ConvShape) {
    let input = exact_values(shape.input_len(), 1);
    let weight = exact_values(shape.weight_len(), 2);
    let bias = values(shape.out_channels, 3);
    let expected = convolved(shape, &input, &weight, &bias);
    let (narrow_input, narrow_weight) = (stored(&input), stored(&weight));
    on_every_path(|path| {
        fn forward<I: Element, W: Element, O: Element>(
            shape: &ConvShape,
            input: &[I],
            weight: &[W],
            bias: &[f32],
            expected: &[f64],
            path: &str,
        ) {
            let mut found = vec![O::narrow(f32::NAN); expected.len()];
            conv3d_forward(shape, input, weight, Some(bias), &mut found).unwrap();
            let types = [I::NAME, W::NAME, O::NAME];
            assert_rounded(
                &found,
                expected,
                &format!("{types:?} on {path} of {shape:?}"),
            );
        }
        let (i, w, b, e) = (
            &narrow_input[..],
            &narrow_weight[..],
            &bias[..],
            &expected[..],
        );
        forward::<bf16, bf16, bf16>(shape, i, w, b, e, path);
        forward::<bf16, bf16, f32>(shape, i, w, b, e, path);
        forward::<f32, bf16, bf16>(shape, &input, w, b, e, path);
        forward::<bf16, f32, bf16>(shape, i, &weight, b, e, path);
        forward::<f32, f32, bf16>(shape, &input, &weight, b, e, path);
    });
}

#[test]
fn networks_layers_agree_with_the_reference() {
    let same =
        |channels, size, kernel| ConvShape::new(1, channels, size, kernel).padded_for_kernel();
    let strided = |channels, size, kernel, stride| ConvShape {
        stride,
        ..same(channels, size, kernel)
    };
    for shape in [
        same([1, 32], [32, 12, 9], [3; 3]),
        same([4, 16], [24, 7, 6], [3; 3]),
        same([16, 8], [64, 6, 5], [3; 3]),
        same([20, 7], [8; 3], [3; 3]),
        same([9, 11], [7, 6, 5], [3; 3]),
        same([80, 70], [8, 4, 3], [3, 3, 1]),
        // Enough outputs for Winograd's transform along z.
        same([10, 9], [33, 32, 16], [3; 3]),
        ConvShape {
            groups: 2,
            batch: 2,
            padding: [[2, 0], [0, 1], [3, 3]],
            ..same([16, 20], [21, 9, 5], [3, 3, 4])
        },
        same([9, 10], [12, 11, 9], [5; 3]),
        same([12, 5], [24, 7, 6], [1; 3]),
        same([33, 4], [37, 5, 3], [1; 3]),
        same([3, 2], [17, 9, 4], [3, 3, 1]),
        strided([4, 9], [32, 11, 10], [3; 3], [2; 3]),
        strided([5, 6], [13, 12, 7], [3; 3], [2, 2, 1]),
        strided([32, 8], [64, 9, 5], [3; 3], [2; 3]),
        strided([5, 4], [16, 8, 6], [1; 3], [2; 3]),
        strided([2, 3], [33, 9, 9], [7, 5, 3], [3, 2, 1]),
        ConvShape {
            groups: 4,
            ..same([4, 8], [18, 5, 5], [3; 3])
        },
        ConvShape {
            groups: 2,
            dilation: [2, 3, 1],
            padding: [[2, 1], [0, 5], [1, 1]],
            ..same([6, 4], [16, 8, 5], [3; 3])
        },
        ConvShape {
            batch: 3,
            ..same([40, 3], [5, 4, 3], [3; 3])
        },
    ] {
        check(&shape);
    }
}

#[test]
fn odd_sizes_agree_with_the_reference() {
    let sizes: &[usize] = if cfg!(miri) {
        &[3, 17]
    } else {
        &[1, 2, 3, 5, 7, 17, 31]
    };
    for (index, &x) in sizes.iter().enumerate() {
        for (kernel, stride, channels) in [
            (3, 1, [8, 9]),
            (3, 2, [3, 5]),
            (1, 1, [5, 3]),
            (2, 3, [2, 2]),
        ] {
            check(&ConvShape {
                stride: [stride, 1, stride],
                padding: [[kernel / 2, kernel - 1]; 3],
                ..ConvShape::new(1, channels, [x, 1 + index % 4, 1 + index % 3], [kernel; 3])
            });
        }
    }
}

/// For every output of a transposed convolution its sum.
fn spread(shape: &ConvTransposeShape, input: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    // It is the gradient of the convolution from its output to its input.
    let [ox, oy, oz] = shape.output().unwrap();
    let padding = [0, 1, 2].map(|axis| {
        let reach = (shape.input[axis] - 1) * shape.stride[axis]
            + (shape.kernel[axis] - 1) * shape.dilation[axis]
            + 1;
        let size = [ox, oy, oz][axis] + shape.padding[axis];
        [shape.padding[axis], reach.saturating_sub(size)]
    });
    let conv = ConvShape {
        stride: shape.stride,
        dilation: shape.dilation,
        groups: shape.groups,
        padding,
        ..ConvShape::new(
            shape.batch,
            [shape.out_channels, shape.in_channels],
            [ox, oy, oz],
            shape.kernel,
        )
    };
    let voxels = ox * oy * oz;
    let mut expected: Vec<f64> = (0..shape.output_len().unwrap())
        .map(|index| f64::from(bias[index / voxels % bias.len()]))
        .collect();
    conv_products(&conv, |from, to, tap, _| {
        expected[to] += f64::from(input[from]) * f64::from(weight[tap]);
    });
    expected
}

#[test]
fn transposed_layers_agree_with_the_reference() {
    let new = |channels, size, kernel: usize, stride: usize| {
        ConvTransposeShape::new(1, channels, size, [kernel; 3], [stride; 3])
    };
    for shape in [
        new([32, 16], [16, 5, 4], 2, 2),
        new([7, 5], [9, 5, 4], 2, 2),
        ConvTransposeShape {
            padding: [1; 3],
            output_padding: [1; 3],
            ..new([16, 9], [12, 6, 3], 3, 2)
        },
        ConvTransposeShape {
            kernel: [2, 2, 1],
            stride: [2, 2, 1],
            groups: 2,
            batch: 2,
            ..new([6, 4], [16, 3, 3], 2, 2)
        },
        new([3, 3], [5, 4, 3], 4, 3),
    ] {
        let input = exact_values(shape.input_len(), 1);
        let weight = exact_values(shape.weight_len(), 2);
        let bias = values(shape.out_channels, 3);
        let expected = spread(&shape, &input, &weight, &bias);
        let (narrow_input, narrow_weight) = (stored(&input), stored(&weight));
        on_every_path(|path| {
            let what = format!("{path} of {shape:?}");
            let mut found = vec![bf16::NAN; expected.len()];
            let b = Some(&bias[..]);
            conv_transpose3d_forward(&shape, &narrow_input, &narrow_weight, b, &mut found).unwrap();
            assert_rounded(&found, &expected, &what);
            let mut found = vec![f32::NAN; expected.len()];
            conv_transpose3d_forward(&shape, &narrow_input, &narrow_weight, b, &mut found).unwrap();
            assert_rounded(&found, &expected, &what);
            let mut found = vec![bf16::NAN; expected.len()];
            conv_transpose3d_forward(&shape, &input, &narrow_weight, b, &mut found).unwrap();
            assert_rounded(&found, &expected, &what);
        });
    }
}

/// What leaky ReLU makes of each value.
fn leaked(values: &[f64], slope: f64) -> Vec<f64> {
    let leak = |&value: &f64| if value > 0.0 { value } else { value * slope };
    values.iter().map(leak).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn fused_convolutions_are_activated_and_normalised_in_f32(
        batch in 1usize..3, ins in 1usize..12, outs in 1usize..12, stride in 1usize..3,
        size in [2usize..20, 2usize..9, 2usize..7],
    ) {
        let shape = ConvShape {
            stride: [stride; 3],
            ..ConvShape::new(batch, [ins, outs], size, [3; 3]).padded_for_kernel()
        };
        let input = exact_values(shape.input_len(), 1);
        let weight = exact_values(shape.weight_len(), 2);
        let (bias, scale) = (values(outs, 3), values(outs, 4));
        let sums = convolved(&shape, &input, &weight, &bias);
        let voxels = sums.len() / (batch * outs);
        let (input, weight) = (stored(&input), stored(&weight));
        let leaky = Activation::LeakyRelu(0.25);
        on_every_path(|path| {
            let what = format!("{path} of {shape:?}");
            let mut found = vec![bf16::NAN; sums.len()];
            conv3d_activation(&shape, &input, &weight, Some(&bias), leaky, &mut found).unwrap();
            assert_rounded(&found, &leaked(&sums, 0.25), &what);

            let norm = NormOptions { weight: Some(&scale), bias: Some(&bias), epsilon: 1e-2, activation: leaky };
            conv3d_instance_norm(&shape, &input, &weight, Some(&bias), &norm, &mut found).unwrap();
            let rows = found.chunks(voxels).zip(sums.chunks(voxels)).enumerate();
            for (row, (found, sums)) in rows {
                let channel = row % outs;
                let count = sums.len() as f64;
                let mean = sums.iter().sum::<f64>() / count;
                let variance = sums.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
                let factor = f64::from(scale[channel]) / (variance + 1e-2).sqrt();
                for (found, &sum) in found.iter().zip(sums) {
                    let normal = (sum - mean) * factor + f64::from(bias[channel]);
                    let expected = leaked(&[normal], 0.25)[0];
                    // The sum without its bias is rounded first, then what becomes of it.
                    let first = HALF_PLACE * (sum - f64::from(bias[channel])).abs() * factor.abs();
                    let most = first + HALF_PLACE * (expected.abs() + first) + 2e-4;
                    let far = (f64::from(found.widen()) - expected).abs();
                    assert!(far <= most, "{what}: {found} for {expected}");
                }
            }
        });
    }
}

#[test]
fn one_pass_operations_are_those_of_f32_rounded_once_with_equal_bits_at_every_level() {
    let shape = ChannelShape {
        batch: 2,
        channels: 3,
        voxels: 1037,
    };
    let (wide, other) = (exact_values(2 * 3 * 1037, 1), exact_values(2 * 3 * 1037, 2));
    let (narrow, narrow_other) = (stored(&wide), stored(&other));
    let slopes = [0.5, -0.25, 0.125];
    let affine = [0.3, -1.2, 2.5];
    let (mean, variance) = ([0.1, -0.3, 0.2], [0.4, 0.2, 3.0]);
    let options = NormOptions {
        weight: Some(&affine),
        bias: Some(&slopes),
        activation: Activation::PRelu(&slopes),
        ..NormOptions::default()
    };
    fn all<E: Element>(
        shape: &ChannelShape,
        options: &NormOptions,
        moments: [&[f32]; 2],
        input: &[E],
        other: &[E],
    ) -> Vec<Vec<E>> {
        let zeros = || vec![E::default(); input.len()];
        let (mut relu, mut leaky, mut prelu, mut gelu) = (zeros(), zeros(), zeros(), zeros());
        relu_forward(input, &mut relu).unwrap();
        leaky_relu_forward(input, 0.1, &mut leaky).unwrap();
        prelu_forward(shape, input, &[0.5, -0.25, 0.125], &mut prelu).unwrap();
        gelu_forward(input, &mut gelu).unwrap();
        let mut relu_again = input.to_vec();
        relu_in_place(&mut relu_again);
        assert_eq!(relu_again, relu);
        let mut leaky_again = input.to_vec();
        leaky_relu_in_place(&mut leaky_again, 0.1);
        assert_eq!(leaky_again, leaky);
        let mut sum = other.to_vec();
        add_activation(shape, input, options.activation, &mut sum).unwrap();
        let mut normal = zeros();
        let [mean, variance] = moments;
        batch_norm_inference(shape, options, input, mean, variance, &mut normal).unwrap();
        let mut joined = vec![E::default(); 2 * input.len()];
        concatenate(2, &[input, other], &mut joined).unwrap();
        vec![relu, leaky, prelu, gelu, sum, normal, joined]
    }
    let mut first: Option<Vec<Vec<bf16>>> = None;
    on_every_path(|path| {
        let expected = all(&shape, &options, [&mean, &variance], &wide, &other);
        let found = all(&shape, &options, [&mean, &variance], &narrow, &narrow_other);
        for (which, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, &stored(expected), "operation {which} on {path}");
        }
        assert_eq!(first.get_or_insert_with(|| found.clone()), &found, "{path}");
    });
}

#[test]
fn norms_take_their_moments_in_f32_with_equal_bits_at_every_level() {
    let shape = ChannelShape {
        batch: 2,
        channels: 4,
        voxels: 3001,
    };
    let wide: Vec<f32> = exact_values(2 * 4 * 3001, 1);
    let narrow = stored(&wide);
    let double: Vec<f64> = wide.iter().map(|&value| f64::from(value)).collect();
    let normal = |run: &[f64]| -> Vec<f64> {
        let count = run.len() as f64;
        let mean = run.iter().sum::<f64>() / count;
        let variance = run.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let factor = 1.0 / (variance + 1e-5).sqrt();
        run.iter().map(|x| (x - mean) * factor).collect()
    };
    let by_runs = |length: usize| -> Vec<f64> { double.chunks(length).flat_map(normal).collect() };
    let of_channel = |channel: usize| -> Vec<f64> {
        let rows = double.chunks(3001).skip(channel).step_by(4);
        rows.flatten().copied().collect()
    };
    let by_channels: Vec<Vec<f64>> = (0..4).map(|channel| normal(&of_channel(channel))).collect();
    let by_channel: Vec<f64> = (0..8)
        .flat_map(|row| by_channels[row % 4][row / 4 * 3001..][..3001].to_vec())
        .collect();
    let mut first: Option<Vec<Vec<bf16>>> = None;
    on_every_path(|path| {
        let zeros = || vec![bf16::NAN; narrow.len()];
        let (mut instance, mut group, mut batch, mut layer) = (zeros(), zeros(), zeros(), zeros());
        let options = NormOptions::default();
        let (mut mean, mut scale) = (vec![0.0; 8], vec![0.0; 8]);
        instance_norm_forward(
            &shape,
            &options,
            &narrow,
            &mut instance,
            &mut mean,
            &mut scale,
        )
        .unwrap();
        assert_rounded(
            &instance,
            &by_runs(3001),
            &format!("instance norm on {path}"),
        );
        let (mut mean, mut scale) = (vec![0.0; 4], vec![0.0; 4]);
        group_norm_forward(
            &shape, 2, &options, &narrow, &mut group, &mut mean, &mut scale,
        )
        .unwrap();
        assert_rounded(&group, &by_runs(6002), &format!("group norm on {path}"));
        batch_norm_forward(&shape, &options, &narrow, &mut batch, &mut mean, &mut scale).unwrap();
        assert_rounded(&batch, &by_channel, &format!("batch norm on {path}"));
        let rows = LayerNormOptions {
            length: 3001,
            affine: None,
            epsilon: 1e-5,
        };
        layer_norm_forward(&rows, &narrow, &mut layer, &mut [[0.0; 2]; 8]).unwrap();
        assert_rounded(&layer, &by_runs(3001), &format!("layer norm on {path}"));
        let found = vec![instance, group, batch, layer];
        assert_eq!(first.get_or_insert_with(|| found.clone()), &found, "{path}");
    });
}

#[test]
fn pools_resizes_and_pads_are_those_of_f32_rounded_once() {
    let input = [11, 6, 5];
    let wide = exact_values(3 * 11 * 6 * 5, 1);
    let narrow = stored(&wide);
    fn all<E: Element>(size: [usize; 3], input: &[E]) -> Vec<Vec<E>> {
        let mut found = Vec::new();
        for kernel in [[2, 2, 2], [3, 2, 1]] {
            let pool = PoolShape {
                padding: kernel.map(|kernel| kernel / 2),
                ..PoolShape::new(3, size, kernel)
            };
            let length = pool.output_len().unwrap();
            let (mut most, mut mean) = (vec![E::default(); length], vec![E::default(); length]);
            max_pool3d_forward(&pool, input, &mut most, None).unwrap();
            let (mut again, mut indices) = (most.clone(), vec![0; length]);
            max_pool3d_forward(&pool, input, &mut again, Some(&mut indices)).unwrap();
            assert_eq!(again, most);
            avg_pool3d_forward(&pool, input, &mut mean).unwrap();
            found.extend([most, mean]);
        }
        for how in [
            Resize::Nearest,
            Resize::NearestExact,
            Resize::Trilinear,
            Resize::TrilinearCorners,
        ] {
            let shape = ResizeShape {
                channels: 3,
                input: size,
                output: [22, 7, 9],
            };
            let mut output = vec![E::default(); shape.lens().unwrap()[1]];
            resize3d_forward(&shape, how, input, &mut output).unwrap();
            found.push(output);
        }
        for fill in [PadFill::Constant(0.1), PadFill::Edge, PadFill::Reflect] {
            let shape = PadShape {
                channels: 3,
                input: size,
                width: [[2, 1], [0, 3], [1, 1]],
            };
            let mut output = vec![E::default(); 3 * shape.output().iter().product::<usize>()];
            pad3d_forward(&shape, fill, input, &mut output).unwrap();
            found.push(output);
        }
        found
    }
    on_every_path(|path| {
        let (found, expected) = (all(input, &narrow), all(input, &wide));
        for (which, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, &stored(expected), "operation {which} on {path}");
        }
    });
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let plain = ConvShape::new(2, [32, 24], [19, 21, 18], [3; 3]).padded_for_kernel();
    let strided = ConvShape {
        stride: [2; 3],
        ..plain
    };
    for shape in [plain, strided] {
        let input = stored(&values(shape.input_len(), 1));
        let weight = stored(&values(shape.weight_len(), 2));
        let compute = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let mut output = vec![bf16::ZERO; shape.output_len().unwrap()];
                let options = NormOptions::default();
                conv3d_instance_norm(&shape, &input, &weight, None, &options, &mut output).unwrap();
                output
            })
        };
        assert_eq!(compute(1), compute(3));
    }
}

#[test]
fn nan_and_infinity_reach_the_outputs_that_read_them() {
    for (channels, stride) in [([8, 8], 1), ([3, 2], 2)] {
        let shape = ConvShape {
            stride: [stride; 3],
            ..ConvShape::new(1, channels, [9, 8, 7], [3; 3]).padded_for_kernel()
        };
        let mut input = vec![bf16::ONE; shape.input_len()];
        input[0] = bf16::NAN;
        let weight = vec![bf16::ONE; shape.weight_len()];
        on_every_path(|path| {
            let mut output = vec![bf16::ZERO; shape.output_len().unwrap()];
            conv3d_forward(&shape, &input, &weight, None, &mut output).unwrap();
            assert!(output[0].is_nan(), "{path}");
            assert!(output[output.len() - 1].is_finite(), "{path}");
        });
    }
    // The largest number of f32 becomes infinity, not another number.
    assert_eq!(bf16::narrow(f32::MAX), bf16::INFINITY);
}

#[test]
fn wrong_lengths_are_refused() {
    let shape = ConvShape::new(1, [2, 2], [4; 3], [3; 3]);
    let (input, weight) = (vec![bf16::ONE; 128], vec![bf16::ONE; 108]);
    let mut output = vec![bf16::ZERO; 16];
    assert!(conv3d_forward(&shape, &input, &weight, None, &mut output).is_ok());
    for (i, w, o) in [(127, 108, 16), (128, 107, 16), (128, 108, 15)] {
        let found = conv3d_forward(&shape, &input[..i], &weight[..w], None, &mut output[..o]);
        assert!(found.is_err());
    }
    assert!(relu_forward(&input, &mut output).is_err());
}
