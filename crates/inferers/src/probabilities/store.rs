//! Probabilities of a segmentation as it is made: in memory, or in a scratch file where the plan has one.

use super::{ProbabilityMap, ProbabilitySource};
use crate::Result;
use crate::store::Store;
use std::path::Path;
use vesalius_tensor::ProbabilitiesSlab;
use vesalius_volume::{Geometry, LabelScheme};

/// Probabilities on an image's own grid, to be saved run by run or taken into memory.
#[derive(Debug)]
pub struct ProbabilityStore {
    geometry: Geometry,
    scheme: LabelScheme,
    values: Store<f32>,
}

/// Values that are written at a time where all are the same.
const RUN: usize = 1 << 16;

impl ProbabilityStore {
    /// Zeros, in memory or in a scratch file in a folder.
    pub(crate) fn new(
        geometry: Geometry,
        scheme: &LabelScheme,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let length = geometry.voxel_count() * scheme.channels();
        Ok(Self {
            geometry,
            scheme: scheme.clone(),
            values: Store::new(length, folder)?,
        })
    }

    /// Background everywhere, for the part outside of the network's input.
    pub(crate) fn background(
        geometry: Geometry,
        scheme: &LabelScheme,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let mut store = Self::new(geometry, scheme, folder)?;
        if let LabelScheme::Exclusive { .. } = scheme {
            let voxels = geometry.voxel_count();
            let sure = vec![1.0; RUN.min(voxels)];
            for first in (0..voxels).step_by(RUN) {
                store.write(0, first, &sure[..RUN.min(voxels - first)])?;
            }
        }
        Ok(store)
    }

    /// Probabilities that are in memory.
    pub(crate) fn of_map(map: ProbabilityMap) -> Self {
        Self {
            geometry: *map.geometry(),
            scheme: map.scheme().clone(),
            values: Store::Memory(map.into_data()),
        }
    }

    /// Puts a run of voxels of one channel.
    pub(crate) fn write(&mut self, channel: usize, first: usize, values: &[f32]) -> Result<()> {
        let at = channel * self.geometry.voxel_count() + first;
        self.values.write(at, values)
    }

    /// All of them in memory.
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    pub fn into_map(self) -> Result<ProbabilityMap> {
        let length = self.geometry.voxel_count() * self.scheme.channels();
        let values = self.values.into_values(length)?;
        let slab = ProbabilitiesSlab::from_stored(&self.scheme, values)?;
        Ok(ProbabilityMap::new(self.geometry, slab))
    }
}

impl ProbabilitySource for ProbabilityStore {
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    fn scheme(&self) -> &LabelScheme {
        &self.scheme
    }

    fn read(&self, channel: usize, first: usize, values: &mut [f32]) -> Result<()> {
        let at = channel * self.geometry.voxel_count() + first;
        self.values.read(at, values)
    }
}
