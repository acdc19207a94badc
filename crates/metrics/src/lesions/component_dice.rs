//! Dice in the region of each reference lesion, so that a small lesion counts as much as a large one.

use super::nearest_object::NearestObject;
use super::objects::Objects;
use crate::{Error, Result};
use rayon::prelude::*;

/// How the regions of lesions are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RegionDistance {
    /// In voxels, whatever their spacing: CC-metrics 0.0.3.
    #[default]
    Voxels,
    /// In millimetres. The axes of a sheared grid are taken as if at right angles.
    Millimetres,
}

/// Connected-component Dice (CC-Dice): the image is cut into the regions that are nearest to each component of the
/// reference, Dice is computed in each region, and the mean over regions is the score. (Jaus et al.,
/// arXiv 2410.18684)
///
/// Voxels that are equally near to two components belong to the one whose voxel comes first in memory, x fastest.
///
/// ```
/// use vesalius_metrics::{ComponentDice, Connectivity, Objects, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // A large lesion that is found and a small one that is missed.
/// let grid = Geometry::axis_aligned([12, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![1_u16, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0])?;
/// let prediction = LabelMap::new(grid, vec![1_u16, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0])?;
/// let objects = Objects::of_target(&reference, &prediction, &Target::of_value(1), None, Connectivity::Corners)?;
/// let regions = ComponentDice::default().of(&objects)?;
/// assert_eq!(regions, [1.0, 0.0], "Dice of all voxels is 0.92");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ComponentDice {
    /// How the regions are measured.
    pub distance: RegionDistance,
}

impl ComponentDice {
    /// Regions that are measured in this way.
    pub fn measured_in(distance: RegionDistance) -> Self {
        Self { distance }
    }

    /// The Dice of each object of the reference in its region, in their order; empty when the reference is.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the box around both masks has 2³² voxels or more.
    pub fn of(&self, objects: &Objects) -> Result<Vec<f64>> {
        let voxels = objects.reference.numbers.len();
        if voxels >= u32::MAX as usize {
            return Err(Error::TooLarge {
                what: "the regions of connected-component Dice",
                voxels,
            });
        }
        let regions = objects.reference();
        let mut both = vec![0u64; regions];
        for pair in &objects.shared {
            both[pair.reference] += pair.voxels;
        }
        let spurious = self.spurious(objects);
        let dice = |region: usize| {
            let reference = objects.reference.voxels[region];
            let prediction = both[region] + spurious[region];
            2.0 * both[region] as f64 / (reference + prediction) as f64
        };
        Ok((0..regions).map(dice).collect())
    }

    /// Voxels of the prediction outside of the reference, by the region that they lie in.
    fn spurious(&self, objects: &Objects) -> Vec<u64> {
        let regions = objects.reference();
        if regions < 2 {
            let all: u64 = objects.prediction.voxels.iter().sum();
            let both: u64 = objects.shared.iter().map(|pair| pair.voxels).sum();
            return vec![all - both; regions];
        }
        let spacing = match self.distance {
            RegionDistance::Voxels => [1.0; 3],
            RegionDistance::Millimetres => objects.metric.spacing(),
        };
        let nearest = NearestObject::new(objects, spacing);
        let [nx, ny, nz] = objects.size;
        let outside = |offset: usize| {
            objects.prediction.numbers[offset] != 0 && objects.reference.numbers[offset] == 0
        };
        let row = |y: usize| {
            let mut counts = vec![0u64; regions];
            let mut found = Vec::new();
            let mut wanted = vec![false; nx];
            for z in 0..nz {
                let first = (z * ny + y) * nx;
                wanted
                    .iter_mut()
                    .enumerate()
                    .for_each(|(x, wanted)| *wanted |= outside(first + x));
            }
            for x in (0..nx).filter(|&x| wanted[x]) {
                nearest.column(x, y, &mut found);
                for (z, object) in found.iter().enumerate() {
                    if let Some(object) = object.filter(|_| outside((z * ny + y) * nx + x)) {
                        counts[object] += 1;
                    }
                }
            }
            counts
        };
        let add = |mut a: Vec<u64>, b: Vec<u64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        (0..ny)
            .into_par_iter()
            .map(row)
            .reduce(|| vec![0; regions], add)
    }

    pub(crate) fn suffix(&self) -> &'static str {
        match self.distance {
            RegionDistance::Voxels => "",
            RegionDistance::Millimetres => "_by_mm",
        }
    }
}
