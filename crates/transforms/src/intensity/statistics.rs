//! Mean, deviation and range of a channel, the same for any number of threads.

use rayon::prelude::*;
use vesalius_filters::vectorised;

/// Values that are summed as one block; partial sums are added in order.
const BLOCK: usize = 1 << 14;
const LANES: usize = 16;

/// The statistics of one pass over a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Statistics {
    pub count: usize,
    pub sum: f64,
    /// Sum of squared differences from the mean.
    pub squares: f64,
    pub low: f32,
    pub high: f32,
}

impl Statistics {
    const NOTHING: Self = Self {
        count: 0,
        sum: 0.0,
        squares: 0.0,
        low: f32::INFINITY,
        high: f32::NEG_INFINITY,
    };

    /// Of all values.
    pub fn of(values: &[f32]) -> Self {
        let blocks: Vec<Self> = values.par_chunks(BLOCK).map(Self::block).collect();
        Self::joined(&blocks)
    }

    /// Of one block of values.
    pub fn block(values: &[f32]) -> Self {
        let pivot = values.first().copied().unwrap_or(0.0);
        let mut found = [0.0; 4];
        scan(values, pivot, &mut found);
        let count = values.len();
        let (sum, squares) = (f64::from(found[0]), f64::from(found[1]));
        Self {
            count,
            sum: sum + f64::from(pivot) * count as f64,
            squares: (squares - sum * sum / count.max(1) as f64).max(0.0),
            low: found[2],
            high: found[3],
        }
    }

    /// Of the values of several blocks: T. Chan, G. Golub and R. LeVeque's update, 1983.
    pub fn joined(blocks: &[Self]) -> Self {
        blocks
            .iter()
            .filter(|b| b.count > 0)
            .fold(Self::NOTHING, |a, b| {
                let count = a.count + b.count;
                let between = if a.count == 0 {
                    0.0
                } else {
                    b.mean() - a.mean()
                };
                Self {
                    count,
                    sum: a.sum + b.sum,
                    squares: a.squares
                        + b.squares
                        + between * between * a.count as f64 * b.count as f64 / count as f64,
                    low: a.low.min(b.low),
                    high: a.high.max(b.high),
                }
            })
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }

    /// Standard deviation, divided by the number of values.
    pub fn deviation(&self) -> f64 {
        (self.squares / self.count.max(1) as f64).sqrt()
    }

    /// Standard deviation, divided by one less (PyTorch's `std`).
    pub fn sample_deviation(&self) -> f64 {
        (self.squares / self.count.saturating_sub(1).max(1) as f64).sqrt()
    }
}

vectorised! {
    /// Sum and sum of squares relative to the pivot, smallest and largest value.
    fn scan(values: &[f32], pivot: f32, found: &mut [f32; 4]) {
        let mut sum = [0.0f32; LANES];
        let mut squares = [0.0f32; LANES];
        let mut low = [f32::INFINITY; LANES];
        let mut high = [f32::NEG_INFINITY; LANES];
        let (chunks, rest) = values.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                let v = chunk[lane];
                let d = v - pivot;
                sum[lane] += d;
                squares[lane] += d * d;
                low[lane] = if v < low[lane] { v } else { low[lane] };
                high[lane] = if v > high[lane] { v } else { high[lane] };
            }
        }
        for &v in rest {
            sum[0] += v - pivot;
            squares[0] += (v - pivot) * (v - pivot);
            low[0] = low[0].min(v);
            high[0] = high[0].max(v);
        }
        *found = [0.0, 0.0, f32::INFINITY, f32::NEG_INFINITY];
        for lane in 0..LANES {
            found[0] += sum[lane];
            found[1] += squares[lane];
            found[2] = found[2].min(low[lane]);
            found[3] = found[3].max(high[lane]);
        }
    }
}

/// Changes a channel block by block, and the statistics of what it holds then.
pub(crate) fn change(values: &mut [f32], change: impl Fn(&mut [f32]) + Sync) -> Statistics {
    let blocks: Vec<Statistics> = values
        .par_chunks_mut(BLOCK)
        .map(|block| {
            change(block);
            Statistics::block(block)
        })
        .collect();
    Statistics::joined(&blocks)
}

/// Changes a channel block by block.
pub(crate) fn for_blocks(values: &mut [f32], change: impl Fn(&mut [f32]) + Sync) {
    values.par_chunks_mut(BLOCK).for_each(&change);
}

vectorised! {
    /// Multiplies and adds.
    pub(crate) fn scale_shift(values: &mut [f32], scale: f32, shift: f32) {
        for v in values.iter_mut() {
            *v = *v * scale + shift;
        }
    }
}

vectorised! {
    /// Multiplies, adds and clips.
    pub(crate) fn scale_shift_clip(values: &mut [f32], scale: f32, shift: f32, low: f32, high: f32) {
        for v in values.iter_mut() {
            let changed = *v * scale + shift;
            let changed = if changed < low { low } else { changed };
            *v = if changed > high { high } else { changed };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_what_two_find() {
        let values: Vec<f32> = (0..100_003)
            .map(|i| ((i * 7919) % 1009) as f32 * 0.25 + 5000.0)
            .collect();
        let found = Statistics::of(&values);
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let squares: f64 = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
        assert!(
            (found.mean() - mean).abs() < 1e-4,
            "{} {mean}",
            found.mean()
        );
        assert!((found.deviation() - (squares / n).sqrt()).abs() < 1e-4);
        assert_eq!((found.low, found.high), (5000.0, 5252.0));
    }
}
