//! The network's output turned into labels slab by slab, so that it is never whole in memory.

use super::folds::FoldSum;
use super::member::{with_network, with_networks};
use super::single::{Read, Single};
use super::window_timing::Announcement;
use super::{Image, Labelled, SegmentRequest};
use crate::export::{Exporter, Kept, LabelStore, Meaning, Output, background};
use crate::inferer::Pass;
use crate::memory::Footprint;
use crate::placement::Placement;
use crate::progress::WindowCount;
use crate::rows::{ImageRows, ScratchImage};
use crate::sliding_window::WindowRun;
use crate::windows::check_batch;
use crate::{Carried, ModelDescription, PatchNetwork, Result, SlidingWindow};

/// Bytes a voxel that postprocessing takes: labels of two bytes, twice, and a mask.
const POSTPROCESSING: usize = 6;

impl Single {
    /// Labels of a prepared image, slab by slab.
    pub fn in_slabs(
        &self,
        model: &ModelDescription,
        prepared: Image,
        read: Read,
        (placement, windows): (&Placement, &SlidingWindow),
        request: &SegmentRequest,
    ) -> Result<Labelled> {
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
        prepared: Image,
        read: Read,
        (placement, windows): (&Placement, &SlidingWindow),
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let (scheme, options) = (&model.labels, request.options);
        let way = (placement, windows);
        // There is at least one.
        let divisor = networks.first().map_or([1; 3], |network| network.divisor());
        let size = prepared.geometry().size();
        let grid = windows.grid(size, divisor);
        check_batch(&grid, prepared.channels(), windows.batch_size)?;
        let plan = self
            .footprint(
                model,
                (&prepared, read),
                way,
                (divisor, networks.len()),
                request,
            )
            .plan(options.max_memory)?;
        let voxels = grid.window.iter().product();
        let batch = (voxels, windows.batch_size);
        request.note(&plan);
        let announcement =
            Announcement::new(&self.timing, &plan, batch, options.planned.as_deref());
        let scratch = options.scratch_folder();
        let image: Box<dyn ImageRows> = match plan.spilled.image {
            true => {
                let scratch = ScratchImage::new(&prepared, &scratch)?;
                drop(prepared);
                Box::new(scratch)
            }
            false => Box::new(prepared),
        };
        let control = request.models.control();
        let kept = Kept {
            probabilities: request.probabilities,
            spilled: plan.spilled,
            folder: &scratch,
        };
        // Each fold runs every window; a window counts as done once all folds ran it.
        let timed = |done: usize| announcement.advanced(done / networks.len());
        let total = plan.windows * networks.len();
        let count = WindowCount::timed(control, total, &timed);
        let meaning = Meaning::of(model);
        let mut output = Output::new(placement, meaning, kept, (control, plan.stripes.len()))?;
        for stripe in &plan.stripes {
            let mut exporter = Exporter::new(&mut output, stripe.clone(), plan.slab);
            let mut folds = FoldSum::new(networks.len());
            for &network in networks {
                let pass = Pass {
                    network,
                    device: &self.device,
                    windows: &count,
                    check_layers: options.check_layers,
                };
                let run = WindowRun {
                    image: image.as_ref(),
                    pass: &pass,
                    rows: exporter.seen(),
                    background: Some(background(scheme)),
                };
                windows.run_slices(&run, &mut |slice| {
                    folds.take(slice, size[2], &mut |slice| exporter.push(slice))
                })?;
                folds.next();
            }
        }
        drop(count);
        announcement.finished();
        let (labels, probabilities) = output.finish();
        Ok(Labelled {
            labels,
            probabilities,
        })
    }

    fn footprint<'a>(
        &self,
        model: &ModelDescription,
        (prepared, read): (&Image, Read),
        (placement, windows): (&'a Placement, &'a SlidingWindow),
        (divisor, folds): ([usize; 3], usize),
        request: &SegmentRequest,
    ) -> Footprint<'a> {
        let scheme = &model.labels;
        let voxels = placement.file.voxel_count();
        let probabilities = match request.probabilities {
            true => voxels * scheme.channels() * 4,
            false => 0,
        };
        let is_of_labels = model.inverse.of == Carried::Labels;
        let postprocessed = is_of_labels || !model.postprocessing.is_empty();
        // Where the grid stays, intensities change in place.
        let regridded = model.nnunet.is_some() || prepared.data().len() != read.values;
        let preparing = super::bytes(prepared) + if regridded { read.held } else { 0 };
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
            // A borrowed image is counted by its owner.
            image: super::held(prepared),
            preparing,
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
            activations: self.activations(model, window),
        }
    }
}
