//! References in f64, as slow and plain as they can be, and random values.
#![allow(dead_code)]

pub mod convolutions;

use rand::{RngExt, SeedableRng};
use vesalius_kernels::{ConvShape, SimdLevel, with_simd_level};

/// `count` values in −1…1 that depend on `seed` only.
pub fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
}

/// Runs `compute` on every path of this processor.
pub fn on_every_path(mut compute: impl FnMut(&str)) {
    for path in SimdLevel::available() {
        with_simd_level(path, || compute(path.name()));
    }
}

/// Fails unless every value is within `1e-5` of the largest (at least 1e-30) of the expected ones.
#[track_caller]
pub fn assert_close(found: &[f32], expected: &[f64], what: &str) {
    assert_close_of(found, expected, 0.0, what);
}

/// The same where each value is the rest of terms as large as `terms` that cancel: single precision
/// keeps the terms to seven digits, not the rest.
#[allow(dead_code)]
pub fn assert_close_of(found: &[f32], expected: &[f64], terms: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let largest = expected
        .iter()
        .fold(terms.max(1e-30), |largest, value| largest.max(value.abs()));
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs() / largest;
        assert!(
            error <= 1e-5,
            "{what}: [{index}] is {found}, expected {expected} (of {largest})"
        );
    }
}

/// Calls `visit(output index, input index, weight index, output channel)` for every product that a
/// convolution sums.
pub fn conv_products(shape: &ConvShape, mut visit: impl FnMut(usize, usize, usize, usize)) {
    let output = shape.output().unwrap();
    let [ix, iy, iz] = shape.input;
    let [ox, oy, oz] = output;
    let [kx, ky, kz] = shape.kernel;
    let (ins, outs) = (
        shape.in_channels / shape.groups,
        shape.out_channels / shape.groups,
    );
    let at = |axis: usize, out: usize, tap: usize| {
        (out * shape.stride[axis] + tap * shape.dilation[axis])
            .checked_sub(shape.padding[axis][0])
            .filter(|&place| place < shape.input[axis])
    };
    for sample in 0..shape.batch {
        for channel in 0..shape.out_channels {
            for z in 0..oz {
                for y in 0..oy {
                    for x in 0..ox {
                        let to =
                            (((sample * shape.out_channels + channel) * oz + z) * oy + y) * ox + x;
                        for input in 0..ins {
                            let from = sample * shape.in_channels + channel / outs * ins + input;
                            for tap_z in 0..kz {
                                let Some(z) = at(2, z, tap_z) else { continue };
                                for tap_y in 0..ky {
                                    let Some(y) = at(1, y, tap_y) else { continue };
                                    for tap_x in 0..kx {
                                        let Some(x) = at(0, x, tap_x) else { continue };
                                        let tap = (tap_z * ky + tap_y) * kx + tap_x;
                                        let weight = (channel * ins + input) * kx * ky * kz + tap;
                                        visit(
                                            to,
                                            ((from * iz + z) * iy + y) * ix + x,
                                            weight,
                                            channel,
                                        );
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
