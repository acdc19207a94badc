//! The memory that a segmentation takes, predicted before it starts, and how it stays under a limit: the output's
//! rows are made in stripes, whose windows overlap, so that some run twice.

use crate::windows::WindowGrid;
use crate::{ByteSize, Error, MemoryPlan, ModelDescription, Result, SlidingWindow, Spilled, Turn};
use std::ops::Range;
use vesalius_filters::LinearParts;

/// Windows may run this often on average.
const MOST_REPEATS: f64 = 1.5;
/// What the program itself takes.
pub(crate) const PROGRAM: u64 = 48 << 20;

/// All that the peak depends on.
pub(crate) struct Footprint<'a> {
    pub windows: &'a SlidingWindow,
    pub divisor: [usize; 3],
    /// Size of the image at the network's input, and its channels.
    pub size: [usize; 3],
    pub image_channels: usize,
    pub channels: usize,
    /// Folds whose logits are summed one after another, as 16-bit floats.
    pub folds: usize,
    /// Whether the output is resampled whole, which leaves no stripes.
    pub whole: bool,
    /// From the network's grid to the result's.
    pub parts: &'a LinearParts,
    /// Bytes of the image at the network's input, which a scratch file may hold instead.
    pub image: u64,
    /// Bytes while the image is prepared, before anything else is there.
    pub preparing: u64,
    /// Bytes of probabilities that are kept and of labels, which scratch files may hold instead.
    pub probabilities: u64,
    pub labels: u64,
    /// Whether labels must be in memory at the end, for postprocessing.
    pub labels_needed: bool,
    /// Bytes of postprocessing, once the network is done.
    pub postprocessing: u64,
    /// Bytes of what else is in memory, such as other models' results.
    pub beside: u64,
    /// Bytes of weights and of one window's activations.
    pub weights: u64,
    pub activations: u64,
}

impl Footprint<'_> {
    /// The fewest stripes that stay under the limit.
    ///
    /// # Errors
    /// [`Error::Memory`] with the smallest limit that works.
    pub fn plan(&self, limit: Option<u64>) -> Result<MemoryPlan> {
        let grid = self.windows.grid(self.size, self.divisor);
        let rows = self.parts.target_size()[1];
        let unlimited = self.with(&grid, 1, 8, Spilled::default());
        let Some(limit) = limit else {
            return Ok(unlimited);
        };
        let mut smallest = unlimited.peak;
        for spilled in self.levels() {
            for stripes in 1..=if self.whole { 1 } else { rows.max(1) } {
                let mut plans = [8, 4, 1].map(|slab| self.with(&grid, stripes, slab, spilled));
                if plans[0].windows as f64 > MOST_REPEATS * grid.count() as f64 {
                    break;
                }
                smallest = plans.iter().map(|plan| plan.peak).fold(smallest, u64::min);
                plans.sort_by_key(|plan| std::cmp::Reverse(plan.slab));
                if let Some(plan) = plans.into_iter().find(|plan| plan.peak <= limit) {
                    return Ok(plan);
                }
            }
        }
        Err(self.too_little(limit, smallest))
    }

    /// The scratch files that save memory.
    fn levels(&self) -> impl Iterator<Item = Spilled> + '_ {
        Spilled::LEVELS.into_iter().filter(|spilled| {
            let saves = spilled.image || !spilled.probabilities || self.probabilities > 0;
            let may = !spilled.labels || !self.labels_needed;
            saves && may
        })
    }

    fn too_little(&self, allowed: u64, smallest: u64) -> Error {
        Error::Memory {
            allowed: ByteSize(allowed),
            // Rounded up, so that what is printed works.
            smallest: ByteSize(smallest.saturating_add((32 << 20) - 1) >> 24 << 24),
        }
    }

    fn with(&self, grid: &WindowGrid, count: usize, slab: usize, spilled: Spilled) -> MemoryPlan {
        let [nx, rows, nz] = self.parts.target_size();
        let height = rows.div_ceil(count.max(1)).max(1);
        let stripes: Vec<Range<usize>> = (0..rows)
            .step_by(height)
            .map(|first| first..(first + height).min(rows))
            .collect();
        let mut windows = 0;
        let mut working = 0u64;
        for stripe in &stripes {
            let seen = match self.whole {
                true => 0..self.size[1],
                false => self.parts.seen(1, stripe.clone()),
            };
            windows += grid.count_touching(&seen);
            let plane = (seen.len() * self.size[0]) as u64;
            let slots = self.windows.slots(grid, &seen) as u64;
            let (channels, size) = (self.channels as u64, 4);
            let stitched = (channels + 1) * slots * plane * size;
            let slab = slab.min(nz) as u64;
            // Source slices that wait, and the slab they become.
            let waiting = match self.parts.is_identity() {
                true => channels * plane * size,
                // Both grids, and a channel of each in double precision.
                false if self.whole => {
                    let both = self.size.iter().product::<usize>() + nx * rows * nz;
                    (channels * size + 16) * both as u64
                }
                false => {
                    let kept = pending_slices(self.parts, slab as usize) as u64;
                    channels * size * (kept * plane + 2 * slab * (nx * stripe.len()) as u64)
                }
            };
            let summed = match self.folds {
                0 | 1 => 0,
                _ => channels * 2 * plane * self.size[2] as u64,
            };
            working = working.max(stitched + waiting + summed);
        }
        let window: usize = grid.window.iter().product();
        let samples = self.windows.batch_size.min(grid.count());
        let batch = (samples * window * 4) as u64;
        let through = batch * (self.image_channels + 2 * self.channels) as u64
            + self.activations * samples as u64;
        MemoryPlan {
            slab,
            windows,
            windows_unlimited: grid.count(),
            peak: PROGRAM
                + self.weights
                + self.beside
                + self.preparing.max(
                    unless(spilled.image, self.image)
                        + unless(spilled.probabilities, self.probabilities)
                        + unless(spilled.labels, self.labels)
                        + self.postprocessing
                        + through
                        + working
                        + (window * 4) as u64,
                ),
            // What is not kept needs no scratch file.
            spilled: Spilled {
                probabilities: spilled.probabilities && self.probabilities > 0,
                ..spilled
            },
            stripes,
            time: None,
        }
    }
}

fn unless(spilled: bool, bytes: u64) -> u64 {
    if spilled { 0 } else { bytes }
}

/// The most slices of the source that a slab of target slices needs.
pub(crate) fn pending_slices(parts: &LinearParts, slab: usize) -> usize {
    let [_, _, nz] = parts.target_size();
    let seen = |first: usize| parts.seen(2, first..(first + slab).min(nz)).len();
    (0..nz).map(seen).max().unwrap_or(1) + 1
}

/// Bytes that one window `[x, y, z]` of a volume takes in the network that a model describes.
pub(crate) fn activations(model: &ModelDescription, window: [usize; 3]) -> u64 {
    let turn = Turn {
        order: model.axis_order,
        dims: model.network.architecture().spatial_dims(),
    };
    let (samples, size) = turn.batch_of(1, window);
    // A network whose cost cannot be computed is user-defined.
    let costs = model.network.profile(size, samples);
    costs.map_or(0, |costs| costs.inference_memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_save_memory_until_windows_repeat_too_often() {
        let windows = SlidingWindow {
            patch_size: [32; 3],
            ..SlidingWindow::default()
        };
        let parts = LinearParts::nnunet([64, 256, 64], [64, 256, 64], None).unwrap();
        let footprint = Footprint {
            windows: &windows,
            divisor: [1; 3],
            size: [64, 256, 64],
            image_channels: 1,
            channels: 100,
            folds: 1,
            whole: false,
            parts: &parts,
            image: 0,
            preparing: 0,
            probabilities: 0,
            labels: 0,
            labels_needed: false,
            postprocessing: 0,
            beside: 0,
            weights: 0,
            activations: 0,
        };
        let free = footprint.plan(None).unwrap();
        assert_eq!(
            (free.stripes.len(), free.windows),
            (1, free.windows_unlimited)
        );
        let tight = footprint.plan(Some(free.peak * 2 / 3)).unwrap();
        assert!(tight.stripes.len() > 1 && tight.peak <= free.peak * 2 / 3);
        assert!(tight.windows as f64 <= 1.5 * free.windows as f64);
        let message = footprint.plan(Some(1_000_000)).unwrap_err().to_string();
        let named = message.rsplit("is ").next().unwrap().replace(' ', "");
        let smallest: ByteSize = named.parse().unwrap();
        assert!(footprint.plan(Some(smallest.0)).is_ok(), "{message}");
    }

    #[test]
    fn what_is_kept_goes_aside_before_windows_repeat() {
        let windows = SlidingWindow {
            patch_size: [32; 3],
            ..SlidingWindow::default()
        };
        let parts = LinearParts::nnunet([64; 3], [64; 3], None).unwrap();
        let mut footprint = Footprint {
            windows: &windows,
            divisor: [1; 3],
            size: [64; 3],
            image_channels: 1,
            channels: 2,
            folds: 1,
            whole: false,
            parts: &parts,
            image: 64 << 20,
            preparing: 0,
            probabilities: 800 << 20,
            labels: 100 << 20,
            labels_needed: false,
            postprocessing: 0,
            beside: 0,
            weights: 0,
            activations: 0,
        };
        let spilled =
            |footprint: &Footprint, limit: u64| footprint.plan(Some(limit << 20)).unwrap().spilled;
        assert_eq!(spilled(&footprint, 2000).to_string(), "");
        assert_eq!(spilled(&footprint, 300).to_string(), "probabilities");
        assert_eq!(
            spilled(&footprint, 170).to_string(),
            "image and probabilities"
        );
        assert_eq!(
            spilled(&footprint, 80).to_string(),
            "image and probabilities and labels"
        );
        footprint.labels_needed = true;
        assert!(footprint.plan(Some(80 << 20)).is_err());
    }
}
