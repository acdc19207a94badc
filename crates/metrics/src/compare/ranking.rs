//! A ranking of models, and how often it would come out the same.

use super::mean_ranks;
use crate::evaluation::mean;
use crate::{Better, Bootstrap, Error, Interval, Result};

/// How the numbers of cases become one rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RankRule {
    /// The mean over cases, then ranks.
    #[default]
    MeanThenRank,
    /// Ranks in each case, then the mean of the ranks, then ranks.
    RankThenMean,
}

impl RankRule {
    /// The models' ranks by the numbers of some cases: 1 for the best, equal models have the mean of their ranks.
    fn ranks(self, badness: &[Vec<f64>], cases: &[usize]) -> Vec<f64> {
        let models = badness.len();
        let of = |value: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            (0..models)
                .map(|model| mean(cases.iter().map(|&case| value(model, case))).unwrap_or(0.0))
                .collect()
        };
        match self {
            Self::MeanThenRank => mean_ranks(&of(&|model, case| badness[model][case])),
            Self::RankThenMean => {
                let cases_ranks: Vec<Vec<f64>> = (0..badness[0].len())
                    .map(|case| {
                        mean_ranks(
                            &badness
                                .iter()
                                .map(|model| model[case])
                                .collect::<Vec<f64>>(),
                        )
                    })
                    .collect();
                mean_ranks(&of(&|model, case| cases_ranks[case][model]))
            }
        }
    }
}

/// The models' ranks, and how they vary when the cases are drawn again: a ranking that changes with the draw says little
/// about other cases. (Wiesenfarth et al., 10.1038/s41598-021-82017-6)
///
/// ```
/// use vesalius_metrics::{Better, Bootstrap, RankRule, Ranking};
///
/// // Dice of three models in five cases; the first two are close.
/// let dice = [
///     vec![0.90, 0.86, 0.81, 0.93, 0.88],
///     vec![0.91, 0.85, 0.80, 0.94, 0.87],
///     vec![0.70, 0.62, 0.71, 0.80, 0.66],
/// ];
/// let ranking = Ranking::of(&dice, Better::Higher, RankRule::MeanThenRank, &Bootstrap::default())?;
/// assert_eq!(ranking.ranks, [1.0, 2.0, 3.0]);
/// assert_eq!(ranking.first[2], 0.0);
/// assert!(ranking.first[1] > 0.05, "not never");
/// assert_eq!(ranking.intervals[2].low, 3.0);
/// # Ok::<(), vesalius_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Ranking {
    /// Each model's rank, 1 for the best.
    pub ranks: Vec<f64>,
    /// The interval of each model's rank over the draws.
    pub intervals: Vec<Interval>,
    /// Share of draws in which each model has the best rank; shared by those that are equal.
    pub first: Vec<f64>,
    /// `distribution[model][rank - 1]`: share of draws in which the model has that rank, half ranks shared by both.
    pub distribution: Vec<Vec<f64>>,
    /// The mean of Kendall's τ-b between the ranking and those of the draws, -1 to 1: 1 is a ranking that never changes.
    /// `None` when all models are equal.
    pub kendall: Option<f64>,
}

impl Ranking {
    /// Ranks models by `values[model][case]`, the same cases in the same order for each.
    ///
    /// # Errors
    /// [`Error::Pairs`] for fewer than two models or cases, lists of different lengths or numbers that are not finite;
    /// [`Error::BadOption`] for a bootstrap without draws.
    pub fn of(
        values: &[Vec<f64>],
        better: Better,
        rule: RankRule,
        bootstrap: &Bootstrap,
    ) -> Result<Self> {
        if values.len() < 2 {
            return Err(Error::Pairs {
                found: format!("{} models", values.len()),
                expected: "2 or more".into(),
            });
        }
        for model in values {
            super::check_pairs(&values[0], model, 2)?;
        }
        let badness: Vec<Vec<f64>> = values
            .iter()
            .map(|model| model.iter().map(|&value| better.badness(value)).collect())
            .collect();
        let cases: Vec<usize> = (0..values[0].len()).collect();
        let ranks = rule.ranks(&badness, &cases);
        let draws: Vec<Vec<f64>> = bootstrap
            .draws(cases.len())
            .map(|drawn| rule.ranks(&badness, &drawn))
            .collect();
        if draws.is_empty() {
            return Err(Error::BadOption {
                option: "the number of draws",
                found: "0".into(),
                expected: "1 or more",
            });
        }
        let models = 0..values.len();
        let intervals = models.clone().map(|model| {
            let drawn = draws.iter().map(|ranks| ranks[model]).collect();
            bootstrap.middle(drawn)
        });
        let share = |count: f64| count / draws.len() as f64;
        let first = |model: usize| {
            let of_draw = |ranks: &Vec<f64>| {
                let best = ranks.iter().copied().fold(f64::INFINITY, f64::min);
                let equal = ranks.iter().filter(|rank| **rank == best).count() as f64;
                if ranks[model] == best {
                    1.0 / equal
                } else {
                    0.0
                }
            };
            share(draws.iter().map(of_draw).sum())
        };
        let distribution = |model: usize| {
            let mut counts = vec![0.0; values.len()];
            for ranks in &draws {
                counts[ranks[model].floor() as usize - 1] += 0.5;
                counts[ranks[model].ceil() as usize - 1] += 0.5;
            }
            counts.into_iter().map(share).collect()
        };
        Ok(Self {
            intervals: intervals.collect(),
            first: models.clone().map(first).collect(),
            distribution: models.map(distribution).collect(),
            kendall: mean(
                draws
                    .iter()
                    .filter_map(|drawn| kendall_tau_b(&ranks, drawn)),
            ),
            ranks,
        })
    }
}

/// Kendall's τ-b of two rankings; `None` when one of them ranks nothing apart.
fn kendall_tau_b(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mut sum, mut in_a, mut in_b) = (0.0, 0.0, 0.0);
    for i in 0..a.len() {
        for j in 0..i {
            let order = |ranks: &[f64]| match ranks[i].total_cmp(&ranks[j]) {
                std::cmp::Ordering::Less => -1.0,
                std::cmp::Ordering::Equal => 0.0,
                std::cmp::Ordering::Greater => 1.0,
            };
            let (x, y): (f64, f64) = (order(a), order(b));
            sum += x * y;
            in_a += x * x;
            in_b += y * y;
        }
    }
    let scale = (in_a * in_b).sqrt();
    (scale > 0.0).then(|| sum / scale)
}
