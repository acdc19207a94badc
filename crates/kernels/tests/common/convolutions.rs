//! Convolutions and transposed ones, with all gradients, against plain sums on every path.

use super::{assert_close, assert_close_of, conv_products, on_every_path, values};
use vesalius_kernels::{
    ConvShape, ConvTransposeShape, conv_transpose3d_backward_input,
    conv_transpose3d_backward_weight, conv_transpose3d_forward, conv3d_backward_input,
    conv3d_backward_weight, conv3d_forward,
};

/// Forward and all gradients of one shape against the reference.
pub fn check(shape: &ConvShape) {
    let outputs = shape.output_len().unwrap();
    let input = values(shape.input_len(), 1);
    let weight = values(shape.weight_len(), 2);
    let bias = values(shape.out_channels, 3);
    let gradient = values(outputs, 4);
    let voxels = outputs / (shape.batch * shape.out_channels).max(1);

    let mut expected = of_bias(&bias, outputs, voxels);
    let mut expected_input = vec![0.0; input.len()];
    let mut expected_weight = vec![0.0; weight.len()];
    conv_products(shape, |to, from, tap, _| {
        let (x, w, g) = (
            f64::from(input[from]),
            f64::from(weight[tap]),
            f64::from(gradient[to]),
        );
        expected[to] += x * w;
        expected_input[from] += g * w;
        expected_weight[tap] += g * x;
    });
    let expected_bias = bias_gradient(&gradient, bias.len(), voxels);

    on_every_path(|path| {
        let what = |which: &str| format!("{which} on {path} of {shape:?}");
        let mut found = vec![f32::NAN; outputs];
        conv3d_forward(shape, &input, &weight, Some(&bias), &mut found).unwrap();
        assert_close(&found, &expected, &what("forward"));
        let mut found = vec![f32::NAN; input.len()];
        conv3d_backward_input(shape, &gradient, &weight, &mut found).unwrap();
        assert_close(&found, &expected_input, &what("input gradient"));
        let (mut found, mut found_bias) =
            (vec![f32::NAN; weight.len()], vec![f32::NAN; bias.len()]);
        conv3d_backward_weight(shape, &input, &gradient, &mut found, Some(&mut found_bias))
            .unwrap();
        let (weights, biases) = (
            largest_term(&gradient, &input),
            largest_term(&gradient, &[1.0]),
        );
        assert_close_of(&found, &expected_weight, weights, &what("weight gradient"));
        assert_close_of(&found_bias, &expected_bias, biases, &what("bias gradient"));
    });
}

/// Outputs of which every voxel holds its channel's bias.
fn of_bias(bias: &[f32], outputs: usize, voxels: usize) -> Vec<f64> {
    (0..outputs)
        .map(|index| f64::from(bias[index / voxels % bias.len()]))
        .collect()
}

/// The largest product of a value of each. Gradients of weights and biases are sums of such products over all
/// voxels, which may cancel, so that a sum alone does not show how large its terms were.
fn largest_term(first: &[f32], second: &[f32]) -> f64 {
    let largest = |values: &[f32]| {
        let sizes = values.iter().map(|value| f64::from(value.abs()));
        sizes.fold(0.0, f64::max)
    };
    largest(first) * largest(second)
}

/// The sum of the gradient over samples and voxels, a channel each.
fn bias_gradient(gradient: &[f32], channels: usize, voxels: usize) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    for (index, &value) in gradient.iter().enumerate() {
        sums[index / voxels % channels] += f64::from(value);
    }
    sums
}

/// Forward and all gradients of one transposed shape against the reference.
pub fn check_transposed(shape: &ConvTransposeShape) {
    let [ox, oy, oz] = shape.output().unwrap();
    let input = values(shape.input_len(), 1);
    let weight = values(shape.weight_len(), 2);
    let bias = values(shape.out_channels, 3);
    let gradient = values(shape.output_len().unwrap(), 4);
    let voxels = ox * oy * oz;
    let mut expected = of_bias(&bias, gradient.len(), voxels);
    let mut expected_input = vec![0.0; input.len()];
    let mut expected_weight = vec![0.0; weight.len()];
    transposed_products(shape, |from, to, tap| {
        let (x, w, g) = (
            f64::from(input[from]),
            f64::from(weight[tap]),
            f64::from(gradient[to]),
        );
        expected[to] += x * w;
        expected_input[from] += g * w;
        expected_weight[tap] += g * x;
    });
    let expected_bias = bias_gradient(&gradient, bias.len(), voxels);
    on_every_path(|path| {
        let what = |which: &str| format!("{which} on {path} of {shape:?}");
        let mut found = vec![f32::NAN; gradient.len()];
        conv_transpose3d_forward(shape, &input, &weight, Some(&bias), &mut found).unwrap();
        assert_close(&found, &expected, &what("forward"));
        let mut found = vec![f32::NAN; input.len()];
        conv_transpose3d_backward_input(shape, &gradient, &weight, &mut found).unwrap();
        assert_close(&found, &expected_input, &what("input gradient"));
        let (mut found, mut found_bias) =
            (vec![f32::NAN; weight.len()], vec![f32::NAN; bias.len()]);
        let bias = Some(&mut found_bias[..]);
        conv_transpose3d_backward_weight(shape, &input, &gradient, &mut found, bias).unwrap();
        let (weights, biases) = (
            largest_term(&gradient, &input),
            largest_term(&gradient, &[1.0]),
        );
        assert_close_of(&found, &expected_weight, weights, &what("weight gradient"));
        assert_close_of(&found_bias, &expected_bias, biases, &what("bias gradient"));
    });
}

/// Calls `visit(input index, output index, weight index)` for every product, from the definition:
/// each input is spread over the output.
fn transposed_products(shape: &ConvTransposeShape, mut visit: impl FnMut(usize, usize, usize)) {
    let [ox, oy, oz] = shape.output().unwrap();
    let [ix, iy, iz] = shape.input;
    let [kx, ky, kz] = shape.kernel;
    let (ins, outs) = (
        shape.in_channels / shape.groups,
        shape.out_channels / shape.groups,
    );
    let at = |axis: usize, from: usize, tap: usize, limit: usize| {
        (from * shape.stride[axis] + tap * shape.dilation[axis])
            .checked_sub(shape.padding[axis])
            .filter(|&place| place < limit)
    };
    for from in 0..shape.input_len() {
        let (x, y, z) = (from % ix, from / ix % iy, from / (ix * iy) % iz);
        let channel = from / (ix * iy * iz) % shape.in_channels;
        let sample = from / (ix * iy * iz * shape.in_channels);
        for tap in 0..kx * ky * kz {
            let Some(x) = at(0, x, tap % kx, ox) else {
                continue;
            };
            let Some(y) = at(1, y, tap / kx % ky, oy) else {
                continue;
            };
            let Some(z) = at(2, z, tap / (kx * ky), oz) else {
                continue;
            };
            for out in 0..outs {
                let to = sample * shape.out_channels + channel / ins * outs + out;
                let to = ((to * oz + z) * oy + y) * ox + x;
                visit(from, to, (channel * outs + out) * kx * ky * kz + tap);
            }
        }
    }
}
