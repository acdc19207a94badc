//! Contrast-limited adaptive histogram equalisation as scikit-image does it: 14-bit grey levels,
//! tiles of a fixed number of voxels over an image that is mirrored at its borders.

use crate::scalar::Real;
use crate::smooth::range;
use crate::work::Work;
use crate::{Error, Result, buffer};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::Volume;

/// Grey levels that everything is rounded to.
const LEVELS: usize = 1 << 14;

/// Options of [`clahe_scikit_image`], with scikit-image's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScikitImageClaheOptions {
    /// Voxels of a tile along `[x, y, z]` (`kernel_size`); `None` is an eighth of the image.
    pub tile: Option<[usize; 3]>,
    /// The share of a tile's voxels that a bin may hold; 0 does not limit contrast.
    pub clip_limit: f64,
    /// Bins of a tile's histogram, 2 to 16,384 (`nbins`).
    pub bins: usize,
}

impl Default for ScikitImageClaheOptions {
    fn default() -> Self {
        Self {
            tile: None,
            clip_limit: 0.01,
            bins: 256,
        }
    }
}

/// Equalises contrast locally as `skimage.exposure.equalize_adapthist` 0.26 does for an image that
/// was first brought to the range from 0 to 1; the result has that range. Channels are processed separately.
///
/// [`crate::clahe`] does the same without rounding to grey levels and keeps the image's range.
///
/// # Errors
/// [`Error::BadOption`] for a tile without voxels or of more than twice the image's, a number of bins out of range, or a clip limit
/// that is negative or no number.
///
/// ```
/// use vesalius_filters::{ScikitImageClaheOptions, clahe_scikit_image};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([16, 16, 8], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, _, _]| if x < 8 { 100.0_f32 } else { 110.0 } + (x % 2) as f32);
/// let result = clahe_scikit_image(&image, &ScikitImageClaheOptions::default())?;
/// let (low, high) = result.data().iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
/// assert_eq!((low, high), (0.0, 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn clahe_scikit_image<R: Real>(
    input: &Volume<R>,
    options: &ScikitImageClaheOptions,
) -> Result<Volume<R>> {
    equalised(input, options, &Work::unwatched())
}

/// As [`clahe_scikit_image`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`clahe_scikit_image`]; [`Error::Cancelled`].
pub fn clahe_scikit_image_with<R: Real>(
    input: &Volume<R>,
    options: &ScikitImageClaheOptions,
    control: &Control,
) -> Result<Volume<R>> {
    // The range, the bins, the histograms, the levels, their range and the new values.
    let voxels = 6 * input.data().len();
    equalised(input, options, &Work::new(control, "voxels", voxels))
}

fn equalised<R: Real>(
    input: &Volume<R>,
    options: &ScikitImageClaheOptions,
    work: &Work,
) -> Result<Volume<R>> {
    let size = input.geometry().size();
    let tile = options.tile.unwrap_or(size.map(|n| (n / 8).max(1)));
    let fits = |axis: usize| (1..=size[axis].saturating_mul(2).max(2)).contains(&tile[axis]);
    let limited = options.clip_limit.is_finite() && options.clip_limit >= 0.0;
    if !((0..3).all(fits) && (2..=LEVELS).contains(&options.bins) && limited) {
        return Err(Error::option(
            "CLAHE",
            "options",
            options,
            "tiles of 1 voxel to twice the image, 2 to 16384 bins and a clip limit of 0 or more",
        ));
    }
    let mut out = buffer::filled(R::ZERO, input.data().len());
    if out.is_empty() {
        work.finish()?;
        return Ok(input.clone());
    }
    let voxels = input.geometry().voxel_count();
    for (channel, out) in out.chunks_mut(voxels).enumerate() {
        let tiles = Tiles::new(size, tile, options.bins);
        let bins = tiles.bins(input.channel(channel), work);
        let curves = tiles.curves(&bins, options.clip_limit, work);
        let levels = tiles.mapped(&bins, &curves, work);
        let (mut least, mut most) = (u16::MAX, 0);
        work.read(&levels, |part| {
            most = part.iter().fold(most, |most, &level| most.max(level));
            least = part.iter().fold(least, |least, &level| least.min(level));
        });
        work.check()?;
        let span = f64::from(most.max(least + 1) - least);
        work.write(out, |start, part| {
            for (out, level) in part.iter_mut().zip(&levels[start..]) {
                *out = R::from_f64(f64::from(level - least) / span);
            }
        });
    }
    work.finish()?;
    Ok(Volume::new(*input.geometry(), input.channels(), out)?)
}

/// How an image is cut into tiles. A grid of whole tiles starts at the first voxel and continues
/// beyond the last one where they do not fit.
struct Tiles {
    size: [usize; 3],
    tile: [usize; 3],
    /// Tiles along each axis.
    count: [usize; 3],
    bins: usize,
}

impl Tiles {
    fn new(size: [usize; 3], tile: [usize; 3], bins: usize) -> Self {
        let count = std::array::from_fn(|a| size[a].div_ceil(tile[a]));
        Self {
            size,
            tile,
            count,
            bins,
        }
    }

    /// The bin of each voxel: the range to 16 bits, to 14 bits, to bins, as scikit-image rounds; counts the voxels
    /// twice.
    fn bins<R: Real>(&self, values: &[R], work: &Work) -> Vec<u16> {
        let (low, high) = range(values, work);
        let span = if high > low { high - low } else { 1.0 };
        let width = 1 + LEVELS / self.bins;
        let bin = |value: &R| {
            let sixteen = ((value.to_f64() - low) / span * 65535.0).round_ties_even();
            let level = (sixteen / 65535.0 * (LEVELS - 1) as f64).round_ties_even();
            (level.clamp(0.0, (LEVELS - 1) as f64) as usize / width) as u16
        };
        let mut bins = buffer::filled(0, values.len());
        work.write(&mut bins, |start, part| {
            for (to, value) in part.iter_mut().zip(&values[start..]) {
                *to = bin(value);
            }
        });
        bins
    }

    /// Each tile's curve from bin to grey level, tile after tile, x fastest; counts the voxels of the image.
    fn curves(&self, bins: &[u16], clip_limit: f64, work: &Work) -> Vec<u16> {
        let voxels: usize = self.tile.iter().product();
        let limit = match clip_limit > 0.0 {
            true => ((clip_limit * voxels as f64) as usize).max(1),
            false => voxels,
        };
        let mut curves = vec![0u16; self.count.iter().product::<usize>() * self.bins];
        curves
            .par_chunks_mut(self.bins)
            .enumerate()
            .for_each(|(number, curve)| {
                let [nx, ny, _] = self.count;
                let at = [number % nx, number / nx % ny, number / (nx * ny)];
                let mut counts = vec![0; self.bins];
                let lines = [0, 1, 2].map(|a| self.mirrored(a, at[a] * self.tile[a]));
                // Voxels beyond the image are not among those that are counted.
                let inside = |a: usize| self.tile[a].min(self.size[a] - at[a] * self.tile[a]);
                for (k, &z) in lines[2].iter().enumerate() {
                    let counted = if k < inside(2) {
                        inside(0) * inside(1)
                    } else {
                        0
                    };
                    work.part(counted, || {
                        for &y in &lines[1] {
                            let row = (z * self.size[1] + y) * self.size[0];
                            let row = &bins[row..][..self.size[0]];
                            lines[0].iter().for_each(|&x| counts[row[x] as usize] += 1);
                        }
                    });
                }
                if !work.goes_on() {
                    return;
                }
                clip(&mut counts, limit);
                let share = (LEVELS - 1) as f64 / voxels as f64;
                let mut sum = 0usize;
                for (level, count) in curve.iter_mut().zip(counts) {
                    sum += count;
                    *level = (sum as f64 * share).min((LEVELS - 1) as f64) as u16;
                }
            });
        curves
    }

    /// The voxels of a tile along an axis, mirrored about the border voxels where it reaches outside.
    fn mirrored(&self, axis: usize, first: usize) -> Vec<usize> {
        let last = self.size[axis] - 1;
        let fold = |at: usize| match last {
            0 => 0,
            last => {
                let at = at % (2 * last);
                at.min(2 * last - at)
            }
        };
        (first..first + self.tile[axis]).map(fold).collect()
    }

    /// The grey level of each voxel: the curves of the eight tiles around it, mixed by distance; counts the voxels.
    fn mapped(&self, bins: &[u16], curves: &[u16], work: &Work) -> Vec<u16> {
        // Between which tiles a voxel lies, and how far it is from the first of them.
        let place = |axis: usize, i: usize| -> ([usize; 2], f64) {
            let (tile, last) = (self.tile[axis], self.count[axis] - 1);
            let at = i + tile / 2;
            let (after, share) = (at / tile, (at % tile) as f64 / tile as f64);
            ([after.saturating_sub(1).min(last), after.min(last)], share)
        };
        let xs: Vec<_> = (0..self.size[0]).map(|x| place(0, x)).collect();
        let mut levels = vec![0u16; bins.len()];
        levels
            .par_chunks_mut(self.size[0])
            .zip(bins.par_chunks(self.size[0]))
            .enumerate()
            .for_each(|(line, (levels, bins))| {
                if !work.goes_on() {
                    return;
                }
                work.advance(bins.len());
                let y = place(1, line % self.size[1]);
                let z = place(2, line / self.size[1]);
                for ((level, &bin), &x) in levels.iter_mut().zip(bins).zip(&xs) {
                    let mut sum = 0.0f32;
                    for corner in 0..8 {
                        let [i, j, k] = [corner & 1, corner >> 1 & 1, corner >> 2];
                        let weight = part(x.1, i) * part(y.1, j) * part(z.1, k);
                        let tile = (z.0[k] * self.count[1] + y.0[j]) * self.count[0] + x.0[i];
                        let mapped = curves[tile * self.bins + bin as usize];
                        // The sum is rounded as scikit-image rounds it, to the last digit.
                        sum += (f64::from(mapped) * weight) as f32;
                    }
                    *level = sum as u16;
                }
            });
        levels
    }
}

fn part(share: f64, side: usize) -> f64 {
    match side {
        0 => 1.0 - share,
        _ => share,
    }
}

/// Cuts counts off at a limit and distributes the excess, in whole voxels.
fn clip(counts: &mut [usize], limit: usize) {
    let mut excess: usize = counts.iter().map(|&c| c.saturating_sub(limit)).sum();
    let share = excess / counts.len();
    for count in counts.iter_mut() {
        let before = (*count).min(limit);
        // A bin that its share brings near the limit is filled up to it.
        *count = match before + share {
            more if more + share < limit => more,
            _ => limit,
        };
        excess = excess.saturating_sub(*count - before);
    }
    // The rest goes one by one to bins spread over the histogram, while any is below the limit.
    while excess > 0 {
        let before = excess;
        for first in 0..counts.len() {
            let open = counts.iter().filter(|&&c| c < limit).count();
            let step = (open / excess).max(1);
            let mut given = 0;
            for count in counts.iter_mut().skip(first).step_by(step) {
                if *count < limit {
                    *count += 1;
                    given += 1;
                }
            }
            excess = excess.saturating_sub(given);
            if excess == 0 {
                break;
            }
        }
        if excess == before {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn nothing_that_is_cut_off_is_lost_while_there_is_room() {
        let mut counts = vec![0, 50, 3, 9, 0, 0, 1, 0];
        clip(&mut counts, 10);
        assert!(counts.iter().sum::<usize>() >= 63);
        assert!(counts.iter().all(|&c| c <= 10));
        let mut full = vec![9, 30];
        clip(&mut full, 10);
        assert_eq!(full, [10, 10]);
    }

    #[test]
    fn the_result_reaches_from_0_to_1_and_odd_options_are_refused() {
        let grid = Geometry::axis_aligned([9, 7, 1], [1.0; 3]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, _]| (x * y) as f32 - 20.0);
        let options = ScikitImageClaheOptions {
            tile: Some([5, 4, 1]),
            ..Default::default()
        };
        let out = clahe_scikit_image(&image, &options).unwrap();
        let (low, high) = range(out.data(), &Work::unwatched());
        assert_eq!((low, high), (0.0, 1.0));
        let flat = Volume::filled(grid, 3.0f32);
        let out = clahe_scikit_image(&flat, &Default::default()).unwrap();
        assert!(out.data().iter().all(|&v| v == 0.0));
        for (tile, clip_limit, bins) in [([0, 1, 1], 0.1, 9), ([1; 3], -0.1, 9), ([1; 3], 0.1, 1)] {
            let options = ScikitImageClaheOptions {
                tile: Some(tile),
                clip_limit,
                bins,
            };
            assert!(clahe_scikit_image(&image, &options).is_err());
        }
    }
}
