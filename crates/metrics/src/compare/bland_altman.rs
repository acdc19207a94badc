//! Agreement of volumes over cases.

use super::check_pairs;
use crate::evaluation::mean;
use crate::{Bootstrap, Interval, Result};

/// The agreement of two ways to measure the same quantity, such as the volumes of reference and prediction. (Bland and
/// Altman, 10.1016/S0140-6736(86)90837-8)
///
/// ```
/// use vesalius_metrics::BlandAltman;
///
/// // Volumes in ml; the prediction is 1 ml too large on average.
/// let reference = [10.0, 20.0, 30.0, 40.0];
/// let prediction = [11.5, 20.5, 31.0, 41.0];
/// let agreement = BlandAltman::of(&reference, &prediction)?;
/// assert_eq!(agreement.bias, 1.0);
/// let [low, high] = agreement.limits();
/// assert!((low - 0.1998).abs() < 1e-4 && (high - 1.8002).abs() < 1e-4);
/// # Ok::<(), vesalius_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BlandAltman {
    /// For each case the mean of both and the prediction minus the reference: the points of the plot.
    pub points: Vec<[f64; 2]>,
    /// The mean difference.
    pub bias: f64,
    /// The standard deviation of the differences (n - 1).
    pub deviation: f64,
    /// How much the difference grows with the mean (the slope of the line of least squares): 0.1 is 10 % more in large
    /// cases; `None` when all means are equal.
    pub slope: Option<f64>,
}

impl BlandAltman {
    /// The agreement over cases; both lists are in the order of the cases.
    ///
    /// # Errors
    /// [`crate::Error::Pairs`] for lists of different lengths, fewer than two cases or numbers that are not finite.
    pub fn of(reference: &[f64], prediction: &[f64]) -> Result<Self> {
        check_pairs(reference, prediction, 2)?;
        let pairs = reference.iter().zip(prediction);
        let points: Vec<[f64; 2]> = pairs.map(|(r, p)| [(r + p) / 2.0, p - r]).collect();
        let average = |i: usize| mean(points.iter().map(|point| point[i])).unwrap_or(0.0);
        let (middle, bias) = (average(0), average(1));
        let sum = |term: fn(f64, f64) -> f64| -> f64 {
            points
                .iter()
                .map(|point| term(point[0] - middle, point[1] - bias))
                .sum()
        };
        let spread = sum(|m, _| m * m);
        Ok(Self {
            bias,
            deviation: (sum(|_, d| d * d) / (points.len() - 1) as f64).sqrt(),
            slope: (spread > 0.0).then(|| sum(|m, d| m * d) / spread),
            points,
        })
    }

    /// The limits between which 95 % of the differences lie if they are normal: bias ± 1.96 deviations.
    pub fn limits(&self) -> [f64; 2] {
        let reach = 1.959_963_984_540_054 * self.deviation;
        [self.bias - reach, self.bias + reach]
    }

    /// The confidence interval of the bias.
    pub fn bias_interval(&self, bootstrap: &Bootstrap) -> Option<Interval> {
        bootstrap.interval(self.points.len(), |drawn| {
            mean(drawn.iter().map(|&case| self.points[case][1]))
        })
    }
}
