//! Wilcoxon's signed-rank test.

use super::effect_size::signed_ranks;
use super::{check_pairs, mean_ranks};
use crate::Result;

/// Up to this many cases the p-value without equal differences is exact; up to the second number with them.
const EXACT: usize = 50;
const EXACT_WITH_TIES: usize = 13;

/// Wilcoxon's signed-rank test of paired numbers, two-sided: are the differences symmetric around 0?
///
/// Equal pairs are left out. The p-value is exact up to 50 cases (13 where differences are equal or 0), else that of the
/// normal approximation, corrected for ties and without continuity correction: SciPy 1.17's `wilcoxon(a, b)`.
///
/// ```
/// use vesalius_metrics::Wilcoxon;
///
/// let a = [0.91, 0.85, 0.78, 0.88, 0.93, 0.80];
/// let b = [0.90, 0.80, 0.70, 0.85, 0.91, 0.79];
/// let test = Wilcoxon::of(&a, &b)?;
/// assert_eq!(test.statistic, 0.0, "`a` is better in each case");
/// assert!((test.p - 0.03125).abs() < 1e-12);
/// # Ok::<(), vesalius_metrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Wilcoxon {
    /// The smaller sum of ranks.
    pub statistic: f64,
    /// The p-value; 1 when all pairs are equal.
    pub p: f64,
    /// Pairs that are not equal.
    pub differing: usize,
}

impl Wilcoxon {
    /// The test over cases; both lists are in the order of the cases.
    ///
    /// # Errors
    /// [`crate::Error::Pairs`] for lists of different lengths, no case or numbers that are not finite.
    pub fn of(a: &[f64], b: &[f64]) -> Result<Self> {
        check_pairs(a, b, 1)?;
        let all: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let differences: Vec<f64> = all.iter().copied().filter(|d| *d != 0.0).collect();
        let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
        let ranks = mean_ranks(&sizes);
        let ties = ties(&ranks);
        let (larger, smaller) = signed_ranks(&differences);
        let plain = ties.is_empty() && differences.len() == all.len();
        let exact = all.len() <= if plain { EXACT } else { EXACT_WITH_TIES };
        let p = match differences.len() {
            0 => 1.0,
            _ if exact => exact_p(&ranks, larger),
            count => normal_p(count as f64, larger, &ties),
        };
        Ok(Self {
            statistic: larger.min(smaller),
            p,
            differing: differences.len(),
        })
    }
}

/// How many differences are equal, for each rank that several have.
fn ties(ranks: &[f64]) -> Vec<f64> {
    let mut sorted = ranks.to_vec();
    sorted.sort_by(f64::total_cmp);
    let groups = sorted.chunk_by(|a, b| a == b).map(<[f64]>::len);
    groups.filter(|n| *n > 1).map(|n| n as f64).collect()
}

/// Twice the smaller tail of the sum's distribution over all signs. Ranks are multiples of a half.
fn exact_p(ranks: &[f64], sum: f64) -> f64 {
    let doubled: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
    let mut ways = vec![0.0f64; doubled.iter().sum::<usize>() + 1];
    ways[0] = 1.0;
    let mut reached = 0;
    for rank in doubled {
        for total in (0..=reached).rev() {
            ways[total + rank] += ways[total];
        }
        reached += rank;
    }
    let place = (2.0 * sum) as usize;
    let below: f64 = ways[..=place].iter().sum();
    let above: f64 = ways[place..].iter().sum();
    let all: f64 = ways.iter().sum();
    (2.0 * below.min(above) / all).min(1.0)
}

fn normal_p(count: f64, sum: f64, ties: &[f64]) -> f64 {
    let mean = count * (count + 1.0) / 4.0;
    let correction: f64 = ties.iter().map(|t| t.powi(3) - t).sum();
    let variance = (count * (count + 1.0) * (2.0 * count + 1.0) - correction / 2.0) / 24.0;
    let z = (sum - mean) / variance.sqrt();
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}
