//! Contrast-limited adaptive histogram equalisation, in three dimensions.
//!
//! K. Zuiderveld, "Contrast limited adaptive histogram equalization", 1994: each tile's clipped
//! histogram gives a curve, and each voxel interpolates between the curves of the tiles around it.

use crate::resample::kernel::{Kernel, Linear};
use crate::scalar::Real;
use crate::smooth::range;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Volume, check_memory};

/// Options of [`clahe`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClaheOptions {
    /// Number of tiles along `[x, y, z]`; fewer where there are fewer voxels.
    pub tiles: [usize; 3],
    /// A bin may hold at most this many times the mean of the bins; 1 keeps the contrast.
    pub clip_limit: f64,
    /// Bins of each tile's histogram.
    pub bins: usize,
}

impl Default for ClaheOptions {
    fn default() -> Self {
        Self {
            tiles: [8, 8, 4],
            clip_limit: 3.0,
            bins: 256,
        }
    }
}

/// Equalises contrast locally; the result has the range of the input. Channels are processed separately.
///
/// # Errors
/// [`Error::BadOption`] without tiles, for a number of bins out of range or a clip limit below 1; [`Error::Volume`] when
/// the machine has no room for the histograms of all tiles.
///
/// ```
/// use vesalius_filters::{ClaheOptions, clahe};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([16, 16, 8], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, _, _]| if x < 8 { 100.0_f32 } else { 110.0 } + (x % 2) as f32);
/// let result = clahe(&image, &ClaheOptions::default())?;
/// // The range is kept.
/// let (low, high) = result.data().iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
/// assert!(low >= 100.0 && high <= 111.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn clahe<R: Real>(input: &Volume<R>, options: &ClaheOptions) -> Result<Volume<R>> {
    equalised(input, options, &Work::unwatched())
}

/// As [`clahe`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`clahe`]; [`Error::Cancelled`].
pub fn clahe_with<R: Real>(
    input: &Volume<R>,
    options: &ClaheOptions,
    control: &Control,
) -> Result<Volume<R>> {
    // The range, the histograms, the new values.
    let voxels = 3 * input.data().len();
    equalised(input, options, &Work::new(control, "voxels", voxels))
}

fn equalised<R: Real>(input: &Volume<R>, options: &ClaheOptions, work: &Work) -> Result<Volume<R>> {
    if options.tiles.contains(&0)
        || !(2..=65_536).contains(&options.bins)
        || options.clip_limit.is_nan()
        || options.clip_limit < 1.0
    {
        return Err(Error::option(
            "CLAHE",
            "options",
            options,
            "at least 1 tile along each axis, 2 to 65536 bins and a clip limit of at least 1",
        ));
    }
    let size = input.geometry().size();
    let mut out = input.clone();
    for channel in 0..input.channels() {
        let (low, high) = range(input.channel(channel), work);
        work.check()?;
        if low < high {
            let tiles = std::array::from_fn(|a| options.tiles[a].min(size[a]));
            check_memory(
                "the histograms of the tiles",
                tiles,
                1,
                8 * options.bins,
                None,
            )?;
            let bins = Bins {
                low,
                scale: (options.bins - 1) as f64 / (high - low),
            };
            let curves = curves(input.channel(channel), size, tiles, options, bins, work);
            let curves = Curves {
                tiles,
                curves,
                count: options.bins,
                bins,
                span: high - low,
            };
            apply(out.channel_mut(channel), size, &curves, work);
        }
    }
    work.finish()?;
    Ok(out)
}

/// From a value to its place among the bins.
#[derive(Clone, Copy)]
struct Bins {
    low: f64,
    scale: f64,
}

impl Bins {
    fn place(&self, value: f64) -> f64 {
        (value - self.low) * self.scale
    }
}

/// The curves of all tiles, and what they map.
struct Curves {
    tiles: [usize; 3],
    /// Tile after tile, x fastest.
    curves: Vec<f64>,
    /// Bins of each.
    count: usize,
    bins: Bins,
    /// From the smallest to the largest value.
    span: f64,
}

/// Each tile's curve from bin to a share of the range, tile after tile, x fastest; counts the voxels.
fn curves<R: Real>(
    values: &[R],
    size: [usize; 3],
    tiles: [usize; 3],
    options: &ClaheOptions,
    bins: Bins,
    work: &Work,
) -> Vec<f64> {
    let edge = |axis: usize, tile: usize| tile * size[axis] / tiles[axis];
    let mut curves = vec![0.0; tiles.iter().product::<usize>() * options.bins];
    curves
        .par_chunks_mut(options.bins)
        .enumerate()
        .for_each(|(tile, curve)| {
            let at = [
                tile % tiles[0],
                tile / tiles[0] % tiles[1],
                tile / (tiles[0] * tiles[1]),
            ];
            let span = |axis: usize| edge(axis, at[axis])..edge(axis, at[axis] + 1);
            for z in span(2) {
                work.part(span(0).len() * span(1).len(), || {
                    for y in span(1) {
                        for value in &values[(z * size[1] + y) * size[0]..][span(0)] {
                            curve[bins.place(value.to_f64()).round() as usize] += 1.0;
                        }
                    }
                });
            }
            if work.goes_on() {
                equalise(curve, options.clip_limit);
            }
        });
    curves
}

/// Turns counts into a curve that rises from 0 to 1, no faster than the limit allows.
fn equalise(counts: &mut [f64], clip_limit: f64) {
    let total: f64 = counts.iter().sum();
    let bins = counts.len() as f64;
    let limit = clip_limit * total / bins;
    // The excess is distributed over all bins; the level that keeps the sum is found by bisection.
    let (mut low, mut high) = (0.0, limit);
    for _ in 0..60 {
        let level = 0.5 * (low + high);
        let sum: f64 = counts.iter().map(|&c| (c + level).min(limit)).sum();
        if sum < total {
            low = level
        } else {
            high = level
        }
    }
    let mut sum = 0.0;
    for count in counts.iter_mut() {
        let share = (*count + high).min(limit);
        // The middle of a bin maps to the middle of its share, so that a flat histogram maps to
        // itself.
        *count = (sum + 0.5 * share) / total;
        sum += share;
    }
    let (first, last) = (counts[0], counts[counts.len() - 1]);
    counts
        .iter_mut()
        .for_each(|c| *c = (*c - first) / (last - first));
}

/// The new value of each voxel; counts the voxels.
fn apply<R: Real>(values: &mut [R], size: [usize; 3], by: &Curves, work: &Work) {
    let (tiles, bins) = (by.tiles, by.bins);
    // Where a voxel lies among the tiles' centres, and the two curves around it.
    let place = |axis: usize, i: usize| -> ([usize; 2], [f64; 2]) {
        let at = (i as f64 + 0.5) * tiles[axis] as f64 / size[axis] as f64 - 0.5;
        let (first, weights) = Linear::weights(at);
        let tile = |k: i64| k.clamp(0, tiles[axis] as i64 - 1) as usize;
        ([tile(first), tile(first + 1)], weights)
    };
    let xs: Vec<_> = (0..size[0]).map(|x| place(0, x)).collect();
    values
        .par_chunks_mut(size[0])
        .enumerate()
        .for_each(|(line, row)| {
            if !work.goes_on() {
                return;
            }
            work.advance(size[0]);
            let (y, z) = (place(1, line % size[1]), place(2, line / size[1]));
            for (value, x) in row.iter_mut().zip(&xs) {
                let (bin, weights) = Linear::weights(bins.place(value.to_f64()));
                let bin = (bin.max(0) as usize).min(by.count - 2);
                let above = if bins.place(value.to_f64()) >= (by.count - 1) as f64 {
                    1.0
                } else {
                    weights[1]
                };
                let mut sum = 0.0;
                for corner in 0..8usize {
                    let [i, j, k] = [corner & 1, corner >> 1 & 1, corner >> 2];
                    let weight = x.1[i] * y.1[j] * z.1[k];
                    let tile = (z.0[k] * tiles[1] + y.0[j]) * tiles[0] + x.0[i];
                    let curve = &by.curves[tile * by.count..][..by.count];
                    sum += weight * (curve[bin] * (1.0 - above) + curve[bin + 1] * above);
                }
                *value = R::from_f64(bins.low + sum * by.span);
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn a_limit_of_one_changes_nothing_and_more_widens_contrast() {
        let grid = Geometry::axis_aligned([32, 24, 6], [1.0; 3]).unwrap();
        let v = Volume::from_fn(grid, |[x, y, z]| {
            // Low contrast everywhere but for two voxels that set the range.
            match [x, y, z] {
                [0, 0, 0] => 0.0f64,
                [31, 23, 5] => 1000.0,
                _ => 450.0 + ((x * 7 + y * 13 + z * 5) % 100) as f64,
            }
        });
        let options = ClaheOptions {
            tiles: [2, 2, 1],
            clip_limit: 1.0,
            bins: 128,
        };
        let same = clahe(&v, &options).unwrap();
        let apart = same.data().iter().zip(v.data()).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-6);
        let wider = clahe(
            &v,
            &ClaheOptions {
                clip_limit: 4.0,
                ..options
            },
        )
        .unwrap();
        let spread = |v: &Volume<f64>| {
            let inner = &v.data()[1..v.data().len() - 1];
            let (low, high) = range(inner, &Work::unwatched());
            high - low
        };
        assert!(spread(&wider) > 3.0 * spread(&v) && spread(&wider) < 4.5 * spread(&v));
        let (low, high) = range(wider.data(), &Work::unwatched());
        assert!(low.abs() < 1e-9 && (high - 1000.0).abs() < 1e-9);
        assert!(
            clahe(
                &v,
                &ClaheOptions {
                    clip_limit: 0.5,
                    ..options
                }
            )
            .is_err()
        );
    }
}
