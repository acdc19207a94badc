//! Agreement with PyTorch (version in `data/torch.json`, made by `tests/parity/kernels.py`):
//! outputs and gradients of everything whose conventions could be understood in two ways.

mod common;

use common::{assert_close, on_every_path};
use serde_json::Value;
use vesalius_kernels::*;

fn ramp(count: usize, step: usize) -> Vec<f32> {
    (0..count)
        .map(|index| ((index * step % 101) as f64 - 50.0) as f32 / 50.0)
        .collect()
}

struct Case(Value);

fn case(name: &str) -> Case {
    let all: Value = serde_json::from_str(include_str!("data/torch.json")).unwrap();
    assert!(all["cases"][name].is_object(), "no case {name}");
    Case(all["cases"][name].clone())
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

impl Case {
    fn gradient(&self) -> Vec<f32> {
        ramp(numbers(&self.0["output"]).len(), 29)
    }

    #[track_caller]
    fn check(&self, output: &[f32], gradients: &[&[f32]]) {
        assert_close(output, &numbers(&self.0["output"]), "output");
        for (which, found) in gradients.iter().enumerate() {
            assert_close(
                found,
                &numbers(&self.0["gradients"][which]),
                &format!("gradient {which}"),
            );
        }
    }
}

const SIZE: [usize; 3] = [5, 4, 3];

#[test]
fn resize_agrees() {
    let input = ramp(120, 37);
    for (name, how) in [
        ("nearest None", Resize::Nearest),
        ("nearest-exact None", Resize::NearestExact),
        ("trilinear False", Resize::Trilinear),
        ("trilinear True", Resize::TrilinearCorners),
    ] {
        for output in [[10, 8, 6], [7, 3, 2]] {
            let [x, y, z] = output;
            let case = case(&format!("resize {name} {z}x{y}x{x}"));
            let shape = ResizeShape {
                channels: 2,
                input: SIZE,
                output,
            };
            on_every_path(|_| {
                let mut found = vec![f32::NAN; case.gradient().len()];
                resize3d_forward(&shape, how, &input, &mut found).unwrap();
                let mut back = vec![f32::NAN; input.len()];
                resize3d_backward(&shape, how, &case.gradient(), &mut back).unwrap();
                case.check(&found, &[&back]);
            });
        }
    }
}

#[test]
fn grid_sample_agrees() {
    let input = ramp(120, 37);
    let grid: Vec<f32> = ramp(72, 43).iter().map(|value| 1.7 * value).collect();
    let shape = SampleShape {
        batch: 1,
        channels: 2,
        input: SIZE,
        output: [4, 3, 2],
    };
    for (mode_name, mode) in [
        ("bilinear", SampleMode::Linear),
        ("nearest", SampleMode::Nearest),
    ] {
        for (padding_name, padding) in [
            ("zeros", SamplePadding::Zeros),
            ("border", SamplePadding::Border),
            ("reflection", SamplePadding::Reflection),
        ] {
            for (corners_name, align_corners) in [("False", false), ("True", true)] {
                let case = case(&format!("sample {mode_name} {padding_name} {corners_name}"));
                let options = SampleOptions {
                    mode,
                    padding,
                    align_corners,
                };
                let mut found = vec![f32::NAN; 48];
                grid_sample3d_forward(&shape, &options, &input, &grid, &mut found).unwrap();
                let (mut back, mut back_grid) = (vec![f32::NAN; 120], vec![f32::NAN; 72]);
                let gradient = case.gradient();
                grid_sample3d_backward(
                    &shape,
                    &options,
                    &input,
                    &grid,
                    &gradient,
                    &mut back,
                    &mut back_grid,
                )
                .unwrap();
                // The script's grid is 1.7 × its leaf.
                back_grid.iter_mut().for_each(|value| *value *= 1.7);
                case.check(&found, &[&back, &back_grid]);
            }
        }
    }
}

#[test]
fn pooling_agrees() {
    let input = ramp(120, 37);
    let touching = PoolShape::new(2, SIZE, [2; 3]);
    let overlapping = PoolShape {
        channels: 2,
        input: SIZE,
        kernel: [3; 3],
        stride: [2; 3],
        padding: [1; 3],
    };
    for (name, shape) in [("2", touching), ("3 2 1", overlapping)] {
        on_every_path(|_| {
            let max = case(&format!("max_pool {name}"));
            let outputs = shape.output_len().unwrap();
            let (mut found, mut plain) = (vec![f32::NAN; outputs], vec![f32::NAN; outputs]);
            let mut indices = vec![0; outputs];
            max_pool3d_forward(&shape, &input, &mut found, Some(&mut indices)).unwrap();
            max_pool3d_forward(&shape, &input, &mut plain, None).unwrap();
            assert_eq!(found, plain);
            let mut back = vec![f32::NAN; input.len()];
            max_pool3d_backward(&shape, &indices, &max.gradient(), &mut back).unwrap();
            max.check(&found, &[&back]);
            let average = case(&format!("avg_pool {name}"));
            avg_pool3d_forward(&shape, &input, &mut found).unwrap();
            avg_pool3d_backward(&shape, &average.gradient(), &mut back).unwrap();
            average.check(&found, &[&back]);
        });
    }
}

#[test]
fn padding_agrees() {
    let input = ramp(120, 37);
    let shape = PadShape {
        channels: 2,
        input: SIZE,
        width: [[2, 1], [0, 3], [1, 2]],
    };
    for (name, mode) in [
        ("constant", PadFill::Constant(0.0)),
        ("replicate", PadFill::Edge),
        ("reflect", PadFill::Reflect),
    ] {
        let case = case(&format!("pad {name}"));
        let mut found = vec![f32::NAN; case.gradient().len()];
        pad3d_forward(&shape, mode, &input, &mut found).unwrap();
        let mut back = vec![f32::NAN; input.len()];
        pad3d_backward(&shape, mode, &case.gradient(), &mut back).unwrap();
        case.check(&found, &[&back]);
    }
    let wide = PadShape {
        width: [[5, 0], [0, 0], [0, 0]],
        ..shape
    };
    let error = pad3d_forward(&wide, PadFill::Reflect, &input, &mut [0.0; 240]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("along x: found 5, expected less than"),
        "{error}"
    );
}

#[test]
fn instance_norm_agrees() {
    let case = case("instance_norm");
    let (input, weight, bias) = (ramp(120, 37), ramp(2, 11), ramp(2, 7));
    let shape = ChannelShape {
        batch: 1,
        channels: 2,
        voxels: 60,
    };
    let options = NormOptions {
        weight: Some(&weight),
        bias: Some(&bias),
        ..NormOptions::default()
    };
    let [mut found, mut back] = [vec![f32::NAN; 120], vec![f32::NAN; 120]];
    let [mut mean, mut reciprocal, mut weights, mut biases] = [[0.0; 2]; 4];
    instance_norm_forward(
        &shape,
        &options,
        &input,
        &mut found,
        &mut mean,
        &mut reciprocal,
    )
    .unwrap();
    instance_norm_backward(
        &shape,
        &options,
        &input,
        &mean,
        &reciprocal,
        &case.gradient(),
        &mut back,
        &mut weights,
        &mut biases,
    )
    .unwrap();
    case.check(&found, &[&back, &weights, &biases]);
}

#[test]
fn convolutions_agree() {
    let (input, bias) = (ramp(120, 37), ramp(3, 7));
    let plain = case("conv 3 2 1");
    let weight = ramp(162, 11);
    let shape = ConvShape {
        stride: [2; 3],
        ..ConvShape::new(1, [2, 3], SIZE, [3; 3]).padded_for_kernel()
    };
    let mut found = vec![f32::NAN; shape.output_len().unwrap()];
    let (mut back, mut weights, mut biases) = (vec![0.0; 120], vec![0.0; 162], vec![0.0; 3]);
    conv3d_forward(&shape, &input, &weight, Some(&bias), &mut found).unwrap();
    let gradient = plain.gradient();
    conv3d_backward_input(&shape, &gradient, &weight, &mut back).unwrap();
    conv3d_backward_weight(&shape, &input, &gradient, &mut weights, Some(&mut biases)).unwrap();
    plain.check(&found, &[&back, &weights, &biases]);

    let transposed = case("conv_transpose 3 2 1 1");
    let mut shape = ConvTransposeShape::new(1, [2, 3], SIZE, [3; 3], [2; 3]);
    (shape.padding, shape.output_padding) = ([1; 3], [1; 3]);
    let mut found = vec![f32::NAN; shape.output_len().unwrap()];
    conv_transpose3d_forward(&shape, &input, &weight, Some(&bias), &mut found).unwrap();
    let gradient = transposed.gradient();
    conv_transpose3d_backward_input(&shape, &gradient, &weight, &mut back).unwrap();
    let bias = Some(&mut biases[..]);
    conv_transpose3d_backward_weight(&shape, &input, &gradient, &mut weights, bias).unwrap();
    transposed.check(&found, &[&back, &weights, &biases]);
}
