//! Scores over cases, how each outcome was counted, and the JSON form of it all.
//!
//! Per target the mean over cases, then the mean over targets. A case where both masks are empty
//! is left out of that target and counted; a missed or spurious one gets the worst score.

use crate::{Error, Measure, Outcome, Result, Score, Targets};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// The scores of one case: `scores[target][measure]`.
///
/// ```
/// use vesalius_metrics::{Evaluator, Measure, Outcome, Targets};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![0_u16, 1, 1, 2])?;
/// let prediction = LabelMap::new(grid, vec![0_u16, 1, 1, 0])?;
/// let evaluator = Evaluator::new(Targets::of_values(&[1, 2])?, vec![Measure::Dice]);
/// let scores = evaluator.case("case_01", &reference, &prediction)?;
/// assert_eq!(scores.get("1", "dice").unwrap().outcome, Outcome::Value(1.0));
/// // A missed structure counts 0.
/// let missed = scores.get("2", "dice").unwrap();
/// assert_eq!((missed.outcome, missed.counted), (Outcome::Missed, Some(0.0)));
/// assert_eq!(scores.mean("dice"), Some(0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CaseScores {
    /// The case's name.
    pub case: String,
    /// What was scored.
    pub targets: Targets,
    /// By which measures.
    pub measures: Vec<Measure>,
    /// One row per target, one column per measure.
    pub scores: Vec<Vec<Score>>,
}

impl CaseScores {
    /// The score of a target and a measure, by their keys.
    pub fn get(&self, target: &str, measure: &str) -> Option<Score> {
        let row = self.targets.list().iter().position(|t| t.key == target)?;
        let column = self.measures.iter().position(|m| m.key() == measure)?;
        Some(self.scores[row][column])
    }

    /// The mean of a measure over the targets that count in this case.
    pub fn mean(&self, measure: &str) -> Option<f64> {
        let column = self.measures.iter().position(|m| m.key() == measure)?;
        mean(self.scores.iter().filter_map(|row| row[column].counted))
    }
}

/// A measure of one target over all cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The mean over the cases that count; `None` when none does.
    pub mean: Option<f64>,
    /// Cases in the mean.
    pub counted: usize,
    /// Cases left out because reference and prediction are empty.
    pub both_empty: usize,
    /// Cases in which the prediction has nothing.
    pub missed: usize,
    /// Cases in which the reference has nothing.
    pub spurious: usize,
}

/// All cases of an evaluation, scored in one way.
///
/// ```
/// use vesalius_metrics::{Error, Evaluation, Evaluator, Measure, Targets};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::new(grid, vec![0_u16, 1, 1])?;
/// let evaluator = Evaluator::new(Targets::of_values(&[1])?, vec![Measure::Dice]);
/// let scores = evaluator.case("a", &labels, &labels)?;
/// let evaluation = Evaluation::new(vec![scores.clone()])?;
/// assert_eq!(evaluation.mean("dice"), Some(1.0));
/// // Case names are unique.
/// assert!(matches!(Evaluation::new(vec![scores.clone(), scores]), Err(Error::CaseTwice(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    cases: Vec<CaseScores>,
}

impl Evaluation {
    /// Cases of one [`crate::Evaluator`].
    ///
    /// # Errors
    /// [`Error::MixedCases`] when their targets or measures differ, [`Error::CaseTwice`].
    pub fn new(cases: Vec<CaseScores>) -> Result<Self> {
        let mut names = std::collections::HashSet::new();
        for case in &cases {
            let first = &cases[0];
            if case.targets != first.targets || case.measures != first.measures {
                let describe = |c: &CaseScores| {
                    let keys: Vec<&str> = c.targets.list().iter().map(|t| t.key.as_str()).collect();
                    let measures: Vec<String> = c.measures.iter().map(Measure::key).collect();
                    format!("{} of labels {}", measures.join(", "), keys.join(", "))
                };
                return Err(Error::MixedCases {
                    case: case.case.clone(),
                    found: describe(case),
                    expected: describe(first),
                });
            }
            if !names.insert(&case.case) {
                return Err(Error::CaseTwice(case.case.clone()));
            }
        }
        Ok(Self { cases })
    }

    /// The cases, in the order given.
    pub fn cases(&self) -> &[CaseScores] {
        &self.cases
    }

    /// The measures.
    pub fn measures(&self) -> &[Measure] {
        self.cases.first().map_or(&[], |case| &case.measures)
    }

    /// What was scored; `None` when there is no case.
    pub fn targets(&self) -> Option<&Targets> {
        self.cases.first().map(|case| &case.targets)
    }

    /// A measure of a target over all cases, by their keys.
    ///
    /// ```
    /// use vesalius_metrics::{Evaluation, Evaluator, Measure, Targets};
    /// use vesalius_volume::{Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let (empty, lesion) = (LabelMap::new(grid, vec![0_u16; 3])?, LabelMap::new(grid, vec![0_u16, 1, 1])?);
    /// let evaluator = Evaluator::new(Targets::of_values(&[1])?, vec![Measure::Dice]);
    /// let evaluation = Evaluation::new(vec![
    ///     evaluator.case("right", &lesion, &lesion)?,
    ///     evaluator.case("missed", &lesion, &empty)?,
    ///     evaluator.case("healthy", &empty, &empty)?,
    /// ])?;
    /// let summary = evaluation.summary("1", "dice").unwrap();
    /// // The healthy case is left out of the mean.
    /// assert_eq!((summary.mean, summary.counted), (Some(0.5), 2));
    /// assert_eq!((summary.missed, summary.both_empty), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn summary(&self, target: &str, measure: &str) -> Option<Summary> {
        let scores: Option<Vec<Score>> = self
            .cases
            .iter()
            .map(|case| case.get(target, measure))
            .collect();
        let scores = scores.filter(|scores| !scores.is_empty())?;
        let count = |outcome| scores.iter().filter(|s| s.outcome == outcome).count();
        let counted: Vec<f64> = scores.iter().filter_map(|s| s.counted).collect();
        Some(Summary {
            mean: mean(counted.iter().copied()),
            counted: counted.len(),
            both_empty: count(Outcome::BothEmpty),
            missed: count(Outcome::Missed),
            spurious: count(Outcome::Spurious),
        })
    }

    /// Per target the mean over cases, then the mean over the targets that have one.
    pub fn mean(&self, measure: &str) -> Option<f64> {
        let targets = self.targets()?.list();
        mean(
            targets
                .iter()
                .filter_map(|target| self.summary(&target.key, measure)?.mean),
        )
    }
}

/// The mean of some values; `None` when there are none.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, n), value| (sum + value, n + 1));
    (count > 0).then(|| sum / count as f64)
}

/// `{"mean": {measure: …}, "labels": {key: {measure: …}}, "cases": [{"case": …, "labels": …}]}`.
impl Serialize for Evaluation {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("mean", &Means(self))?;
        map.serialize_entry("labels", &Labels(self))?;
        map.serialize_entry("cases", &Cases(&self.cases))?;
        map.end()
    }
}

pub(crate) struct Means<'a>(pub &'a Evaluation);

impl Serialize for Means<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let keys = self.0.measures().iter().map(Measure::key);
        serializer.collect_map(keys.map(|key| (key.clone(), self.0.mean(&key))))
    }
}

pub(crate) struct Labels<'a>(pub &'a Evaluation);

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let targets = self.0.targets().map_or(&[][..], Targets::list);
        serializer.collect_map(
            targets
                .iter()
                .map(|t| (&t.key, Label(self.0, &t.key, &t.name))),
        )
    }
}

/// The means of one target, then its name and how the outcomes of Dice were counted.
struct Label<'a>(&'a Evaluation, &'a str, &'a str);

impl Serialize for Label<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Self(evaluation, key, name) = self;
        let mut map = serializer.serialize_map(None)?;
        for measure in evaluation.measures().iter().map(Measure::key) {
            let mean = evaluation.summary(key, &measure).and_then(|s| s.mean);
            map.serialize_entry(&measure, &mean)?;
        }
        map.serialize_entry("name", name)?;
        if let Some(summary) = evaluation.summary(key, "dice") {
            map.serialize_entry("counted", &summary.counted)?;
            map.serialize_entry("both_empty", &summary.both_empty)?;
            map.serialize_entry("missed", &summary.missed)?;
            map.serialize_entry("spurious", &summary.spurious)?;
        }
        map.end()
    }
}

pub(crate) struct Cases<'a>(pub &'a [CaseScores]);

impl Serialize for Cases<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for case in self.0 {
            list.serialize_element(case)?;
        }
        list.end()
    }
}

/// `{"case": …, "labels": {key: {measure: counted value}}}`; `outcome` gives the reason for a missing value.
impl Serialize for CaseScores {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("case", &self.case)?;
        map.serialize_entry("labels", &CaseLabels(self))?;
        map.end()
    }
}

struct CaseLabels<'a>(&'a CaseScores);

impl Serialize for CaseLabels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let rows = self.0.targets.list().iter().zip(&self.0.scores);
        serializer.collect_map(rows.map(|(t, row)| (&t.key, CaseLabel(&self.0.measures, row))))
    }
}

struct CaseLabel<'a>(&'a [Measure], &'a [Score]);

impl Serialize for CaseLabel<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (measure, score) in self.0.iter().zip(self.1) {
            map.serialize_entry(&measure.key(), &score.counted)?;
        }
        let dice = self.0.iter().position(|m| *m == Measure::Dice);
        if let Some(outcome) = dice.map(|i| self.1[i].outcome)
            && outcome.value().is_none()
        {
            map.serialize_entry("outcome", outcome.word())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Evaluator;
    use vesalius_volume::{Geometry, LabelMap};

    fn map(values: [u16; 4]) -> LabelMap {
        let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3]).unwrap();
        LabelMap::new(grid, values.to_vec()).unwrap()
    }

    fn evaluation() -> Evaluation {
        let evaluator = Evaluator::new(Targets::of_values(&[1, 2]).unwrap(), vec![]);
        let score = |name, r, p| evaluator.case(name, &map(r), &map(p)).unwrap();
        let cases = vec![
            score("whole", [1, 1, 2, 2], [1, 1, 2, 2]),
            score("missed", [1, 1, 2, 2], [1, 1, 0, 0]),
            score("neither", [1, 1, 0, 0], [1, 0, 0, 0]),
            score("spurious", [1, 0, 0, 0], [1, 0, 0, 2]),
        ];
        Evaluation::new(cases).unwrap()
    }

    #[test]
    fn missed_and_spurious_score_zero_and_both_empty_is_left_out() {
        let evaluation = evaluation();
        let second = evaluation.summary("2", "dice").unwrap();
        let expected = Summary {
            mean: Some(1.0 / 3.0),
            counted: 3,
            both_empty: 1,
            missed: 1,
            spurious: 1,
        };
        assert_eq!(second, expected);
        let first = (1.0 + 1.0 + 2.0 / 3.0 + 1.0) / 4.0;
        assert_eq!(evaluation.mean("dice"), Some((first + 1.0 / 3.0) / 2.0));
    }

    #[test]
    fn json_has_the_shape_that_others_read() {
        let json = serde_json::to_value(evaluation()).unwrap();
        assert_eq!(json["labels"]["2"]["dice"], 1.0 / 3.0);
        assert_eq!(json["labels"]["2"]["both_empty"], 1);
        assert_eq!(json["cases"][1]["case"], "missed");
        assert_eq!(json["cases"][1]["labels"]["2"]["dice"], 0.0);
        assert_eq!(json["cases"][1]["labels"]["2"]["outcome"], "missed");
        assert!(json["cases"][2]["labels"]["2"]["dice"].is_null());
        assert_eq!(json["mean"]["dice"], evaluation().mean("dice").unwrap());
        let empty = serde_json::to_value(Evaluation::new(vec![]).unwrap()).unwrap();
        assert_eq!(empty.to_string(), r#"{"mean":{},"labels":{},"cases":[]}"#);
    }

    #[test]
    fn cases_that_were_scored_differently_do_not_mix() {
        let one = |measures| {
            Evaluator::new(Targets::of_values(&[1]).unwrap(), measures)
                .case("a", &map([1; 4]), &map([1; 4]))
                .unwrap()
        };
        let twice = Evaluation::new(vec![one(vec![]), one(vec![])]);
        assert!(matches!(twice, Err(Error::CaseTwice(name)) if name == "a"));
        let mixed = Evaluation::new(vec![one(vec![]), one(vec![Measure::Iou])]);
        assert!(mixed.unwrap_err().to_string().contains("iou"));
    }

    #[test]
    fn a_case_without_a_prediction_is_missed() {
        let evaluator = Evaluator::new(Targets::of_values(&[1, 2]).unwrap(), vec![]);
        let case = evaluator.missing("a", &map([1, 1, 0, 0])).unwrap();
        assert_eq!(case.get("1", "dice").unwrap().outcome, Outcome::Missed);
        assert_eq!(case.get("2", "dice").unwrap().outcome, Outcome::BothEmpty);
        assert_eq!(case.mean("dice"), Some(0.0));
    }
}
