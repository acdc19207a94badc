//! What a result holds of each label: how many voxels, where, and how bright the image is there.

use super::Segmentation;
use crate::{Error, Result};
use std::collections::BTreeMap;
use vesalius_volume::Volume;

/// A label that occurs in a result.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LabelStatistics {
    /// How many voxels hold it.
    pub voxels: usize,
    /// The first voxel of its bounding box, `[x, y, z]`.
    pub first: [usize; 3],
    /// The last voxel of its bounding box, `[x, y, z]`.
    pub last: [usize; 3],
    /// The mean of each channel of the image over its voxels, in the image's unit.
    pub means: Vec<f64>,
}

impl LabelStatistics {
    fn at(voxel: [usize; 3], channels: usize) -> Self {
        Self {
            voxels: 0,
            first: voxel,
            last: voxel,
            means: vec![0.0; channels],
        }
    }
}

impl Segmentation {
    /// Statistics of each label that occurs, by its value, the background left out.
    ///
    /// # Errors
    /// An image of another size; a scratch file that cannot be read.
    pub fn statistics(&self, image: &Volume<f32>) -> Result<BTreeMap<u32, LabelStatistics>> {
        let grid = *self.labels.geometry();
        if image.geometry().size() != grid.size() {
            let found = format!("one of {:?} voxels", image.geometry().size());
            return Err(Error::bad_value("image", found, "the image of the result"));
        }
        let [nx, ny, nz] = grid.size();
        let channels = image.channels();
        let voxels = grid.voxel_count();
        let mut found: BTreeMap<u32, LabelStatistics> = BTreeMap::new();
        let mut row = vec![0; nx];
        for y_of_all in 0..ny * nz {
            let (y, z) = (y_of_all % ny, y_of_all / ny);
            let first = y_of_all * nx;
            self.labels.read(first, &mut row)?;
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                let (start, end) = (x, x + run.len());
                x = end;
                if run[0] == 0 {
                    continue;
                }
                let entry = found.entry(run[0].into());
                let label = entry.or_insert_with(|| LabelStatistics::at([start, y, z], channels));
                label.voxels += run.len();
                for (axis, (low, high)) in
                    [(start, end - 1), (y, y), (z, z)].into_iter().enumerate()
                {
                    label.first[axis] = label.first[axis].min(low);
                    label.last[axis] = label.last[axis].max(high);
                }
                for (channel, sum) in label.means.iter_mut().enumerate() {
                    let values = &image.data()[channel * voxels + first..];
                    let values = &values[start..end];
                    *sum += values.iter().map(|value| f64::from(*value)).sum::<f64>();
                }
            }
        }
        for label in found.values_mut() {
            let voxels = label.voxels as f64;
            label.means.iter_mut().for_each(|sum| *sum /= voxels);
        }
        Ok(found)
    }
}
