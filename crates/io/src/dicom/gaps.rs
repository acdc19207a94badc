//! The gaps between slices: equal ones, missing slices, a stack that leans.

use super::frame::Frame;
use super::stack::dot;
use super::{DicomOptions, SliceProblem, Tilt, UnevenSlices};
use vesalius_volume::Warning;

/// Gaps within this fraction of their median are the same gap: positions are written with few
/// digits.
const SAME_GAP: f64 = 0.01;
/// A stack leans when its last slice is off the normal by more than this fraction of a voxel.
const LEAN: f64 = 0.05;

/// The thickness of a single slice, and the warning about its origin.
pub(super) fn single(
    frame: &Frame,
    assumed: Option<[f64; 3]>,
) -> std::result::Result<(f64, Option<Warning>), SliceProblem> {
    let usable = |value: Option<f64>| value.map(f64::abs).filter(|v| *v > 0.0);
    if let Some(between) = usable(frame.spacing_between) {
        return Ok((between, None));
    }
    if let Some(spacing) = usable(frame.thickness) {
        let attribute = "SliceThickness".to_owned();
        return Ok((
            spacing,
            Some(Warning::ThicknessAsSpacing { attribute, spacing }),
        ));
    }
    let spacing = assumed.ok_or(SliceProblem::NoThickness)?;
    let found = "there is one slice without a thickness".to_owned();
    Ok((spacing[2], Some(Warning::SpacingAssumed { spacing, found })))
}

/// The common gap of the slices, and the smallest and the largest where there is none and they are to be
/// interpolated; an error when there is none and they are not.
pub(super) fn usual_gap(
    sorted: &[f64],
    options: DicomOptions,
) -> std::result::Result<(f64, Option<[f64; 2]>), SliceProblem> {
    let gaps: Vec<f64> = sorted.windows(2).map(|w| w[1] - w[0]).collect();
    let mut by_size = gaps.clone();
    by_size.sort_by(f64::total_cmp);
    // The lower median: with two gaps, the smaller is the usual one.
    let usual = by_size[(by_size.len() - 1) / 2];
    let copies = gaps.iter().filter(|gap| **gap < 1e-4).count();
    if copies > 0 {
        return Err(SliceProblem::Duplicates { count: copies });
    }
    let (smallest, largest) = (by_size[0], by_size[by_size.len() - 1]);
    if largest - smallest <= 2.0 * SAME_GAP * usual {
        let mean = (sorted[sorted.len() - 1] - sorted[0]) / gaps.len() as f64;
        return Ok((mean, None));
    }
    if options.uneven_slices == UnevenSlices::Interpolate {
        return Ok((usual, Some([smallest, largest])));
    }
    let times = |gap: f64| (gap / smallest).round();
    let whole =
        |gap: &f64| (gap - times(*gap) * smallest).abs() <= 2.0 * SAME_GAP * smallest * times(*gap);
    let usual_is_smallest = usual - smallest <= 2.0 * SAME_GAP * usual;
    if usual_is_smallest && gaps.iter().all(whole) {
        let wide = gaps.iter().position(|&gap| times(gap) > 1.0).unwrap_or(0);
        return Err(SliceProblem::Missing {
            count: gaps.iter().map(|&gap| times(gap) as usize - 1).sum(),
            gap: smallest,
            wide: gaps[wide],
            after: wide,
        });
    }
    Err(SliceProblem::VariableGap { smallest, largest })
}

/// The warning about a stack that leans, or the problem that it is.
pub(super) fn check_lean(
    first: [f64; 3],
    last: [f64; 3],
    up: [f64; 3],
    spacing: &[f64; 2],
    options: DicomOptions,
) -> std::result::Result<Option<Warning>, SliceProblem> {
    let along: [f64; 3] = std::array::from_fn(|i| last[i] - first[i]);
    let height = dot(along, up);
    let aside: [f64; 3] = std::array::from_fn(|i| along[i] - height * up[i]);
    let aside = dot(aside, aside).sqrt();
    if aside <= LEAN * spacing[0].min(spacing[1]) {
        return Ok(None);
    }
    let degrees = aside.atan2(height).to_degrees();
    match options.tilt {
        Tilt::Refuse => Err(SliceProblem::Tilted { degrees }),
        Tilt::KeepShear => Ok(Some(Warning::ShearKept { degrees })),
        Tilt::Untilt => Ok(Some(Warning::TiltResampled { degrees })),
    }
}
