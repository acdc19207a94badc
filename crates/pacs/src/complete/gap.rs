//! Holes in a stack of slices.

use super::Missing;
use crate::data_set::Frame;

/// A distance between neighbouring slices that is one and a half times the usual one or more.
pub(super) fn gap(frames: impl Iterator<Item = Option<Frame>>) -> Option<Missing> {
    let frames: Option<Vec<Frame>> = frames.collect();
    let frames = frames?;
    let first = frames.first()?;
    let normal = normal(first.orientation);
    let is_alike = |frame: &Frame| {
        let pairs = frame.orientation.iter().zip(first.orientation);
        pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-3)
    };
    // Scouts in several directions are no stack.
    if !frames.iter().all(is_alike) {
        return None;
    }
    let along = |frame: &Frame| (0..3).map(|k| frame.position[k] * normal[k]).sum::<f64>();
    let mut places: Vec<f64> = frames.iter().map(along).collect();
    places.sort_by(f64::total_cmp);
    // Several objects at one place are phases or echoes.
    let steps = places.windows(2).map(|two| two[1] - two[0]);
    let mut steps: Vec<f64> = steps.filter(|&step| step > 0.01).collect();
    steps.sort_by(f64::total_cmp);
    let usual = *steps.get(steps.len() / 2)?;
    let largest = *steps.last()?;
    (largest > 1.5 * usual && steps.len() >= 3).then_some(Missing::Slices { usual, largest })
}

fn normal(orientation: [f64; 6]) -> [f64; 3] {
    let [a, b, c, d, e, f] = orientation;
    [b * f - c * e, c * d - a * f, a * e - b * d]
}
