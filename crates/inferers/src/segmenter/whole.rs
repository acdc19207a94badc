//! All of the network's output at once, for inferers that do not go along z and for grids askew.

use super::member::with_network;
use super::single::Single;
use super::window_timing::Announcement;
use super::{Labelled, SegmentRequest};
use crate::export::{self, LabelStore, Meaning};
use crate::inferer::Pass;
use crate::memory::PROGRAM;
use crate::placement::Placement;
use crate::progress::WindowCount;
use crate::{
    ByteSize, Error, MemoryPlan, ModelDescription, PatchNetwork, ProbabilityStore, Result, Spilled,
};
use vesalius_transforms::Trace;
use vesalius_volume::{Geometry, Volume};

impl Single {
    /// The result where the network's grid runs along the file's.
    pub fn whole(
        &self,
        model: &ModelDescription,
        prepared: &Volume<f32>,
        placement: &Placement,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let logits = self.logits(model, (prepared, &placement.file), request)?;
        let way = (request.probabilities, request.models.control());
        let (labels, probabilities) = export::whole(&logits, placement, Meaning::of(model), way)?;
        Ok(Labelled {
            labels,
            probabilities,
        })
    }

    /// The result by one resampling between the grids' positions.
    pub fn askew(
        &self,
        model: &ModelDescription,
        prepared: &Volume<f32>,
        file: &Geometry,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let logits = self.logits(model, (prepared, file), request)?;
        // One resampling, which nothing can break off.
        let stage = request.models.control().stage("export", 1);
        stage.control().check()?;
        let (labels, probabilities) = export::askew(logits, file, Meaning::of(model))?;
        stage.advance(1);
        let keep = request.probabilities;
        Ok(Labelled {
            labels: LabelStore::of_map(labels),
            probabilities: keep.then(|| ProbabilityStore::of_map(probabilities)),
        })
    }

    /// The result with each step of preprocessing undone by itself.
    pub fn step_by_step(
        &self,
        model: &ModelDescription,
        prepared: &Volume<f32>,
        trace: &Trace,
        request: &SegmentRequest,
    ) -> Result<Labelled> {
        let logits = self.logits(model, (prepared, &trace.from), request)?;
        let way = (request.probabilities, request.models.control());
        let (labels, probabilities) = export::undone(logits, trace, Meaning::of(model), way)?;
        Ok(Labelled {
            labels,
            probabilities,
        })
    }

    /// The network's output on its own grid.
    fn logits(
        &self,
        model: &ModelDescription,
        (prepared, file): (&Volume<f32>, &Geometry),
        request: &SegmentRequest,
    ) -> Result<Volume<f32>> {
        let (options, control) = (request.options, request.models.control());
        with_network(&self.members, model, |network| {
            let plan = self.plan_of_whole(model, (prepared, file), network, request)?;
            let size = prepared.geometry().size();
            let extent = model.inferer.extent(size, network.divisor());
            let batch = (extent.window.iter().product(), extent.batch);
            request.note(&plan);
            let announcement =
                Announcement::new(&self.timing, &plan, batch, options.planned.as_deref());
            let timed = |done: usize| announcement.advanced(done);
            let pass = Pass {
                network,
                device: &self.device,
                windows: &WindowCount::timed(control, extent.windows, &timed),
                check_layers: options.check_layers,
            };
            let logits = model.inferer.pass(prepared, &pass)?;
            announcement.finished();
            Ok(logits)
        })
    }

    fn plan_of_whole(
        &self,
        model: &ModelDescription,
        (prepared, file): (&Volume<f32>, &Geometry),
        network: &dyn PatchNetwork,
        request: &SegmentRequest,
    ) -> Result<MemoryPlan> {
        let channels = model.labels.channels();
        let size = prepared.geometry().size();
        let extent = model.inferer.extent(size, network.divisor());
        let outputs = extent.outputs * channels * prepared.geometry().voxel_count();
        // On the file's grid: logits (and what they become, in place) and labels of two bytes.
        let made = channels * file.voxel_count() + file.voxel_count() / 2;
        let images = extent.images * prepared.data().len();
        let through = self.activations(model, extent.window) * extent.batch as u64;
        let values = (images + outputs + made) as u64;
        let peak = PROGRAM + self.weights() + request.beside + through + 4 * values;
        if let Some(allowed) = request.options.max_memory.filter(|&limit| peak > limit) {
            return Err(Error::Memory {
                allowed: ByteSize(allowed),
                // Rounded up, so that what is printed works.
                smallest: ByteSize(peak.saturating_add((32 << 20) - 1) >> 24 << 24),
            });
        }
        let [_, rows, slices] = file.size();
        Ok(MemoryPlan {
            stripes: std::iter::once(0..rows).collect(),
            slab: slices,
            spilled: Spilled::default(),
            windows: extent.windows,
            windows_unlimited: extent.windows,
            peak,
            time: None,
        })
    }
}
