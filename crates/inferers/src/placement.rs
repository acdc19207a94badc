//! How the network's grid lies in the file's: the file's axes in the order of the network's, a box of that grid, how
//! the box's voxels mix the network's, and which part of the box the network's input covers.

use crate::Result;
use crate::nnunet::Spline;
use vesalius_filters::LinearParts;
use vesalius_transforms::{Coverage, Trace};
use vesalius_volume::Geometry;

/// The map from the network's grid to the file's. All outside of the box is background.
#[derive(Debug)]
pub(crate) struct Placement {
    /// The file's grid.
    pub file: Geometry,
    /// Axis `i` of the reordered grid is axis `order[i]` of the file, mirrored where `flips` is set.
    pub order: [usize; 3],
    pub flips: [bool; 3],
    /// First voxel of the box in the turned grid.
    pub start: [usize; 3],
    /// From the network's grid to the box.
    pub parts: LinearParts,
    /// The share of each voxel of the box that the network's input covers, an axis at a time; `None` where it covers all.
    pub shares: Option<[Vec<f32>; 3]>,
    /// How a whole channel is resampled, for interpolation that needs all slices.
    pub spline: Option<Spline>,
    /// Whether what was resampled is kept as 16-bit floats, as nnU-Net keeps its logits.
    pub half: bool,
}

impl Placement {
    /// A network's grid that is the file's.
    pub fn identity(file: &Geometry) -> Result<Self> {
        Ok(Self {
            file: *file,
            order: [0, 1, 2],
            flips: [false; 3],
            start: [0; 3],
            parts: LinearParts::nnunet(file.size(), file.size(), None)?,
            shares: None,
            spline: None,
            half: false,
        })
    }

    /// The inverse of a chain's trace, linear; `None` when a step moved voxels otherwise than along the axes.
    pub fn of_trace(trace: &Trace) -> Result<Option<Self>> {
        match trace.coverage()? {
            Some(coverage) => Self::between(&trace.to, &trace.from, &coverage),
            None => Ok(None),
        }
    }

    /// Between two grids over one world, linear, for a network's grid that shows so much of the file's;
    /// `None` when the network's grid is oblique to the file's.
    pub fn between(
        network: &Geometry,
        file: &Geometry,
        coverage: &Coverage,
    ) -> Result<Option<Self>> {
        let (order, flips) = file.orientation().steps_to(&network.orientation());
        let turned = file.permuted(order).flipped(flips);
        let coverage = coverage.turned(order, flips);
        if network.is_same(&turned) && coverage.is_whole() {
            let parts = LinearParts::nnunet(network.size(), turned.size(), None)?;
            return Ok(Some(Self {
                file: *file,
                order,
                flips,
                start: [0; 3],
                parts,
                shares: None,
                spline: None,
                half: false,
            }));
        }
        let ends = [0, 1, 2].map(|axis| shown(coverage.along(axis)));
        let (start, size) = (ends.map(|end| end.0), ends.map(|end| end.1));
        let shares = [0, 1, 2].map(|a| coverage.along(a)[start[a]..start[a] + size[a]].to_vec());
        let seen = turned.region(start.map(|n| n as i64), size)?;
        let parts = LinearParts::between(network, &seen)?;
        Ok(parts.map(|parts| Self {
            file: *file,
            order,
            flips,
            start,
            parts,
            shares: shares.iter().flatten().any(|&s| s < 1.0).then_some(shares),
            spline: None,
            half: false,
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

    /// The share of a voxel of the box that the network's input covers.
    pub fn share(&self, [x, y, z]: [usize; 3]) -> f32 {
        match &self.shares {
            None => 1.0,
            Some([along_x, along_y, along_z]) => along_x[x] * along_y[y] * along_z[z],
        }
    }
}

/// The first and the number of voxels with a share above 0; where there is none, one voxel of share 0.
fn shown(shares: &[f32]) -> (usize, usize) {
    let first = shares.iter().position(|&share| share > 0.0);
    let last = shares.iter().rposition(|&share| share > 0.0);
    match (first, last) {
        (Some(first), Some(last)) => (first, last + 1 - first),
        _ => (0, shares.len().min(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_filters::{Convention, orient, target_grid};
    use vesalius_transforms::{GridStep, Sampling, Step};
    use vesalius_volume::LabelMap;

    fn trace(file: Geometry, steps: Vec<GridStep>) -> Trace {
        let to = steps
            .iter()
            .fold(file, |grid, step| step.target(&grid).unwrap());
        Trace {
            from: file,
            to,
            steps: steps.into_iter().map(Step::Grid).collect(),
            interpolations: 0,
        }
    }

    #[test]
    fn what_was_cropped_away_is_outside_of_the_box() {
        let file = Geometry::axis_aligned([20, 30, 17], [1.0, 1.0, 2.0]).unwrap();
        let crop = GridStep::Region {
            start: [4, 0, 5],
            size: [9, 30, 6],
        };
        let placement = Placement::of_trace(&trace(file, vec![crop.clone()]));
        let placement = placement.unwrap().unwrap();
        assert_eq!(placement.start, [4, 0, 5]);
        assert_eq!(placement.parts.target_size(), [9, 30, 6]);
        assert!(placement.shares.is_none() && placement.parts.is_identity());
        // A coarser grid of the whole extent covers every voxel, rounded as it may be.
        let target = target_grid(&file, [3.0; 3], Convention::NnUnet).unwrap();
        let coarser = GridStep::Resample {
            target,
            sampling: Sampling::default(),
        };
        let placement = Placement::of_trace(&trace(file, vec![coarser]));
        let placement = placement.unwrap().unwrap();
        assert_eq!(placement.start, [0; 3]);
        assert_eq!(placement.parts.target_size(), [20, 30, 17]);
        assert!(placement.shares.is_none());
        // A crop before it is exact on the file's grid.
        let cropped = crop.target(&file).unwrap();
        let target = target_grid(&cropped, [3.0; 3], Convention::NnUnet).unwrap();
        let after = GridStep::Resample {
            target,
            sampling: Sampling::default(),
        };
        let placement = Placement::of_trace(&trace(file, vec![crop, after]));
        let placement = placement.unwrap().unwrap();
        assert_eq!(placement.start, [4, 0, 5]);
        assert_eq!(placement.parts.target_size(), [9, 30, 6]);
        assert!(placement.shares.is_none());
    }

    #[test]
    fn a_crop_between_two_voxels_of_the_file_shows_nothing() {
        let file = Geometry::axis_aligned([9, 4, 4], [1.0; 3]).unwrap();
        let target = Geometry::axis_aligned([17, 4, 4], [0.5, 1.0, 1.0]).unwrap();
        let finer = GridStep::Resample {
            target,
            sampling: Sampling::default(),
        };
        let crop = GridStep::Region {
            start: [5, 0, 0],
            size: [1, 4, 4],
        };
        let placement = Placement::of_trace(&trace(file, vec![finer, crop]));
        let placement = placement.unwrap().unwrap();
        assert_eq!(placement.parts.target_size(), [1, 4, 4]);
        assert_eq!(placement.share([0, 1, 2]), 0.0);
    }

    #[test]
    fn the_turned_grid_is_the_oriented_one() {
        let direction = [[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let file = Geometry::from_parts([3, 4, 5], [1.0, 2.0, 3.0], [7.0; 3], direction).unwrap();
        let labels = LabelMap::from_fn(file, |[x, y, z]| (x + 10 * y + 100 * z) as u16);
        let turned = orient(&labels, "RAS".parse().unwrap()).unwrap();
        let step = GridStep::Orient {
            to: "RAS".to_owned(),
        };
        let placement = Placement::of_trace(&trace(file, vec![step]))
            .unwrap()
            .unwrap();
        assert!(placement.is_turned() && placement.parts.is_identity());
        assert!(placement.turned().is_same(turned.geometry()));
    }
}
