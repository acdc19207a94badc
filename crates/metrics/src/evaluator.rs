//! Scores cases: all targets and measures of a case in as few passes as they need.

use crate::{CaseScores, Confusion, Measure, Result, Targets};
use vesalius_volume::{Label, LabelMap};

/// What is scored and by which measures; one of these scores all cases of an evaluation.
///
/// ```
/// use vesalius_metrics::{Evaluation, Evaluator, Measure, Targets};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![0u16, 1, 1, 2])?;
/// let prediction = LabelMap::new(grid, vec![0u16, 1, 0, 2])?;
/// let evaluator = Evaluator::new(Targets::of_values(&[1, 2])?, vec![Measure::Dice]);
/// let evaluation = Evaluation::new(vec![evaluator.case("a", &reference, &prediction)?])?;
/// assert_eq!(evaluation.mean("dice"), Some((2.0 / 3.0 + 1.0) / 2.0));
/// # Ok::<(), vesalius_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluator {
    /// What is scored.
    pub targets: Targets,
    /// By which measures; Dice belongs to every evaluation and is added where it is not named.
    pub measures: Vec<Measure>,
}

impl Evaluator {
    /// An evaluator of these targets; Dice is put first where it is not named.
    pub fn new(targets: Targets, mut measures: Vec<Measure>) -> Self {
        if !measures.contains(&Measure::Dice) {
            measures.insert(0, Measure::Dice);
        }
        Self { targets, measures }
    }

    /// The scores of one case.
    ///
    /// # Errors
    /// [`crate::Error::Volume`] when the label maps lie on different grids.
    pub fn case<R: Label, P: Label>(
        &self,
        name: &str,
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
    ) -> Result<CaseScores> {
        let ignore = self.targets.ignore();
        let counts = Confusion::count(reference, prediction, &self.targets.values(), ignore)?;
        let scores = self
            .targets
            .list()
            .iter()
            .map(|target| {
                let overlap = counts.overlap(target);
                self.measures.iter().map(|m| m.score(&overlap)).collect()
            })
            .collect();
        Ok(CaseScores {
            case: name.to_owned(),
            targets: self.targets.clone(),
            measures: self.measures.iter().map(Measure::key).collect(),
            scores,
        })
    }

    /// The scores of a case that has no prediction: everything in its reference is missed.
    ///
    /// # Errors
    /// As [`Evaluator::case`].
    pub fn missing<R: Label>(&self, name: &str, reference: &LabelMap<R>) -> Result<CaseScores> {
        let nothing = LabelMap::<u8>::background(*reference.geometry());
        self.case(name, reference, &nothing)
    }
}
