//! Probabilities on an image's grid: whole in memory, or read run by run from files.

mod map;
mod store;

pub use map::ProbabilityMap;
pub use store::ProbabilityStore;

use crate::Result;
use crate::export::LabelStore;
use std::path::Path;
use vesalius_tensor::{Presence, ProbabilitiesSlab};
use vesalius_volume::{Geometry, LabelScheme};

/// Probabilities that can be read run by run: to be saved, averaged, or turned into labels, without all of them
/// in memory.
pub trait ProbabilitySource: Sync {
    /// Where the voxels lie.
    fn geometry(&self) -> &Geometry;

    /// What the channels mean.
    fn scheme(&self) -> &LabelScheme;

    /// Copies a run of voxels of one channel, from a voxel on (x fastest).
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    fn read(&self, channel: usize, first: usize, values: &mut [f32]) -> Result<()>;
}

/// Values of all channels that are in memory at a time when work is done run by run.
const RUN: usize = 1 << 21;

/// Runs of voxels, each by its first and its length, whose channels have about [`RUN`] values together.
pub(crate) fn runs(source: &dyn ProbabilitySource) -> impl Iterator<Item = (usize, usize)> + use<> {
    let voxels = source.geometry().voxel_count();
    let run = (RUN / source.scheme().channels()).max(1);
    (0..voxels)
        .step_by(run)
        .map(move |first| (first, run.min(voxels - first)))
}

/// All channels of a run of voxels, one after another.
pub(crate) fn read_run(
    source: &dyn ProbabilitySource,
    (first, count): (usize, usize),
) -> Result<Vec<f32>> {
    let mut values = vec![0.0; source.scheme().channels() * count];
    for (channel, values) in values.chunks_exact_mut(count).enumerate() {
        source.read(channel, first, values)?;
    }
    Ok(values)
}

/// The most probable class of each voxel, or the regions that are present painted in their order; in memory or in
/// a scratch file in a folder.
pub(crate) fn labels_from(
    source: &dyn ProbabilitySource,
    presence: Presence,
    folder: Option<&Path>,
) -> Result<LabelStore> {
    let scheme = source.scheme();
    let mut labels = LabelStore::background(*source.geometry(), scheme, folder)?;
    for (first, count) in runs(source) {
        let values = read_run(source, (first, count))?;
        let mut run = vec![0; count];
        ProbabilitiesSlab::from_stored(scheme, values)?.labels_by_into(presence, &mut run)?;
        labels.write(first, &run)?;
    }
    Ok(labels)
}
