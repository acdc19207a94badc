//! Where a finer model looks: a coarser one finds the region, and only that part of the image is segmented.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vesalius_filters::{Bounds, bounding_box_where};
use vesalius_volume::{LabelMap, limits};

/// A coarser model in a folder next to `model.yaml`, whose labels are the part of an image that this model segments;
/// outside of it is background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionStage {
    /// The folder of the coarser model.
    pub model: String,
    /// Its labels that count; none means all but the background.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<u16>,
    /// Voxels of the image to keep around the box on each side, as far as the image goes.
    #[serde(default)]
    pub margin: [usize; 3],
    /// Millimetres to keep around the box on each side, in addition to `margin`.
    #[serde(default)]
    pub millimetres: [f64; 3],
    /// What happens where the coarser model finds nothing.
    #[serde(default)]
    pub nothing_found: EmptyRegionPolicy,
}

/// What happens to an image in which a coarser model finds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EmptyRegionPolicy {
    /// The whole of it is segmented: nothing is missed because the coarser model missed it.
    #[default]
    Whole,
    /// All of it is background.
    Background,
}

impl RegionStage {
    /// Checks that the values are valid.
    ///
    /// # Errors
    /// [`Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        if self
            .millimetres
            .iter()
            .all(|mm| mm.is_finite() && *mm >= 0.0)
        {
            return Ok(());
        }
        Err(Error::BadValue {
            key: "region.millimetres",
            found: format!("{:?}", self.millimetres),
            expected: "lengths in mm, not negative",
        })
    }

    /// The part of the image to segment; `None` where no label that counts was found.
    pub(crate) fn bounds(&self, labels: &LabelMap) -> Option<Bounds> {
        let counts = |label: u16| match self.labels.is_empty() {
            true => label != 0,
            false => self.labels.contains(&label),
        };
        let geometry = labels.geometry();
        let spacing = geometry.spacing();
        let margin = std::array::from_fn(|axis| {
            let voxels = limits::voxels_covering(self.millimetres[axis], spacing[axis]);
            self.margin[axis]
                .saturating_add(voxels)
                .min(geometry.size()[axis])
        });
        Some(bounding_box_where(labels, counts)?.grown(margin, geometry.size()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn a_margin_of_whole_voxels_takes_no_more_than_those() {
        // 1 × 2 × 1 mm as an oblique affine in single precision has it, and 0.6 mm.
        let stage: RegionStage =
            serde_saphyr::from_str("{model: coarse, millimetres: [4, 4, 4]}").unwrap();
        for (spacing, voxels) in [
            ([1.0, 2.0, 1.0], [4, 2, 4]),
            ([0.999_999_97, 1.999_999_95, 0.999_999_98], [4, 2, 4]),
            ([1.000_000_03, 2.000_000_05, 1.000_000_02], [4, 2, 4]),
            ([0.8f32 as f64, 0.5, 1.6f32 as f64], [5, 8, 3]),
        ] {
            let grid = Geometry::axis_aligned([41, 41, 41], spacing).unwrap();
            let labels = LabelMap::from_fn(grid, |at| u16::from(at == [20, 20, 20]));
            let bounds = stage.bounds(&labels).unwrap();
            assert_eq!(bounds.size, voxels.map(|n| 2 * n + 1), "{spacing:?}");
        }
    }

    #[test]
    fn margins_add_up_and_end_at_the_border() {
        let grid = Geometry::axis_aligned([20, 20, 20], [1.0, 2.0, 0.5]).unwrap();
        let labels = LabelMap::from_fn(grid, |[x, y, z]| match [x, y, z] {
            [10, 10, 10] => 1,
            [2, 2, 2] => 2,
            _ => 0,
        });
        let stage = |text: &str| serde_saphyr::from_str::<RegionStage>(text).unwrap();
        let one = stage("{model: coarse, labels: [1], margin: [1, 0, 0], millimetres: [2, 3, 8]}");
        let bounds = one.bounds(&labels).unwrap();
        assert_eq!((bounds.start, bounds.size), ([7, 8, 0], [7, 5, 20]));
        let all = stage("{model: coarse}").bounds(&labels).unwrap();
        assert_eq!((all.start, all.size), ([2, 2, 2], [9, 9, 9]));
        assert!(
            stage("{model: coarse, labels: [7]}")
                .bounds(&labels)
                .is_none()
        );
        assert!(
            stage("{model: coarse, millimetres: [-1, 0, 0]}")
                .check()
                .is_err()
        );
    }
}
