//! All of the network's output at once, for inferers that do not go along z and for grids askew.

use super::member::with_network;
use super::pace::Announcement;
use super::single::Single;
use super::slabs::background;
use super::{Request, Segmented};
use crate::export::LabelStore;
use crate::inferer::Pass;
use crate::memory::{PROGRAM, activations};
use crate::placement::is_covered;
use crate::{
    Aside, Bytes, Error, MemoryPlan, ModelDescription, PatchNetwork, ProbabilityMap,
    ProbabilityStore, Result,
};
use vesalius_filters::{ResampleOptions, resample};
use vesalius_tensor::LogitsSlab;
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Volume};

impl Single {
    /// The answer before postprocessing.
    pub fn whole(
        &self,
        model: &ModelDescription,
        prepared: &Volume<f32>,
        file: &Geometry,
        request: &Request,
    ) -> Result<Segmented> {
        let (scheme, options) = (&model.labels, request.options);
        let logits = with_network(&self.members, model, |network| {
            let plan = self.plan_of_whole(model, (prepared, file), network, request)?;
            let size = prepared.geometry().size();
            let extent = model.inferer.extent(size, network.divisor());
            let batch = (extent.window.iter().product(), extent.batch);
            let announcement = Announcement::new(&self.pace, &plan, batch, options.planned);
            let advanced = |done: usize, total: usize| {
                announcement.advanced(done);
                options
                    .observer
                    .is_none_or(|observer| observer.advanced(done, total))
            };
            let pass = Pass {
                network,
                device: &self.device,
                observer: &advanced,
            };
            let logits = model.inferer.pass(prepared, &pass)?;
            announcement.finished();
            Ok::<_, Error>(logits)
        })?;
        let logits = back_to_file(logits, file, scheme)?;
        let slab = LogitsSlab::new(scheme, logits.into_data())?;
        let mut labels = LabelMap::background(*file);
        slab.labels_into(labels.data_mut())?;
        let map = || ProbabilityMap::new(*file, slab.into_probabilities());
        Ok(Segmented {
            labels: LabelStore::of_map(labels),
            probabilities: request
                .probabilities
                .then(|| ProbabilityStore::of_map(map())),
        })
    }

    fn plan_of_whole(
        &self,
        model: &ModelDescription,
        (prepared, file): (&Volume<f32>, &Geometry),
        network: &dyn PatchNetwork,
        request: &Request,
    ) -> Result<MemoryPlan> {
        let channels = model.labels.channels();
        let size = prepared.geometry().size();
        let extent = model.inferer.extent(size, network.divisor());
        let outputs = extent.outputs * channels * prepared.geometry().voxel_count();
        // On the file's grid: logits (and what they become, in place) and labels of two bytes.
        let made = channels * file.voxel_count() + file.voxel_count() / 2;
        let images = extent.images * prepared.data().len();
        let through = activations(&model.network, extent.window) * extent.batch as u64;
        let values = (images + outputs + made) as u64;
        let peak = PROGRAM + self.weights() + request.beside + through + 4 * values;
        if let Some(allowed) = request.options.max_memory.filter(|&limit| peak > limit) {
            return Err(Error::Memory {
                allowed: Bytes(allowed),
                // Rounded up, so that what is printed works.
                smallest: Bytes(peak.next_multiple_of(16 << 20) + (16 << 20)),
            });
        }
        let [_, rows, slices] = file.size();
        Ok(MemoryPlan {
            stripes: std::iter::once(0..rows).collect(),
            slab: slices,
            aside: Aside::default(),
            windows: extent.windows,
            windows_unlimited: extent.windows,
            peak,
            time: None,
        })
    }
}

/// Logits on another grid; linear between voxels where preprocessing changed the grid.
///
/// # Errors
/// A grid that cannot be resampled to.
pub fn back_to_grid(logits: Volume<f32>, grid: &Geometry) -> Result<Volume<f32>> {
    if logits.geometry().is_same(grid) {
        return Ok(logits.with_geometry(*grid)?);
    }
    Ok(resample(&logits, grid, &ResampleOptions::monai())?)
}

/// As [`back_to_grid`], for the grid of a file: what preprocessing cropped away is background there.
///
/// # Errors
/// As [`back_to_grid`].
pub fn back_to_file(
    logits: Volume<f32>,
    file: &Geometry,
    scheme: &LabelScheme,
) -> Result<Volume<f32>> {
    let network = *logits.geometry();
    let mut found = back_to_grid(logits, file)?;
    let place = |at: [f64; 3]| network.world_to_index(file.index_to_world(at));
    let seen = |at: [f64; 3]| is_covered(place(at), network.size());
    let ends = file.size().map(|n| [0.0, n.saturating_sub(1) as f64]);
    let corners = (0..8).map(|c| [ends[0][c & 1], ends[1][c >> 1 & 1], ends[2][c >> 2]]);
    if network.is_same(file) || corners.into_iter().all(seen) {
        return Ok(found);
    }
    let (background, voxels) = (background(scheme), file.voxel_count());
    for voxel in 0..voxels {
        if !seen(file.index(voxel).map(|n| n as f64)) {
            for (channel, value) in background.iter().enumerate() {
                found.data_mut()[channel * voxels + voxel] = *value;
            }
        }
    }
    Ok(found)
}

/// The labels that logits mean, on the same grid.
///
/// # Errors
/// Another number of channels than the scheme's.
pub fn labels_of(logits: Volume<f32>, scheme: &LabelScheme) -> Result<LabelMap> {
    let mut labels = LabelMap::background(*logits.geometry());
    LogitsSlab::new(scheme, logits.into_data())?.labels_into(labels.data_mut())?;
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cropped_away_is_background() {
        let scheme = LabelScheme::exclusive(&[("background", 0), ("organ", 1)]).unwrap();
        let file = Geometry::axis_aligned([12, 10, 8], [1.0; 3]).unwrap();
        let crop = file.region([4, 0, 2], [4, 10, 3]).unwrap();
        // All of the crop is organ.
        let logits = [vec![-5.0; 120], vec![5.0; 120]].concat();
        let logits = Volume::new(crop, 2, logits).unwrap();
        let labels = labels_of(back_to_file(logits, &file, &scheme).unwrap(), &scheme).unwrap();
        for (voxel, &label) in labels.data().iter().enumerate() {
            let [x, _, z] = file.index(voxel);
            let near = (3..=8).contains(&x) && (1..=5).contains(&z);
            assert_eq!(label, u16::from(near), "{x} {z}");
        }
    }
}
