//! How the network's grid lies in the file's: the file's axes turned to run as the network's do, a box
//! of that grid, and how the box's voxels mix the network's.

use crate::Result;
use vesalius_filters::LinearParts;
use vesalius_volume::Geometry;

/// The way from the network's grid back to the file's.
#[derive(Debug)]
pub(crate) struct Placement {
    /// The file's grid.
    pub file: Geometry,
    /// Axis `i` of the turned grid is axis `order[i]` of the file, mirrored where `flips` says.
    pub order: [usize; 3],
    pub flips: [bool; 3],
    /// First voxel of the box in the turned grid.
    pub start: [usize; 3],
    /// From the network's grid to the box.
    pub parts: LinearParts,
}

impl Placement {
    /// Between two grids over one world, linear; nothing when the network's grid stands askew in the
    /// file's. The border goes on for a voxel of the network's, which is more than rounding takes of a grid;
    /// what lies further out was cropped away, and is background.
    pub fn between(network: &Geometry, file: &Geometry) -> Result<Option<Self>> {
        let (order, flips) = file.orientation().steps_to(&network.orientation());
        let turned = file.permuted(order).flipped(flips);
        if network.is_same(&turned) {
            let parts = LinearParts::nnunet(network.size(), turned.size(), None)?;
            return Ok(Some(Self {
                file: *file,
                order,
                flips,
                start: [0; 3],
                parts,
            }));
        }
        let (start, size) = covered(network, &turned);
        let seen = turned.region(start.map(|n| n as i64), size)?;
        let parts = LinearParts::between(network, &seen)?;
        Ok(parts.map(|parts| Self {
            file: *file,
            order,
            flips,
            start,
            parts,
        }))
    }

    /// The file's grid with its axes turned.
    pub fn turned(&self) -> Geometry {
        self.file.permuted(self.order).flipped(self.flips)
    }

    /// Whether the turned grid is another than the file's.
    pub fn is_turned(&self) -> bool {
        self.order != [0, 1, 2] || self.flips != [false; 3]
    }
}

/// Whether a place in the network's index space is on its grid, or less than a voxel beside it.
pub(crate) fn is_covered(at: [f64; 3], size: [usize; 3]) -> bool {
    // Half a millionth of a voxel is rounding.
    (0..3).all(|axis| at[axis] > -1.0 - 5e-7 && at[axis] < size[axis] as f64 + 5e-7)
}

/// The box of voxels of `turned` that a network's grid along the same axes covers; never empty.
fn covered(network: &Geometry, turned: &Geometry) -> ([usize; 3], [usize; 3]) {
    let size = turned.size();
    let middle = size.map(|n| (n / 2) as f64);
    let on_axis = |axis: usize| {
        let found = (0..size[axis]).filter(|&index| {
            let mut at = middle;
            at[axis] = index as f64;
            let place = network.world_to_index(turned.index_to_world(at));
            // Along this axis alone: the others are asked on their own.
            let mut probe = network.size().map(|n| (n / 2) as f64);
            probe[axis] = place[axis];
            is_covered(probe, network.size())
        });
        let found: Vec<usize> = found.collect();
        match (found.first(), found.last()) {
            (Some(&first), Some(&last)) => (first, last + 1 - first),
            // Grids that do not meet: one voxel, which takes the border's value.
            _ => (0, size[axis].min(1)),
        }
    };
    let ends = [0, 1, 2].map(on_axis);
    (ends.map(|end| end.0), ends.map(|end| end.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_filters::orient;
    use vesalius_volume::LabelMap;

    #[test]
    fn what_was_cropped_away_is_outside_of_the_box() {
        let file = Geometry::axis_aligned([20, 30, 17], [1.0, 1.0, 2.0]).unwrap();
        let crop = file.region([4, 0, 5], [9, 30, 6]).unwrap();
        let placement = Placement::between(&crop, &file).unwrap().unwrap();
        // A voxel beside the crop takes the border's value.
        assert_eq!(placement.start, [3, 0, 4]);
        assert_eq!(placement.parts.target_size(), [11, 30, 8]);
        // A coarser grid of the whole extent covers every voxel, rounded as it may be.
        let coarse = Geometry::axis_aligned([7, 10, 11], [3.0; 3]).unwrap();
        let placement = Placement::between(&coarse, &file).unwrap().unwrap();
        assert_eq!(placement.start, [0; 3]);
        assert_eq!(placement.parts.target_size(), [20, 30, 17]);
    }

    #[test]
    fn the_turned_grid_is_the_oriented_one() {
        let direction = [[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let file = Geometry::from_parts([3, 4, 5], [1.0, 2.0, 3.0], [7.0; 3], direction).unwrap();
        let labels = LabelMap::from_fn(file, |[x, y, z]| (x + 10 * y + 100 * z) as u16);
        let turned = orient(&labels, "RAS".parse().unwrap()).unwrap();
        let placement = Placement::between(turned.geometry(), &file)
            .unwrap()
            .unwrap();
        assert!(placement.is_turned() && placement.parts.is_identity());
        assert!(placement.turned().is_same(turned.geometry()));
    }
}
