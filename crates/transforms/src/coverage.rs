//! Which part of the grid before a chain its result covers: in the inverse, what the chain cropped
//! is background, and how far the result's border reaches follows from the order of its steps.

use crate::{GridStep, Result, Step, Trace};
use serde::{Deserialize, Serialize};
use vesalius_volume::{Affine, Geometry, check_memory};

/// How much of a voxel must be shown for it to count: less is rounding.
const ROUNDING: f64 = 1e-6;

/// The share of each voxel that a chain's result shows, along each axis of the grid before the chain: 1
/// where it does, 0 where the chain cropped, between them where a change of spacing came before the crop
/// and the voxel lies less than one voxel of the result from it. A voxel's share is the product over the
/// three axes.
///
/// These are the weights of MONAI's `Invertd`: each step is undone by itself, last first; a crop leaves
/// zeros, and a change of spacing is undone by linear interpolation that continues beyond the grid's border.
///
/// ```
/// use vesalius_transforms::Chain;
/// use vesalius_volume::{Geometry, Subject, Volume};
///
/// let grid = Geometry::axis_aligned([4, 4, 4], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
/// let subject = Subject::new("case_01", image, None)?;
/// let chain: Chain = serde_saphyr::from_str("- crop_region: {start: [1, 0, 0], size: [2, 4, 4]}")?;
/// let (_, trace) = chain.trace(subject, 0, 0)?;
/// let coverage = trace.coverage()?.expect("a crop has a coverage");
/// assert_eq!(coverage.along(0), [0.0, 1.0, 1.0, 0.0]);
/// assert_eq!(coverage.at([1, 3, 3]), 1.0);
/// assert!(!coverage.is_whole());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage([Vec<f32>; 3]);

impl Coverage {
    /// The shares along one axis, 0 to 2.
    pub fn along(&self, axis: usize) -> &[f32] {
        &self.0[axis]
    }

    /// The share of the voxel `[x, y, z]`.
    ///
    /// # Panics
    /// On an index outside of the grid.
    pub fn at(&self, index: [usize; 3]) -> f32 {
        (0..3).map(|axis| self.0[axis][index[axis]]).product()
    }

    /// Whether every voxel is shown.
    pub fn is_whole(&self) -> bool {
        self.0.iter().flatten().all(|&share| share >= 1.0)
    }

    /// The same with axis `i` along `order[i]`, backwards where `flips[i]`.
    pub fn turned(&self, order: [usize; 3], flips: [bool; 3]) -> Self {
        Self(std::array::from_fn(|axis| {
            let mut shares = self.0[order[axis]].clone();
            if flips[axis] {
                shares.reverse();
            }
            shares
        }))
    }
}

impl Trace {
    /// What the chain's result shows of the grid before it; `None` where a step moves the anatomy, or to a
    /// grid whose axes do not run along the one before.
    ///
    /// # Errors
    /// A step that does not fit its grid; [`vesalius_volume::Error::OutOfMemory`] for a grid whose image the
    /// machine cannot hold.
    pub fn coverage(&self) -> Result<Option<Coverage>> {
        let held = |grid: &Geometry| {
            // An axis of no voxels does not make the others short.
            let size = grid.size().map(|n| n.max(1));
            check_memory("a grid of the chain", size, 1, 4, None)
        };
        held(&self.from)?;
        let mut grids = vec![self.from];
        let mut steps = Vec::new();
        for step in &self.steps {
            let Step::Grid(step) = step else { continue };
            let grid = grids[grids.len() - 1];
            let map = step.map(&grid)?;
            let moves = matches!(step, GridStep::Affine { .. } | GridStep::Displace { .. });
            let Some(affine) = map.affine().filter(|_| !moves) else {
                return Ok(None);
            };
            held(&map.target)?;
            grids.push(map.target);
            steps.push((step, affine));
        }
        let all = |grid: &Geometry| grid.size().map(|n| vec![1.0f64; n]);
        let mut shares = all(&grids[grids.len() - 1]);
        for ((step, affine), grid) in steps.into_iter().zip(&grids).rev() {
            let Some(before) = back(step, &affine.inverse(), grid.size(), &shares) else {
                return Ok(None);
            };
            shares = before;
        }
        let rounded = |share: f64| match share {
            share if share < ROUNDING => 0.0,
            share if share > 1.0 - ROUNDING => 1.0,
            share => share as f32,
        };
        Ok(Some(Coverage(
            shares.map(|axis| axis.into_iter().map(rounded).collect()),
        )))
    }
}

/// The shares before a step, from those after it; `inverse` maps indices before to indices after.
fn back(
    step: &GridStep,
    inverse: &Affine,
    size: [usize; 3],
    after: &[Vec<f64>; 3],
) -> Option<[Vec<f64>; 3]> {
    let (linear, first) = (inverse.linear(), inverse.translation());
    let mut before: [Vec<f64>; 3] = size.map(|n| vec![0.0; n]);
    for (axis, before) in before.iter_mut().enumerate() {
        let moves = |row: &usize| linear[*row][axis].abs() * size[axis].max(2) as f64 > ROUNDING;
        let mut rows = (0..3).filter(moves);
        let (Some(row), None) = (rows.next(), rows.next()) else {
            return None;
        };
        let shares = &after[row];
        for (index, share) in before.iter_mut().enumerate() {
            let place = linear[row][axis] * index as f64 + first[row];
            *share = match step {
                GridStep::Resample { .. } | GridStep::Resize(_) => between(shares, place),
                _ => whole(shares, place),
            };
        }
    }
    Some(before)
}

/// The share at a place between voxels: linear, and the border's for less than a voxel beyond it.
fn between(shares: &[f64], place: f64) -> f64 {
    let Some(last) = shares.len().checked_sub(1) else {
        return 0.0;
    };
    if place <= -1.0 + ROUNDING || place >= last as f64 + 1.0 - ROUNDING {
        return 0.0;
    }
    let place = place.clamp(0.0, last as f64);
    let below = place.floor() as usize;
    let part = place - below as f64;
    shares[below] * (1.0 - part) + shares[(below + 1).min(last)] * part
}

/// The share of the voxel at a place, where moves are by whole voxels.
fn whole(shares: &[f64], place: f64) -> f64 {
    let index = place.round();
    match index >= 0.0 && index < shares.len() as f64 {
        true => shares[index as usize],
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PadStep, Padding, Sampling};
    use serde_json::Value;
    use vesalius_filters::{Convention, target_grid};

    /// The step of MONAI's transform of that name and value, on this grid.
    fn step(name: &str, value: &Value, grid: &Geometry) -> GridStep {
        let numbers = |value: &Value| serde_json::from_value::<Vec<f64>>(value.clone()).unwrap();
        let whole = |value: &Value| -> [usize; 3] {
            let found: Vec<usize> = serde_json::from_value(value.clone()).unwrap();
            found.try_into().unwrap()
        };
        match name {
            "spacing" => {
                let to: [f64; 3] = numbers(value).try_into().unwrap();
                GridStep::Resample {
                    target: target_grid(grid, to, Convention::Monai).unwrap(),
                    sampling: Sampling::default(),
                }
            }
            "crop" => GridStep::Region {
                start: whole(&value[0]).map(|n| n as i64),
                size: whole(&value[1]),
            },
            "pad" => {
                let size: [usize; 3] = std::array::from_fn(|a| whole(value)[a].max(grid.size()[a]));
                GridStep::Pad(PadStep {
                    start: std::array::from_fn(|a| -(((size[a] - grid.size()[a]) / 2) as i64)),
                    size,
                    mode: Padding::Constant,
                    value: 0.0,
                })
            }
            "orient" => GridStep::Orient {
                to: value.as_str().unwrap().to_owned(),
            },
            _ => GridStep::Flip {
                axes: std::array::from_fn(|a| numbers(value).contains(&(a as f64))),
            },
        }
    }

    #[test]
    fn the_shares_are_those_of_monais_invertd() {
        let text = include_str!("../tests/data/coverage.json");
        let stored: Value = serde_json::from_str(text).unwrap();
        let cases = stored["cases"].as_array().unwrap();
        assert!(cases.len() >= 9);
        for case in cases {
            let read = |key: &str| case[key].clone();
            let size: [usize; 3] = serde_json::from_value(read("size")).unwrap();
            let spacing: [f64; 3] = serde_json::from_value(read("spacing")).unwrap();
            let from = Geometry::axis_aligned(size, spacing).unwrap();
            let (mut to, mut steps) = (from, Vec::new());
            for link in case["chain"].as_array().unwrap() {
                let (name, value) = link.as_object().unwrap().iter().next().unwrap();
                let step = step(name, value, &to);
                to = step.target(&to).unwrap();
                steps.push(Step::Grid(step));
            }
            let network: [usize; 3] = serde_json::from_value(read("network")).unwrap();
            assert_eq!(to.size(), network, "{case}");
            let trace = Trace {
                from,
                to,
                steps,
                interpolations: 0,
            };
            let coverage = trace.coverage().unwrap().unwrap();
            let profiles: [Vec<f32>; 3] = serde_json::from_value(read("profiles")).unwrap();
            for (axis, expected) in profiles.iter().enumerate() {
                let found = coverage.along(axis);
                assert_eq!(found.len(), expected.len());
                for (index, (a, b)) in found.iter().zip(expected).enumerate() {
                    assert!(
                        (a - b).abs() < 1e-5,
                        "{}, axis {axis}, voxel {index}: {a}, MONAI's {b}",
                        case["chain"]
                    );
                }
            }
        }
    }

    #[test]
    fn grids_that_no_machine_holds_are_refused() {
        let small = Geometry::axis_aligned([4, 4, 4], [1.0; 3]).unwrap();
        let long = Geometry::axis_aligned([1 << 40, 4, 4], [1.0; 3]).unwrap();
        let empty = Geometry::axis_aligned([4, 0, usize::MAX], [1.0; 3]).unwrap();
        let region = |size| {
            Step::Grid(GridStep::Region {
                start: [0; 3],
                size,
            })
        };
        for (from, to) in [(long, small), (small, long), (empty, small)] {
            let trace = Trace {
                from,
                to,
                steps: vec![region(to.size())],
                interpolations: 0,
            };
            let refused = trace.coverage().unwrap_err().to_string();
            assert!(refused.contains("a grid of the chain"), "{refused}");
        }
    }

    #[test]
    fn a_step_that_moves_the_anatomy_has_no_coverage() {
        let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3]).unwrap();
        let trace = |step| Trace {
            from: grid,
            to: grid,
            steps: vec![Step::Grid(step)],
            interpolations: 0,
        };
        let moved = GridStep::Affine {
            matrix: Affine::IDENTITY,
            sampling: Sampling::default(),
        };
        assert!(trace(moved).coverage().unwrap().is_none());
        let turned = GridStep::Permute { order: [2, 0, 1] };
        assert!(trace(turned).coverage().unwrap().unwrap().is_whole());
    }
}
