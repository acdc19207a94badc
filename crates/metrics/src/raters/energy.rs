//! How far a set of predictions is from a set of raters, as distributions.

use super::check;
use crate::{ConfusionMatrix, Outcome, Result, Target};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// The parts of the generalised energy distance.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct EnergyDistance {
    /// The mean distance between a rater and a prediction.
    pub between: f64,
    /// The mean distance between two raters, each with itself too.
    pub among_raters: f64,
    /// The mean distance between two predictions, each with itself too: their diversity.
    pub among_predictions: f64,
}

impl EnergyDistance {
    /// The squared distance: 2 · between - among raters - among predictions. 0 when both have the same distribution.
    pub fn squared(&self) -> f64 {
        2.0 * self.between - self.among_raters - self.among_predictions
    }
}

/// The generalised energy distance between raters and sampled predictions of one target, by 1 - IoU; two empty masks are
/// at distance 0. (Székely and Rizzo, 10.1016/j.jspi.2013.03.018; for segmentations Kohl et al., arXiv 1806.05034)
///
/// # Errors
/// [`crate::Error::Raters`] without raters or predictions; [`crate::Error::Volume`] where grids differ.
///
/// ```
/// use vesalius_metrics::{Target, energy_distance};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let map = |values: [u16; 4]| LabelMap::new(grid, values.to_vec());
/// let (a, b) = (map([1, 1, 0, 0])?, map([0, 0, 1, 1])?);
/// // Predictions that vary as the raters do, and a prediction that is always the first rater's.
/// let one = Target::of_value(1);
/// assert_eq!(energy_distance(&[&a, &b], &[&b, &a], &one)?.squared(), 0.0);
/// assert_eq!(energy_distance(&[&a, &b], &[&a, &a], &one)?.squared(), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn energy_distance<R: Label, P: Label>(
    raters: &[&LabelMap<R>],
    predictions: &[&LabelMap<P>],
    target: &Target,
) -> Result<EnergyDistance> {
    energy_distance_with(raters, predictions, target, &Control::new())
}

/// As [`energy_distance`], cancelled between pairs and followed in the stage `energy distance`.
///
/// # Errors
/// As [`energy_distance`]; [`crate::Error::Cancelled`].
pub fn energy_distance_with<R: Label, P: Label>(
    raters: &[&LabelMap<R>],
    predictions: &[&LabelMap<P>],
    target: &Target,
    control: &Control,
) -> Result<EnergyDistance> {
    check(raters, 1)?;
    check(predictions, 1)?;
    let (n, m) = (raters.len(), predictions.len());
    let pairs = n * m + n * (n - 1) / 2 + m * (m - 1) / 2;
    let stage = control.stage("energy distance", pairs as u64);
    let mean_of_pairs = |sum: f64, count: usize| 2.0 * sum / (count * count) as f64;
    let among_raters = sum(
        &upper(n),
        |(i, j)| distance(raters[i], raters[j], target),
        &stage,
    )?;
    let among_predictions = sum(
        &upper(m),
        |(i, j)| distance(predictions[i], predictions[j], target),
        &stage,
    )?;
    let all: Vec<(usize, usize)> = (0..n).flat_map(|i| (0..m).map(move |j| (i, j))).collect();
    let between = sum(
        &all,
        |(i, j)| distance(raters[i], predictions[j], target),
        &stage,
    )?;
    Ok(EnergyDistance {
        between: between / (n * m) as f64,
        among_raters: mean_of_pairs(among_raters, n),
        among_predictions: mean_of_pairs(among_predictions, m),
    })
}

/// Pairs of different places, the smaller one first.
fn upper(count: usize) -> Vec<(usize, usize)> {
    (0..count)
        .flat_map(|i| (i + 1..count).map(move |j| (i, j)))
        .collect()
}

fn sum(
    pairs: &[(usize, usize)],
    distance: impl Fn((usize, usize)) -> Result<f64> + Sync,
    stage: &vesalius_control::Stage,
) -> Result<f64> {
    let distances: Result<Vec<f64>> = pairs
        .par_iter()
        .map(|&pair| {
            stage.control().check()?;
            let found = distance(pair);
            stage.advance(1);
            found
        })
        .collect();
    Ok(distances?.into_iter().sum())
}

fn distance<A: Label, B: Label>(a: &LabelMap<A>, b: &LabelMap<B>, target: &Target) -> Result<f64> {
    let counts = ConfusionMatrix::count(a, b, &target.labels, None)?;
    Ok(match counts.overlap(target).iou() {
        Outcome::Value(iou) => 1.0 - iou,
        Outcome::BothEmpty => 0.0,
        Outcome::Missed | Outcome::Spurious => 1.0,
    })
}
