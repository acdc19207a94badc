//! How much memory a segmentation takes, told before it starts, and how it stays under a limit: the
//! output's rows are made in stripes, whose windows overlap, so that some run twice.

use crate::windows::WindowGrid;
use crate::{Error, Result, SlidingWindow};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use vesalius_filters::LinearParts;
use vesalius_networks::NetworkConfig;

/// A number of bytes, written and read as `4GiB`, `512MiB`, `2GB` or a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 1 << 30 => write!(formatter, "{:.2} GiB", n as f64 / (1u64 << 30) as f64),
            n => write!(formatter, "{} MiB", n.div_ceil(1 << 20)),
        }
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "kb" => 1e3,
            "mb" => 1e6,
            "gb" => 1e9,
            "kib" | "k" => 1024.0,
            "mib" | "m" => 1024.0 * 1024.0,
            "gib" | "g" => 1024.0 * 1024.0 * 1024.0,
            _ => {
                return Err(format!(
                    "`{text}` is no amount of memory such as 4GiB or 512MB"
                ));
            }
        };
        match digits.trim().parse::<f64>() {
            Ok(number) if number > 0.0 && number.is_finite() => Ok(Self((number * unit) as u64)),
            _ => Err(format!(
                "`{text}` is no amount of memory such as 4GiB or 512MB"
            )),
        }
    }
}

/// What is known before a segmentation starts.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryPlan {
    /// Stretches of the result's rows that are made one after another.
    pub stripes: Vec<Range<usize>>,
    /// Slices of the result that are resampled and labelled at a time.
    pub slab: usize,
    /// Whether the image is laid aside in a scratch file while its windows are cut.
    pub scratch: bool,
    /// Windows that go through the network, repeats counted.
    pub windows: usize,
    /// Windows of a run without a limit.
    pub windows_unlimited: usize,
    /// Bytes at the peak, as predicted.
    pub peak: u64,
}

impl fmt::Display for MemoryPlan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = self.windows as f64 / self.windows_unlimited.max(1) as f64;
        write!(
            formatter,
            "{} windows ({times:.2}×), {} stripe(s) of rows, slabs of {} slices, {}about {}",
            self.windows,
            self.stripes.len(),
            self.slab,
            if self.scratch { "a scratch file, " } else { "" },
            Bytes(self.peak)
        )
    }
}

/// Windows may run this often on average.
const MOST_REPEATS: f64 = 1.5;
/// What the program itself takes.
const PROGRAM: u64 = 48 << 20;

/// All that the peak depends on.
pub(crate) struct Footprint<'a> {
    pub windows: &'a SlidingWindow,
    pub divisor: [usize; 3],
    /// Size of the image as the network sees it, and its channels.
    pub size: [usize; 3],
    pub image_channels: usize,
    pub channels: usize,
    /// From the network's grid to the result's.
    pub parts: &'a LinearParts,
    /// Bytes of the image as the network sees it, which a scratch file may hold instead.
    pub image: u64,
    /// Bytes while the image is prepared, before anything else is there.
    pub preparing: u64,
    /// Bytes that stay whatever is done: labels, probabilities.
    pub held: u64,
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
        let unlimited = self.with(&grid, 1, 8, false);
        let Some(limit) = limit else {
            return Ok(unlimited);
        };
        let mut smallest = unlimited.peak;
        for scratch in [false, true] {
            for stripes in 1..=rows.max(1) {
                let mut plans = [8, 4, 1].map(|slab| self.with(&grid, stripes, slab, scratch));
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

    fn too_little(&self, allowed: u64, smallest: u64) -> Error {
        Error::Memory {
            allowed: Bytes(allowed),
            // Rounded up, so that what is printed works.
            smallest: Bytes(smallest.next_multiple_of(16 << 20) + (16 << 20)),
        }
    }

    fn with(&self, grid: &WindowGrid, count: usize, slab: usize, scratch: bool) -> MemoryPlan {
        let [nx, rows, nz] = self.parts.target_size();
        let height = rows.div_ceil(count.max(1)).max(1);
        let stripes: Vec<Range<usize>> = (0..rows)
            .step_by(height)
            .map(|first| first..(first + height).min(rows))
            .collect();
        let mut windows = 0;
        let mut working = 0u64;
        for stripe in &stripes {
            let seen = self.parts.seen(1, stripe.clone());
            windows += grid.count_touching(&seen);
            let plane = (seen.len() * self.size[0]) as u64;
            let slots = self.windows.slots(grid, &seen) as u64;
            let (channels, size) = (self.channels as u64, 4);
            let stitched = (channels + 1) * slots * plane * size;
            let slab = slab.min(nz) as u64;
            // Source slices that wait, and the slab they become.
            let waiting = match self.parts.is_identity() {
                true => channels * plane * size,
                false => {
                    let kept = pending_slices(self.parts, slab as usize) as u64;
                    channels * size * (kept * plane + 2 * slab * (nx * stripe.len()) as u64)
                }
            };
            working = working.max(stitched + waiting);
        }
        let window: usize = grid.window.iter().product();
        let batch = (self.windows.batch_size * window * 4) as u64;
        let through = batch * (self.image_channels + 2 * self.channels) as u64
            + self.activations * self.windows.batch_size as u64;
        MemoryPlan {
            slab,
            windows,
            windows_unlimited: grid.count(),
            peak: PROGRAM
                + self.weights
                + self.preparing.max(
                    self.held
                        + if scratch { 0 } else { self.image }
                        + through
                        + working
                        + (window * 4) as u64,
                ),
            scratch,
            stripes,
        }
    }
}

/// Slices of the source that a slab of target slices sees at most.
pub(crate) fn pending_slices(parts: &LinearParts, slab: usize) -> usize {
    let [_, _, nz] = parts.target_size();
    let seen = |first: usize| parts.seen(2, first..(first + slab).min(nz)).len();
    (0..nz).map(seen).max().unwrap_or(1) + 1
}

/// Bytes that one window takes in the network.
pub(crate) fn activations(network: &NetworkConfig, window: [usize; 3]) -> u64 {
    // A network that cannot be worked out is one of the user's own.
    let costs = network.profile(window, 1);
    costs.map_or(0, |costs| costs.inference_memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written() {
        assert_eq!("4GiB".parse(), Ok(Bytes(4 << 30)));
        assert_eq!("1MB".parse(), Ok(Bytes(1_000_000)));
        assert_eq!("1.5g".parse(), Ok(Bytes(3 << 29)));
        assert!("much".parse::<Bytes>().is_err() && "-1GB".parse::<Bytes>().is_err());
        assert_eq!(Bytes(3 << 29).to_string(), "1.50 GiB");
        assert_eq!(Bytes(1).to_string(), "1 MiB");
    }

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
            parts: &parts,
            image: 0,
            preparing: 0,
            held: 0,
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
        let smallest: Bytes = named.parse().unwrap();
        assert!(footprint.plan(Some(smallest.0)).is_ok(), "{message}");
    }
}
