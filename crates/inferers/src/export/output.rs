//! The result of a segmentation, on the file's grid from the first slab on.

use super::LabelStore;
use super::scatter::Scatter;
use super::whole::{fade, surely_background};
use crate::nnunet::Spline;
use crate::placement::Placement;
use crate::{ProbabilityStore, Result, Spilled};
use std::ops::Range;
use std::path::Path;
use vesalius_control::{Control, Stage};
use vesalius_filters::LinearParts;
use vesalius_tensor::LogitsSlab;
use vesalius_volume::LabelScheme;

/// Labels, and probabilities where they are kept.
pub(crate) struct Output<'a> {
    placement: &'a Placement,
    scheme: &'a LabelScheme,
    labels: LabelStore,
    probabilities: Option<ProbabilityStore>,
    /// Counts slices of the box.
    stage: Stage,
}

/// The storage of what is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept<'a> {
    /// Whether probabilities are.
    pub probabilities: bool,
    /// What lies in scratch files.
    pub spilled: Spilled,
    /// The folder of scratch files.
    pub folder: &'a Path,
}

impl<'a> Output<'a> {
    /// Background everywhere. `stripes` parts of all slices are written, each counted in a stage `export`.
    pub fn new(
        placement: &'a Placement,
        scheme: &'a LabelScheme,
        kept: Kept,
        (control, stripes): (&Control, usize),
    ) -> Result<Self> {
        let (keep, spilled) = (kept.probabilities, kept.spilled);
        let folder = |spilled: bool| spilled.then_some(kept.folder);
        let slices = placement.parts.target_size()[2].saturating_mul(stripes);
        let file = placement.file;
        let probabilities =
            || ProbabilityStore::background(file, scheme, folder(spilled.probabilities));
        Ok(Self {
            labels: LabelStore::background(file, scheme, folder(spilled.labels))?,
            probabilities: keep.then(probabilities).transpose()?,
            stage: control.stage("export", slices as u64),
            placement,
            scheme,
        })
    }

    /// From the network's grid to the box.
    pub(super) fn parts(&self) -> &'a LinearParts {
        &self.placement.parts
    }

    /// How whole channels are resampled, for interpolation that needs all slices.
    pub(super) fn spline(&self) -> Option<Spline> {
        self.placement.spline
    }

    /// Whether what is resampled is kept as 16-bit floats.
    pub(super) fn half(&self) -> bool {
        self.placement.half
    }

    /// For long work on the way of a part to the box.
    pub(super) fn control(&self) -> &Control {
        self.stage.control()
    }

    /// Channels of the network's output.
    pub(super) fn channels(&self) -> usize {
        self.scheme.channels()
    }

    /// Writes a slab of the box: slices from `first`, some rows, all of x.
    pub(super) fn write(
        &mut self,
        first: usize,
        rows: &Range<usize>,
        mut logits: Vec<f32>,
    ) -> Result<()> {
        self.stage.control().check()?;
        let width = self.placement.parts.target_size()[0];
        let voxels = logits.len() / self.scheme.channels();
        let share = |voxel: usize| {
            let (x, row) = (voxel % width, voxel / width);
            let (y, z) = (row % rows.len(), row / rows.len());
            self.placement.share([x, rows.start + y, first + z])
        };
        let partly = self.placement.shares.is_some();
        if partly {
            fade(&mut logits, self.scheme, share);
        }
        let logits = LogitsSlab::new(self.scheme, logits)?;
        let start = self.placement.start;
        let origin = [start[0], start[1] + rows.start, start[2] + first];
        let size = [width, rows.len(), voxels / (width * rows.len())];
        let scatter = Scatter::new(self.placement, origin, size);
        let mut labels = vec![0; voxels];
        match &mut self.probabilities {
            None => logits.labels_into(&mut labels)?,
            Some(kept) => {
                let probabilities = logits.into_probabilities();
                probabilities.labels_into(&mut labels)?;
                let mut values = probabilities.into_data();
                if partly {
                    surely_background(&mut values, self.scheme, share);
                }
                let channels = values.chunks_exact(voxels);
                for (channel, values) in channels.enumerate() {
                    scatter.put(values, |at, run| kept.write(channel, at, run))?;
                }
            }
        }
        self.labels.scatter(&scatter, &labels)?;
        self.stage.advance(size[2] as u64);
        Ok(())
    }

    /// Labels and probabilities.
    pub fn finish(self) -> (LabelStore, Option<ProbabilityStore>) {
        (self.labels, self.probabilities)
    }
}
