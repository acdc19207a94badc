//! A box of the reordered grid within the file's grid, so that what is made slab by slab is written to its place
//! at once and no whole volume is ever transposed.

use crate::placement::Placement;

/// Where the voxels of a box go.
pub(super) struct Scatter {
    /// The box in the file's grid.
    start: [usize; 3],
    size: [usize; 3],
    /// Size of the file's grid.
    grid: [usize; 3],
    /// From the box's first voxel in the file to the same in the turned order, and steps along the
    /// file's axes.
    base: usize,
    steps: [isize; 3],
    turned: bool,
}

impl Scatter {
    /// A box of `size` voxels that starts at `origin` in the turned grid.
    pub fn new(placement: &Placement, origin: [usize; 3], size: [usize; 3]) -> Self {
        let whole = placement.turned().size();
        let strides = [1, size[0], size[0] * size[1]];
        let mut scatter = Self {
            start: [0; 3],
            size: [0; 3],
            grid: placement.file.size(),
            base: 0,
            steps: [0; 3],
            turned: placement.is_turned(),
        };
        for (axis, &to) in placement.order.iter().enumerate() {
            scatter.size[to] = size[axis];
            let stride = strides[axis];
            if placement.flips[axis] {
                scatter.start[to] = whole[axis] - origin[axis] - size[axis];
                scatter.base += (size[axis] - 1) * stride;
                scatter.steps[to] = -(stride as isize);
            } else {
                scatter.start[to] = origin[axis];
                scatter.steps[to] = stride as isize;
            }
        }
        scatter
    }

    /// Passes on the values of the box, `[z][y][x]` of the reordered grid, in runs that are adjacent in the
    /// file's grid, each with its offset there.
    pub fn put<T: Copy, E>(
        &self,
        values: &[T],
        mut put: impl FnMut(usize, &[T]) -> Result<(), E>,
    ) -> Result<(), E> {
        let arranged;
        let values = match self.turned {
            false => values,
            true => {
                arranged = self.arranged(values);
                &arranged
            }
        };
        let ([nx, ny, _], [gx, gy, _]) = (self.size, self.grid);
        let run = match (nx == gx, ny == gy) {
            (true, true) => values.len(),
            (true, false) => nx * ny,
            _ => nx,
        };
        for (i, run_of_values) in values.chunks_exact(run.max(1)).enumerate() {
            let row = i * run / nx;
            let (y, z) = (row % ny, row / ny);
            let at = ((self.start[2] + z) * gy + self.start[1] + y) * gx + self.start[0];
            put(at, run_of_values)?;
        }
        Ok(())
    }

    /// The values in the file's order of axes.
    fn arranged<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let [nx, ny, nz] = self.size.map(|n| n as isize);
        let [sx, sy, sz] = self.steps;
        let mut arranged = Vec::with_capacity(values.len());
        for z in 0..nz {
            for y in 0..ny {
                let first = self.base as isize + z * sz + y * sy;
                // Every index lies in the box: the steps came from its strides.
                arranged.extend((0..nx).map(|x| values[(first + x * sx) as usize]));
            }
        }
        arranged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use vesalius_filters::LinearParts;
    use vesalius_filters::{flip, permute};
    use vesalius_volume::{Geometry, LabelMap};

    #[test]
    fn boxes_land_where_turning_the_whole_would_put_them() {
        let file = Geometry::axis_aligned([5, 6, 7], [1.0; 3]).unwrap();
        for (order, flips) in [
            ([0, 1, 2], [false; 3]),
            ([0, 1, 2], [true, false, true]),
            ([2, 0, 1], [false, true, false]),
            ([1, 2, 0], [true, true, true]),
        ] {
            let map = LabelMap::from_fn(file, |[x, y, z]| (x + 10 * y + 100 * z) as u16);
            let turned = flip(&permute(&map, order).unwrap(), flips).unwrap();
            let size = turned.geometry().size();
            let parts = LinearParts::nnunet(size, size, None).unwrap();
            let placement = Placement {
                file,
                order,
                flips,
                start: [0; 3],
                parts,
                shares: None,
                spline: None,
                half: false,
            };
            let mut found = vec![u16::MAX; map.data().len()];
            for z in 0..size[2] {
                // Two stripes of rows, and all of x.
                for rows in [0..2, 2..size[1]] {
                    let plane = z * size[1] * size[0];
                    let values =
                        &turned.data()[plane + rows.start * size[0]..plane + rows.end * size[0]];
                    let scatter =
                        Scatter::new(&placement, [0, rows.start, z], [size[0], rows.len(), 1]);
                    let put = |at: usize, run: &[u16]| {
                        found[at..at + run.len()].copy_from_slice(run);
                        Ok::<(), Infallible>(())
                    };
                    scatter.put(values, put).unwrap();
                }
            }
            assert_eq!(found, map.data(), "{order:?} {flips:?}");
        }
    }
}
