//! The layers of volumetric networks with activations and weights in `f32` and in bfloat16, each layer's in turn:
//! `RAYON_NUM_THREADS=2 cargo bench -p vesalius-kernels --bench precisions [-- NAME …]`. Prints medians in milliseconds of
//! `f32`, of bfloat16 that is only stored (level `avx512` or below), and of bfloat16 at the best level; then the last
//! divided by the first, and the MiB of input and output. Outputs are allocated before timing starts.

use std::hint::black_box;
use std::time::Instant;

use vesalius_kernels::*;

/// Runs of each, in turn.
const RUNS: usize = 15;

fn main() {
    let best = SimdLevel::best();
    // Without instructions for bfloat16 it is only stored at the best level as well.
    let storage = SimdLevel::available()
        .into_iter()
        .find(|level| level.name() != "avx512bf16")
        .unwrap_or(best);
    println!(
        "{} threads, {}; milliseconds",
        rayon::current_num_threads(),
        best.name()
    );
    println!("layer\tf32\tbf16 stored\tbf16\tratio\tMiB f32\tMiB bf16");
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    for (name, layer) in layers() {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let mut single = layer.prepare::<f32>();
        let mut half = layer.prepare::<bf16>();
        let mut times = [const { Vec::new() }; 3];
        // The first round fills caches and is not counted.
        for round in 0..=RUNS {
            let took = [
                time(best, &mut single.1),
                time(storage, &mut half.1),
                time(best, &mut half.1),
            ];
            if round > 0 {
                times
                    .iter_mut()
                    .zip(took)
                    .for_each(|(all, took)| all.push(took));
            }
        }
        let [single_ms, stored_ms, half_ms] = times.map(median);
        println!(
            "{name}\t{single_ms:.2}\t{stored_ms:.2}\t{half_ms:.2}\t{:.2}\t{:.1}\t{:.1}",
            half_ms / single_ms,
            mebibytes(single.0),
            mebibytes(half.0)
        );
    }
}

fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn time(level: SimdLevel, run: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    with_simd_level(level, run);
    start.elapsed().as_secs_f64() * 1e3
}

fn ramp<E: Element>(count: usize) -> Vec<E> {
    (0..count)
        .map(|index| E::narrow((index % 101) as f32 / 50.0 - 1.0))
        .collect()
}

enum Layer {
    Conv(ConvShape),
    /// With an input in `f32`, whatever its output is stored as.
    First(ConvShape),
    /// With an output in `f32`, whatever its input is stored as.
    Head(ConvShape),
    ConvNorm(ConvShape),
    Transposed(ConvTransposeShape),
    InstanceNorm,
    LeakyRelu,
    Add,
    MaxPool,
    Upsample,
    Softmax,
}

/// 32 channels of 64³.
const CHANNELS: usize = 32;
const VOXELS: usize = 64 * 64 * 64;
const CHANNEL_SHAPE: ChannelShape = ChannelShape {
    batch: 1,
    channels: CHANNELS,
    voxels: VOXELS,
};

fn layers() -> Vec<(String, Layer)> {
    let conv = |[ins, outs, size]: [usize; 3], kernel: [usize; 3], stride: [usize; 3]| ConvShape {
        stride,
        ..ConvShape::new(1, [ins, outs], [size; 3], kernel).padded_for_kernel()
    };
    let mut layers = Vec::new();
    for case in [
        [16, 16, 64],
        [16, 32, 64],
        [32, 32, 64],
        [64, 64, 32],
        [128, 128, 16],
        [256, 256, 8],
        [320, 320, 4],
    ] {
        let [ins, outs, size] = case;
        let name = |kind: &str| format!("{kind}_{ins}_{outs}_{size}");
        layers.push((name("conv333"), Layer::Conv(conv(case, [3; 3], [1; 3]))));
        layers.push((name("conv133"), Layer::Conv(conv(case, [3, 3, 1], [1; 3]))));
        layers.push((name("conv111"), Layer::Conv(conv(case, [1; 3], [1; 3]))));
        layers.push((name("strided333"), Layer::Conv(conv(case, [3; 3], [2; 3]))));
        layers.push((
            name("conv333_norm"),
            Layer::ConvNorm(conv(case, [3; 3], [1; 3])),
        ));
    }
    let first = conv([1, 32, 64], [3; 3], [1; 3]);
    layers.push(("first333_1_32_64".into(), Layer::First(first)));
    let four = conv([4, 32, 64], [3; 3], [1; 3]);
    layers.push(("first333_4_32_64".into(), Layer::First(four)));
    layers.push((
        "head111_32_4_64".into(),
        Layer::Head(conv([32, 4, 64], [1; 3], [1; 3])),
    ));
    for [ins, outs, size] in [[32, 16, 64], [64, 32, 32], [128, 64, 16], [256, 128, 8]] {
        let mut shape = ConvTransposeShape::new(1, [ins, outs], [size; 3], [2; 3], [2; 3]);
        layers.push((
            format!("transposed_k2s2_{ins}_{outs}_{size}"),
            Layer::Transposed(shape),
        ));
        (shape.kernel, shape.padding, shape.output_padding) = ([3; 3], [1; 3], [1; 3]);
        layers.push((
            format!("transposed_k3s2_{ins}_{outs}_{size}"),
            Layer::Transposed(shape),
        ));
    }
    for (name, layer) in [
        ("instance_norm_32_64", Layer::InstanceNorm),
        ("leaky_relu_32_64", Layer::LeakyRelu),
        ("add_32_64", Layer::Add),
        ("max_pool_32_64", Layer::MaxPool),
        ("upsample_trilinear_32_64", Layer::Upsample),
        ("softmax_32_64", Layer::Softmax),
    ] {
        layers.push((name.into(), layer));
    }
    layers
}

/// Bytes of input and output, and one run.
type Prepared = (usize, Box<dyn FnMut()>);

impl Layer {
    fn prepare<E: Element>(&self) -> Prepared {
        match *self {
            Self::Conv(shape) => conv::<E, E>(shape, false),
            Self::First(shape) => conv::<f32, E>(shape, false),
            Self::Head(shape) => conv::<E, f32>(shape, false),
            Self::ConvNorm(shape) => conv::<E, E>(shape, true),
            Self::Transposed(shape) => {
                let weight = ramp::<E>(shape.weight_len());
                unary(
                    shape.input_len(),
                    shape.output_len().unwrap(),
                    move |input: &[E], output: &mut [E]| {
                        conv_transpose3d_forward(&shape, input, &weight, None, output).unwrap();
                    },
                )
            }
            Self::InstanceNorm => {
                let affine = ramp::<f32>(CHANNELS);
                let mut moments = [[0.0; CHANNELS]; 2];
                same(move |input: &[E], output: &mut [E]| {
                    let options = NormOptions {
                        weight: Some(&affine),
                        bias: Some(&affine),
                        ..NormOptions::default()
                    };
                    let [mean, scale] = &mut moments;
                    instance_norm_forward(&CHANNEL_SHAPE, &options, input, output, mean, scale)
                        .unwrap();
                })
            }
            Self::LeakyRelu => same(|input: &[E], output: &mut [E]| {
                leaky_relu_forward(input, 0.01, output).unwrap();
            }),
            Self::Add => same(|input: &[E], output: &mut [E]| {
                add_activation(&CHANNEL_SHAPE, input, Activation::Relu, output).unwrap();
            }),
            Self::MaxPool => {
                let shape = PoolShape::new(CHANNELS, [64; 3], [2; 3]);
                unary(
                    shape.input_len(),
                    shape.output_len().unwrap(),
                    move |input: &[E], output: &mut [E]| {
                        max_pool3d_forward(&shape, input, output, None).unwrap();
                    },
                )
            }
            Self::Upsample => {
                let shape = ResizeShape {
                    channels: CHANNELS,
                    input: [64; 3],
                    output: [128; 3],
                };
                let [inputs, outputs] = shape.lens().unwrap();
                unary(inputs, outputs, move |input: &[E], output: &mut [E]| {
                    resize3d_forward(&shape, Resize::Trilinear, input, output).unwrap();
                })
            }
            Self::Softmax => same(|input: &[E], output: &mut [E]| {
                softmax_channels(&CHANNEL_SHAPE, input, output).unwrap();
            }),
        }
    }
}

fn conv<I: Element, O: Element>(shape: ConvShape, norm: bool) -> Prepared {
    // Weights are stored as bfloat16 as soon as anything is.
    if I::NAME == "f32" && O::NAME == "f32" {
        conv_with::<I, f32, O>(shape, norm)
    } else {
        conv_with::<I, bf16, O>(shape, norm)
    }
}

fn conv_with<I: Element, W: Element, O: Element>(shape: ConvShape, norm: bool) -> Prepared {
    let weight = ramp::<W>(shape.weight_len());
    unary(
        shape.input_len(),
        shape.output_len().unwrap(),
        move |input: &[I], output: &mut [O]| {
            let leaky = Activation::LeakyRelu(0.01);
            let done = if norm {
                let options = NormOptions {
                    activation: leaky,
                    ..NormOptions::default()
                };
                conv3d_instance_norm(&shape, input, &weight, None, &options, output)
            } else {
                conv3d_activation(&shape, input, &weight, None, leaky, output)
            };
            done.unwrap();
        },
    )
}

fn same<E: Element>(run: impl FnMut(&[E], &mut [E]) + 'static) -> Prepared {
    unary(CHANNELS * VOXELS, CHANNELS * VOXELS, run)
}

fn unary<I: Element, O: Element>(
    inputs: usize,
    outputs: usize,
    mut run: impl FnMut(&[I], &mut [O]) + 'static,
) -> Prepared {
    let (input, mut output) = (ramp::<I>(inputs), zeros_of::<O>(outputs));
    let bytes = size_of_val(&input[..]) + size_of_val(&output[..]);
    let once = move || {
        run(black_box(&input), &mut output);
        black_box(&output);
    };
    (bytes, Box::new(once))
}
