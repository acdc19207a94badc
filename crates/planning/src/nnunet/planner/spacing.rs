//! The spacing that cases are resampled to, and the order of axes, as nnU-Net 2.8.1 chooses them.

use super::Fingerprint;
use crate::numpy::{median, percentile};
use vesalius_volume::limits;

/// Anisotropy from which thick slices are treated separately.
const ANISOTROPIC: f64 = 3.0;

/// A spacing along the array's axes and its reason.
pub(super) struct Target {
    pub spacing: [f64; 3],
    pub reasons: String,
}

/// The median spacing; the 10th percentile along an axis of few, thick slices.
pub(super) fn target(fingerprint: &Fingerprint) -> Target {
    let spacing_of =
        |axis: usize| -> Vec<f64> { fingerprint.spacings.iter().map(|s| s[axis]).collect() };
    let mut spacing: [f64; 3] = std::array::from_fn(|axis| percentile(&spacing_of(axis), 50.0));
    let size = median_of(
        fingerprint
            .shapes_after_crop
            .iter()
            .map(|s| s.map(|n| n as f64)),
    );
    let worst = thickest(spacing);
    let others = [0, 1, 2].into_iter().filter(|&axis| axis != worst);
    let coarsest_other = others.clone().map(|axis| spacing[axis]).fold(0.0, f64::max);
    let smallest_other = others.map(|axis| size[axis]).fold(f64::INFINITY, f64::min);
    let thick = limits::exceeds(spacing[worst], ANISOTROPIC * coarsest_other);
    let few = size[worst] * ANISOTROPIC < smallest_other;
    if !(thick && few) {
        let reasons = format!(
            "spacing {} mm is the median of the cases, so that half of them gain and half lose voxels",
            numbers(&spacing)
        );
        return Target { spacing, reasons };
    }
    let median = spacing[worst];
    let mut tenth = percentile(&spacing_of(worst), 10.0);
    if limits::below(tenth, coarsest_other) {
        tenth = coarsest_other.max(tenth) + 1e-5;
    }
    spacing[worst] = tenth;
    let reasons = format!(
        "spacing {} mm is the median of the cases, except along axis {worst}: slices of {} mm are more than three times as thick as their pixels, and few, so the 10th percentile is taken lest thin slices be blurred away",
        numbers(&spacing),
        numbers(&[median]),
    );
    Target { spacing, reasons }
}

/// The axis of the largest spacing, the first of several.
pub(super) fn thickest(spacing: [f64; 3]) -> usize {
    (1..3).fold(0, |worst, axis| {
        match limits::exceeds(spacing[axis], spacing[worst]) {
            true => axis,
            false => worst,
        }
    })
}

/// Medians along each axis.
pub(super) fn median_of(values: impl Iterator<Item = [f64; 3]>) -> [f64; 3] {
    let values: Vec<[f64; 3]> = values.collect();
    std::array::from_fn(|axis| median(&values.iter().map(|v| v[axis]).collect::<Vec<_>>()))
}

/// The size of each case once resampled, half to even.
pub(super) fn resampled(
    fingerprint: &Fingerprint,
    target: [f64; 3],
) -> impl Iterator<Item = [f64; 3]> {
    let cases = fingerprint
        .spacings
        .iter()
        .zip(&fingerprint.shapes_after_crop);
    cases.map(move |(from, size)| {
        std::array::from_fn(|axis| {
            limits::round_ties_even(from[axis] / target[axis] * size[axis] as f64)
        })
    })
}

/// Numbers as a person writes them: at most four digits after the point.
pub(super) fn numbers(values: &[f64]) -> String {
    let text = values.iter().map(|v| {
        let text = format!("{v:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    });
    text.collect::<Vec<_>>().join(" × ")
}
