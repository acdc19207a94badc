//! The network's output made labels slab by slab, so that it never stands in memory whole.

use super::member::with_network;
use super::pace::Announcement;
use super::single::Single;
use super::{Request, Segmented};
use crate::export::{Exporter, LabelStore, Output, background};
use crate::memory::{Footprint, activations};
use crate::placement::Placement;
use crate::rows::{ImageRows, ScratchImage};
use crate::sliding_window::WindowRun;
use crate::{ModelDescription, PatchNetwork, Result, SlidingWindow};
use vesalius_volume::Volume;

/// Bytes a voxel that postprocessing takes: labels of two bytes, twice, and a mask.
const POSTPROCESSING: usize = 6;

impl Single {
    /// `read` values were in the image before it was prepared.
    pub fn in_slabs(
        &self,
        model: &ModelDescription,
        prepared: Volume<f32>,
        read: usize,
        (placement, windows): (&Placement, &SlidingWindow),
        request: &Request,
    ) -> Result<Segmented> {
        let (scheme, options) = (&model.labels, request.options);
        with_network(&self.members, model, |network| {
            let way = (placement, windows);
            let plan = self
                .footprint(model, (&prepared, read), way, network, request)
                .plan(options.max_memory)?;
            let size = prepared.geometry().size();
            let grid = windows.grid(size, network.divisor());
            let voxels = grid.window.iter().product();
            let batch = (voxels, windows.batch_size);
            let announcement = Announcement::new(&self.pace, &plan, batch, options.planned);
            let image: Box<dyn ImageRows> = match plan.aside.image {
                true => {
                    let scratch = ScratchImage::new(&prepared, &std::env::temp_dir())?;
                    drop(prepared);
                    Box::new(scratch)
                }
                false => Box::new(prepared),
            };
            let mut output = Output::new(placement, scheme, request.probabilities, plan.aside)?;
            let mut before = 0;
            for stripe in &plan.stripes {
                let mut exporter = Exporter::new(&mut output, stripe.clone(), plan.slab);
                let advanced = |done: usize, _: usize| {
                    announcement.advanced(before + done);
                    options
                        .observer
                        .is_none_or(|observer| observer.advanced(before + done, plan.windows))
                };
                let run = WindowRun {
                    image: image.as_ref(),
                    network,
                    device: &self.device,
                    rows: exporter.seen(),
                    background: Some(background(scheme)),
                    observer: &advanced,
                    check_layers: options.check_layers,
                };
                windows.run_slices(&run, &mut |slice| exporter.push(slice))?;
                before += grid.count_touching(&placement.parts.seen(1, stripe.clone()));
            }
            announcement.finished();
            let (labels, probabilities) = output.finish();
            Ok(Segmented {
                labels,
                probabilities,
            })
        })
    }

    fn footprint<'a>(
        &self,
        model: &ModelDescription,
        (prepared, read): (&Volume<f32>, usize),
        (placement, windows): (&'a Placement, &'a SlidingWindow),
        network: &dyn PatchNetwork,
        request: &Request,
    ) -> Footprint<'a> {
        let scheme = &model.labels;
        let voxels = placement.file.voxel_count();
        let probabilities = match request.probabilities {
            true => voxels * scheme.channels() * 4,
            false => 0,
        };
        let postprocessed = !model.postprocessing.is_empty();
        // Where the grid stays, intensities change in place.
        let regridded = model.nnunet.is_some() || prepared.data().len() != read;
        let preparing = 4 * (prepared.data().len() + if regridded { read } else { 0 });
        let size = prepared.geometry().size();
        let window = windows.grid(size, network.divisor()).window;
        Footprint {
            windows,
            divisor: network.divisor(),
            size,
            image_channels: prepared.channels(),
            channels: scheme.channels(),
            parts: &placement.parts,
            image: (prepared.data().len() * 4) as u64,
            preparing: preparing as u64,
            probabilities: probabilities as u64,
            labels: (voxels * LabelStore::bytes(scheme)) as u64,
            labels_needed: postprocessed,
            postprocessing: if postprocessed {
                voxels * POSTPROCESSING
            } else {
                0
            } as u64,
            beside: request.beside,
            weights: self.weights(),
            activations: activations(model, window),
        }
    }
}
