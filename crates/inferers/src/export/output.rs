//! The result of a segmentation, on the file's grid from the first slab on.

use super::LabelStore;
use super::meaning::Meaning;
use super::scatter::Scatter;
use super::whole::{fade, fade_probabilities, surely_background};
use crate::nnunet::Spline;
use crate::placement::Placement;
use crate::{ProbabilityStore, Result, Spilled};
use std::ops::Range;
use std::path::Path;
use vesalius_control::{Control, Stage};
use vesalius_filters::LinearParts;
use vesalius_tensor::{LogitsSlab, ProbabilitiesSlab};

/// Labels, and probabilities where they are kept.
pub(crate) struct Output<'a> {
    placement: &'a Placement,
    meaning: Meaning<'a>,
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
        meaning: Meaning<'a>,
        kept: Kept,
        (control, stripes): (&Control, usize),
    ) -> Result<Self> {
        let (keep, spilled, scheme) = (kept.probabilities, kept.spilled, meaning.scheme);
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
            meaning,
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

    /// What the slices that come mean.
    pub(super) fn meaning(&self) -> Meaning<'a> {
        self.meaning
    }

    /// Channels of the network's output.
    pub(super) fn channels(&self) -> usize {
        self.meaning.scheme.channels()
    }

    /// Writes a slab of the box, logits or the probabilities that [`Meaning::carried`] made of them: slices from `first`, some
    /// rows, all of x.
    pub(super) fn write(
        &mut self,
        first: usize,
        rows: &Range<usize>,
        mut values: Vec<f32>,
    ) -> Result<()> {
        self.stage.control().check()?;
        let width = self.placement.parts.target_size()[0];
        let scheme = self.meaning.scheme;
        let voxels = values.len() / scheme.channels();
        let share = |voxel: usize| {
            let (x, row) = (voxel % width, voxel / width);
            let (y, z) = (row % rows.len(), row / rows.len());
            self.placement.share([x, rows.start + y, first + z])
        };
        let partly = self.placement.shares.is_some();
        let start = self.placement.start;
        let origin = [start[0], start[1] + rows.start, start[2] + first];
        let size = [width, rows.len(), voxels / (width * rows.len())];
        let scatter = Scatter::new(self.placement, origin, size);
        let mut labels = vec![0; voxels];
        let presence = self.meaning.presence;
        let made = match (self.meaning.carries_probabilities, partly) {
            (true, partly) => {
                if partly {
                    fade_probabilities(&mut values, scheme, share);
                }
                let probabilities = ProbabilitiesSlab::from_stored(scheme, values)?;
                probabilities.labels_by_into(presence, &mut labels)?;
                self.probabilities.is_some().then_some(probabilities)
            }
            (false, partly) => {
                if partly {
                    fade(&mut values, scheme, share);
                }
                let logits = LogitsSlab::new(scheme, values)?;
                match self.probabilities {
                    None => {
                        logits.labels_by_into(presence, &mut labels)?;
                        None
                    }
                    Some(_) => {
                        let probabilities = logits.into_probabilities();
                        probabilities.labels_by_into(presence, &mut labels)?;
                        Some(probabilities)
                    }
                }
            }
        };
        if let (Some(kept), Some(made)) = (&mut self.probabilities, made) {
            let mut values = made.into_data();
            if partly {
                surely_background(&mut values, scheme, share);
            }
            for (channel, values) in values.chunks_exact(voxels).enumerate() {
                scatter.put(values, |at, run| kept.write(channel, at, run))?;
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
