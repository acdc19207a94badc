//! A smooth displacement on a lattice of control points, and its inverse.

use super::points::Places;
use crate::Result;
use crate::config::require;
use serde::{Deserialize, Serialize};

/// How a displacement between control points is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ControlInterpolation {
    /// Linear between the points.
    Linear,
    /// Cubic B-spline with the points as coefficients (Rueckert's free-form deformation).
    Cubic,
}

/// Displacements in voxels at the points of a lattice; outside of it its border values are repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Displacement {
    /// Between the points.
    pub lattice: ControlInterpolation,
    /// Number of control points along `[x, y, z]`.
    pub size: [usize; 3],
    /// Index-space position of the first control point.
    pub first: [f64; 3],
    /// Voxels from one control point to the next.
    pub step: [f64; 3],
    /// Displacements along x, then y, then z; each `[z][y][x]` over the lattice.
    pub values: Vec<f32>,
}

/// Control points and their weights along one axis.
type Taps = ([usize; 4], [f64; 4]);

impl Displacement {
    /// Checks that there are as many values as control points and all numbers are finite.
    pub(crate) fn check(&self) -> Result<()> {
        let points = self
            .size
            .iter()
            .try_fold(3usize, |n, &size| n.checked_mul(size));
        require(
            points == Some(self.values.len()) && !self.values.is_empty(),
            "displace",
            "values",
            self.values.len(),
            "three for each control point",
        )?;
        let numbers = self.first.iter().chain(&self.step);
        let fine = numbers.clone().all(|n| n.is_finite()) && self.step.iter().all(|s| *s > 0.0);
        require(
            fine && self.values.iter().all(|v| v.is_finite()),
            "displace",
            "first, step and values",
            (self.first, self.step),
            "finite numbers, steps above 0",
        )
    }

    fn taps(&self, axis: usize, at: f64) -> Taps {
        let last = self.size[axis] as f64 - 1.0;
        let place = ((at - self.first[axis]) / self.step[axis]).clamp(0.0, last.max(0.0));
        let floor = place.floor();
        let t = place - floor;
        let tap = |k: i64| (floor as i64 + k).clamp(0, self.size[axis] as i64 - 1) as usize;
        match self.lattice {
            ControlInterpolation::Linear => ([tap(0), tap(1), 0, 0], [1.0 - t, t, 0.0, 0.0]),
            ControlInterpolation::Cubic => ([tap(-1), tap(0), tap(1), tap(2)], cubic(t)),
        }
    }

    fn count(&self) -> usize {
        match self.lattice {
            ControlInterpolation::Linear => 2,
            ControlInterpolation::Cubic => 4,
        }
    }

    /// The displacement at a place, in voxels.
    pub fn at(&self, place: [f64; 3]) -> [f64; 3] {
        let taps: [Taps; 3] = std::array::from_fn(|axis| self.taps(axis, place[axis]));
        let (n, points) = (self.count(), self.size.iter().product::<usize>());
        let mut sum = [0.0; 3];
        for k in 0..n {
            for j in 0..n {
                let weight = taps[2].1[k] * taps[1].1[j];
                let line = (taps[2].0[k] * self.size[1] + taps[1].0[j]) * self.size[0];
                for i in 0..n {
                    let (offset, weight) = (line + taps[0].0[i], weight * taps[0].1[i]);
                    for (axis, sum) in sum.iter_mut().enumerate() {
                        *sum += weight * f64::from(self.values[axis * points + offset]);
                    }
                }
            }
        }
        sum
    }

    /// Where a place is displaced to.
    pub(super) fn displaced(&self, place: [f64; 3]) -> [f64; 3] {
        let moved = self.at(place);
        std::array::from_fn(|axis| place[axis] + moved[axis])
    }

    /// The place that is displaced to here, by fixed-point iteration: exact to 1e-4 voxels where the
    /// displacement does not fold, which the transforms check.
    pub(super) fn undisplaced(&self, target: [f64; 3]) -> [f64; 3] {
        let mut place = target;
        for _ in 0..50 {
            let moved = self.at(place);
            let next = std::array::from_fn(|axis| target[axis] - moved[axis]);
            let change = (0..3)
                .map(|axis| f64::abs(next[axis] - place[axis]))
                .fold(0.0, f64::max);
            place = next;
            if change < 1e-4 {
                break;
            }
        }
        place
    }

    /// Where the voxels of a row are displaced to: y and z are mixed once for the row.
    pub(super) fn displace_row(&self, y: usize, z: usize, at: &mut Places) {
        let (n, points) = (self.count(), self.size.iter().product::<usize>());
        let (ty, tz) = (self.taps(1, y as f64), self.taps(2, z as f64));
        let mut lines = [
            vec![0.0; self.size[0]],
            vec![0.0; self.size[0]],
            vec![0.0; self.size[0]],
        ];
        for (axis, line) in lines.iter_mut().enumerate() {
            for k in 0..n {
                for j in 0..n {
                    let weight = tz.1[k] * ty.1[j];
                    let begin = axis * points + (tz.0[k] * self.size[1] + ty.0[j]) * self.size[0];
                    let from = &self.values[begin..begin + self.size[0]];
                    for (sum, value) in line.iter_mut().zip(from) {
                        *sum += weight * f64::from(*value);
                    }
                }
            }
        }
        for x in 0..at.len() {
            let (taps, weights) = self.taps(0, x as f64);
            let moved = |line: &[f64]| (0..n).map(|i| line[taps[i]] * weights[i]).sum::<f64>();
            at.set(
                x,
                [
                    x as f64 + moved(&lines[0]),
                    y as f64 + moved(&lines[1]),
                    z as f64 + moved(&lines[2]),
                ],
            );
        }
    }
}

/// The four cubic B-spline weights around a place between two points.
fn cubic(t: f64) -> [f64; 4] {
    let u = 1.0 - t;
    [
        u * u * u / 6.0,
        (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
        (3.0 * u * u * u - 6.0 * u * u + 4.0) / 6.0,
        t * t * t / 6.0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(lattice: ControlInterpolation) -> Displacement {
        let values = (0..3 * 5 * 6 * 4)
            .map(|i| ((i * 37 % 101) as f32 / 101.0 - 0.5) * 1.5)
            .collect();
        Displacement {
            lattice,
            size: [5, 6, 4],
            first: [-4.0; 3],
            step: [6.0, 5.0, 7.0],
            values,
        }
    }

    #[test]
    fn rows_and_points_agree_and_the_inverse_undoes() {
        for lattice in [ControlInterpolation::Linear, ControlInterpolation::Cubic] {
            let field = field(lattice);
            let mut row = Places::new(20);
            for (y, z) in [(0, 0), (7, 3), (19, 11)] {
                field.displace_row(y, z, &mut row);
                for x in 0..20 {
                    let place = [x as f64, y as f64, z as f64];
                    let to = field.displaced(place);
                    let back = field.undisplaced(to);
                    for axis in 0..3 {
                        assert!((row.get(x)[axis] - to[axis]).abs() < 1e-12);
                        assert!(
                            (back[axis] - place[axis]).abs() < 1e-3,
                            "{lattice:?} {place:?} {back:?}"
                        );
                    }
                }
            }
        }
    }
}
