//! Scores cases: all targets and measures of a case in as few passes as they need.

use crate::bitmask::Bounds;
use crate::bounding_boxes::{self, bounding_boxes};
use crate::case_context::{CaseContext, Needs};
use crate::surface::Masks;
use crate::{CaseScores, ConfusionMatrix, Measure, Result, Score, Target, Targets};
use rayon::prelude::*;
use std::collections::HashMap;
use vesalius_control::{Control, Stage};
use vesalius_volume::{Geometry, Label, LabelMap};

/// Up to this many targets are cut out one by one.
const FEW: usize = 4;

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
        self.scored(name, reference, prediction, None)
    }

    /// As [`Evaluator::case`], cancelled between two measures of a target, and followed in the stage `measures`.
    ///
    /// # Errors
    /// As [`Evaluator::case`]; [`crate::Error::Cancelled`].
    ///
    /// ```
    /// use vesalius_control::Control;
    /// use vesalius_metrics::{Error, Evaluator, Measure, Targets};
    /// use vesalius_volume::{Geometry, LabelMap};
    ///
    /// let labels = LabelMap::<u16>::background(Geometry::axis_aligned([4, 4, 4], [1.0; 3])?);
    /// let evaluator = Evaluator::new(Targets::of_values(&[1])?, vec![Measure::Dice]);
    /// let control = Control::new();
    /// control.cancel();
    /// let result = evaluator.case_with("case_01", &labels, &labels, &control);
    /// assert!(matches!(result, Err(Error::Cancelled(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn case_with<R: Label, P: Label>(
        &self,
        name: &str,
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
        control: &Control,
    ) -> Result<CaseScores> {
        control.check()?;
        let total = self.targets.list().len() * self.measures.len();
        let stage = control.stage("measures", total as u64);
        self.scored(name, reference, prediction, Some(&stage))
    }

    fn scored<R: Label, P: Label>(
        &self,
        name: &str,
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
        stage: Option<&Stage>,
    ) -> Result<CaseScores> {
        let check = || stage.map_or(Ok(()), |stage| stage.control().check());
        let ignore = self.targets.ignore();
        let counts = ConfusionMatrix::count(reference, prediction, &self.targets.values(), ignore)?;
        let grid = reference.geometry();
        let needs = self.measures.iter().map(Measure::needs).max();
        let needs = needs.unwrap_or(Needs::Counts);
        let boxes = match grid.voxel_count() {
            0 => vec![None; self.targets.list().len()],
            _ if needs == Needs::Counts => vec![None; self.targets.list().len()],
            // Few targets are cut out of the whole grid in less time than one pass for all takes.
            _ if self.targets.list().len() <= FEW => {
                vec![Some(Bounds::of(grid.size())); self.targets.list().len()]
            }
            _ => {
                let boxes = bounding_boxes(reference, &self.targets).into_iter();
                let pairs = boxes.zip(bounding_boxes(prediction, &self.targets));
                pairs.map(|(a, b)| bounding_boxes::join(a, b)).collect()
            }
        };
        check()?;
        let score = |(target, bounds): (&Target, Option<Bounds>)| {
            check()?;
            let overlap = counts.overlap(target);
            let wanted = match needs {
                Needs::Counts => false,
                Needs::BothMasks => overlap.reference > 0 && overlap.prediction > 0,
                Needs::EitherMask => overlap.reference > 0 || overlap.prediction > 0,
            };
            let whole = || whole_masks(reference, prediction, target, ignore);
            let mut compared = CaseContext {
                counts: overlap,
                voxel_volume: grid.voxel_volume(),
                largest: diagonal(grid),
                masks: bounds
                    .filter(|_| wanted)
                    .map(|bounds| Masks::cut(reference, prediction, target, ignore, bounds)),
                distances: HashMap::new(),
                objects: Vec::new(),
                centre_lines: None,
                lesion_wise: Vec::new(),
                betti: None,
                whole: &whole,
            };
            let measured = |measure: &Measure| {
                check()?;
                let score = measure.score(&mut compared)?;
                if let Some(stage) = stage {
                    stage.advance(1);
                }
                Ok(score)
            };
            let scores: Result<Vec<Score>> = self.measures.iter().map(measured).collect();
            // Work that is cancelled in its last measure is cancelled.
            check()?;
            scores
        };
        let targets = self.targets.list();
        let scores: Result<Vec<Vec<Score>>> = if targets.len() <= FEW {
            // Each uses all threads.
            targets.iter().zip(boxes).map(score).collect()
        } else {
            targets.par_iter().zip(boxes).map(score).collect()
        };
        Ok(CaseScores {
            case: name.to_owned(),
            targets: self.targets.clone(),
            measures: self.measures.clone(),
            scores: scores?,
        })
    }

    /// The scores of a case that has no prediction: everything in its reference is missed.
    ///
    /// # Errors
    /// As [`Evaluator::case`].
    ///
    /// ```
    /// use vesalius_metrics::{Evaluator, Measure, Outcome, Targets};
    /// use vesalius_volume::{Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let reference = LabelMap::new(grid, vec![0_u16, 1, 1])?;
    /// let evaluator = Evaluator::new(Targets::of_values(&[1])?, vec![Measure::Dice]);
    /// let scores = evaluator.missing("case_01", &reference)?;
    /// assert_eq!(scores.get("1", "dice").unwrap().outcome, Outcome::Missed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn missing<R: Label>(&self, name: &str, reference: &LabelMap<R>) -> Result<CaseScores> {
        let nothing = LabelMap::<u8>::background(*reference.geometry());
        self.case(name, reference, &nothing)
    }

    /// As [`Evaluator::missing`], cancelled and followed as [`Evaluator::case_with`].
    ///
    /// # Errors
    /// As [`Evaluator::case_with`].
    pub fn missing_with<R: Label>(
        &self,
        name: &str,
        reference: &LabelMap<R>,
        control: &Control,
    ) -> Result<CaseScores> {
        let nothing = LabelMap::<u8>::background(*reference.geometry());
        self.case_with(name, reference, &nothing, control)
    }
}

/// A target of reference and prediction as masks of 0 and 1; 0 where the reference carries the ignore label.
fn whole_masks<R: Label, P: Label>(
    reference: &LabelMap<R>,
    prediction: &LabelMap<P>,
    target: &Target,
    ignore: Option<u32>,
) -> [LabelMap<u8>; 2] {
    let inside = |label: u32| u8::from(target.labels.contains(&label));
    let mut labels = reference.data().iter().map(|&label| label.into());
    let predicted = prediction.map(|label| match labels.next() {
        Some(label) if Some(label) == ignore => 0,
        _ => inside(label.into()),
    });
    [reference.map(|label| inside(label.into())), predicted]
}

/// The longest way through the image in mm, from voxel centre to voxel centre.
fn diagonal(grid: &Geometry) -> f64 {
    let corners = grid.corners();
    let distance = |a: [f64; 3], b: [f64; 3]| {
        let squared: f64 = (0..3).map(|i| (a[i] - b[i]).powi(2)).sum();
        squared.sqrt()
    };
    let pairs = corners
        .iter()
        .flat_map(|a| corners.iter().map(|b| distance(*a, *b)));
    pairs.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use vesalius_volume::ErrorKind;

    #[test]
    fn a_case_is_cancelled_between_two_measures_and_scores_the_same_otherwise() {
        let grid = Geometry::axis_aligned([24, 20, 16], [1.0; 3]).unwrap();
        let map = |shift: usize| {
            LabelMap::from_fn(grid, |[x, y, z]| {
                ((x + shift) / 5 * (y / 7) + z / 9) as u16 % 7
            })
        };
        let (reference, prediction) = (map(0), map(1));
        for labels in [&[1u32, 2][..], &[1, 2, 3, 4, 5, 6]] {
            let measures = vec![Measure::Dice, Measure::named("hd95", 1.0).unwrap()];
            let evaluator = Evaluator::new(Targets::of_values(labels).unwrap(), measures);
            let whole = evaluator.case("a", &reference, &prediction).unwrap();
            let control = Control::new();
            let told: Arc<Mutex<u64>> = Arc::default();
            control.on_progress({
                let told = told.clone();
                move |progress| *told.lock().unwrap() = progress.done
            });
            let watched = evaluator.case_with("a", &reference, &prediction, &control);
            assert_eq!(watched.unwrap(), whole);
            assert_eq!(*told.lock().unwrap(), 2 * labels.len() as u64);

            let control = Control::new();
            control.on_progress({
                let control = control.clone();
                move |progress| {
                    if progress.done == 1 {
                        control.cancel();
                    }
                }
            });
            let refused = evaluator.case_with("a", &reference, &prediction, &control);
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Cancelled);
            let refused = evaluator.missing_with("a", &reference, &control);
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Cancelled);
        }
    }
}
