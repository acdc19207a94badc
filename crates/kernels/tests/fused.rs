//! Fused forms give what their parts give one after the other; operations that are linear have
//! gradients that are their transposes.

mod common;

use common::{assert_close, on_every_path, values};
use proptest::prelude::*;
use vesalius_kernels::*;

fn to_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn fused_convolutions_are_their_parts(
        batch in 1usize..3, ins in 1usize..12, outs in 1usize..12, stride in 1usize..3,
        size in [2usize..20, 2usize..9, 2usize..7], which in 0..4,
    ) {
        let shape = ConvShape {
            stride: [stride; 3],
            ..ConvShape::new(batch, [ins, outs], size, [3; 3]).padded_for_kernel()
        };
        let (input, weight) = (values(shape.input_len(), 1), values(shape.weight_len(), 2));
        let (bias, scale, slopes) = (values(outs, 3), values(outs, 4), values(outs, 5));
        let activation = match which {
            0 => Activation::Identity,
            1 => Activation::Relu,
            2 => Activation::LeakyRelu(0.01),
            _ => Activation::PRelu(&slopes),
        };
        let outputs = shape.output_len().unwrap();
        let voxels = outputs / (batch * outs);
        on_every_path(|path| {
            let mut plain = vec![0.0; outputs];
            conv3d_forward(&shape, &input, &weight, Some(&bias), &mut plain).unwrap();
            let activated = |value: f32, channel: usize| match activation {
                Activation::Identity => value,
                Activation::Relu => value.max(0.0),
                Activation::LeakyRelu(slope) => if value > 0.0 { value } else { value * slope },
                Activation::PRelu(s) => if value > 0.0 { value } else { value * s[channel] },
            };
            let expected: Vec<f64> = plain
                .iter()
                .enumerate()
                .map(|(index, &value)| f64::from(activated(value, index / voxels % outs)))
                .collect();
            let mut found = vec![f32::NAN; outputs];
            conv3d_activation(&shape, &input, &weight, Some(&bias), activation, &mut found).unwrap();
            assert_close(&found, &expected, &format!("activation on {path}"));

            let norm = NormOptions { weight: Some(&scale), bias: Some(&bias), epsilon: 1e-2, activation };
            let channels = ChannelShape { batch, channels: outs, voxels };
            let mut normal = vec![0.0; outputs];
            let (mut mean, mut deviation) = (vec![0.0; batch * outs], vec![0.0; batch * outs]);
            instance_norm_forward(&channels, &norm, &plain, &mut normal, &mut mean, &mut deviation).unwrap();
            conv3d_instance_norm(&shape, &input, &weight, Some(&bias), &norm, &mut found).unwrap();
            assert_close(&found, &to_f64(&normal), &format!("norm on {path}"));
        });
    }

    #[test]
    fn linear_operations_have_their_transpose_as_gradient(
        channels in 1usize..3, input in [1usize..9, 1usize..7, 1usize..6],
        output in [1usize..14, 1usize..9, 1usize..7], kernel in [1usize..4, 1usize..4, 1usize..4],
        stride in [1usize..4, 1usize..3, 1usize..3], width in [[0usize..3, 0usize..3], [0usize..3, 0usize..3], [0usize..3, 0usize..3]],
        which in 0usize..9,
    ) {
        let inputs = channels * input.iter().product::<usize>();
        let x = values(inputs, 1);
        let mut back = vec![f32::NAN; inputs];
        let (mut y, g);
        let resize = ResizeShape { channels, input, output };
        let kernel = [0, 1, 2].map(|axis| kernel[axis].min(input[axis]));
        let pool = PoolShape { channels, input, kernel, stride, padding: kernel.map(|kernel| kernel / 2) };
        let pad = PadShape { channels, input, width: [0, 1, 2].map(|axis| width[axis].map(|w| w.min(input[axis] - 1))) };
        match which {
            0..4 => {
                let how = [Resize::Nearest, Resize::NearestExact, Resize::Trilinear, Resize::TrilinearCorners][which];
                y = vec![f32::NAN; resize.lens().unwrap()[1]];
                g = values(y.len(), 2);
                resize3d_forward(&resize, how, &x, &mut y).unwrap();
                resize3d_backward(&resize, how, &g, &mut back).unwrap();
            }
            4 => {
                y = vec![f32::NAN; pool.output_len().unwrap()];
                g = values(y.len(), 2);
                avg_pool3d_forward(&pool, &x, &mut y).unwrap();
                avg_pool3d_backward(&pool, &g, &mut back).unwrap();
            }
            5 => {
                y = vec![f32::NAN; pool.output_len().unwrap()];
                g = values(y.len(), 2);
                let mut indices = vec![0; y.len()];
                max_pool3d_forward(&pool, &x, &mut y, Some(&mut indices)).unwrap();
                max_pool3d_backward(&pool, &indices, &g, &mut back).unwrap();
                let mut plain = vec![f32::NAN; y.len()];
                max_pool3d_forward(&pool, &x, &mut plain, None).unwrap();
                prop_assert_eq!(&plain, &y);
            }
            _ => {
                let mode = [PadFill::Constant(0.0), PadFill::Edge, PadFill::Reflect][which - 6];
                y = vec![f32::NAN; channels * pad.output().iter().product::<usize>()];
                g = values(y.len(), 2);
                pad3d_forward(&pad, mode, &x, &mut y).unwrap();
                pad3d_backward(&pad, mode, &g, &mut back).unwrap();
            }
        }
        let dot = |a: &[f32], b: &[f32]| -> (f64, f64) {
            let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
            (products.clone().sum(), products.map(f64::abs).sum())
        };
        let ((forward, size), (backward, _)) = (dot(&y, &g), dot(&x, &back));
        prop_assert!((forward - backward).abs() <= 1e-5 * size.max(1e-3), "{} {}", forward, backward);
    }
}
