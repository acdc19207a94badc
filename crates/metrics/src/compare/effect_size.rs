//! How large a difference between two models is.

use super::{check_pairs, mean_ranks};
use crate::Result;

/// Effect sizes of paired differences `a - b`; above 0 where `a` is larger.
///
/// ```
/// use vesalius_metrics::EffectSize;
///
/// let effect = EffectSize::of(&[0.9, 0.8, 0.7, 0.9], &[0.8, 0.7, 0.75, 0.6])?;
/// // Ranks of the differences 0.1, 0.1, -0.05 and 0.3 are 2.5, 2.5, 1 and 4.
/// assert_eq!(effect.rank_biserial, (9.0 - 1.0) / 10.0);
/// assert_eq!(effect.share_larger, 0.75);
/// # Ok::<(), vesalius_metrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct EffectSize {
    /// Matched-pairs rank-biserial correlation, -1 to 1: the sum of ranks where `a` is larger minus that where `b` is,
    /// over all (Kerby, 10.2466/11.IT.3.1); 0 where all are equal.
    pub rank_biserial: f64,
    /// Cohen's d of paired differences: their mean over their standard deviation (n - 1); `None` when all differences
    /// are equal.
    pub cohens_d: Option<f64>,
    /// Share of cases where `a` is larger, equal cases counting half.
    pub share_larger: f64,
}

impl EffectSize {
    /// The sizes over cases; both lists are in the order of the cases.
    ///
    /// # Errors
    /// [`crate::Error::Pairs`] for lists of different lengths, fewer than two cases or numbers that are not finite.
    pub fn of(a: &[f64], b: &[f64]) -> Result<Self> {
        check_pairs(a, b, 2)?;
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let count = differences.len() as f64;
        let average = differences.iter().sum::<f64>() / count;
        let squares: f64 = differences.iter().map(|d| (d - average).powi(2)).sum();
        let deviation = (squares / (count - 1.0)).sqrt();
        let (larger, smaller) = signed_ranks(&differences);
        let wins = differences.iter().filter(|d| **d > 0.0).count() as f64;
        let equal = differences.iter().filter(|d| **d == 0.0).count() as f64;
        Ok(Self {
            rank_biserial: match larger + smaller {
                0.0 => 0.0,
                all => (larger - smaller) / all,
            },
            cohens_d: (deviation > 0.0).then(|| average / deviation),
            share_larger: (wins + equal / 2.0) / count,
        })
    }
}

/// The sums of ranks of the positive and of the negative differences; zeros are left out.
pub(super) fn signed_ranks(differences: &[f64]) -> (f64, f64) {
    let differences: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let ranks = mean_ranks(&sizes);
    let sum = |positive: bool| -> f64 {
        let pairs = ranks.iter().zip(&differences);
        pairs
            .filter(|(_, d)| (**d > 0.0) == positive)
            .map(|(rank, _)| rank)
            .sum()
    };
    (sum(true), sum(false))
}
