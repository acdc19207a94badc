//! MONAI's two sets of statistics: of a sample, and of the statistics of many samples. Per case the
//! arithmetic is PyTorch's in single precision, over cases it is NumPy's.

use crate::numpy::{by_rank, median, percentile, percentiles};
use serde::{Deserialize, Serialize};

/// The percentiles, under `percentile` and under one key each.
const PERCENTS: [f64; 4] = [0.5, 10.0, 90.0, 99.5];
/// Beyond this number of values MONAI uses NumPy's percentiles.
const TORCH_LIMIT: usize = 1_000_000;

/// Statistics of the intensities of one channel of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct Intensity {
    pub max: f64,
    pub mean: f64,
    pub median: f64,
    pub min: f64,
    pub stdev: f64,
    pub percentile: [f64; 4],
    pub percentile_00_5: f64,
    pub percentile_10_0: f64,
    pub percentile_90_0: f64,
    pub percentile_99_5: f64,
}

impl Intensity {
    /// Of some values; of a single 0 where there is none, as MONAI has it.
    pub(super) fn of(values: &[f32]) -> Self {
        let values = if values.is_empty() { &[0.0] } else { values };
        let n = values.len();
        let (percentile, middle, min, max) = order_statistics(values);
        // Sums in double precision differ from PyTorch's in the last digit at most.
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64;
        let squares = values.iter().map(|&v| (f64::from(v) - mean).powi(2));
        let stdev = (squares.sum::<f64>() / n as f64).sqrt();
        let single = |value: f64| f64::from(value as f32);
        Self {
            max,
            mean: single(mean),
            median: middle,
            min,
            stdev: single(stdev),
            percentile,
            percentile_00_5: percentile[0],
            percentile_10_0: percentile[1],
            percentile_90_0: percentile[2],
            percentile_99_5: percentile[3],
        }
    }
}

/// Percentiles, the lower median, and the ends.
fn order_statistics(values: &[f32]) -> ([f64; 4], f64, f64, f64) {
    let n = values.len();
    let middle = (n - 1) / 2;
    if n > TORCH_LIMIT {
        let (found, min, max) = percentiles::<f32, 4>(values, PERCENTS);
        let found = found.map(|v| f64::from(v as f32));
        let middle = by_rank(values, &[middle])[0];
        return (found, f64::from(middle), f64::from(min), f64::from(max));
    }
    // To `torch.quantile` come shares of single precision; its ranks are double, its weights single.
    let rank = PERCENTS.map(|percent| f64::from((percent / 100.0) as f32) * (n - 1) as f64);
    let mut ranks = vec![0, middle, n - 1];
    for rank in rank {
        ranks.extend([rank.floor() as usize, (rank.ceil() as usize).min(n - 1)]);
    }
    let found = by_rank(values, &ranks);
    let between = |i: usize| {
        let [low, high] = [found[3 + 2 * i], found[4 + 2 * i]];
        let share = (rank[i] - rank[i].floor()) as f32;
        f64::from(match share < 0.5 {
            true => low + share * (high - low),
            false => high - (high - low) * (1.0 - share),
        })
    };
    let quantiles = std::array::from_fn(between);
    (
        quantiles,
        f64::from(found[1]),
        f64::from(found[0]),
        f64::from(found[2]),
    )
}

/// Intensities over cases: the extremes of the extremes and the means of all else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct IntensitySummary {
    pub max: f64,
    pub mean: f64,
    pub median: f64,
    pub min: f64,
    pub stdev: f64,
    pub percentile_00_5: f64,
    pub percentile_10_0: f64,
    pub percentile_90_0: f64,
    pub percentile_99_5: f64,
}

impl IntensitySummary {
    /// Of the first channel of each case, as in MONAI; of 0 where there is no case.
    pub(super) fn of<'a>(cases: impl Iterator<Item = &'a [Intensity]>) -> Self {
        let cases: Vec<&Intensity> = cases.filter_map(<[Intensity]>::first).collect();
        let all = |value: fn(&Intensity) -> f64| cases.iter().map(move |case| value(case));
        let mean = |value: fn(&Intensity) -> f64| match cases.len() {
            0 => 0.0,
            n => all(value).sum::<f64>() / n as f64,
        };
        Self {
            max: all(|i| i.max).reduce(f64::max).unwrap_or(0.0),
            mean: mean(|i| i.mean),
            median: mean(|i| i.median),
            min: all(|i| i.min).reduce(f64::min).unwrap_or(0.0),
            stdev: mean(|i| i.stdev),
            percentile_00_5: mean(|i| i.percentile_00_5),
            percentile_10_0: mean(|i| i.percentile_10_0),
            percentile_90_0: mean(|i| i.percentile_90_0),
            percentile_99_5: mean(|i| i.percentile_99_5),
        }
    }
}

/// Statistics of numbers over cases. `V` is the numbers' type: of whole numbers the percentiles are cut
/// off to whole numbers, as MONAI does; `M` is that of means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct SampleSummary<V, M> {
    pub max: V,
    pub mean: M,
    pub median: M,
    pub min: V,
    pub stdev: M,
    pub percentile: [V; 4],
    pub percentile_00_5: V,
    pub percentile_10_0: V,
    pub percentile_90_0: V,
    pub percentile_99_5: V,
}

impl<V: Copy, const N: usize> SampleSummary<[V; N], [f64; N]> {
    /// Of each of `N` numbers per case; of 0 where there is no case. `cast` cuts off to the numbers' type.
    pub(super) fn of(cases: &[[f64; N]], cast: fn(f64) -> V) -> Self {
        let none = [[0.0; N]];
        let cases = if cases.is_empty() { &none } else { cases };
        let columns: [Vec<f64>; N] =
            std::array::from_fn(|i| cases.iter().map(|case| case[i]).collect());
        let each = |statistic: &dyn Fn(&[f64]) -> f64| -> [f64; N] {
            std::array::from_fn(|i| statistic(&columns[i]))
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let stdev = |values: &[f64]| {
            let centre = mean(values);
            let squares = values.iter().map(|v| (v - centre).powi(2));
            (squares.sum::<f64>() / values.len() as f64).sqrt()
        };
        let at = PERCENTS.map(|percent| each(&|values| percentile(values, percent)).map(cast));
        Self {
            max: each(&|v| v.iter().copied().fold(f64::NEG_INFINITY, f64::max)).map(cast),
            mean: each(&mean),
            median: each(&median),
            min: each(&|v| v.iter().copied().fold(f64::INFINITY, f64::min)).map(cast),
            stdev: each(&stdev),
            percentile: at,
            percentile_00_5: at[0],
            percentile_10_0: at[1],
            percentile_90_0: at[2],
            percentile_99_5: at[3],
        }
    }
}

impl<V: Copy> SampleSummary<[V; 1], [f64; 1]> {
    /// The statistics of a single number a case.
    pub(super) fn single(self) -> SampleSummary<V, f64> {
        SampleSummary {
            max: self.max[0],
            mean: self.mean[0],
            median: self.median[0],
            min: self.min[0],
            stdev: self.stdev[0],
            percentile: self.percentile.map(|v| v[0]),
            percentile_00_5: self.percentile_00_5[0],
            percentile_10_0: self.percentile_10_0[0],
            percentile_90_0: self.percentile_90_0[0],
            percentile_99_5: self.percentile_99_5[0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_stay_whole_and_nothing_counts_as_zero() {
        let cases = [[34.0, 1.0], [42.0, 2.0], [40.0, 2.0]];
        let summary = SampleSummary::of(&cases, |v| v as i64);
        assert_eq!(summary.max, [42, 2]);
        assert_eq!(summary.median, [40.0, 2.0]);
        assert_eq!(summary.percentile_99_5, [41, 2]);
        assert_eq!(Intensity::of(&[]).max, 0.0);
        assert_eq!(Intensity::of(&[3.0, 1.0, 2.0, 9.0]).median, 2.0);
    }
}
