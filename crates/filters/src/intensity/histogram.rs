//! Histograms over equal bins, quantiles of a histogram, percentiles of values.

use crate::scalar::Real;
use crate::work::Work;
use crate::{Error, Result};

/// Counts over equal bins between two limits.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    low: f64,
    width: f64,
    pub counts: Vec<f64>,
}

impl Histogram {
    /// Counts the values from `low` to `high`, both included; others are left out.
    pub fn new<R: Real>(values: &[R], [low, high]: [f64; 2], bins: usize, work: &Work) -> Self {
        let mut histogram = Self {
            low,
            width: (high - low) / bins as f64,
            counts: vec![0.0; bins],
        };
        work.read(values, |part| {
            for value in part.iter().map(|v| v.to_f64()) {
                if value >= low && value <= high {
                    let bin = histogram.bin(value);
                    histogram.counts[bin] += 1.0;
                }
            }
        });
        histogram
    }

    /// The bin that a value within the limits falls into.
    fn bin(&self, value: f64) -> usize {
        let last = self.counts.len() - 1;
        let mut bin = (((value - self.low) / self.width) as usize).min(last);
        // The division may round across a border; the borders themselves decide.
        if bin < last && value >= self.edge(bin + 1) {
            bin += 1;
        } else if bin > 0 && value < self.edge(bin) {
            bin -= 1;
        }
        bin
    }

    /// The lower limit of a bin.
    pub fn edge(&self, bin: usize) -> f64 {
        self.low + self.width * bin as f64
    }

    /// The value below which a share of the counts lies, linear within a bin; from the end that is
    /// nearer, as in ITK.
    pub fn quantile(&self, share: f64) -> f64 {
        let total: f64 = self.counts.iter().sum();
        let (mut sum, mut reached) = (0.0, 0.0);
        if share < 0.5 {
            for (bin, &count) in self.counts.iter().enumerate() {
                let before = reached;
                sum += count;
                reached = sum / total;
                if reached >= share || bin + 1 == self.counts.len() {
                    let part = (share - before) / (count / total);
                    return self.edge(bin) + part * self.width;
                }
            }
        } else {
            reached = 1.0;
            for (bin, &count) in self.counts.iter().enumerate().rev() {
                let before = reached;
                sum += count;
                reached = 1.0 - sum / total;
                if reached <= share || bin == 0 {
                    let part = (before - share) / (count / total);
                    return self.edge(bin + 1) - part * self.width;
                }
            }
        }
        self.low
    }
}

/// The value below which `percent` of the values lie, linear between neighbours (numpy's default).
///
/// # Errors
/// [`Error::BadOption`] when there are no values or the percentage is not from 0 to 100.
///
/// ```
/// use vesalius_filters::percentile;
///
/// assert_eq!(percentile(&[4.0_f32, 1.0, 2.0, 3.0], 50.0)?, 2.5);
/// assert_eq!(percentile(&[4.0_f32, 1.0, 2.0, 3.0], 100.0)?, 4.0);
/// assert!(percentile::<f32>(&[], 50.0).is_err());
/// # Ok::<(), vesalius_filters::Error>(())
/// ```
pub fn percentile<R: Real>(values: &[R], percent: f64) -> Result<f64> {
    if !(0.0..=100.0).contains(&percent) || values.is_empty() {
        return Err(Error::option(
            "percentile",
            "percent",
            percent,
            "0 to 100, of at least one value",
        ));
    }
    let mut values = values.to_vec();
    let at = percent / 100.0 * (values.len() - 1) as f64;
    let low = at.floor() as usize;
    let order = |a: &R, b: &R| a.to_f64().total_cmp(&b.to_f64());
    let (_, &mut first, above) = values.select_nth_unstable_by(low, order);
    let first = first.to_f64();
    let next = above
        .iter()
        .map(|v| v.to_f64())
        .fold(f64::INFINITY, f64::min);
    Ok(if above.is_empty() {
        first
    } else {
        first + (next - first) * (at - low as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_numpy() {
        let values = [7.0f64, 1.0, 3.0, 2.0];
        assert_eq!(percentile(&values, 0.0).unwrap(), 1.0);
        assert_eq!(percentile(&values, 50.0).unwrap(), 2.5);
        assert!((percentile(&values, 90.0).unwrap() - 5.8).abs() < 1e-12);
        assert_eq!(percentile(&values, 100.0).unwrap(), 7.0);
        assert!(percentile::<f32>(&[], 50.0).is_err());
    }
}
