//! Several models' segmentations of the same references, scored and compared.

use super::cases::ReadMaps;
use super::pairs::pair;
use super::{Error, EvaluateOptions, Evaluated, evaluate};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_io::write_bytes_atomically;
use vesalius_metrics::{Bootstrap, Comparison, Evaluation, RankRule, Table, Target, Targets};

/// The scores of several models on the same references.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Compared {
    /// The models' names and scores, in the order in which they were given.
    pub models: Vec<(String, Evaluated)>,
    /// How intervals and ranks are estimated.
    pub bootstrap: Bootstrap,
}

/// Scores the predictions of two or more models against the same references. A label that occurs in any of them is scored
/// for all, so that a model is not spared what only another one found.
///
/// # Errors
/// As [`evaluate`]; [`Error::Models`] for fewer than two predictions, and for two of one name.
///
/// ```
/// use vesalius_metrics::RankRule;
/// use vesalius_volume::{Geometry, LabelMap};
/// use vesalius_workflow::evaluate::{EvaluateOptions, compare};
///
/// let folder = tempfile::tempdir()?;
/// let grid = Geometry::axis_aligned([20, 4, 4], [1.0; 3])?;
/// for (name, less) in [("references", 0), ("good", 1), ("poor", 3)] {
///     std::fs::create_dir(folder.path().join(name))?;
///     for case in 0..5 {
///         let labels = LabelMap::<u16>::from_fn(grid, |[x, ..]| u16::from(x < 18 - less * case));
///         vesalius_io::write_labels(folder.path().join(format!("{name}/{case}.nii")), &labels)?;
///     }
/// }
/// let models = ["good", "poor"].map(|name| (name.to_owned(), folder.path().join(name)));
/// let compared = compare(&models, folder.path().join("references"), &EvaluateOptions::default())?;
/// let (label, comparison) = &compared.comparisons("dice", RankRule::MeanThenRank)?[0];
/// assert_eq!((label.key.as_str(), &comparison.ranking.ranks[..]), ("1", &[1.0, 2.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compare(
    predictions: &[(String, PathBuf)],
    reference: impl AsRef<Path>,
    options: &EvaluateOptions,
) -> Result<Compared, Error> {
    let reference = reference.as_ref();
    let problem = |what: String| Err(Error::Models(what));
    if predictions.len() < 2 {
        return problem("a comparison is one of two models or more; give another one".to_owned());
    }
    for (place, (name, path)) in predictions.iter().enumerate() {
        if let Some((_, other)) = predictions[..place].iter().find(|(other, _)| other == name) {
            return problem(format!(
                "{} and {} have one name, `{name}`; give each its own",
                other.display(),
                path.display()
            ));
        }
    }
    let targets = match &options.targets {
        Some(targets) => targets.clone(),
        None => occurring(predictions, reference, options)?,
    };
    let options = EvaluateOptions {
        targets: Some(targets),
        ..options.clone()
    };
    let scored = predictions
        .iter()
        .map(|(name, path)| Ok((name.clone(), evaluate(path, reference, &options)?)));
    Ok(Compared {
        models: scored.collect::<Result<_, Error>>()?,
        bootstrap: options.bootstrap,
    })
}

/// Every label that occurs in a reference or in a prediction of any model.
fn occurring(
    predictions: &[(String, PathBuf)],
    reference: &Path,
    options: &EvaluateOptions,
) -> Result<Targets, Error> {
    let mut pairs = Vec::new();
    for (_, path) in predictions {
        pairs.extend(pair(path, reference, &options.reading.registry)?.list);
    }
    Ok(ReadMaps::occurring(&pairs, options)?.0)
}

impl Compared {
    /// The models compared by a measure, for each target that two cases or more have in all models.
    ///
    /// # Errors
    /// [`Error::Metric`] for a measure that was not taken, and for models with other cases.
    pub fn comparisons(
        &self,
        measure: &str,
        rule: RankRule,
    ) -> Result<Vec<(Target, Comparison)>, Error> {
        let models: Vec<(&str, &Evaluation)> = self
            .models
            .iter()
            .map(|(name, evaluated)| (name.as_str(), &evaluated.evaluation))
            .collect();
        let targets = models.first().and_then(|(_, first)| first.targets());
        let mut found = Vec::new();
        for target in targets.map_or(&[][..], Targets::list) {
            match Comparison::of(&models, &target.key, measure, rule, &self.bootstrap) {
                Ok(comparison) => found.push((target.clone(), comparison)),
                // Fewer than two cases have the structure.
                Err(vesalius_metrics::Error::Pairs { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    /// The mean of each measure and model over cases and targets, with its interval.
    pub fn table(&self) -> Table {
        let models = self.models.iter();
        let tables = models.map(|(name, evaluated)| {
            let scores = &evaluated.evaluation;
            let means = Table {
                head: scores.keys(),
                rows: vec![scores.means(&self.bootstrap)],
            };
            (&**name, means)
        });
        Table::stacked("model", tables)
    }

    /// The keys of the measures.
    pub fn keys(&self) -> Vec<String> {
        let first = self.models.first();
        first.map_or(Vec::new(), |(_, evaluated)| evaluated.evaluation.keys())
    }

    /// Writes every model, case and label as comma-separated values, with the model in the first column.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let models = self.models.iter();
        let tables = models.map(|(name, evaluated)| (&**name, evaluated.evaluation.csv_table()));
        let text = Table::stacked("model", tables).csv();
        Ok(write_bytes_atomically(path, text.as_bytes())?)
    }

    fn compared_by(&self, measure: &str) -> Result<Value, Error> {
        let comparisons = self.comparisons(measure, RankRule::default())?;
        let of = |(target, comparison): (Target, Comparison)| {
            let pairs = comparison.pairs.iter().map(|pair| {
                let [a, b] = pair.models.map(|model| comparison.names[model].as_str());
                let interval = pair.difference.interval;
                json!({
                    "models": [a, b],
                    "difference": pair.difference.mean,
                    "interval": [interval.low, interval.high],
                    "p": pair.test.p,
                    "p_holm": pair.adjusted_p,
                    "rank_biserial": pair.effect.rank_biserial,
                })
            });
            let ranks = comparison.names.iter().enumerate().map(|(model, name)| {
                let interval = comparison.ranking.intervals[model];
                let rank = json!({
                    "rank": comparison.ranking.ranks[model],
                    "interval": [interval.low, interval.high],
                    "first": comparison.ranking.first[model],
                });
                (name.clone(), rank)
            });
            let entry = json!({
                "cases": comparison.cases.len(),
                "ranks": ranks.collect::<serde_json::Map<_, _>>(),
                "kendall": comparison.ranking.kendall,
                "pairs": pairs.collect::<Vec<_>>(),
            });
            (target.key, entry)
        };
        Ok(Value::Object(comparisons.into_iter().map(of).collect()))
    }
}

/// `{"models": {name: the report of its evaluation}, "comparisons": {measure: {label: {"cases": …, "ranks": …, "kendall":
/// …, "pairs": […]}}}}`.
impl Serialize for Compared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let models: BTreeMap<&str, _> = self
            .models
            .iter()
            .map(|(name, evaluated)| (name.as_str(), evaluated.report()))
            .collect();
        let comparisons: BTreeMap<String, Value> = self
            .keys()
            .into_iter()
            .map(|key| {
                let compared = self.compared_by(&key).map_err(serde::ser::Error::custom)?;
                Ok((key, compared))
            })
            .collect::<Result<_, S::Error>>()?;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("models", &models)?;
        map.serialize_entry("comparisons", &comparisons)?;
        map.end()
    }
}
