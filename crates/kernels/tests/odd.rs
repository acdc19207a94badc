//! Sizes that are no multiple of anything, through every kernel on every path, against plain loops. The
//! names start with `odd_`, which is how Miri is given the tests that it can run (see CONTRIBUTING.md).

mod common;

use common::convolutions::{check, check_transposed};
use common::{assert_close, on_every_path, values};
use vesalius_kernels::*;

/// Along one axis; few where every access is checked by an interpreter.
const SIZES: &[usize] = if cfg!(miri) {
    &[1, 3, 17]
} else {
    &[1, 2, 3, 5, 7, 17]
};

/// Every size along x, with others along y and z.
fn grids() -> impl Iterator<Item = [usize; 3]> {
    let at = |index: usize| SIZES[index % SIZES.len()].min(7);
    SIZES
        .iter()
        .enumerate()
        .map(move |(index, &x)| [x, at(index + 1), at(2 * index)])
}

/// Kernel, stride and dilation along an axis.
const WINDOWS: &[[usize; 3]] = if cfg!(miri) {
    &[[3, 1, 1], [2, 3, 2]]
} else {
    &[
        [1, 1, 1],
        [3, 1, 1],
        [2, 2, 1],
        [3, 2, 2],
        [2, 1, 3],
        [5, 3, 1],
    ]
};

#[test]
fn odd_convolutions_are_their_sums() {
    for size in grids() {
        for (index, &[kernel, stride, dilation]) in WINDOWS.iter().enumerate() {
            // One channel, an odd number of them, and enough for Winograd's products.
            let channels = [[1, 1], [3, 5], [8, 9]][index % 3];
            let span = (kernel - 1) * dilation + 1;
            check(&ConvShape {
                stride: [stride, 1, stride],
                dilation: [dilation, dilation, 1],
                padding: [[span / 2, span.saturating_sub(1)]; 3],
                ..ConvShape::new(1, channels, size, [kernel, kernel.min(3), kernel.min(2)])
            });
        }
    }
}

#[test]
fn odd_transposed_convolutions_are_their_sums() {
    for size in grids() {
        for (index, &[kernel, stride, dilation]) in WINDOWS.iter().enumerate() {
            let channels = [[1, 1], [3, 5]][index % 2];
            let mut shape = ConvTransposeShape::new(1, channels, size, [kernel; 3], [1; 3]);
            shape.kernel = [kernel, kernel.min(3), kernel.min(2)];
            shape.stride = [stride, stride, 1];
            shape.dilation = [dilation, 1, dilation];
            check_transposed(&shape);
        }
    }
}

/// For every output of a pooling the inputs (within a channel) of its window.
fn windows(shape: &PoolShape) -> Vec<Vec<usize>> {
    let [ox, oy, oz] = shape.output().unwrap();
    let [x, y, z] = shape.input;
    let along = |axis: usize, out: usize| {
        let (padding, size) = (shape.padding[axis], shape.input[axis]);
        (0..shape.kernel[axis])
            .filter_map(move |tap| (out * shape.stride[axis] + tap).checked_sub(padding))
            .filter(move |&at| at < size)
    };
    let window = |out: usize| {
        let mut found = Vec::new();
        for z in along(2, out / (ox * oy)) {
            for y_at in along(1, out / ox % oy) {
                found.extend(along(0, out % ox).map(|x_at| (z * y + y_at) * x + x_at));
            }
        }
        found.retain(|&at| at < x * y * z);
        found
    };
    (0..ox * oy * oz).map(window).collect()
}

#[test]
fn odd_pools_are_maxima_and_means() {
    for input in grids() {
        for &[kernel, stride, _] in WINDOWS {
            let kernel = input.map(|size| kernel.min(size));
            let shape = PoolShape {
                channels: 3,
                input,
                kernel,
                stride: [stride, 1, stride],
                padding: kernel.map(|kernel| kernel / 2),
            };
            let (windows, voxels) = (windows(&shape), input.iter().product::<usize>());
            let x = values(shape.input_len(), 1);
            let g = values(3 * windows.len(), 2);
            let area = kernel.iter().product::<usize>() as f64;
            let (mut most, mut mean) = (Vec::new(), Vec::new());
            let (mut to_most, mut to_mean) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            for (out, gradient) in g.iter().copied().map(f64::from).enumerate() {
                let (channel, window) = (out / windows.len(), &windows[out % windows.len()]);
                let of = |at: usize| f64::from(x[channel * voxels + at]);
                // Values differ, so that there is one largest.
                let best = window
                    .iter()
                    .copied()
                    .max_by(|&a, &b| of(a).total_cmp(&of(b)));
                let best = best.unwrap();
                most.push(of(best));
                to_most[channel * voxels + best] += gradient;
                mean.push(window.iter().map(|&at| of(at)).sum::<f64>() / area);
                for at in window {
                    to_mean[channel * voxels + at] += gradient / area;
                }
            }
            on_every_path(|path| {
                let what = format!("{path} of {shape:?}");
                let mut found = vec![f32::NAN; g.len()];
                let mut back = vec![f32::NAN; x.len()];
                let mut indices = vec![0; g.len()];
                max_pool3d_forward(&shape, &x, &mut found, None).unwrap();
                assert_close(&found, &most, &what);
                max_pool3d_forward(&shape, &x, &mut found, Some(&mut indices)).unwrap();
                assert_close(&found, &most, &what);
                max_pool3d_backward(&shape, &indices, &g, &mut back).unwrap();
                assert_close(&back, &to_most, &what);
                avg_pool3d_forward(&shape, &x, &mut found).unwrap();
                assert_close(&found, &mean, &what);
                avg_pool3d_backward(&shape, &g, &mut back).unwrap();
                assert_close(&back, &to_mean, &what);
            });
        }
    }
}

/// The two neighbours of an output along an axis, and the upper one's share.
fn neighbours(how: Resize, out: usize, from: usize, to: usize) -> (usize, usize, f64) {
    let (ratio, last) = (from as f64 / to as f64, from - 1);
    let at = match how {
        Resize::Nearest | Resize::NearestExact => {
            // The ratio of two small whole numbers in single precision, as PyTorch has it.
            let half = if how == Resize::Nearest { 0.0 } else { 0.5 };
            let at = ((out as f32 + half) * (from as f32 / to as f32)) as usize;
            return (at.min(last), at.min(last), 0.0);
        }
        Resize::Trilinear => (ratio * (out as f64 + 0.5) - 0.5).max(0.0),
        Resize::TrilinearCorners if to == 1 => 0.0,
        Resize::TrilinearCorners => out as f64 * last as f64 / (to - 1) as f64,
    };
    let lower = (at as usize).min(last);
    (lower, (lower + 1).min(last), at - lower as f64)
}

#[test]
fn odd_resizes_weigh_their_neighbours() {
    let ways = [
        Resize::Nearest,
        Resize::NearestExact,
        Resize::Trilinear,
        Resize::TrilinearCorners,
    ];
    for (input, output) in grids().zip(grids().map(|[x, y, z]| [z, x, y])) {
        for how in ways {
            let shape = ResizeShape {
                channels: 1,
                input,
                output,
            };
            let [inputs, outputs] = shape.lens().unwrap();
            let (x, g) = (values(inputs, 1), values(outputs, 2));
            let (mut expected, mut to) = (vec![0.0; outputs], vec![0.0; inputs]);
            for out in 0..outputs {
                let place = [
                    out % output[0],
                    out / output[0] % output[1],
                    out / (output[0] * output[1]),
                ];
                let pairs: [_; 3] = std::array::from_fn(|axis| {
                    neighbours(how, place[axis], input[axis], output[axis])
                });
                for corner in 0..8usize {
                    let (mut at, mut share) = (0, 1.0);
                    for axis in (0..3).rev() {
                        let (lower, upper, part) = pairs[axis];
                        let high = corner >> axis & 1 == 1;
                        at = at * input[axis] + if high { upper } else { lower };
                        share *= if high { part } else { 1.0 - part };
                    }
                    expected[out] += share * f64::from(x[at]);
                    to[at] += share * f64::from(g[out]);
                }
            }
            on_every_path(|path| {
                let what = format!("{path} of {shape:?} {how:?}");
                let (mut found, mut back) = (vec![f32::NAN; outputs], vec![f32::NAN; inputs]);
                resize3d_forward(&shape, how, &x, &mut found).unwrap();
                assert_close(&found, &expected, &what);
                resize3d_backward(&shape, how, &g, &mut back).unwrap();
                assert_close(&back, &to, &what);
            });
        }
    }
}

#[test]
fn odd_pads_show_the_voxels_that_they_say() {
    for input in grids() {
        let width = input.map(|size| [2.min(size - 1), 1.min(size - 1)]);
        let shape = PadShape {
            channels: 1,
            input,
            width,
        };
        let x = values(input.iter().product(), 1);
        let [ox, oy, oz] = shape.output();
        let g = values(ox * oy * oz, 2);
        for fill in [PadFill::Constant(0.5), PadFill::Edge, PadFill::Reflect] {
            let source = |axis: usize, out: usize| {
                let (size, at) = (input[axis] as i64, out as i64 - width[axis][0] as i64);
                let inside = (0..size).contains(&at);
                let at = match fill {
                    PadFill::Constant(_) if !inside => return None,
                    PadFill::Reflect if at < 0 => -at,
                    PadFill::Reflect if at >= size => 2 * (size - 1) - at,
                    _ => at.clamp(0, size - 1),
                };
                Some(at as usize)
            };
            let (mut expected, mut to) = (vec![0.5; g.len()], vec![0.0; x.len()]);
            for out in 0..g.len() {
                let at = (|| {
                    let (y, z) = (source(1, out / ox % oy)?, source(2, out / (ox * oy))?);
                    Some((z * input[1] + y) * input[0] + source(0, out % ox)?)
                })();
                if let Some(at) = at {
                    expected[out] = f64::from(x[at]);
                    to[at] += f64::from(g[out]);
                }
            }
            on_every_path(|path| {
                let what = format!("{path} of {shape:?} {fill:?}");
                let (mut found, mut back) = (vec![f32::NAN; g.len()], vec![f32::NAN; x.len()]);
                pad3d_forward(&shape, fill, &x, &mut found).unwrap();
                assert_close(&found, &expected, &what);
                pad3d_backward(&shape, fill, &g, &mut back).unwrap();
                assert_close(&back, &to, &what);
            });
        }
    }
}

#[test]
fn odd_rows_are_taken_and_turned_over() {
    for &rows in SIZES {
        for &columns in SIZES {
            let x = values(2 * rows * columns, 1);
            let mut turned = vec![f32::NAN; x.len()];
            transpose(2, rows, columns, &x, &mut turned).unwrap();
            let take: Vec<u32> = (0..rows as u32).rev().chain([NO_ROW]).collect();
            let mut taken = vec![f32::NAN; 2 * take.len() * columns];
            take_rows(2, rows, columns, &take, &x, &mut taken).unwrap();
            for (index, &value) in x.iter().enumerate() {
                let (sample, row) = (index / (rows * columns), index / columns % rows);
                let column = index % columns;
                assert_eq!(turned[(sample * columns + column) * rows + row], value);
                let row = sample * take.len() + rows - 1 - row;
                assert_eq!(taken[row * columns + column], value);
            }
            let last = &taken[taken.len() - columns..];
            assert!(last.iter().all(|&value| value == 0.0));
        }
    }
}

#[test]
fn odd_lengths_are_normalised_and_activated_to_the_end() {
    for &voxels in SIZES {
        let shape = ChannelShape {
            batch: 1,
            channels: 3,
            voxels,
        };
        let x = values(3 * voxels, 1);
        let double: Vec<f64> = x.iter().map(|&value| f64::from(value)).collect();
        let normal = |run: &[f64], epsilon: f64| -> Vec<f64> {
            let mean = run.iter().sum::<f64>() / run.len() as f64;
            let square = run.iter().map(|value| (value - mean).powi(2));
            let deviation = (square.sum::<f64>() / run.len() as f64 + epsilon).sqrt();
            run.iter().map(|value| (value - mean) / deviation).collect()
        };
        let each: Vec<f64> = double
            .chunks(voxels)
            .flat_map(|r| normal(r, 1e-2))
            .collect();
        let slopes = [0.5, 0.25, 0.125];
        let leaked: Vec<f64> = double
            .iter()
            .enumerate()
            .map(|(index, value)| value.max(0.0) + value.min(0.0) * slopes[index / voxels])
            .collect();
        let options = NormOptions {
            epsilon: 1e-2,
            ..NormOptions::default()
        };
        on_every_path(|path| {
            let mut found = vec![f32::NAN; x.len()];
            let (mut mean, mut scale) = (vec![f32::NAN; 3], vec![f32::NAN; 3]);
            instance_norm_forward(&shape, &options, &x, &mut found, &mut mean, &mut scale).unwrap();
            assert_close(
                &found,
                &each,
                &format!("instance norm of {voxels} on {path}"),
            );
            batch_norm_forward(&shape, &options, &x, &mut found, &mut mean, &mut scale).unwrap();
            assert_close(&found, &each, &format!("batch norm of {voxels} on {path}"));
            let rows = LayerNormOptions {
                length: voxels,
                affine: None,
                epsilon: 1e-2,
            };
            let mut moments = vec![[0.0; 2]; 3];
            layer_norm_forward(&rows, &x, &mut found, &mut moments).unwrap();
            assert_close(&found, &each, &format!("layer norm of {voxels} on {path}"));
            let single = slopes.map(|slope| slope as f32);
            prelu_forward(&shape, &x, &single, &mut found).unwrap();
            assert_close(&found, &leaked, &format!("PReLU of {voxels} on {path}"));
        });
    }
}

#[test]
fn odd_grids_are_sampled_between_their_voxels() {
    for input in grids() {
        let shape = SampleShape {
            batch: 1,
            channels: 1,
            input,
            output: [5, 3, 1],
        };
        let x = values(input.iter().product(), 1);
        let grid: Vec<f32> = values(45, 2).iter().map(|place| 1.3 * place).collect();
        let options = SampleOptions {
            padding: SamplePadding::Border,
            align_corners: true,
            ..SampleOptions::default()
        };
        let expected: Vec<f64> = grid
            .chunks(3)
            .map(|point| {
                let mut sum = 0.0;
                for corner in 0..8usize {
                    let (mut at, mut share) = (0, 1.0);
                    for axis in (0..3).rev() {
                        let last = input[axis] - 1;
                        let place = (f64::from(point[axis]) + 1.0) / 2.0 * last as f64;
                        let place = place.clamp(0.0, last as f64);
                        let (lower, part) = (place as usize, place.fract());
                        let high = corner >> axis & 1 == 1;
                        at = at * input[axis] + if high { (lower + 1).min(last) } else { lower };
                        share *= if high { part } else { 1.0 - part };
                    }
                    sum += share * f64::from(x[at]);
                }
                sum
            })
            .collect();
        let mut found = vec![f32::NAN; 15];
        grid_sample3d_forward(&shape, &options, &x, &grid, &mut found).unwrap();
        assert_close(&found, &expected, &format!("{input:?}"));
    }
}
