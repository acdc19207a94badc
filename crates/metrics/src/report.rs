//! An evaluation as JSON together with the confidence intervals of its means.

use crate::evaluation::{Cases, Labels, Means};
use crate::{Bootstrap, Evaluation, Interval, Measure, Targets};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;

/// An evaluation's JSON form with one key more: `intervals`, the confidence interval of each mean as
/// `[low, high]`, null where there are fewer than two cases.
///
/// ```
/// use vesalius_metrics::{Bootstrap, Evaluation, Evaluator, Measure, Report, Targets};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let labels = LabelMap::new(Geometry::axis_aligned([3, 1, 1], [1.0; 3])?, vec![0_u16, 1, 1])?;
/// let evaluator = Evaluator::new(Targets::of_values(&[1])?, vec![Measure::Dice]);
/// let cases = ["a", "b"].map(|name| evaluator.case(name, &labels, &labels));
/// let evaluation = Evaluation::new(cases.into_iter().collect::<Result<_, _>>()?)?;
/// let report = Report { evaluation: &evaluation, bootstrap: Bootstrap::default() };
/// let json = serde_json::to_value(&report)?;
/// assert_eq!(json["mean"]["dice"], 1.0);
/// assert_eq!(json["intervals"]["mean"]["dice"], serde_json::json!([1.0, 1.0]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report<'a> {
    /// What is reported.
    pub evaluation: &'a Evaluation,
    /// How the intervals are computed.
    pub bootstrap: Bootstrap,
}

/// `{"mean": …, "labels": …, "intervals": {"level": …, "mean": {measure: [low, high]}, "labels":
/// {key: {measure: [low, high]}}}, "cases": …}`.
impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("mean", &Means(self.evaluation))?;
        map.serialize_entry("labels", &Labels(self.evaluation))?;
        map.serialize_entry("intervals", &Intervals(self))?;
        map.serialize_entry("cases", &Cases(self.evaluation.cases()))?;
        map.end()
    }
}

/// The ends of an interval by the key of a measure.
type Ends = BTreeMap<String, Option<[f64; 2]>>;

struct Intervals<'a>(&'a Report<'a>);

impl Intervals<'_> {
    fn of(&self, interval: impl Fn(&str) -> Option<Interval>) -> Ends {
        let keys = self.0.evaluation.measures().iter().map(Measure::key);
        keys.map(|key| {
            let ends = interval(&key).map(|found| [found.low, found.high]);
            (key, ends)
        })
        .collect()
    }
}

impl Serialize for Intervals<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Report {
            evaluation,
            bootstrap,
        } = self.0;
        let targets = evaluation.targets().map_or(&[][..], Targets::list);
        let labels: BTreeMap<&str, Ends> = targets
            .iter()
            .map(|target| {
                let interval = |measure: &str| evaluation.interval(&target.key, measure, bootstrap);
                (target.key.as_str(), self.of(interval))
            })
            .collect();
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("level", &bootstrap.level)?;
        map.serialize_entry("resamples", &bootstrap.resamples)?;
        map.serialize_entry("seed", &bootstrap.seed)?;
        let mean = |measure: &str| evaluation.mean_interval(measure, bootstrap);
        map.serialize_entry("mean", &self.of(mean))?;
        map.serialize_entry("labels", &labels)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Evaluator;
    use vesalius_volume::{Geometry, LabelMap};

    #[test]
    fn the_report_is_the_evaluation_and_its_intervals() {
        let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3]).unwrap();
        let map = |values: [u16; 4]| LabelMap::new(grid, values.to_vec()).unwrap();
        let evaluator = Evaluator::new(Targets::of_values(&[1]).unwrap(), vec![]);
        let score = |name, r, p| evaluator.case(name, &map(r), &map(p)).unwrap();
        let good = score("good", [1, 1, 0, 0], [1, 1, 0, 0]);
        let fair = score("fair", [1, 1, 0, 0], [0, 1, 1, 0]);
        let json = |cases: Vec<crate::CaseScores>| {
            let evaluation = Evaluation::new(cases).unwrap();
            let report = Report {
                evaluation: &evaluation,
                bootstrap: Bootstrap::default(),
            };
            serde_json::to_value(report).unwrap()
        };
        let two = json(vec![good.clone(), fair]);
        assert_eq!(two["mean"]["dice"], 0.75);
        assert_eq!(two["labels"]["1"]["dice"], 0.75);
        // Of two cases a quarter of the draws are one of them twice: the ends are the cases.
        assert_eq!(
            two["intervals"]["mean"]["dice"],
            serde_json::json!([0.5, 1.0])
        );
        assert_eq!(two["intervals"]["labels"]["1"]["dice"][1], 1.0);
        assert_eq!(two["cases"][1]["labels"]["1"]["dice"], 0.5);
        assert!(json(vec![good])["intervals"]["mean"]["dice"].is_null());
    }
}
