//! Mean and variance in one pass over memory: short runs in `f32` around their own mean, joined in
//! `f64` (Chan, Golub, LeVeque 1979), so that a large mean costs no digits.

use crate::sum::sum;

/// Count, mean and sum of squared distances to the mean.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Moments {
    pub count: f64,
    pub mean: f64,
    pub squares: f64,
}

/// Values of a run; they are read twice, the second time from the first cache.
const RUN: usize = 2048;

impl Moments {
    /// The moments of `values`.
    #[inline(always)]
    pub fn of(values: &[f32]) -> Self {
        // A plain loop: an iterator's `fold` would not be compiled for the chosen path.
        let mut all = Self::default();
        for run in values.chunks(RUN) {
            all = all.join(Self::of_run(run));
        }
        all
    }

    #[inline(always)]
    fn of_run(values: &[f32]) -> Self {
        let count = values.len() as f64;
        let rough = (sum(values) / count) as f32;
        // Around a rounded mean: the second sum corrects for its rounding.
        let (mut sums, mut squares) = ([0.0f32; 16], [0.0f32; 16]);
        let (chunks, rest) = values.as_chunks::<16>();
        let mut add = |lane: usize, value: f32| {
            let distance = value - rough;
            sums[lane] += distance;
            squares[lane] += distance * distance;
        };
        for chunk in chunks {
            (0..16).for_each(|lane| add(lane, chunk[lane]));
        }
        (0..rest.len()).for_each(|lane| add(lane, rest[lane]));
        let sum: f64 = sums.iter().map(|&sum| f64::from(sum)).sum();
        let squares: f64 = squares.iter().map(|&square| f64::from(square)).sum();
        let shift = sum / count;
        let squares = (squares - sum * shift).max(0.0);
        Self {
            count,
            mean: f64::from(rough) + shift,
            squares,
        }
    }

    /// The moments of both together.
    #[inline(always)]
    pub fn join(self, other: Self) -> Self {
        if self.count == 0.0 {
            return other;
        }
        if other.count == 0.0 {
            return self;
        }
        let count = self.count + other.count;
        let distance = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + distance * (other.count / count),
            squares: self.squares
                + other.squares
                + distance * distance * (self.count * other.count / count),
        }
    }

    /// The biased variance, by `count`.
    pub fn variance(self) -> f64 {
        if self.count > 0.0 {
            self.squares / self.count
        } else {
            0.0
        }
    }

    /// `1 / √(variance + epsilon)`.
    pub fn reciprocal_deviation(self, epsilon: f64) -> f64 {
        1.0 / (self.variance() + epsilon).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_mean_costs_no_digits() {
        let values: Vec<f32> = (0..10_000)
            .map(|index| 30_000.0 + (index % 17) as f32)
            .collect();
        let moments = Moments::of(&values);
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / 1e4;
        let variance = values
            .iter()
            .map(|&v| (f64::from(v) - mean).powi(2))
            .sum::<f64>()
            / 1e4;
        assert!((moments.mean - mean).abs() < 1e-9 * mean);
        assert!((moments.variance() - variance).abs() < 1e-6 * variance);
    }
}
