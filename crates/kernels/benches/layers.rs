//! The layers of volumetric networks, under the names that the benches of PyTorch and MONAI use, and the peak of the
//! processor: `RAYON_NUM_THREADS=2 cargo bench -p vesalius-kernels`. Outputs are allocated before timing starts.
//! With `SIMD_LEVEL=avx2` or `portable` in the environment the layers use those instructions.

use std::hint::black_box;
use std::time::Instant;

use divan::Bencher;
use divan::counter::ItemsCount;
use vesalius_kernels::*;

fn main() {
    let threads = rayon::current_num_threads();
    println!("{threads} threads, {}: ", SimdLevel::best().name());
    println!(
        "peak of multiply-adds: {:.1} GFLOP/s (items below are floating-point operations)",
        peak(threads)
    );
    match std::env::var("SIMD_LEVEL").as_deref() {
        Ok("avx2") => with_simd_level(SimdLevel::named("avx2").unwrap(), divan::main),
        Ok("portable") => with_simd_level(SimdLevel::portable(), divan::main),
        _ => divan::main(),
    }
}

/// The best of a few runs of independent multiply-adds on all threads, in 10⁹ operations a second.
fn peak(threads: usize) -> f64 {
    const ROUNDS: usize = 2_000_000;
    let once = || {
        let start = Instant::now();
        rayon::broadcast(|_| black_box(multiply_adds(ROUNDS)));
        (threads * ROUNDS * SUMS * WIDTH * 2) as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..10).map(|_| once()).fold(0.0, f64::max)
}

const SUMS: usize = 10;
const WIDTH: usize = if cfg!(target_arch = "x86_64") { 16 } else { 4 };

fn multiply_adds(rounds: usize) -> f32 {
    #[inline(always)]
    fn body(rounds: usize) -> f32 {
        let (factor, addend) = (black_box(0.999f32), black_box(0.001f32));
        let mut sums = [[1.0f32; WIDTH]; SUMS];
        for _ in 0..rounds {
            for sum in sums.as_flattened_mut() {
                *sum = sum.mul_add(factor, addend);
            }
        }
        sums.as_flattened().iter().sum()
    }
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,fma")]
        fn avx512(rounds: usize) -> f32 {
            body(rounds)
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(rounds: usize) -> f32 {
            body(rounds)
        }
        match SimdLevel::best().name() {
            // SAFETY: the path is only made for a processor that has it.
            "avx512" => return unsafe { avx512(rounds) },
            // SAFETY: as above.
            "avx2" => return unsafe { avx2(rounds) },
            _ => {}
        }
    }
    body(rounds)
}

fn ramp(count: usize) -> Vec<f32> {
    (0..count)
        .map(|index| (index % 101) as f32 / 50.0 - 1.0)
        .collect()
}

const SHAPES: [[usize; 3]; 6] = [
    [1, 32, 64],
    [16, 32, 64],
    [32, 32, 64],
    [64, 64, 32],
    [128, 128, 16],
    [256, 256, 8],
];

fn conv([ins, outs, size]: [usize; 3]) -> (ConvShape, usize) {
    let shape = ConvShape::new(1, [ins, outs], [size; 3], [3; 3]).padded_for_kernel();
    (shape, 2 * 27 * ins * outs * size.pow(3))
}

#[divan::bench(args = SHAPES, sample_count = 20)]
fn conv3d_forward(bencher: Bencher, case: [usize; 3]) {
    let (shape, operations) = conv(case);
    let (input, weight) = (ramp(shape.input_len()), ramp(shape.weight_len()));
    let mut output = ramp(shape.output_len().unwrap());
    bencher
        .counter(ItemsCount::new(operations))
        .bench_local(|| {
            vesalius_kernels::conv3d_forward(&shape, &input, &weight, None, &mut output).unwrap();
        });
}

#[divan::bench(args = SHAPES, sample_count = 20)]
fn conv3d_train(bencher: Bencher, case: [usize; 3]) {
    let (shape, operations) = conv(case);
    let (input, weight) = (ramp(shape.input_len()), ramp(shape.weight_len()));
    let mut output = ramp(shape.output_len().unwrap());
    let gradient = output.clone();
    let (mut back, mut weights) = (input.clone(), weight.clone());
    let mut bias = vec![0.0; shape.out_channels];
    bencher
        .counter(ItemsCount::new(3 * operations))
        .bench_local(|| {
            vesalius_kernels::conv3d_forward(&shape, &input, &weight, None, &mut output).unwrap();
            conv3d_backward_input(&shape, &gradient, &weight, &mut back).unwrap();
            conv3d_backward_weight(&shape, &input, &gradient, &mut weights, Some(&mut bias))
                .unwrap();
        });
}

#[divan::bench(args = [2, 3], sample_count = 20)]
fn conv_transpose3d_forward_32_16_64(bencher: Bencher, kernel: usize) {
    let mut shape = ConvTransposeShape::new(1, [32, 16], [64; 3], [kernel; 3], [2; 3]);
    if kernel == 3 {
        (shape.padding, shape.output_padding) = ([1; 3], [1; 3]);
    }
    let (input, weight) = (ramp(shape.input_len()), ramp(shape.weight_len()));
    let mut output = ramp(shape.output_len().unwrap());
    bencher.bench_local(|| {
        conv_transpose3d_forward(&shape, &input, &weight, None, &mut output).unwrap();
    });
}

/// 32 channels of 64³.
const CHANNELS: usize = 32;
const VOXELS: usize = 64 * 64 * 64;

#[divan::bench(sample_count = 20)]
fn instance_norm_32_64(bencher: Bencher) {
    let shape = ChannelShape {
        batch: 1,
        channels: CHANNELS,
        voxels: VOXELS,
    };
    let (input, mut output) = (ramp(CHANNELS * VOXELS), ramp(CHANNELS * VOXELS));
    let affine = ramp(CHANNELS);
    let options = NormOptions {
        weight: Some(&affine),
        bias: Some(&affine),
        ..NormOptions::default()
    };
    let [mut mean, mut reciprocal] = [[0.0; CHANNELS]; 2];
    bencher.bench_local(|| {
        instance_norm_forward(
            &shape,
            &options,
            &input,
            &mut output,
            &mut mean,
            &mut reciprocal,
        )
        .unwrap();
    });
}

#[divan::bench(sample_count = 20)]
fn leaky_relu_32_64(bencher: Bencher) {
    let (input, mut output) = (ramp(CHANNELS * VOXELS), ramp(CHANNELS * VOXELS));
    bencher.bench_local(|| leaky_relu_forward(&input, 0.01, &mut output).unwrap());
}

#[divan::bench(sample_count = 20)]
fn max_pool3d_32_64(bencher: Bencher) {
    let shape = PoolShape::new(CHANNELS, [64; 3], [2; 3]);
    let (input, mut output) = (ramp(shape.input_len()), ramp(shape.output_len().unwrap()));
    bencher.bench_local(|| max_pool3d_forward(&shape, &input, &mut output, None).unwrap());
}

#[divan::bench(sample_count = 20)]
fn upsample_trilinear_32_64(bencher: Bencher) {
    let shape = ResizeShape {
        channels: CHANNELS,
        input: [64; 3],
        output: [128; 3],
    };
    let [inputs, outputs] = shape.lens().unwrap();
    let (input, mut output) = (ramp(inputs), ramp(outputs));
    bencher.bench_local(|| {
        resize3d_forward(&shape, Resize::Trilinear, &input, &mut output).unwrap();
    });
}
