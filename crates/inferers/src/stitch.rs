//! Blending windows into slices: sums and weights of only as many slices as windows still touch.

use crate::windows::{Start, WindowGrid};
use rayon::prelude::*;
use std::ops::Range;
use vesalius_tensor::zeros;

/// One slice (along z) of the network's blended output.
#[derive(Debug)]
pub struct OutputSlice<'a> {
    /// Its number.
    pub z: usize,
    /// The requested rows; others are absent.
    pub rows: Range<usize>,
    /// `[channel][y][x]`.
    pub values: &'a mut [f32],
}

/// Sums over windows, a ring of slices; each slice holds its channels and then its weights.
pub(crate) struct Stitcher<'a> {
    grid: &'a WindowGrid,
    weights: &'a [f32],
    rows: Range<usize>,
    channels: usize,
    /// Whether sums are kept as 16-bit floats hold them, as nnU-Net's are.
    half: bool,
    /// What a channel holds where no window was.
    background: Vec<f32>,
    sums: Vec<f32>,
    slots: usize,
    next: usize,
}

/// A window's output and where it goes.
struct Part<'v> {
    values: &'v [f32],
    /// Its voxels along x, and where they begin in the image.
    along: Range<usize>,
    x: usize,
    /// Its first row that is wanted, in the window and in the sums, and how many are.
    row_in_window: usize,
    row_in_sums: usize,
    rows: usize,
    /// Its slices, and where they begin in the image.
    slices: Range<usize>,
    first: usize,
}

impl<'a> Stitcher<'a> {
    /// `slots` slices must be enough for all windows between two calls of [`Stitcher::finish`].
    pub fn new(
        grid: &'a WindowGrid,
        weights: &'a [f32],
        rows: Range<usize>,
        background: Vec<f32>,
        slots: usize,
        half: bool,
    ) -> Self {
        let channels = background.len();
        let slots = slots.min(grid.size[2]).max(1);
        let slice = (channels + 1) * rows.len() * grid.size[0];
        Self {
            grid,
            weights,
            channels,
            half,
            background,
            sums: zeros(slots * slice),
            slots,
            rows,
            next: 0,
        }
    }

    /// Adds the outputs of a batch of windows, `[window][channel][z][y][x]`. A slice takes what all windows
    /// have for it at once, while it is near.
    pub fn add(&mut self, starts: &[Start], values: &[f32]) {
        let each = values.len() / starts.len().max(1);
        let windows: Vec<Part> = starts
            .iter()
            .zip(values.chunks_exact(each.max(1)))
            .filter_map(|(&start, values)| self.part(start, values))
            .collect();
        let (channels, slots) = (self.channels, self.slots);
        let (weights, half) = (self.weights, self.half);
        let [wx, wy, wz] = self.grid.window;
        let (nx, plane) = (self.grid.size[0], self.rows.len() * self.grid.size[0]);
        let add_slice = |(slot, sums): (usize, &mut [f32])| {
            let (outputs, total) = sums.split_at_mut(channels * plane);
            for window in &windows {
                // The one slice of this window that is kept in this slot, if any.
                let ahead = (slot + slots - window.first % slots) % slots;
                if ahead >= window.slices.len() {
                    continue;
                }
                let k = window.slices.start + ahead;
                for j in 0..window.rows {
                    let from = (k * wy + window.row_in_window + j) * wx;
                    let to = (window.row_in_sums + j) * nx + window.x;
                    let to = to..to + window.along.len();
                    let weight = &weights[from..][window.along.clone()];
                    for (channel, output) in outputs.chunks_exact_mut(plane).enumerate() {
                        let patch = &window.values[channel * wx * wy * wz + from..];
                        let patch = &patch[window.along.clone()];
                        add_weighted(&mut output[to.clone()], patch, weight, half);
                    }
                    add(&mut total[to], weight, half);
                }
            }
        };
        self.sums
            .par_chunks_mut((channels + 1) * plane)
            .enumerate()
            .for_each(add_slice);
    }

    /// The part of a window within the image and the requested rows, if any.
    fn part<'v>(&self, start: Start, values: &'v [f32]) -> Option<Part<'v>> {
        let (along, x) = self.grid.inside(start, 0);
        let (slices, first) = self.grid.inside(start, 2);
        let (in_window, y0) = self.grid.inside(start, 1);
        let kept = y0.max(self.rows.start)..(y0 + in_window.len()).min(self.rows.end);
        if kept.is_empty() || slices.is_empty() {
            return None;
        }
        Some(Part {
            values,
            along,
            x,
            row_in_window: in_window.start + kept.start - y0,
            row_in_sums: kept.start - self.rows.start,
            rows: kept.len(),
            slices,
            first,
        })
    }

    /// Passes on all slices before `until`, which no later window touches.
    ///
    /// # Errors
    /// Whatever `consume` gives.
    pub fn finish<E>(
        &mut self,
        until: usize,
        mut consume: impl FnMut(OutputSlice) -> Result<(), E>,
    ) -> Result<(), E> {
        let plane = self.rows.len() * self.grid.size[0];
        let outputs = self.channels * plane;
        while self.next < until {
            // As many as are adjacent in the ring.
            let slot = self.next % self.slots;
            let count = (until - self.next).min(self.slots - slot);
            let slice = outputs + plane;
            let done = &mut self.sums[slot * slice..][..count * slice];
            let (background, half) = (&self.background, self.half);
            done.par_chunks_mut(slice).for_each(|sums| {
                let (outputs, total) = sums.split_at_mut(outputs);
                for (output, &background) in outputs.chunks_exact_mut(plane).zip(background) {
                    divide(output, total, background, half);
                }
            });
            for sums in done.chunks_exact_mut(slice) {
                consume(OutputSlice {
                    z: self.next,
                    rows: self.rows.clone(),
                    values: &mut sums[..outputs],
                })?;
                self.next += 1;
            }
            done.par_chunks_mut(slice).for_each(|sums| sums.fill(0.0));
        }
        Ok(())
    }
}

fn add_weighted(sums: &mut [f32], values: &[f32], weights: &[f32], half: bool) {
    let voxels = sums.iter_mut().zip(values).zip(weights);
    match half {
        true => voxels.for_each(|((sum, v), w)| *sum = to_half(*sum + v * w)),
        false => voxels.for_each(|((sum, v), w)| *sum += v * w),
    }
}

fn add(sums: &mut [f32], weights: &[f32], half: bool) {
    let voxels = sums.iter_mut().zip(weights);
    match half {
        true => voxels.for_each(|(sum, w)| *sum = to_half(*sum + w)),
        false => voxels.for_each(|(sum, w)| *sum += w),
    }
}

fn divide(sums: &mut [f32], totals: &[f32], background: f32, half: bool) {
    for (sum, &total) in sums.iter_mut().zip(totals) {
        let mean = *sum / total;
        let mean = if half { to_half(mean) } else { mean };
        *sum = if total > 0.0 { mean } else { background };
    }
}

/// The nearest 16-bit float, ties to even, of a value within their range.
pub(crate) fn to_half(value: f32) -> f32 {
    /// Adding and taking away this rounds to multiples of 2⁻²⁴, the spacing of the smallest.
    const SMALL: f32 = 0.75;
    let bits = value.to_bits();
    let rounded = f32::from_bits((bits + 0xfff + (bits >> 13 & 1)) & !0x1fff);
    if value.abs() < 6.103_515_6e-5 {
        ((value.abs() + SMALL) - SMALL).copysign(value)
    } else {
        rounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_to_even() {
        let step = 2f32.powi(-10);
        assert_eq!(to_half(1.0 + step), 1.0 + step);
        assert_eq!(to_half(1.0 + 0.5 * step), 1.0);
        assert_eq!(to_half(1.0 + 1.5 * step), 1.0 + 2.0 * step);
        assert_eq!(to_half(-3.000_1), -3.0);
        assert_eq!(to_half(2f32.powi(-24) * 2.4), 2f32.powi(-23));
        assert_eq!(to_half(-2f32.powi(-24) * 1.5), -2f32.powi(-23));
        assert_eq!(to_half(0.0), 0.0);
    }
}
