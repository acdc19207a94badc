//! Probabilities on an image's grid: what models can be averaged by and what becomes labels.

use super::ProbabilitySource;
use crate::{Error, Result};
use vesalius_tensor::ProbabilitiesSlab;
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Volume};

/// The probability of each class or region at each voxel of a grid.
#[derive(Debug, Clone)]
pub struct ProbabilityMap {
    geometry: Geometry,
    probabilities: ProbabilitiesSlab,
}

impl ProbabilityMap {
    pub(crate) fn new(geometry: Geometry, probabilities: ProbabilitiesSlab) -> Self {
        Self {
            geometry,
            probabilities,
        }
    }

    /// Probabilities that were written as an image before, one channel a class or region.
    ///
    /// # Errors
    /// Another number of channels than the scheme's.
    pub fn from_stored(scheme: &LabelScheme, stored: Volume<f32>) -> Result<Self> {
        let geometry = *stored.geometry();
        let probabilities = ProbabilitiesSlab::from_stored(scheme, stored.into_data())?;
        Ok(Self::new(geometry, probabilities))
    }

    /// Where the voxels lie.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// What the channels mean.
    pub fn scheme(&self) -> &LabelScheme {
        self.probabilities.scheme()
    }

    /// The numbers, `[channel][z][y][x]`.
    pub fn data(&self) -> &[f32] {
        self.probabilities.data()
    }

    /// The mean over models of one label scheme on one grid: an ensemble.
    ///
    /// # Errors
    /// No part at all, parts of different schemes, parts on different grids.
    pub fn mean(parts: &[Self]) -> Result<Self> {
        for part in parts.iter().skip(1) {
            parts[0]
                .geometry
                .check_same(&part.geometry, "the probabilities of an ensemble")?;
        }
        let slabs: Vec<ProbabilitiesSlab> = parts
            .iter()
            .map(|part| part.probabilities.clone())
            .collect();
        let probabilities = ProbabilitiesSlab::mean(&slabs)?;
        // The mean of nothing was an error.
        Ok(Self {
            geometry: parts[0].geometry,
            probabilities,
        })
    }

    /// The most probable class of each voxel, or the regions above ½ painted in their order.
    ///
    /// # Errors
    /// None for a map that this crate made.
    pub fn labels(&self) -> Result<LabelMap> {
        let mut labels = LabelMap::background(self.geometry);
        self.probabilities.labels_into(labels.data_mut())?;
        Ok(labels)
    }

    /// The numbers as an image, one channel a class or region: to be looked at or stored.
    ///
    /// # Errors
    /// None for a map that this crate made.
    pub fn into_volume(self) -> Result<Volume<f32>> {
        let voxels = self.geometry.voxel_count().max(1);
        let geometry = self.geometry;
        let data = self.into_data();
        Ok(Volume::new(geometry, data.len() / voxels, data)?)
    }

    pub(crate) fn into_data(self) -> Vec<f32> {
        self.probabilities.into_data()
    }
}

impl ProbabilitySource for ProbabilityMap {
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    fn scheme(&self) -> &LabelScheme {
        self.probabilities.scheme()
    }

    fn read(&self, channel: usize, first: usize, values: &mut [f32]) -> Result<()> {
        let voxels = self.geometry.voxel_count();
        let end = first.checked_add(values.len()).filter(|end| *end <= voxels);
        let range = channel
            .checked_mul(voxels)
            .and_then(|at| Some(at.checked_add(first)?..at.checked_add(end?)?));
        let Some(found) = range.and_then(|range| self.data().get(range)) else {
            return Err(Error::BadValue {
                key: "a run of voxels",
                found: format!(
                    "{} from voxel {first} of channel {channel} on, of {voxels} voxels and {} channels",
                    values.len(),
                    self.scheme().channels()
                ),
                expected: "voxels of one channel of the map",
            });
        };
        values.copy_from_slice(found);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voxels_that_are_not_there_are_an_error() {
        let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let grid = Geometry::axis_aligned([3, 2, 1], [1.0; 3]).unwrap();
        let stored = Volume::new(grid, 2, vec![0.25; 12]).unwrap();
        let map = ProbabilityMap::from_stored(&scheme, stored).unwrap();
        let read = |channel, first, count| map.read(channel, first, &mut vec![0.0; count]);
        assert!(read(1, 2, 4).is_ok() && read(0, 6, 0).is_ok());
        // Across the end of a channel, beyond the last one, and numbers that overflow.
        for (channel, first, count) in [
            (0, 3, 4),
            (1, 3, 4),
            (2, 0, 1),
            (0, 7, 0),
            (usize::MAX, 0, 1),
            (0, usize::MAX, 1),
        ] {
            let error = read(channel, first, count).unwrap_err().to_string();
            assert!(error.contains("2 channels"), "{error}");
        }
    }
}
