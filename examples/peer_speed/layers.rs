//! Single layers on made numbers, through the layers of `vesalius::tensor` as a network uses them.

use crate::Case;
use burn::tensor::{Device, Distribution, Tensor};
use vesalius::tensor::{
    ActivationConfig, Conv3dConfig, ConvTranspose3dConfig, InstanceNormConfig, MaxPool3d,
    ResizeMode, Upsample,
};

/// Channels in, channels out, edge: the list of the Python script.
const SHAPES: [[usize; 3]; 6] = [
    [1, 32, 64],
    [16, 32, 64],
    [32, 32, 64],
    [64, 64, 32],
    [128, 128, 16],
    [256, 256, 8],
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [input, output, edge] in SHAPES {
        cases.push(case(
            format!("conv3d_forward_{input}_{output}_{edge}"),
            move || {
                let (device, x) = (Device::flex(), cube(input, edge));
                let conv = Conv3dConfig::same(input, output, [3; 3]).init(&device);
                Box::new(move || drop(conv.forward(x.clone())))
            },
        ));
    }
    for [input, output, edge] in SHAPES {
        cases.push(case(
            format!("conv3d_train_{input}_{output}_{edge}"),
            move || {
                let device = Device::flex().autodiff();
                let conv = Conv3dConfig::same(input, output, [3; 3]).init(&device);
                let x = cube(input, edge).autodiff().require_grad();
                Box::new(move || drop(conv.forward(x.clone()).mean().backward()))
            },
        ));
    }
    cases.push(transpose("k2s2", [2; 3], [0; 3], [0; 3]));
    cases.push(transpose("k3s2", [3; 3], [1; 3], [1; 3]));
    cases.push(on_cube("instance_norm_32_64", || {
        let config = InstanceNormConfig {
            affine: true,
            ..Default::default()
        };
        let norm = config.init(32, &Device::flex());
        Box::new(move |x| norm.forward(x))
    }));
    cases.push(on_cube("leaky_relu_32_64", || {
        let activation = ActivationConfig::LeakyRelu { slope: 0.01 }.init(&Device::flex());
        Box::new(move |x| activation.forward(x))
    }));
    cases.push(on_cube("max_pool3d_32_64", || {
        let pool = MaxPool3d::new([2; 3]);
        Box::new(move |x| pool.forward(x))
    }));
    cases.push(on_cube("upsample_trilinear_32_64", || {
        let upsample = Upsample {
            factor: [2; 3],
            interpolation: ResizeMode::Linear,
        };
        Box::new(move |x| upsample.forward(x))
    }));
    cases
}

fn cube(channels: usize, edge: usize) -> Tensor<5> {
    Tensor::random(
        [1, channels, edge, edge, edge],
        Distribution::Normal(0.0, 1.0),
        &Device::flex(),
    )
}

fn case(name: String, prepare: impl Fn() -> crate::Work + 'static) -> Case {
    Case {
        name,
        runs: 5,
        prepare: Box::new(move |_| Ok(prepare())),
    }
}

type Layer = Box<dyn Fn(Tensor<5>) -> Tensor<5>>;

fn on_cube(name: &str, layer: impl Fn() -> Layer + 'static) -> Case {
    case(name.to_owned(), move || {
        let (layer, x) = (layer(), cube(32, 64));
        Box::new(move || drop(layer(x.clone())))
    })
}

fn transpose(
    name: &str,
    kernel: [usize; 3],
    padding: [usize; 3],
    output_padding: [usize; 3],
) -> Case {
    on_cube(
        &format!("conv_transpose3d_forward_32_16_{name}_64"),
        move || {
            let config = ConvTranspose3dConfig {
                in_channels: 32,
                out_channels: 16,
                kernel,
                stride: [2; 3],
                padding,
                output_padding,
                ..Default::default()
            };
            let conv = config.init(&Device::flex());
            Box::new(move |x| conv.forward(x))
        },
    )
}
