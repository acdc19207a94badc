//! Two and more models on the same cases: is one better, by how much, and would the ranking hold for other cases?

mod bland_altman;
mod effect_size;
mod holm;
mod paired;
mod ranking;
mod several;
mod wilcoxon;

pub use bland_altman::BlandAltman;
pub use effect_size::EffectSize;
pub use holm::holm;
pub use paired::PairedBootstrap;
pub use ranking::{RankRule, Ranking};
pub use several::{Comparison, PairComparison};
pub use wilcoxon::Wilcoxon;

use crate::{Error, Result};

/// Two lists of numbers of the same cases.
///
/// # Errors
/// [`Error::Pairs`] for lists of different lengths, of fewer than `least`, or with a number that is not finite.
pub(crate) fn check_pairs(a: &[f64], b: &[f64], least: usize) -> Result<()> {
    let bad = |found: String, expected: String| Err(Error::Pairs { found, expected });
    if a.len() != b.len() {
        return bad(
            format!("{} numbers and {}", a.len(), b.len()),
            "two numbers a case".into(),
        );
    }
    if a.len() < least {
        return bad(format!("{} cases", a.len()), format!("{least} or more"));
    }
    let place = a
        .iter()
        .zip(b)
        .position(|(a, b)| !(a.is_finite() && b.is_finite()));
    match place {
        Some(case) => bad(
            format!(
                "{} and {} in case {case} (counted from 0)",
                a[case], b[case]
            ),
            "finite numbers; leave out cases without a value".into(),
        ),
        None => Ok(()),
    }
}

/// The ranks of values, 1 for the smallest; equal values have the mean of their ranks.
pub(crate) fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = first as f64 + (equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|&place| ranks[place] = rank);
        first += equal.len();
    }
    ranks
}
