//! The slices of a volume in the order and orientation of the source: axes are exchanged and turned, and no value changes.

use crate::space::{Plane, Point, cross, dot, flip, length};
use crate::{Error, Result};
use vesalius_volume::{Geometry, Voxel};

/// Axes whose angle differs from a right one by less, degrees, count as at right angles: rounding of headers.
const RIGHT: f64 = 0.01;
/// A stack leans when its last slice is off the normal by more than this fraction of a pixel; readers refuse it.
const LEAN: f64 = 0.05;

/// Axial at the origin.
pub(super) const NOWHERE: Plane = Plane {
    position: [0.0; 3],
    row: [1.0, 0.0, 0.0],
    column: [0.0, 1.0, 0.0],
    spacing: [1.0, 1.0],
};

/// How the voxels of a volume become slices.
#[derive(Debug, Clone)]
pub(crate) struct Slices {
    /// The grid in its new order of axes.
    pub grid: Geometry,
    /// Steps in the volume's buffer from column to column, row to row, slice to slice, and where the first voxel lies.
    steps: [isize; 3],
    first: usize,
}

impl Slices {
    /// The slices of a grid whose axes lie as near as possible to the row, column and normal of the source.
    ///
    /// # Errors
    /// [`Error::Sheared`].
    pub fn of(grid: &Geometry, like: &Plane) -> Result<Self> {
        check_angles(grid)?;
        let axes = [like.row, like.column, like.normal()].map(flip);
        let direction = grid.direction();
        let along = |axis: usize, wanted: usize| {
            dot(std::array::from_fn(|i| direction[i][axis]), axes[wanted])
        };
        const ORDERS: [[usize; 3]; 6] = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        let agreement = |order: &[usize; 3]| (0..3).map(|i| along(order[i], i).abs()).sum::<f64>();
        let order = ORDERS
            .into_iter()
            .max_by(|a, b| agreement(a).total_cmp(&agreement(b)));
        let order = order.unwrap_or([0, 1, 2]);
        let mut turned: [bool; 3] = std::array::from_fn(|i| along(order[i], i) < 0.0);
        let permuted = grid.permuted(order);
        // Slices rise along the normal of their rows and columns, however the grid is handed.
        let arranged = permuted.flipped(turned);
        let columns = columns(&arranged);
        if dot(cross(columns[0], columns[1]), columns[2]) < 0.0 {
            turned[2] = !turned[2];
        }
        let size = grid.size();
        let plain = [1, size[0] as isize, (size[0] * size[1]) as isize];
        let mut first = 0;
        let steps = std::array::from_fn(|i| {
            let step = plain[order[i]];
            if !turned[i] {
                return step;
            }
            first += step as usize * size[order[i]].saturating_sub(1);
            -step
        });
        Ok(Self {
            grid: permuted.flipped(turned),
            steps,
            first,
        })
    }

    /// Columns and rows.
    pub fn plane_size(&self) -> [usize; 2] {
        let [columns, rows, _] = self.grid.size();
        [columns, rows]
    }

    pub fn count(&self) -> usize {
        self.grid.size()[2]
    }

    /// The plane of a slice, LPS.
    pub fn plane(&self, slice: usize) -> Plane {
        let [x, y, _] = columns(&self.grid);
        let unit = |v: Point| v.map(|c| c / length(v));
        Plane {
            position: flip(self.grid.index_to_world([0.0, 0.0, slice as f64])),
            row: unit(x),
            column: unit(y),
            spacing: [length(x), length(y)],
        }
    }

    /// The voxels of a slice, row by row.
    pub fn values<'a, T: Voxel>(
        &'a self,
        data: &'a [T],
        slice: usize,
    ) -> impl Iterator<Item = T> + 'a {
        let [columns, rows] = self.plane_size();
        let at = move |column: usize, row: usize| {
            let [x, y, z] = self.steps;
            let offset = x * column as isize + y * row as isize + z * slice as isize;
            data[self.first.wrapping_add_signed(offset)]
        };
        (0..rows).flat_map(move |row| (0..columns).map(move |column| at(column, row)))
    }
}

/// The steps along the axes, LPS.
fn columns(grid: &Geometry) -> [Point; 3] {
    let linear = grid.affine().linear();
    [0, 1, 2].map(|axis| flip(std::array::from_fn(|i| linear[i][axis])))
}

fn check_angles(grid: &Geometry) -> Result<()> {
    let [x, y, z] = columns(grid);
    let off = |a: Point, b: Point| {
        (dot(a, b) / (length(a) * length(b)))
            .abs()
            .clamp(0.0, 1.0)
            .asin()
            .to_degrees()
    };
    let across = off(x, y);
    // Any two axes may become the rows and columns.
    let degrees = [across, off(x, z), off(y, z)]
        .into_iter()
        .fold(0.0, f64::max);
    if degrees <= RIGHT {
        return Ok(());
    }
    // Slices of a scanner lean by the rounding of their positions.
    let depth = grid.size()[2].saturating_sub(1) as f64;
    let normal = cross(x, y);
    let height = dot(z, normal) / length(normal);
    let aside = (dot(z, z) - height * height).max(0.0).sqrt() * depth;
    match across <= RIGHT && aside <= LEAN * length(x).min(length(y)) {
        true => Ok(()),
        false => Err(Error::Sheared { degrees }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Volume;

    const AXIAL: Plane = NOWHERE;

    #[test]
    fn every_voxel_stays_at_its_place() {
        let sagittal = Plane {
            row: [0.0, 1.0, 0.0],
            column: [0.0, 0.0, -1.0],
            ..AXIAL
        };
        let mirrored = Plane {
            column: [0.0, -1.0, 0.0],
            ..AXIAL
        };
        let grids = [
            Geometry::axis_aligned([3, 4, 5], [1.0, 2.0, 3.0]).unwrap(),
            Geometry::axis_aligned([3, 4, 5], [1.0, 2.0, 3.0])
                .unwrap()
                .flipped([true, true, false]),
            Geometry::axis_aligned([3, 4, 5], [1.0, 2.0, 3.0])
                .unwrap()
                .permuted([2, 0, 1]),
        ];
        for grid in grids {
            let volume = Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 100 * z) as i32);
            for like in [AXIAL, sagittal, mirrored] {
                let slices = Slices::of(&grid, &like).unwrap();
                for slice in 0..slices.count() {
                    let plane = slices.plane(slice);
                    let [columns, _] = slices.plane_size();
                    for (i, value) in slices.values(volume.data(), slice).enumerate() {
                        let place = flip(plane.pixel((i % columns) as f64, (i / columns) as f64));
                        let index = grid.world_to_index(place).map(|v| v.round() as usize);
                        assert_eq!(volume.get(0, index), value);
                    }
                }
                let [a, b] = [0, 1].map(|slice| slices.plane(slice));
                assert!(
                    b.height(a.normal()) > a.height(a.normal()),
                    "slices rise along the normal"
                );
                assert!(dot(a.row, like.row) > 0.99 && dot(a.column, like.column) > 0.99);
            }
        }
    }

    #[test]
    fn a_sheared_grid_is_refused() {
        let linear = [[1.0, 0.0, 0.3], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]];
        let affine = vesalius_volume::Affine::from_linear(linear, [0.0; 3]).unwrap();
        let grid = Geometry::new([8, 8, 8], affine).unwrap();
        assert!(matches!(
            Slices::of(&grid, &AXIAL),
            Err(Error::Sheared { .. })
        ));
    }
}
