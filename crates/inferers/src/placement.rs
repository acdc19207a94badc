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
    /// Between two grids over one world, linear, the border going on; nothing when the network's grid
    /// stands askew in the file's.
    pub fn between(network: &Geometry, file: &Geometry) -> Result<Option<Self>> {
        let (order, flips) = file.orientation().steps_to(&network.orientation());
        let turned = file.permuted(order).flipped(flips);
        let parts = match network.is_same(&turned) {
            true => Some(LinearParts::nnunet(network.size(), turned.size(), None)?),
            false => LinearParts::between(network, &turned)?,
        };
        Ok(parts.map(|parts| Self {
            file: *file,
            order,
            flips,
            start: [0; 3],
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

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_filters::orient;
    use vesalius_volume::LabelMap;

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
