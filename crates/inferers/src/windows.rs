//! All windows over one image: where they start, which part is inside, and their voxels.

use crate::rows::ImageRows;
use crate::{Error, Result, SlidingWindow, WindowOutside, WindowRule};
use rayon::prelude::*;
use std::ops::Range;
use vesalius_tensor::zeros;
use vesalius_volume::check_memory;

/// The windows over an image of `size` voxels, padded evenly where it is smaller than one.
#[derive(Debug, Clone)]
pub(crate) struct WindowGrid {
    /// Size of the image.
    pub size: [usize; 3],
    /// Size of a window.
    pub window: [usize; 3],
    /// Voxels of padding before the image.
    low: [usize; 3],
    starts: [Vec<usize>; 3],
    /// What is seen beyond the image.
    outside: WindowOutside,
}

/// A window: its first voxel along each axis, in the image's index, negative within the padding.
pub(crate) type Start = [i64; 3];

/// Windows are shorter than this along each axis, so that numbers of voxels do not overflow.
const TOO_LONG: usize = 1 << 16;

/// The length of a window: as wanted or more, so that the network can divide it. One that is too long is refused by
/// [`check_batch`].
pub(crate) fn divisible(wanted: usize, divisor: usize) -> usize {
    let divided = wanted.checked_next_multiple_of(divisor.max(1));
    divided.unwrap_or(TOO_LONG).min(TOO_LONG)
}

/// Checks that a batch of windows fits into memory.
///
/// # Errors
/// [`Error::BadValue`] for windows longer than any volume; [`vesalius_volume::Error::OutOfMemory`].
pub(crate) fn check_batch(grid: &WindowGrid, channels: usize, batch: usize) -> Result<()> {
    if grid.window.contains(&TOO_LONG) {
        return Err(Error::BadValue {
            key: "patch_size",
            found: format!("{:?} with what the network divides by", grid.window),
            expected: "less than 65536 voxels along each axis",
        });
    }
    let samples = batch.min(grid.count()).saturating_mul(channels);
    Ok(check_memory(
        "a batch of windows",
        grid.window,
        samples,
        size_of::<f32>(),
        None,
    )?)
}

impl WindowGrid {
    pub fn new(config: &SlidingWindow, size: [usize; 3], divisor: [usize; 3]) -> Self {
        let window: [usize; 3] = std::array::from_fn(|a| {
            let wanted = usize::try_from(config.patch_size[a]).unwrap_or(size[a]);
            divisible(wanted, if config.grow { divisor[a] } else { 1 })
        });
        let padded: [usize; 3] = std::array::from_fn(|a| size[a].max(window[a]));
        let rule: WindowRule = config.rule;
        let overlap = config.axis_overlap.unwrap_or([config.overlap; 3]);
        Self {
            size,
            window,
            low: std::array::from_fn(|a| (padded[a] - size[a]) / 2),
            starts: std::array::from_fn(|a| rule.starts(padded[a], window[a], overlap[a])),
            outside: config.outside,
        }
    }

    /// Windows that start at these voxels of the image, and may reach beyond its end.
    pub fn from_starts(size: [usize; 3], window: [usize; 3], starts: [Vec<usize>; 3]) -> Self {
        Self {
            size,
            window,
            low: [0; 3],
            starts,
            outside: WindowOutside::default(),
        }
    }

    /// Checks that the image is long enough to be continued by itself.
    ///
    /// # Errors
    /// [`Error::BadValue`] for more missing voxels than there are to mirror or repeat.
    pub fn check_outside(&self) -> Result<()> {
        for axis in 0..3 {
            // The odd voxel is missing at the end.
            let missing = self.window[axis].saturating_sub(self.size[axis] + self.low[axis]);
            if missing > self.outside.most(self.size[axis]) {
                let (size, window) = (self.size, self.window);
                return Err(Error::BadValue {
                    key: "outside",
                    found: format!(
                        "{:?} of {size:?} voxels for windows of {window:?}",
                        self.outside
                    ),
                    expected: "`replicate` or a value for images that are much smaller than a window",
                });
            }
        }
        Ok(())
    }

    /// How many windows there are.
    pub fn count(&self) -> usize {
        self.starts.iter().map(Vec::len).product()
    }

    /// How many windows touch some of the image's rows.
    pub fn count_touching(&self, rows: &Range<usize>) -> usize {
        self.touching(rows).count() * self.starts[0].len() * self.starts[2].len()
    }

    /// The windows that touch some of the image's rows (along y), z slowest and x fastest.
    pub fn list(&self, rows: &Range<usize>) -> Vec<Start> {
        let at = |axis: usize, start: usize| start as i64 - self.low[axis] as i64;
        let mut windows = Vec::with_capacity(self.count_touching(rows));
        for &z in &self.starts[2] {
            for y in self.touching(rows) {
                let start = |&x: &usize| [at(0, x), y, at(2, z)];
                windows.extend(self.starts[0].iter().map(start));
            }
        }
        windows
    }

    fn touching(&self, rows: &Range<usize>) -> impl Iterator<Item = i64> + '_ {
        let (first, last) = (rows.start as i64, rows.end as i64);
        let (low, height) = (self.low[1] as i64, self.window[1] as i64);
        self.starts[1]
            .iter()
            .map(move |&y| y as i64 - low)
            .filter(move |&y| y < last && y + height > first)
    }

    /// What of a window lies inside of the image along an axis, counted from the window's start, and
    /// where that begins in the image.
    pub fn inside(&self, start: Start, axis: usize) -> (Range<usize>, usize) {
        let first = start[axis].max(0);
        let end = (start[axis] + self.window[axis] as i64).min(self.size[axis] as i64);
        let from = (first - start[axis]) as usize;
        (from..from + (end - first).max(0) as usize, first as usize)
    }

    /// The voxels of some windows, `[N, C, Z, Y, X]`, continued outside of the image. `spare` is an unused buffer: it is
    /// filled where it has about the size, since the pages of a fresh one cost as much as the copy.
    ///
    /// # Errors
    /// Errors of reading rows of the image.
    pub fn cut(
        &self,
        image: &dyn ImageRows,
        windows: &[Start],
        spare: Vec<f32>,
    ) -> Result<Vec<f32>> {
        let [wx, wy, wz] = self.window;
        let channels = image.channels();
        let count = windows.len() * channels * wx * wy * wz;
        let mut values = match spare.len() {
            length if (count..=2 * count).contains(&length) => spare,
            _ => {
                drop(spare);
                zeros(count)
            }
        };
        values.truncate(count);
        let slices = values.par_chunks_mut(wx * wy).enumerate();
        slices.try_for_each(|(slice, target)| {
            let start = windows[slice / (channels * wz)];
            let (channel, z) = (slice / wz % channels, slice % wz);
            self.cut_slice(image, channel, (start, start[2] + z as i64), target)
        })?;
        Ok(values)
    }

    /// One slice of a window, the one at `z` of the image.
    fn cut_slice(
        &self,
        image: &dyn ImageRows,
        channel: usize,
        (start, z): (Start, i64),
        target: &mut [f32],
    ) -> Result<()> {
        let [wx, wy, _] = self.window;
        let [nx, ny, nz] = self.size;
        let (along, x) = self.inside(start, 0);
        let (rows, _) = self.inside(start, 1);
        let z = self.source(z, nz);
        let rows = match self.outside {
            WindowOutside::Value(value) => {
                if z.is_none() || along.len() * rows.len() < target.len() {
                    target.fill(value);
                }
                rows
            }
            _ => 0..wy,
        };
        let Some(z) = z else { return Ok(()) };
        for row in rows {
            let Some(y) = self.source(start[1] + row as i64, ny) else {
                continue;
            };
            let line = &mut target[row * wx..][..wx];
            image.row(channel, (z * ny + y) * nx + x, &mut line[along.clone()])?;
            // Only a window as long as the image reaches outside of it, so that all of the image's row is in it.
            for i in (0..along.start).chain(along.end..wx) {
                if let Some(from) = self.source(start[0] + i as i64, nx) {
                    line[i] = line[along.start + from - x];
                }
            }
        }
        Ok(())
    }

    /// The voxel of the image that stands for an index along an axis of `length` voxels.
    fn source(&self, index: i64, length: usize) -> Option<usize> {
        match usize::try_from(index) {
            Ok(index) if index < length => Some(index),
            _ => self.outside.source(index, length),
        }
    }

    /// The largest value of one channel in a window, as far as it lies inside of the image.
    ///
    /// # Errors
    /// Whatever reading rows of the image gives.
    pub fn largest(&self, image: &dyn ImageRows, channel: usize, start: Start) -> Result<f32> {
        let [nx, ny, _] = self.size;
        let (along, x) = self.inside(start, 0);
        let (rows, y0) = self.inside(start, 1);
        let (slices, z0) = self.inside(start, 2);
        let mut row = vec![0.0; along.len()];
        let mut largest = f32::NEG_INFINITY;
        for z in z0..z0 + slices.len() {
            for y in y0..y0 + rows.len() {
                image.row(channel, (z * ny + y) * nx + x, &mut row)?;
                largest = row.iter().copied().fold(largest, f32::max);
            }
        }
        Ok(largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, Volume};

    fn cut(outside: WindowOutside) -> Result<Vec<f32>> {
        let grid = Geometry::axis_aligned([3, 2, 1], [1.0; 3]).unwrap();
        let image = Volume::new(grid, 1, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let config = SlidingWindow {
            patch_size: [5, 3, 1],
            outside,
            ..SlidingWindow::default()
        };
        let windows = WindowGrid::new(&config, [3, 2, 1], [1; 3]);
        windows.check_outside()?;
        windows.cut(&image, &windows.list(&(0..2)), Vec::new())
    }

    /// `torch.nn.functional.pad` of PyTorch 2.15 of that image by 1 and 1 along x, and 0 and 1 along y.
    #[test]
    fn a_small_image_is_continued_as_torch_pads() {
        let rows = |outside| cut(outside).unwrap();
        let value = [
            7.0, 1.0, 2.0, 3.0, 7.0, 7.0, 4.0, 5.0, 6.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0,
        ];
        assert_eq!(rows(WindowOutside::Value(7.0)), value);
        let replicate = [
            1.0, 1.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 6.0, 6.0, 4.0, 4.0, 5.0, 6.0, 6.0,
        ];
        assert_eq!(rows(WindowOutside::Replicate), replicate);
        let reflect = [
            2.0, 1.0, 2.0, 3.0, 2.0, 5.0, 4.0, 5.0, 6.0, 5.0, 2.0, 1.0, 2.0, 3.0, 2.0,
        ];
        assert_eq!(rows(WindowOutside::Reflect), reflect);
        let circular = [
            3.0, 1.0, 2.0, 3.0, 1.0, 6.0, 4.0, 5.0, 6.0, 4.0, 3.0, 1.0, 2.0, 3.0, 1.0,
        ];
        assert_eq!(rows(WindowOutside::Circular), circular);
    }

    #[test]
    fn an_image_too_short_to_be_mirrored_is_refused() {
        let config = SlidingWindow {
            patch_size: [3, 9, 1],
            outside: WindowOutside::Reflect,
            ..SlidingWindow::default()
        };
        let windows = WindowGrid::new(&config, [3, 2, 1], [1; 3]);
        let refused = windows.check_outside().unwrap_err().to_string();
        assert!(refused.contains("replicate"), "{refused}");
    }
}
