//! The grid of MONAI's `Spacing` (1.6.1: `zoom_affine`, `compute_shape_offset`, `spatial_resample`), computed in the same
//! order in double precision, so that sizes that are exactly half a voxel apart are rounded the same way where the axes run
//! along the world's.

use crate::Result;
use crate::config::require;
use vesalius_volume::{Affine, Geometry};

/// Differences up to this are none: MONAI's `AFFINE_TOL`.
const TOLERANCE: f64 = 1e-3;
/// The relative tolerance of `allclose`, and its absolute one.
const RELATIVE: f64 = 1e-5;
const ABSOLUTE: f64 = 1e-8;
/// The most voxels along an axis; more is a mistake of units.
const MOST: f64 = 1e15;

/// What the grid follows from.
pub(super) struct MonaiSpacing {
    /// Millimetres; 0 keeps an axis.
    pub to: [f64; 3],
    pub diagonal: bool,
    pub scale_extent: bool,
    pub keep_from: Option<[f64; 3]>,
    pub keep_to: Option<[f64; 3]>,
}

type Matrix = [[f64; 3]; 3];
/// A linear map and a translation: the first three rows of an affine matrix.
type Rows = [[f64; 4]; 3];

/// The grid; `None` where the image stays as it is.
///
/// # Errors
/// A grid that is too large.
pub(super) fn monai_grid(source: &Geometry, wanted: &MonaiSpacing) -> Result<Option<Geometry>> {
    let size = source.size();
    if size.contains(&0) {
        return Ok(None);
    }
    let before = source.affine().linear();
    let spacing = kept(lengths(&before), wanted);
    let after = match wanted.diagonal {
        true => diagonal(spacing),
        false => rotated(&before, spacing),
    };
    let first = source.affine().translation();
    // The translation plays no part in the sizes but for its rounding, and so it does here.
    let rows: Rows = std::array::from_fn(|i| {
        let [x, y, z] = before[i];
        [x, y, z, first[i]]
    });
    let Some(through) = solve(&after, &rows) else {
        return Ok(None);
    };
    let (voxels, origin) = extent(
        size,
        (&before, first),
        (&after, &through),
        wanted.scale_extent,
    );
    require(
        voxels.iter().all(|n| (1.0..MOST).contains(n)),
        "spacing",
        "to",
        wanted.to,
        "millimetres in keeping with the image's extent",
    )?;
    let voxels = voxels.map(|n| n as usize);
    let target = Geometry::new(voxels, Affine::from_linear(after, origin)?)?;
    Ok((voxels != size || !is_unchanged(source, &target)).then_some(target))
}

/// The spacing of each axis: the wanted one, or the image's own where that is close to it or between the limits.
fn kept(own: [f64; 3], wanted: &MonaiSpacing) -> [f64; 3] {
    std::array::from_fn(|axis| {
        let to = wanted.to[axis];
        let low = wanted.keep_from.map_or(to, |low| low[axis].min(to));
        let high = wanted.keep_to.map_or(to, |high| high[axis].max(to));
        let is_kept = (low - TOLERANCE..=high + TOLERANCE).contains(&own[axis]);
        if is_kept || to <= 0.0 { own[axis] } else { to }
    })
}

fn diagonal(values: [f64; 3]) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { values[i] } else { 0.0 }))
}

fn lengths(matrix: &Matrix) -> [f64; 3] {
    std::array::from_fn(|j| {
        (0..3)
            .map(|i| matrix[i][j] * matrix[i][j])
            .sum::<f64>()
            .sqrt()
    })
}

/// The rotation in a matrix, by the Cholesky factor of its square, with other lengths of its columns; shear is lost.
fn rotated(matrix: &Matrix, spacing: [f64; 3]) -> Matrix {
    let mut lower = [[0.0; 3]; 3];
    for j in 0..3 {
        for i in j..3 {
            let square: f64 = (0..3).map(|k| matrix[k][i] * matrix[k][j]).sum();
            let sum = (0..j).fold(square, |sum, k| sum - lower[i][k] * lower[j][k]);
            lower[i][j] = if i == j {
                sum.sqrt()
            } else {
                sum / lower[j][j]
            };
        }
    }
    // The inverse of the upper factor, column by column.
    let inverse: Matrix = std::array::from_fn(|column| {
        let mut values = [0.0; 3];
        for i in (0..3).rev() {
            let one = if i == column { 1.0 } else { 0.0 };
            let sum = (i + 1..3).fold(one, |sum, k| sum - lower[k][i] * values[k]);
            values[i] = sum * (1.0 / lower[i][i]);
        }
        values
    });
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let rotation: f64 = (0..3).map(|k| matrix[i][k] * inverse[j][k]).sum();
            rotation * spacing[j]
        })
    })
}

/// `x` of `matrix · x = right`, by elimination with the largest pivot; `None` where the matrix has no inverse.
fn solve(matrix: &Matrix, right: &Rows) -> Option<Rows> {
    let (mut rows, mut x) = (*matrix, *right);
    for column in 0..3 {
        let pivot = (column..3).max_by(|a, b| {
            let size = |row: &usize| rows[*row][column].abs();
            // The first of equals.
            size(a).total_cmp(&size(b)).then(b.cmp(a))
        })?;
        rows.swap(column, pivot);
        x.swap(column, pivot);
        let reciprocal = 1.0 / rows[column][column];
        if !reciprocal.is_finite() {
            return None;
        }
        for row in column + 1..3 {
            let factor = rows[row][column] * reciprocal;
            let (above, right) = (rows[column], x[column]);
            let right_of = rows[row].iter_mut().zip(above).skip(column + 1);
            right_of.for_each(|(value, above)| *value -= factor * above);
            let all = x[row].iter_mut().zip(right);
            all.for_each(|(value, right)| *value -= factor * right);
        }
    }
    for row in (0..3).rev() {
        let mut values = x[row];
        for (column, value) in values.iter_mut().enumerate() {
            let sum = (row + 1..3).fold(*value, |sum, k| sum - rows[row][k] * x[k][column]);
            *value = sum * (1.0 / rows[row][row]);
        }
        x[row] = values;
    }
    Some(x)
}

/// Numbers of voxels, and the world position of the first one's centre.
fn extent(
    size: [usize; 3],
    (before, first): (&Matrix, [f64; 3]),
    (after, through): (&Matrix, &Rows),
    scale_extent: bool,
) -> ([f64; 3], [f64; 3]) {
    let ends = |axis: usize| match scale_extent {
        true => [-0.5, size[axis] as f64 - 0.5],
        false => [0.0, size[axis] as f64 - 1.0],
    };
    // In the order of `meshgrid`: the last axis fastest.
    let corners: [[f64; 3]; 8] = std::array::from_fn(|corner| {
        std::array::from_fn(|axis| ends(axis)[corner >> (2 - axis) & 1])
    });
    let places = corners.map(|[x, y, z]| through.map(|[a, b, c, d]| a * x + b * y + c * z + d));
    let voxels: [f64; 3] = std::array::from_fn(|axis| {
        let along = places.map(|place| place[axis]);
        let low = along.into_iter().fold(f64::INFINITY, f64::min);
        let high = along.into_iter().fold(f64::NEG_INFINITY, f64::max);
        match scale_extent {
            true => (high - low).round_ties_even(),
            false => (high - low + 1.0).round_ties_even(),
        }
    });
    let plus =
        |a: [f64; 3], b: [f64; 3]| -> [f64; 3] { std::array::from_fn(|axis| a[axis] + b[axis]) };
    // The corner that is the smallest along every new axis; with shear there is none, and the middles are put together.
    let smallest = (0..8).find(|&corner| {
        (0..3).all(|axis| {
            let least = |place: &[f64; 3]| place[axis] - places[corner][axis];
            places.iter().map(least).fold(f64::INFINITY, f64::min).abs() <= ABSOLUTE
        })
    });
    let origin = match smallest {
        Some(corner) => plus(applied(before, corners[corner]), first),
        None => {
            let middle = applied(before, size.map(|n| n as f64 / 2.0));
            let new_middle = applied(after, voxels.map(|n| n / 2.0));
            std::array::from_fn(|axis| middle[axis] + first[axis] - new_middle[axis])
        }
    };
    if !scale_extent {
        return (voxels, origin);
    }
    let inside: [f64; 3] =
        std::array::from_fn(|axis| 0.5 * (size[axis] as f64 / voxels[axis] - 1.0));
    let shifted = plus(applied(before, inside), first);
    let sign = |value: f64| if value == 0.0 { 0.0 } else { value.signum() };
    (
        voxels,
        std::array::from_fn(|axis| shifted[axis].abs() * sign(origin[axis])),
    )
}

fn applied(matrix: &Matrix, [x, y, z]: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|row| matrix[row][0] * x + matrix[row][1] * y + matrix[row][2] * z)
}

/// Whether two grids of one size are so close that MONAI does not resample: by their positions, or by the voxels that they
/// map to each other.
fn is_unchanged(source: &Geometry, target: &Geometry) -> bool {
    let all_close = |a: &Affine, b: &Affine| {
        let pairs = a
            .rows()
            .into_iter()
            .flatten()
            .zip(b.rows().into_iter().flatten());
        let close = |(a, b): (f64, f64)| (a - b).abs() <= TOLERANCE + RELATIVE * b.abs();
        pairs.into_iter().all(close)
    };
    let (source, target) = (source.affine(), target.affine());
    all_close(source, target) || all_close(&source.inverse().after(target), &Affine::IDENTITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(to: [f64; 3]) -> MonaiSpacing {
        MonaiSpacing {
            to,
            diagonal: false,
            scale_extent: false,
            keep_from: None,
            keep_to: None,
        }
    }

    #[test]
    fn a_grid_within_the_tolerance_is_left_and_one_too_large_refused() {
        let grid = Geometry::axis_aligned([20, 20, 10], [1.0, 1.0, 2.0]).unwrap();
        assert!(
            monai_grid(&grid, &wanted([1.0, 1.0009, 2.0]))
                .unwrap()
                .is_none()
        );
        let finer = monai_grid(&grid, &wanted([0.5, 0.0, 1.0]))
            .unwrap()
            .unwrap();
        assert_eq!(finer.size(), [39, 20, 19]);
        assert!(monai_grid(&grid, &wanted([1e-300, 1.0, 1.0])).is_err());
        let empty = Geometry::axis_aligned([0, 20, 10], [1.0; 3]).unwrap();
        assert!(monai_grid(&empty, &wanted([0.5; 3])).unwrap().is_none());
    }

    #[test]
    fn shear_goes_and_the_middles_stay_together() {
        let sheared = [[1.0, -0.4, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let affine = Affine::from_linear(sheared, [3.0, 4.0, 5.0]).unwrap();
        let grid = Geometry::new([10, 12, 8], affine).unwrap();
        let found = monai_grid(&grid, &wanted([2.0; 3])).unwrap().unwrap();
        assert!((found.affine().linear()[0][1]).abs() < 1e-12);
        let middle = |grid: &Geometry| grid.index_to_world(grid.size().map(|n| n as f64 / 2.0));
        for (a, b) in middle(&grid).into_iter().zip(middle(&found)) {
            assert!((a - b).abs() < 1e-9);
        }
    }
}
