//! Evaluations of several models on the same cases, compared by one measure of one target.

use super::{EffectSize, PairedBootstrap, RankRule, Ranking, Wilcoxon, holm};
use crate::{Bootstrap, Error, Evaluation, Result, Table};

/// Two models on the same cases.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PairComparison {
    /// The places of the two models; differences are the first minus the second.
    pub models: [usize; 2],
    /// The mean difference and its interval.
    pub difference: PairedBootstrap,
    /// Wilcoxon's test.
    pub test: Wilcoxon,
    /// Its p-value by Holm's correction for all pairs.
    pub adjusted_p: f64,
    /// How large the difference is.
    pub effect: EffectSize,
}

/// Several models on the same cases, by one measure of one target. Cases in which a model has no value (both masks
/// empty) are left out for all.
///
/// ```
/// use vesalius_metrics::{Bootstrap, Comparison, Evaluation, Evaluator, Measure, RankRule, Targets};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // A model that finds 8 of 8 voxels and one that finds fewer from case to case.
/// let grid = Geometry::axis_aligned([10, 1, 1], [1.0; 3])?;
/// let first = |count: usize| LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x < count));
/// let evaluator = Evaluator::new(Targets::of_values(&[1])?, vec![Measure::Dice]);
/// let model = |fewer: usize| {
///     let cases = (0..5).map(|case| evaluator.case(&format!("case {case}"), &first(8), &first(8 - fewer * case)));
///     Evaluation::new(cases.collect::<Result<_, _>>()?)
/// };
/// let models = [("whole", &model(0)?), ("less", &model(1)?)];
/// let comparison = Comparison::of(&models, "1", "dice", RankRule::MeanThenRank, &Bootstrap::default())?;
/// assert_eq!(comparison.ranking.ranks, [1.0, 2.0]);
/// assert!(comparison.pairs[0].difference.mean > 0.0);
/// assert_eq!(comparison.table().rows.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The models' names.
    pub names: Vec<String>,
    /// The cases that count, in the order of the first model's.
    pub cases: Vec<String>,
    /// `values[model][case]`.
    pub values: Vec<Vec<f64>>,
    /// Every pair of models, the first named first.
    pub pairs: Vec<PairComparison>,
    /// The models' ranks.
    pub ranking: Ranking,
}

impl Comparison {
    /// Compares models by a measure of a target, by their keys.
    ///
    /// # Errors
    /// [`Error::Models`] when an evaluation lacks the target, the measure or a case of the first one, or has more cases;
    /// [`Error::Pairs`] for fewer than two models or two cases with values.
    pub fn of(
        models: &[(&str, &Evaluation)],
        target: &str,
        measure: &str,
        rule: RankRule,
        bootstrap: &Bootstrap,
    ) -> Result<Self> {
        let columns = models.iter().map(|(name, evaluation)| {
            let column = column(evaluation, target, measure);
            column.ok_or_else(|| Error::Models {
                model: (*name).to_owned(),
                problem: format!("has no `{measure}` of label `{target}`"),
            })
        });
        let columns: Vec<Vec<(&str, Option<f64>)>> = columns.collect::<Result<_>>()?;
        let first = columns.first().map_or(&[][..], Vec::as_slice);
        for ((name, _), column) in models.iter().zip(&columns) {
            same_cases(name, first, column)?;
        }
        let value = |column: &[(&str, Option<f64>)], case: &str| {
            column
                .iter()
                .find(|(name, _)| *name == case)
                .and_then(|(_, value)| *value)
        };
        let counted = first.iter().map(|(case, _)| *case);
        let counted: Vec<&str> = counted
            .filter(|case| columns.iter().all(|column| value(column, case).is_some()))
            .collect();
        let values: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| {
                counted
                    .iter()
                    .filter_map(|case| value(column, case))
                    .collect()
            })
            .collect();
        let better = models
            .first()
            .and_then(|(_, e)| e.measures().iter().find(|m| m.key() == measure))
            .map_or(crate::Better::Higher, crate::Measure::better);
        Ok(Self {
            ranking: Ranking::of(&values, better, rule, bootstrap)?,
            pairs: pairs(&values, bootstrap)?,
            names: models.iter().map(|(name, _)| (*name).to_owned()).collect(),
            cases: counted.into_iter().map(str::to_owned).collect(),
            values,
        })
    }

    /// One row a model: its mean, its rank with the interval over the draws, how often it is first.
    pub fn table(&self) -> Table {
        let head = ["model", "mean", "rank", "rank interval", "first in"]
            .map(str::to_owned)
            .to_vec();
        let row = |model: usize| {
            let values = &self.values[model];
            let interval = self.ranking.intervals[model];
            vec![
                self.names[model].clone(),
                format!("{:.4}", values.iter().sum::<f64>() / values.len() as f64),
                self.ranking.ranks[model].to_string(),
                format!("{} to {}", interval.low, interval.high),
                format!("{:.1} %", 100.0 * self.ranking.first[model]),
            ]
        };
        Table {
            head,
            rows: (0..self.names.len()).map(row).collect(),
        }
    }

    /// One row a pair of models: the difference with its interval, the adjusted p-value and the effect size.
    pub fn pair_table(&self) -> Table {
        let head = ["models", "difference", "p (Holm)", "rank-biserial"]
            .map(str::to_owned)
            .to_vec();
        let row = |pair: &PairComparison| {
            let [a, b] = pair.models.map(|model| &self.names[model]);
            let interval = pair.difference.interval;
            vec![
                format!("{a} - {b}"),
                format!(
                    "{:.4} [{:.4}, {:.4}]",
                    pair.difference.mean, interval.low, interval.high
                ),
                format!("{:.2e}", pair.adjusted_p),
                format!("{:.3}", pair.effect.rank_biserial),
            ]
        };
        Table {
            head,
            rows: self.pairs.iter().map(row).collect(),
        }
    }
}

fn pairs(values: &[Vec<f64>], bootstrap: &Bootstrap) -> Result<Vec<PairComparison>> {
    let models = 0..values.len();
    let all: Vec<[usize; 2]> = models
        .flat_map(|a| (a + 1..values.len()).map(move |b| [a, b]))
        .collect();
    let tests = all
        .iter()
        .map(|&[a, b]| Wilcoxon::of(&values[a], &values[b]));
    let tests: Vec<Wilcoxon> = tests.collect::<Result<_>>()?;
    let adjusted = holm(&tests.iter().map(|test| test.p).collect::<Vec<f64>>())?;
    let compared = all.into_iter().zip(tests).zip(adjusted);
    compared
        .map(|((models, test), adjusted_p)| {
            let [a, b] = models.map(|model| &values[model]);
            Ok(PairComparison {
                models,
                difference: PairedBootstrap::of(a, b, bootstrap)?,
                test,
                adjusted_p,
                effect: EffectSize::of(a, b)?,
            })
        })
        .collect()
}

/// The name and the counted value of each case.
fn column<'a>(
    evaluation: &'a Evaluation,
    target: &str,
    measure: &str,
) -> Option<Vec<(&'a str, Option<f64>)>> {
    let cases = evaluation.cases().iter();
    cases
        .map(|case| Some((case.case.as_str(), case.get(target, measure)?.counted)))
        .collect()
}

fn same_cases(
    model: &str,
    first: &[(&str, Option<f64>)],
    other: &[(&str, Option<f64>)],
) -> Result<()> {
    let lacks =
        |from: &[(&str, Option<f64>)], case: &str| !from.iter().any(|(name, _)| *name == case);
    let missing = first.iter().find(|(case, _)| lacks(other, case));
    let surplus = other.iter().find(|(case, _)| lacks(first, case));
    let problem = match (missing, surplus) {
        (Some((case, _)), _) => format!("lacks the case `{case}` of the first model"),
        (None, Some((case, _))) => format!("has the case `{case}`, which the first model lacks"),
        (None, None) => return Ok(()),
    };
    Err(Error::Models {
        model: model.to_owned(),
        problem,
    })
}
