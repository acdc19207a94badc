//! Frames to a grid: sorted along the slice normal.

use super::frame::Frame;
use super::gaps::{check_lean, single, usual_gap};
use super::untilt::Untilt;
use super::{DicomOptions, SliceProblem};
use crate::{Error, Result};
use std::path::Path;
use vesalius_volume::{Affine, Geometry, Warning};

/// A grid and how its slices come from frames.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    pub geometry: Geometry,
    /// Number of each slice's frame, sorted along the normal.
    pub order: Vec<usize>,
    /// Place of each frame in `order`, in slices from the first; whole numbers when uniform.
    pub places: Vec<f64>,
    /// How slices are moved within their planes, where the stack leaned.
    pub untilt: Option<Untilt>,
    /// What had to be decided.
    pub warnings: Vec<Warning>,
}

impl Stack {
    /// Whether each slice of the volume is one frame as it is.
    pub fn is_uniform(&self) -> bool {
        let mut places = self.places.iter().enumerate();
        self.untilt.is_none() && places.all(|(i, place)| (place - i as f64).abs() < 0.05)
    }
}

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| a[i] * b[i]).sum()
}

/// Unit normal of row × column direction, LPS.
pub(super) fn normal(o: &[f64; 6]) -> [f64; 3] {
    let n = [
        o[1] * o[5] - o[2] * o[4],
        o[2] * o[3] - o[0] * o[5],
        o[0] * o[4] - o[1] * o[3],
    ];
    let length = dot(n, n).sqrt();
    n.map(|v| v / length)
}

/// Distance of a frame along its own normal.
pub(super) fn height(frame: &Frame) -> Option<f64> {
    Some(dot(frame.position?, normal(&frame.orientation?)))
}

/// Position, orientation and spacing of a frame.
type Place = ([f64; 3], [f64; 6], [f64; 2]);

/// The place of a frame, or the attribute that is missing.
pub(super) fn placed(frame: &Frame) -> std::result::Result<Place, SliceProblem> {
    let missing = |missing| SliceProblem::NoGeometry { missing };
    Ok((
        frame.position.ok_or(missing("ImagePositionPatient"))?,
        frame
            .orientation
            .ok_or(missing("ImageOrientationPatient"))?,
        frame.spacing.ok_or(missing("PixelSpacing"))?,
    ))
}

/// The grid of the frames, or why there is none.
pub(super) fn stack(
    frames: &[Frame],
    [columns, rows]: [usize; 2],
    assumed: Option<[f64; 3]>,
    options: DicomOptions,
) -> std::result::Result<Stack, SliceProblem> {
    let count = frames.len();
    let parts: std::result::Result<Vec<_>, _> = frames.iter().map(placed).collect();
    let mut warnings = Vec::new();
    let parts = match (parts, assumed) {
        (Ok(parts), _) => parts,
        (Err(problem), Some(spacing)) => {
            let geometry = Geometry::axis_aligned([columns, rows, count], spacing);
            let found = match problem {
                SliceProblem::NoGeometry { missing } => format!("{missing} is missing"),
                other => other.to_string(),
            };
            return Ok(Stack {
                geometry: geometry.map_err(|_| SliceProblem::NoGeometry {
                    missing: "a usable spacing",
                })?,
                order: (0..count).collect(),
                places: (0..count).map(|i| i as f64).collect(),
                untilt: None,
                warnings: vec![Warning::SpacingAssumed { spacing, found }],
            });
        }
        (Err(problem), None) => return Err(problem),
    };
    let (_, orientation, spacing) = parts[0];
    let up = normal(&orientation);
    let mut order: Vec<usize> = (0..count).collect();
    let heights: Vec<f64> = parts
        .iter()
        .map(|(position, ..)| dot(*position, up))
        .collect();
    order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
    let first = parts[order[0]].0;
    let last = parts[order[count - 1]].0;
    let mut leans = false;
    let (places, step) = if count == 1 {
        let (thickness, told) = single(&frames[0], assumed)?;
        warnings.extend(told);
        (vec![0.0], up.map(|v| v * thickness))
    } else {
        let sorted: Vec<f64> = order.iter().map(|&i| heights[i]).collect();
        let (gap, uneven) = usual_gap(&sorted, options)?;
        let extent = sorted[count - 1] - sorted[0];
        let slices = (extent / gap).round().max(1.0);
        let step = std::array::from_fn(|i| (last[i] - first[i]) / slices);
        let lean = check_lean(first, last, up, &spacing, options)?;
        leans = matches!(lean, Some(Warning::TiltResampled { .. }));
        let step = match leans {
            true => up.map(|v| v * extent / slices),
            false => step,
        };
        warnings.extend(lean);
        warnings.extend(
            uneven.map(|[smallest, largest]| Warning::SlicesInterpolated {
                files: count,
                slices: slices as usize + 1,
                smallest,
                largest,
            }),
        );
        let place = |h: &f64| (h - sorted[0]) / extent * slices;
        (sorted.iter().map(place).collect(), step)
    };
    let depth = places
        .last()
        .map_or(1, |last: &f64| last.round() as usize + 1);
    let positions = || order.iter().map(|&i| parts[i].0).collect::<Vec<_>>();
    let untilt = leans.then(|| Untilt::of(&positions(), &orientation, spacing, [columns, rows]));
    let (untilt, [columns, rows]) = match untilt {
        Some((untilt, plane)) => (Some(untilt), plane),
        None => (None, [columns, rows]),
    };
    let start = untilt.as_ref().map_or([0; 2], |untilt| untilt.first);
    let first = start_of(first, &orientation, spacing, start);
    let size = [columns, rows, depth];
    Ok(Stack {
        geometry: grid(size, &orientation, spacing, step, first)?,
        order,
        places,
        untilt,
        warnings,
    })
}

/// The centre of another voxel of a plane than its first.
fn start_of(
    first: [f64; 3],
    o: &[f64; 6],
    [between_rows, between_columns]: [f64; 2],
    [column, row]: [i64; 2],
) -> [f64; 3] {
    let (along, down) = (column as f64 * between_columns, row as f64 * between_rows);
    std::array::from_fn(|i| first[i] + along * o[i] + down * o[i + 3])
}

/// The affine: columns advance along the first direction by the spacing between columns.
pub(super) fn grid(
    size: [usize; 3],
    o: &[f64; 6],
    [between_rows, between_columns]: [f64; 2],
    step: [f64; 3],
    first: [f64; 3],
) -> std::result::Result<Geometry, SliceProblem> {
    // LPS to RAS; adding zero turns a negative zero into a zero.
    let sign = |i: usize, v: f64| if i < 2 { 0.0 - v } else { v + 0.0 };
    let linear = std::array::from_fn(|i| {
        [
            sign(i, o[i] * between_columns),
            sign(i, o[i + 3] * between_rows),
            sign(i, step[i]),
        ]
    });
    let origin = std::array::from_fn(|i| sign(i, first[i]));
    let affine = Affine::from_linear(linear, origin);
    let geometry = affine.and_then(|affine| Geometry::new(size, affine));
    geometry.map_err(|_| SliceProblem::NoGeometry {
        missing: "a usable ImageOrientationPatient and PixelSpacing",
    })
}

/// A problem as an error of the file or folder.
pub(super) fn refuse(path: &Path, series: &str, problem: SliceProblem) -> Error {
    Error::Slices {
        path: path.to_owned(),
        series: series.to_owned(),
        problem,
    }
}

/// Lets a stack's problem be an error of this crate.
pub(super) fn checked<T>(
    path: &Path,
    series: &str,
    result: std::result::Result<T, SliceProblem>,
) -> Result<T> {
    result.map_err(|problem| refuse(path, series, problem))
}

#[cfg(test)]
mod tests {
    use super::super::{Tilt, UnevenSlices};
    use super::*;
    use crate::Scaling;

    fn frames(positions: &[[f64; 3]]) -> Vec<Frame> {
        let frame = |position: &[f64; 3]| Frame {
            file: crate::place::Place::on_disk("a").into(),
            index: 0,
            tile: None,
            position: Some(*position),
            orientation: Some([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
            spacing: Some([0.5, 0.25]),
            thickness: Some(2.0),
            spacing_between: None,
            scaling: Scaling::IDENTITY,
            unusable: Vec::new(),
            segment: None,
            instance: None,
            marks: Default::default(),
        };
        positions.iter().map(frame).collect()
    }

    fn along_z(heights: &[f64]) -> Vec<Frame> {
        let positions: Vec<_> = heights.iter().map(|z| [10.0, 20.0, *z]).collect();
        frames(&positions)
    }

    fn judge(frames: &[Frame], options: DicomOptions) -> std::result::Result<Stack, SliceProblem> {
        stack(frames, [4, 3], None, options)
    }

    #[test]
    fn a_uniform_stack_is_sorted_by_position() {
        let found = judge(&along_z(&[4.0, 0.0, 2.0]), DicomOptions::default()).unwrap();
        assert_eq!(found.order, [1, 2, 0]);
        let rows = found.geometry.affine().rows();
        // Columns advance by the second number of PixelSpacing, rows by the first; RAS.
        assert_eq!(rows[0], [-0.25, 0.0, 0.0, -10.0]);
        assert_eq!(rows[1], [0.0, -0.5, 0.0, -20.0]);
        assert_eq!(rows[2], [0.0, 0.0, 2.0, 0.0]);
    }

    #[test]
    fn every_departure_from_uniform_has_its_name() {
        let strict = DicomOptions::default();
        let name = |heights: &[f64]| judge(&along_z(heights), strict).unwrap_err();
        let missing = name(&[0.0, 2.0, 4.0, 10.0, 12.0]);
        assert!(
            matches!(
                missing,
                SliceProblem::Missing {
                    count: 2,
                    after: 2,
                    ..
                }
            ),
            "{missing}"
        );
        assert!(matches!(
            name(&[0.0, 2.0, 4.7, 6.7]),
            SliceProblem::VariableGap { .. }
        ));
        assert!(matches!(
            name(&[0.0, 2.0, 2.0, 4.0]),
            SliceProblem::Duplicates { count: 1 }
        ));
        let leaning = frames(&[[0.0, 0.0, 0.0], [0.0, 0.5, 2.0], [0.0, 1.0, 4.0]]);
        let tilted = judge(&leaning, strict).unwrap_err();
        assert!(
            matches!(tilted, SliceProblem::Tilted { degrees } if (degrees - 14.036).abs() < 1e-3),
            "{tilted}"
        );
        let keep = DicomOptions {
            tilt: Tilt::KeepShear,
            ..strict
        };
        let kept = judge(&leaning, keep).unwrap();
        let rows = kept.geometry.affine().rows();
        assert_eq!([rows[1][2], rows[2][2]], [-0.5, 2.0]);
        assert!(
            matches!(kept.warnings[..], [Warning::ShearKept { degrees }] if (degrees - 14.036).abs() < 1e-3)
        );
        let mut unplaced = along_z(&[0.0, 1.0]);
        unplaced[1].position = None;
        let problem = judge(&unplaced, strict).unwrap_err().to_string();
        assert!(problem.contains("ImagePositionPatient") && problem.contains("assume_spacing"));
        let assumed = stack(&unplaced, [4, 3], Some([1.0; 3]), strict).unwrap();
        assert!(matches!(
            assumed.warnings[..],
            [Warning::SpacingAssumed { .. }]
        ));
        let mut thin = along_z(&[0.0]);
        let found = judge(&thin, strict).unwrap();
        assert_eq!(found.geometry.spacing()[2], 2.0);
        assert!(matches!(
            found.warnings[..],
            [Warning::ThicknessAsSpacing { spacing: 2.0, .. }]
        ));
        // A distance of 0 has no meaning; one that is given needs no warning.
        thin[0].spacing_between = Some(0.0);
        assert_eq!(judge(&thin, strict).unwrap().geometry.spacing()[2], 2.0);
        thin[0].spacing_between = Some(3.0);
        let found = judge(&thin, strict).unwrap();
        assert_eq!(found.geometry.spacing()[2], 3.0);
        assert_eq!(found.warnings, []);
        (thin[0].spacing_between, thin[0].thickness) = (None, None);
        assert_eq!(judge(&thin, strict).unwrap_err(), SliceProblem::NoThickness);
    }

    #[test]
    fn uneven_slices_are_placed_when_asked_for() {
        let options = DicomOptions {
            uneven_slices: UnevenSlices::Interpolate,
            ..DicomOptions::default()
        };
        let found = judge(&along_z(&[0.0, 2.0, 4.0, 10.0]), options).unwrap();
        assert_eq!(found.geometry.size(), [4, 3, 6]);
        assert_eq!(found.places, [0.0, 1.0, 2.0, 5.0]);
        assert_eq!(
            found.warnings,
            [Warning::SlicesInterpolated {
                files: 4,
                slices: 6,
                smallest: 2.0,
                largest: 6.0
            }]
        );
    }
}
