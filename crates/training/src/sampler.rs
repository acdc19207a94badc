//! A batch of patches: what a draw number and a seed make of the cases, whoever computes it and when.

use crate::source::{CaseSource, Lent, SkippedCases};
use crate::{BadCase, CaseOrder, Error, MixingConfig, Partner, Result, TrainingConfig};
use std::sync::Arc;
use vesalius_transforms::{Chain, GridStep, PatchConfig, Step, Stream, keyed};
use vesalius_volume::Subject;

/// The stream of random numbers that batches are mixed by, keyed by the batch's number.
const MIXING: Stream = Stream::Other(0x6d69_7869);

/// Patches and their labels, ready to become tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Number of patches, channels, and voxels along z, y, x.
    pub shape: [usize; 5],
    /// Intensities, `[N, C, Z, Y, X]`.
    pub images: Vec<f32>,
    /// Label values, `[N, 1, Z, Y, X]`.
    pub labels: Vec<i32>,
    /// The case of each patch.
    pub cases: Vec<String>,
    /// The other label map of a batch whose patches were mixed.
    pub partner: Option<Partner>,
}

/// What training patches are cut from, and how.
#[derive(Debug, Clone)]
pub struct PatchSampler {
    cases: Arc<dyn CaseSource>,
    patch: PatchConfig,
    augmentation: Chain,
    mixing: Option<MixingConfig>,
    seed: u64,
    order: CaseOrder,
    bad_case: BadCase,
    skipped: SkippedCases,
    plain_patch: PatchConfig,
}

impl PatchSampler {
    /// A sampler over cases, at least one.
    pub fn new(cases: Arc<dyn CaseSource>, config: &TrainingConfig) -> Self {
        let order = CaseOrder::buffered(
            config.seed,
            cases.names().len(),
            config.cache.patches_per_case,
            config.cache.shuffle_buffer,
        );
        Self {
            cases,
            patch: config.patch.clone(),
            augmentation: config.augmentation.clone(),
            mixing: config.mixing.clone(),
            seed: config.seed,
            order,
            bad_case: config.bad_case,
            skipped: SkippedCases::default(),
            plain_patch: config.plain_patch(),
        }
    }

    /// The same without augmentation, of which every batch repeats: for validation. Patches are cut at the
    /// size that the augmentation would leave of them.
    pub(crate) fn plain(mut self) -> Self {
        self.patch = self.plain_patch.clone();
        self.augmentation = Chain::default();
        self.mixing = None;
        self
    }

    /// The same, noting broken cases where another sampler notes its own.
    pub(crate) fn sharing(mut self, other: &Self) -> Self {
        self.skipped = other.skipped.clone();
        self
    }

    /// The cases that were found broken and left out, known to all clones.
    pub fn skipped(&self) -> &SkippedCases {
        &self.skipped
    }

    /// The batch of number `number`: draws `number · size` up to `(number + 1) · size`.
    ///
    /// # Errors
    /// A case that cannot be used (unless such are skipped), a transform that refuses a patch.
    pub fn batch(&mut self, number: u64, size: usize) -> Result<Batch> {
        let first = number * size as u64;
        let patches: Vec<Subject> = (first..first + size as u64)
            .map(|draw| self.patch(draw))
            .collect::<Result<_>>()?;
        let mut batch = collate(&patches)?;
        if let Some(mixing) = &self.mixing {
            mixing.apply(&mut batch, &mut keyed(self.seed, number, MIXING))?;
        }
        Ok(batch)
    }

    /// The augmented patch of one draw. A broken case's draw goes to the next one in number, whoever
    /// meets it and when, so that batches stay the same for any number of threads.
    fn patch(&mut self, draw: u64) -> Result<Subject> {
        let (first, count) = (self.order.case(draw), self.cases.names().len());
        for step in 0..count {
            let index = (first + step) % count;
            match (self.patch_of(index, draw), self.bad_case) {
                (Ok(patch), _) => return Ok(patch),
                (Err(error), BadCase::Stop) => return Err(error),
                // A full disk or a lost permission is no fault of the case.
                (Err(error), BadCase::Skip) if vesalius_io::machine_failure(&error).is_some() => {
                    return Err(error);
                }
                (Err(error), BadCase::Skip) => {
                    self.skipped.note(&self.cases.names()[index], &error);
                }
            }
        }
        Err(Error::Case {
            case: self.cases.names().join(", "),
            reason: "no case is left that can be used; see the log for each one's reason"
                .to_owned(),
        })
    }

    fn patch_of(&self, index: usize, draw: u64) -> Result<Subject> {
        let case = self.cases.lend(index)?;
        let cut = cut_patch(&case, &self.patch, self.seed, draw)?;
        Ok(self.augmentation.apply(cut, self.seed, draw)?.0)
    }
}

/// The patch of one draw from one case, before augmentation.
///
/// # Errors
/// A patch that cannot be cut.
pub fn cut_patch(case: &Lent, patch: &PatchConfig, seed: u64, draw: u64) -> Result<Subject> {
    let mut rng = keyed(seed, draw, Stream::Patch);
    let mut steps = patch
        .sample(case.geometry(), case.index(), &mut rng)
        .into_iter();
    // The first step reads the case in place, so that the whole case is never copied for a patch.
    let mut cut = match steps.next() {
        Some(GridStep::Region { start, size }) => case.region(start, size)?,
        Some(other) => Step::Grid(other).apply(case.whole()?.subject.clone())?,
        None => case.whole()?.subject.clone(),
    };
    for step in steps {
        cut = Step::Grid(step).apply(cut)?;
    }
    Ok(cut)
}

/// Patches side by side.
///
/// # Errors
/// [`Error::Case`] for a patch whose size differs from the first one's: side by side, its rows would be taken
/// for others.
fn collate(patches: &[Subject]) -> Result<Batch> {
    let size = patches[0].geometry().size();
    if let Some(other) = patches.iter().find(|patch| patch.geometry().size() != size) {
        return Err(Error::Case {
            case: other.name().to_owned(),
            reason: format!(
                "a patch of {:?} voxels and one of {size:?} (case {}) do not fit into one batch; give `patch.size` numbers in place of -1, end `augmentation` with `pad` and `crop_centre` to one size, turn by `rotate90` in planes of equal sides, or set `batch_size: 1`",
                other.geometry().size(),
                patches[0].name()
            ),
        });
    }
    let [x, y, z] = size;
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
    Ok(Batch {
        shape: [patches.len(), channels, z, y, x],
        images,
        labels,
        cases: patches.iter().map(|p| p.name().to_owned()).collect(),
        partner: None,
    })
}
