//! Scores cases: all targets and measures of a case in as few passes as they need.

use crate::bits::Bounds;
use crate::extents::{self, extents};
use crate::measure::Compared;
use crate::surface::Masks;
use crate::{CaseScores, Confusion, Measure, Result, Score, Target, Targets};
use rayon::prelude::*;
use std::collections::HashMap;
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
        let ignore = self.targets.ignore();
        let counts = Confusion::count(reference, prediction, &self.targets.values(), ignore)?;
        let grid = reference.geometry();
        let wants_masks = self.measures.iter().any(Measure::needs_masks);
        let boxes = match grid.voxel_count() {
            0 => vec![None; self.targets.list().len()],
            _ if !wants_masks => vec![None; self.targets.list().len()],
            // Few targets are cut out of the whole grid in less time than all are looked for.
            _ if self.targets.list().len() <= FEW => {
                vec![Some(Bounds::of(grid.size())); self.targets.list().len()]
            }
            _ => {
                let boxes = extents(reference, &self.targets).into_iter();
                let pairs = boxes.zip(extents(prediction, &self.targets));
                pairs.map(|(a, b)| extents::join(a, b)).collect()
            }
        };
        let score = |(target, bounds): (&Target, Option<Bounds>)| {
            let overlap = counts.overlap(target);
            let both = overlap.reference > 0 && overlap.prediction > 0;
            let whole = || whole_masks(reference, prediction, target, ignore);
            let mut compared = Compared {
                counts: overlap,
                voxel_volume: grid.voxel_volume(),
                largest: diagonal(grid),
                masks: bounds
                    .filter(|_| both)
                    .map(|bounds| Masks::cut(reference, prediction, target, ignore, bounds)),
                distances: HashMap::new(),
                whole: &whole,
            };
            let measures = self.measures.iter();
            measures
                .map(|m| m.score(&mut compared))
                .collect::<Result<_>>()
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
    pub fn missing<R: Label>(&self, name: &str, reference: &LabelMap<R>) -> Result<CaseScores> {
        let nothing = LabelMap::<u8>::background(*reference.geometry());
        self.case(name, reference, &nothing)
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
