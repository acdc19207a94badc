//! Convolutions and their gradients against plain sums in f64, on every path of the processor.

mod common;

use common::convolutions::{check, check_transposed};
use common::{assert_close, conv_products, on_every_path, values};
use proptest::prelude::*;
use vesalius_kernels::{
    ConvShape, ConvTransposeShape, SimdLevel, conv3d_backward_input, conv3d_backward_weight,
    conv3d_forward, with_simd_level,
};

#[test]
fn networks_shapes_agree_with_the_reference() {
    let same =
        |channels, size, kernel| ConvShape::new(1, channels, size, kernel).padded_for_kernel();
    let strided = |channels, size, kernel, stride| ConvShape {
        stride,
        ..same(channels, size, kernel)
    };
    for shape in [
        same([1, 32], [32, 12, 9], [3; 3]),
        same([16, 8], [64, 6, 5], [3; 3]),
        same([20, 7], [8; 3], [3; 3]),
        same([9, 11], [7, 6, 5], [3; 3]),
        same([80, 70], [8, 4, 3], [3, 3, 1]),
        ConvShape {
            groups: 2,
            batch: 2,
            padding: [[2, 0], [0, 1], [3, 3]],
            ..same([16, 20], [21, 9, 5], [3, 3, 4])
        },
        ConvShape {
            dilation: [1, 1, 2],
            ..same([33, 10], [16, 3, 6], [3; 3])
        },
        same([9, 10], [12, 11, 9], [5; 3]),
        same([34, 8], [33, 7, 5], [5, 5, 3]),
        ConvShape {
            groups: 2,
            padding: [[4, 1], [2, 3], [0, 2]],
            ..same([16, 18], [16, 10, 9], [5; 3])
        },
        same([12, 5], [24, 7, 6], [1; 3]),
        same([3, 2], [17, 9, 4], [3, 3, 1]),
        strided([4, 9], [32, 11, 10], [3; 3], [2; 3]),
        strided([4, 6], [13, 12, 7], [3; 3], [2, 2, 1]),
        strided([5, 4], [16, 8, 6], [1; 3], [2; 3]),
        strided([2, 3], [33, 9, 9], [7, 5, 3], [3, 2, 1]),
        ConvShape {
            groups: 4,
            ..same([4, 8], [18, 5, 5], [3; 3])
        },
        ConvShape {
            dilation: [2, 3, 1],
            padding: [[2, 1], [0, 5], [1, 1]],
            ..same([3, 4], [16, 8, 5], [3; 3])
        },
        ConvShape {
            batch: 3,
            ..same([40, 3], [5, 4, 3], [3; 3])
        },
    ] {
        check(&shape);
    }
}

/// Any kernel, stride, dilation, asymmetric padding, groups; also sizes of one and empty axes.
fn shapes() -> impl Strategy<Value = ConvShape> {
    let axis = || {
        (
            0usize..19,
            1usize..8,
            1usize..4,
            1usize..3,
            0usize..5,
            0usize..5,
        )
    };
    (
        0usize..3,
        1usize..4,
        1usize..4,
        1usize..6,
        [axis(), axis(), axis()],
    )
        .prop_map(|(batch, groups, ins, outs, axes)| {
            let mut shape = ConvShape::new(batch, [groups * ins, groups * outs], [1; 3], [1; 3]);
            shape.groups = groups;
            for (axis, (size, kernel, stride, dilation, low, high)) in axes.into_iter().enumerate()
            {
                // Long kernels along one axis at a time, or the reference takes minutes.
                let size = if axis == 0 { size } else { size.min(8) };
                let kernel = if axis == 0 { kernel } else { kernel.min(3) };
                let span = (kernel - 1) * dilation + 1;
                shape.kernel[axis] = kernel;
                shape.stride[axis] = stride;
                shape.dilation[axis] = dilation;
                shape.input[axis] = size;
                shape.padding[axis] = [low, high.max(span.saturating_sub(size + low))];
            }
            shape
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_shape_agrees_with_the_reference(shape in shapes()) {
        check(&shape);
    }

    #[test]
    fn any_transposed_shape_agrees_with_the_reference(
        batch in 0usize..3,
        channels in [1usize..6, 1usize..6],
        groups in 1usize..3,
        axes in [
            (1usize..18, 1usize..5, 1usize..4, 1usize..3, 0usize..3, 0usize..3),
            (1usize..6, 1usize..4, 1usize..4, 1usize..3, 0usize..3, 0usize..3),
            (1usize..5, 1usize..4, 1usize..4, 1usize..3, 0usize..3, 0usize..3),
        ],
    ) {
        let channels = channels.map(|channels| channels * groups);
        let mut shape = ConvTransposeShape::new(batch, channels, [1; 3], [1; 3], [1; 3]);
        shape.groups = groups;
        for (axis, (size, kernel, stride, dilation, padding, extra)) in axes.into_iter().enumerate() {
            shape.input[axis] = size;
            shape.kernel[axis] = kernel;
            shape.stride[axis] = stride;
            shape.dilation[axis] = dilation;
            shape.output_padding[axis] = extra.min(stride.max(dilation) - 1);
            let full = (size - 1) * stride + (kernel - 1) * dilation + 1 + shape.output_padding[axis];
            shape.padding[axis] = padding.min((full - 1) / 2);
        }
        check_transposed(&shape);
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let strided = ConvShape {
        stride: [1, 2, 1],
        ..ConvShape::new(2, [9, 10], [19, 21, 18], [3; 3]).padded_for_kernel()
    };
    // Enough channels for Winograd's products.
    let plain = ConvShape::new(2, [32, 24], [19, 21, 18], [3; 3]).padded_for_kernel();
    // Enough outputs for the transform along z.
    let large = ConvShape::new(1, [16, 24], [35, 33, 19], [3; 3]).padded_for_kernel();
    [strided, plain, large]
        .iter()
        .for_each(same_on_any_number_of_threads);
}

fn same_on_any_number_of_threads(shape: &ConvShape) {
    let input = values(shape.input_len(), 1);
    let weight = values(shape.weight_len(), 2);
    let gradient = values(shape.output_len().unwrap(), 4);
    let compute = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut output = vec![0.0; gradient.len()];
            conv3d_forward(shape, &input, &weight, None, &mut output).unwrap();
            let mut input_gradient = vec![0.0; input.len()];
            conv3d_backward_input(shape, &gradient, &weight, &mut input_gradient).unwrap();
            let (mut weights, mut bias) = (vec![0.0; weight.len()], vec![0.0; shape.out_channels]);
            conv3d_backward_weight(shape, &input, &gradient, &mut weights, Some(&mut bias))
                .unwrap();
            [output, input_gradient, weights, bias]
        })
    };
    assert_eq!(compute(1), compute(3));
}

/// `Σ gradient × convolution`, in f64.
fn loss(shape: &ConvShape, input: &[f64], weight: &[f64], gradient: &[f64]) -> f64 {
    let mut sum = 0.0;
    conv_products(shape, |to, from, tap, _| {
        sum += gradient[to] * input[from] * weight[tap];
    });
    sum
}

#[test]
fn gradients_agree_with_finite_differences() {
    let shapes = [
        ConvShape::new(1, [2, 3], [5, 4, 3], [3; 3]).padded_for_kernel(),
        ConvShape {
            stride: [2, 1, 2],
            dilation: [1, 2, 1],
            groups: 2,
            ..ConvShape::new(2, [4, 2], [6, 5, 4], [3, 2, 1]).padded_for_kernel()
        },
        // Enough channels for Winograd's products.
        ConvShape::new(1, [16, 16], [5, 4, 3], [3; 3]).padded_for_kernel(),
    ];
    for shape in &shapes {
        let (input, weight) = (values(shape.input_len(), 1), values(shape.weight_len(), 2));
        let gradient = values(shape.output_len().unwrap(), 4);
        let [mut x, mut w, g] = [&input, &weight, &gradient]
            .map(|values| values.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
        // The sum is linear in each argument alone: any step gives its slope.
        let step = 0.5;
        let (each_input, each_weight) = (x.len().div_ceil(40), w.len().div_ceil(40));
        let (mut of_input, mut of_weight) = (Vec::new(), Vec::new());
        for index in (0..x.len()).step_by(each_input) {
            let value = x[index];
            x[index] = value + step;
            let above = loss(shape, &x, &w, &g);
            x[index] = value - step;
            of_input.push((above - loss(shape, &x, &w, &g)) / (2.0 * step));
            x[index] = value;
        }
        for index in (0..w.len()).step_by(each_weight) {
            let value = w[index];
            w[index] = value + step;
            let above = loss(shape, &x, &w, &g);
            w[index] = value - step;
            of_weight.push((above - loss(shape, &x, &w, &g)) / (2.0 * step));
            w[index] = value;
        }
        on_every_path(|path| {
            let mut found = vec![f32::NAN; input.len()];
            conv3d_backward_input(shape, &gradient, &weight, &mut found).unwrap();
            let found: Vec<f32> = found.into_iter().step_by(each_input).collect();
            assert_close(&found, &of_input, &format!("input, {path}, {shape:?}"));
            let mut found = vec![f32::NAN; weight.len()];
            conv3d_backward_weight(shape, &input, &gradient, &mut found, None).unwrap();
            let found: Vec<f32> = found.into_iter().step_by(each_weight).collect();
            assert_close(&found, &of_weight, &format!("weight, {path}, {shape:?}"));
        });
    }
}

#[test]
fn a_forced_path_reaches_the_workers() {
    // The portable path rounds twice a term; were the path lost, both results would be the same.
    if SimdLevel::best() == SimdLevel::portable() {
        return;
    }
    let shape = ConvShape::new(1, [16, 4], [16; 3], [3; 3]).padded_for_kernel();
    let (input, weight) = (values(shape.input_len(), 1), values(shape.weight_len(), 2));
    let run = |path| {
        let mut output = vec![0.0; shape.output_len().unwrap()];
        with_simd_level(path, || {
            conv3d_forward(&shape, &input, &weight, None, &mut output)
        })
        .unwrap();
        output
    };
    assert_ne!(run(SimdLevel::best()), run(SimdLevel::portable()));
}

#[test]
fn wrong_lengths_are_errors() {
    let shape = ConvShape::new(1, [1, 1], [4; 3], [3; 3]);
    let error = conv3d_forward(&shape, &[0.0; 63], &[0.0; 27], None, &mut [0.0; 8]).unwrap_err();
    assert!(
        error.to_string().contains("`input` holds 63 values"),
        "{error}"
    );
}

/// The square root of the mean of the squares of `found − expected`.
fn distance(found: &[f32], expected: &[f64]) -> f64 {
    let pairs = found.iter().zip(expected);
    let squares: f64 = pairs.map(|(&f, &e)| (f64::from(f) - e).powi(2)).sum();
    (squares / expected.len() as f64).sqrt()
}

#[test]
fn transformed_products_round_less_than_twice_as_much_as_the_direct_form() {
    // Large enough for the transform along z; with seven output channels products are not transformed.
    let of = |outs| ConvShape::new(1, [32, outs], [32, 32, 17], [3; 3]).padded_for_kernel();
    let (transformed, direct) = (of(8), of(7));
    let input = values(transformed.input_len(), 1);
    let weight = values(transformed.weight_len(), 2);
    let mut expected = vec![0.0; transformed.output_len().unwrap()];
    conv_products(&transformed, |to, from, tap, _| {
        expected[to] += f64::from(input[from]) * f64::from(weight[tap]);
    });
    on_every_path(|path| {
        let [found, plain] = [&transformed, &direct].map(|shape| {
            let mut found = vec![f32::NAN; shape.output_len().unwrap()];
            let weight = &weight[..shape.weight_len()];
            conv3d_forward(shape, &input, weight, None, &mut found).unwrap();
            distance(&found, &expected[..found.len()])
        });
        assert!(found < 2.0 * plain, "{path}: {found:e}, direct {plain:e}");
    });
}

#[test]
fn large_inputs_agree_with_the_reference() {
    // Enough outputs for the transform along z: odd sizes, rows that are no whole vectors, groups.
    let same = |channels, size| ConvShape::new(1, channels, size, [3; 3]).padded_for_kernel();
    for shape in [
        same([8, 8], [32, 32, 17]),
        ConvShape {
            groups: 2,
            padding: [[0, 2], [1, 0], [2, 1]],
            ..same([18, 16], [29, 27, 24])
        },
        same([9, 8], [64, 129, 2]),
    ] {
        check(&shape);
    }
}
