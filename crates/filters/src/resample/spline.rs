//! Cubic B-spline coefficients of an image: the recursive prefilter, axis by axis.
//!
//! Formulas: M. Unser, "Splines: a perfect fit for signal and image processing", 1999; the border
//! of a signal continued with its last value is another geometric series.

use crate::buffer;
use crate::lines::{along_x, along_z};
use crate::scalar::Real;
use crate::simd::vectorised;
use crate::work::Work;

/// The pole of the cubic B-spline.
const POLE: f64 = -0.267_949_192_431_122_7; // √3 - 2
/// Terms of the starting sum: `POLE` to this power is below 1e-16.
const HORIZON: usize = 28;
/// Coefficients kept beyond each border, so that taps are contiguous.
pub(crate) const MARGIN: usize = 2;

/// How the image is continued beyond its borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Border {
    /// Mirrored about the border voxels' centres (ITK, scipy's `mirror` and `constant`).
    Mirror,
    /// The border voxel, repeated (scipy's `nearest`, with its padding of 12 taken to the limit).
    Edge,
}

/// The coefficients of one channel, with [`MARGIN`] more on each side of each axis, and that size. Stops where the work
/// is cancelled, and counts nothing.
pub(crate) fn coefficients<R: Real>(
    source: &[R],
    size: [usize; 3],
    border: Border,
    work: &Work,
) -> (Vec<R>, [usize; 3]) {
    coefficients_along(source, size, border, [true; 3], work)
}

/// As [`coefficients`], filtered along the marked axes only; the others only get a margin.
pub(crate) fn coefficients_along<R: Real>(
    source: &[R],
    size: [usize; 3],
    border: Border,
    axes: [bool; 3],
    work: &Work,
) -> (Vec<R>, [usize; 3]) {
    use rayon::prelude::*;
    let padded = size.map(|n| n + 2 * MARGIN);
    let [px, py, _] = padded;
    let mut out = buffer::filled(R::ZERO, padded.iter().product());
    let inner = MARGIN * px * py..(size[2] + MARGIN) * px * py;
    let filter = |axis: usize| {
        move |block: &mut [R], width: usize| filter_block(block, width, border, axes[axis])
    };
    let slices = &mut out[inner];
    slices
        .par_chunks_mut(px * py)
        .zip(source.par_chunks(size[0] * size[1]))
        .for_each(|(slice, source)| {
            if !work.goes_on() {
                return;
            }
            let rows = &mut slice[MARGIN * px..(size[1] + MARGIN) * px];
            for (row, source) in rows.chunks_mut(px).zip(source.chunks(size[0])) {
                row[MARGIN..MARGIN + size[0]].copy_from_slice(source);
            }
            along_x(rows, px, &filter(0));
            filter(1)(slice, px);
        });
    along_z(&mut out, padded, filter(2), work);
    (out, padded)
}

/// Turns a block whose inner lines are samples into coefficients, margins included.
fn filter_block<R: Real>(block: &mut [R], width: usize, border: Border, filtered: bool) {
    let length = block.len() / width - 2 * MARGIN;
    if length > 1 && filtered {
        match border {
            Border::Mirror => mirrored(block, width, length),
            Border::Edge => continued(block, width, length),
        }
    } else {
        repeat_border(block, width, length);
    }
}

/// Fills the margins with the border lines.
fn repeat_border<R: Real>(block: &mut [R], width: usize, length: usize) {
    let last = MARGIN + length - 1;
    for k in 0..MARGIN {
        block.copy_within(MARGIN * width..(MARGIN + 1) * width, k * width);
        block.copy_within(last * width..(last + 1) * width, (last + 1 + k) * width);
    }
}

vectorised! {
    /// `later = gain·later + pole·earlier`, lane by lane.
    fn forward<R: Real>(samples: &mut [R], width: usize, gain: R, pole: R) {
        for k in 1..samples.len() / width {
            let (before, rest) = samples.split_at_mut(k * width);
            let before = &before[(k - 1) * width..];
            for (value, &before) in rest[..width].iter_mut().zip(before) {
                *value = gain * *value + pole * before;
            }
        }
    }
}

vectorised! {
    /// `earlier = pole·(later - earlier)`, lane by lane, from the end.
    fn backward<R: Real>(samples: &mut [R], width: usize, pole: R) {
        for k in (1..samples.len() / width).rev() {
            let (rest, after) = samples.split_at_mut(k * width);
            let after = &after[..width];
            for (value, &after) in rest[(k - 1) * width..].iter_mut().zip(after) {
                *value = pole * (after - *value);
            }
        }
    }
}

fn mirrored<R: Real>(block: &mut [R], width: usize, length: usize) {
    let (gain, pole) = (R::from_f64(6.0), R::from_f64(POLE));
    let samples = &mut block[MARGIN * width..(MARGIN + length) * width];
    for lane in 0..width {
        let mut sum = R::ZERO;
        let mut power = 1.0;
        for k in 0..HORIZON {
            let period = 2 * (length - 1);
            let folded = k % period;
            let at = folded.min(period - folded);
            sum += samples[at * width + lane] * R::from_f64(power);
            power *= POLE;
        }
        // Lines are processed by lane here, and the first line is rewritten only after its last use.
        samples[lane] = gain * sum;
    }
    forward(samples, width, gain, pole);
    let ends = R::from_f64(POLE / (POLE * POLE - 1.0));
    for lane in 0..width {
        let (last, before) = (
            samples[(length - 1) * width + lane],
            samples[(length - 2) * width + lane],
        );
        samples[(length - 1) * width + lane] = ends * (last + pole * before);
    }
    backward(samples, width, pole);
    for k in 1..=MARGIN {
        let folded = |k: usize| {
            let k = k % (2 * (length - 1));
            k.min(2 * (length - 1) - k)
        };
        let (low, high) = (folded(k), length - 1 - folded(k));
        let at = |line: usize| (MARGIN + line) * width..(MARGIN + line + 1) * width;
        block.copy_within(at(low), (MARGIN - k) * width);
        block.copy_within(at(high), (MARGIN + length - 1 + k) * width);
    }
}

fn continued<R: Real>(block: &mut [R], width: usize, length: usize) {
    let (gain, pole) = (R::from_f64(6.0), R::from_f64(POLE));
    let settled = R::from_f64(6.0 / (1.0 - POLE));
    let (low, rest) = block.split_at_mut(MARGIN * width);
    let (samples, high) = rest.split_at_mut(length * width);
    // Both ends as the recursion settles on a constant: y∞ = 6·s/(1 - pole).
    let first: Vec<R> = samples[..width].iter().map(|&s| settled * s).collect();
    let last: Vec<R> = samples[(length - 1) * width..]
        .iter()
        .map(|&s| settled * s)
        .collect();
    for (value, &settled) in samples[..width].iter_mut().zip(&first) {
        *value = gain * *value + pole * settled;
    }
    forward(samples, width, gain, pole);
    let constant = R::from_f64(-POLE / (1.0 - POLE));
    let decaying = R::from_f64(-POLE / (1.0 - POLE * POLE));
    for lane in 0..width {
        let mut excess = samples[(length - 1) * width + lane] - last[lane];
        let coefficient = |excess: R| constant * last[lane] + decaying * excess;
        samples[(length - 1) * width + lane] = coefficient(excess);
        for k in 0..MARGIN {
            excess = excess * pole;
            high[k * width + lane] = coefficient(excess);
        }
    }
    backward(samples, width, pole);
    for lane in 0..width {
        let mut next = samples[lane];
        for k in (0..MARGIN).rev() {
            next = pole * (next - first[lane]);
            low[k * width + lane] = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Coefficients mixed with the spline's values at whole numbers, 1/6, 4/6, 1/6, give the samples.
    #[test]
    fn coefficients_reproduce_the_samples() {
        for border in [Border::Mirror, Border::Edge] {
            for size in [[1, 1, 1], [2, 3, 1], [7, 2, 5], [19, 4, 33]] {
                let n: usize = size.iter().product();
                let source: Vec<f64> = (0..n).map(|i| ((i * 7919) % 101) as f64).collect();
                let (c, padded) = coefficients(&source, size, border, &Work::unwatched());
                let at = |x: usize, y: usize, z: usize| c[(z * padded[1] + y) * padded[0] + x];
                let weights = [1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0];
                for (i, expected) in source.iter().enumerate() {
                    let [x, y, z] = [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])];
                    let mut sum = 0.0;
                    for (k, wz) in weights.iter().enumerate() {
                        for (j, wy) in weights.iter().enumerate() {
                            for (l, wx) in weights.iter().enumerate() {
                                sum += at(x + 1 + l, y + 1 + j, z + 1 + k) * wx * wy * wz;
                            }
                        }
                    }
                    assert!((sum - expected).abs() < 1e-10, "{border:?} {size:?} {i}");
                }
            }
        }
    }
}
