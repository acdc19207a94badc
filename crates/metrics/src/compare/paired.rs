//! The difference between two models, with the interval that other cases would give.

use super::check_pairs;
use crate::evaluation::mean;
use crate::{Bootstrap, Interval, Result};

/// The mean difference `a - b` of paired numbers and its bootstrap: cases are drawn again with both of their numbers.
///
/// ```
/// use vesalius_metrics::{Bootstrap, PairedBootstrap};
///
/// let a = [0.91, 0.85, 0.78, 0.88, 0.93, 0.80];
/// let b = [0.90, 0.80, 0.70, 0.85, 0.91, 0.79];
/// let difference = PairedBootstrap::of(&a, &b, &Bootstrap::default())?;
/// assert!((difference.mean - 0.2 / 6.0).abs() < 1e-12);
/// assert!(difference.interval.low > 0.0, "`a` is better in each case, so in each draw");
/// # Ok::<(), vesalius_metrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PairedBootstrap {
    /// The mean of `a - b`.
    pub mean: f64,
    /// Its percentile interval.
    pub interval: Interval,
}

impl PairedBootstrap {
    /// The difference over cases; both lists are in the order of the cases.
    ///
    /// # Errors
    /// [`crate::Error::Pairs`] for lists of different lengths, fewer than two cases or numbers that are not finite;
    /// [`crate::Error::BadOption`] for a bootstrap without draws.
    pub fn of(a: &[f64], b: &[f64], bootstrap: &Bootstrap) -> Result<Self> {
        check_pairs(a, b, 2)?;
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let of = |drawn: &[usize]| mean(drawn.iter().map(|&case| differences[case]));
        let interval = bootstrap.interval(differences.len(), of);
        Ok(Self {
            mean: differences.iter().sum::<f64>() / differences.len() as f64,
            interval: interval.ok_or(crate::Error::BadOption {
                option: "the number of draws",
                found: bootstrap.resamples.to_string(),
                expected: "1 or more",
            })?,
        })
    }
}
