//! A batch of patches: what a draw number and a seed make of the cases, whoever computes it and when.

use crate::{Case, CaseOrder, Result};
use std::sync::Arc;
use vesalius_transforms::{Chain, LabelIndex, PatchConfig, Step, Stream, keyed};
use vesalius_volume::Subject;

/// Patches and their labels, ready to become tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Number of patches, channels, and voxels along z, y, x.
    pub shape: [usize; 5],
    /// Intensities, `[N, C, Z, Y, X]`.
    pub images: Vec<f32>,
    /// Label values, `[N, 1, Z, Y, X]`.
    pub labels: Vec<i32>,
}

/// What training patches are cut from, and how.
#[derive(Debug, Clone)]
pub struct PatchSampler {
    cases: Arc<[Case]>,
    patch: PatchConfig,
    augmentation: Chain,
    seed: u64,
    order: CaseOrder,
}

impl PatchSampler {
    /// A sampler over cases, at least one.
    pub fn new(cases: Arc<[Case]>, patch: PatchConfig, augmentation: Chain, seed: u64) -> Self {
        let order = CaseOrder::new(seed, cases.len());
        Self {
            cases,
            patch,
            augmentation,
            seed,
            order,
        }
    }

    /// The batch of step `step`: draws `step · size` up to `(step + 1) · size`.
    ///
    /// # Errors
    /// A transform that refuses a patch.
    pub fn batch(&mut self, step: u64, size: usize) -> Result<Batch> {
        let first = step * size as u64;
        let patches: Vec<Subject> = (first..first + size as u64)
            .map(|draw| self.patch(draw))
            .collect::<Result<_>>()?;
        Ok(collate(&patches))
    }

    /// The augmented patch of one draw.
    fn patch(&mut self, draw: u64) -> Result<Subject> {
        let case = &self.cases[self.order.case(draw)];
        let cut = cut_patch(&case.subject, &case.index, &self.patch, self.seed, draw)?;
        Ok(self.augmentation.apply(cut, self.seed, draw)?.0)
    }
}

/// The patch of one draw from one case, before augmentation.
///
/// # Errors
/// A patch that cannot be cut.
pub fn cut_patch(
    subject: &Subject,
    index: &LabelIndex,
    patch: &PatchConfig,
    seed: u64,
    draw: u64,
) -> Result<Subject> {
    let mut rng = keyed(seed, draw, Stream::Patch);
    let mut steps = patch
        .sample(subject.geometry(), index, &mut rng)
        .into_iter();
    // The first step reads the case in place, so that the whole case is never copied for a patch.
    let mut cut = match steps.next() {
        Some(region) => {
            let labels = subject
                .labels()
                .map(|labels| region.apply_labels(labels))
                .transpose()?;
            Subject::new(subject.name(), region.apply(subject.image())?, labels)?
        }
        None => subject.clone(),
    };
    for step in steps {
        cut = Step::Grid(step).apply(cut)?;
    }
    Ok(cut)
}

fn collate(patches: &[Subject]) -> Batch {
    let [x, y, z] = patches[0].geometry().size();
    let channels = patches[0].image().channels();
    let images = patches
        .iter()
        .flat_map(|patch| patch.image().data().iter().copied())
        .collect();
    let labels = patches
        .iter()
        .flat_map(|patch| {
            patch
                .labels()
                .map(|labels| labels.data())
                .unwrap_or_default()
        })
        .map(|&label| i32::from(label))
        .collect();
    Batch {
        shape: [patches.len(), channels, z, y, x],
        images,
        labels,
    }
}
