//! The network's output made labels slab by slab, so that it never stands in memory whole.

use super::folds::FoldSum;
use super::member::{with_network, with_networks};
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
        // nnU-Net blends each fold by itself.
        let apart = self.members.len() > 1 && windows.keeps_halves();
        let way = (placement, windows);
        match apart {
            true => with_networks(&self.members, model, |networks| {
                self.slabs_of(networks, model, prepared, read, way, request)
            }),
            false => with_network(&self.members, model, |network| {
                self.slabs_of(&[network], model, prepared, read, way, request)
            }),
        }
    }

    /// The folds' networks, one after another over each stripe.
    fn slabs_of(
        &self,
        networks: &[&dyn PatchNetwork],
        model: &ModelDescription,
        prepared: Volume<f32>,
        read: usize,
        (placement, windows): (&Placement, &SlidingWindow),
        request: &Request,
    ) -> Result<Segmented> {
        let (scheme, options) = (&model.labels, request.options);
        let way = (placement, windows);
        // There is at least one.
        let divisor = networks.first().map_or([1; 3], |network| network.divisor());
        let plan = self
            .footprint(
                model,
                (&prepared, read),
                way,
                (divisor, networks.len()),
                request,
            )
            .plan(options.max_memory)?;
        let size = prepared.geometry().size();
        let grid = windows.grid(size, divisor);
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
            let mut folds = FoldSum::new(networks.len());
            for (fold, &network) in networks.iter().enumerate() {
                // A window is done once all folds have seen it.
                let advanced = |done: usize, total: usize| {
                    let done = before + (fold * total + done) / networks.len();
                    announcement.advanced(done);
                    options
                        .observer
                        .is_none_or(|observer| observer.advanced(done, plan.windows))
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
                windows.run_slices(&run, &mut |slice| {
                    folds.take(slice, size[2], &mut |slice| exporter.push(slice))
                })?;
                folds.next();
            }
            before += grid.count_touching(&exporter.seen());
        }
        announcement.finished();
        let (labels, probabilities) = output.finish();
        Ok(Segmented {
            labels,
            probabilities,
        })
    }

    fn footprint<'a>(
        &self,
        model: &ModelDescription,
        (prepared, read): (&Volume<f32>, usize),
        (placement, windows): (&'a Placement, &'a SlidingWindow),
        (divisor, folds): ([usize; 3], usize),
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
        let window = windows.grid(size, divisor).window;
        Footprint {
            windows,
            divisor,
            folds,
            whole: placement.spline.is_some(),
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
