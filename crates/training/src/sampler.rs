//! A batch of patches, which depends on the cases, the draw number and the seed alone.

use crate::config::bad;
use crate::source::{CaseHandle, CaseSource, SkippedCases};
use crate::{BadCase, CaseOrder, Error, MixedTarget, MixingConfig, Result, TrainingConfig};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use vesalius_transforms::{Chain, GridStep, PatchPlacer, SampledCase, Step, Stream, keyed};
use vesalius_volume::{LabelScheme, Subject};

/// The stream of random numbers that batches are mixed by, keyed by the batch's number.
const MIXING: Stream = Stream::Other(0x6d69_7869);
/// The stream of a user-defined sampler that chooses cases, keyed by the draw.
const CHOICE: Stream = Stream::Other(0x6361_7365);

/// Patches and their labels, from which tensors are made.
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
    pub mixed_target: Option<MixedTarget>,
    /// What the sampling prefers and a patch's case does not have, once for each such patch.
    pub absent: Vec<String>,
}

impl Batch {
    /// Checks that there is a voxel, and that there are as many values as the shape has.
    ///
    /// # Errors
    /// [`Error::BadValue`].
    pub fn check(&self) -> Result<()> {
        let product = |of: &[usize]| of.iter().try_fold(1usize, |n, m| n.checked_mul(*m));
        let [n, _, z, y, x] = self.shape;
        let (images, labels) = (product(&self.shape), product(&[n, z, y, x]));
        let mixed = self.mixed_target.as_ref();
        let mixed = mixed.is_none_or(|mixed| Some(mixed.labels.len()) == labels);
        let filled = Some(self.images.len()) == images && Some(self.labels.len()) == labels;
        if filled && mixed && !self.images.is_empty() {
            return Ok(());
        }
        bad(
            "a batch",
            format!(
                "one of shape {:?} with {} intensities and {} labels",
                self.shape,
                self.images.len(),
                self.labels.len()
            ),
            "a voxel at least, an intensity for each element of the shape and a label (also a mixed one) for each voxel",
        )
    }
}

/// What training patches are cut from, and how.
///
/// ```
/// use vesalius_networks::NetworkConfig;
/// use vesalius_training::{Case, Loader, LoaderOptions, MemoryCases, PatchSampler, TrainingConfig, synthetic::Spheres};
/// use vesalius_volume::LabelScheme;
///
/// let labels = LabelScheme::exclusive(&[("a", 1), ("b", 2), ("c", 3)])?;
/// let config = TrainingConfig::new(NetworkConfig::default()).patch([8, 8, 8]);
/// let case = Case::new(Spheres::default().subject(1, 0)?, &labels, &config.preprocessing)?;
/// let mut sampler = PatchSampler::new(MemoryCases::shared([case]), &config, &labels)?;
///
/// // Batch 0 of two patches: [N, C, Z, Y, X].
/// let batch = sampler.batch(0, 2)?;
/// assert_eq!(batch.shape, [2, 1, 8, 8, 8]);
/// // Threads of a loader make the same batches ahead.
/// let options = LoaderOptions { batch_size: 2, first: 0, end: Some(1), ahead: 1, workers: 2 };
/// assert_eq!(Loader::start(&sampler, options).next_batch()?, batch);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PatchSampler {
    cases: Arc<dyn CaseSource>,
    placer: PatchPlacer,
    augmentation: Chain,
    mixing: Option<MixingConfig>,
    seed: u64,
    order: CaseOrder,
    bad_case: BadCase,
    skipped: SkippedCases,
    plain_size: [i64; 3],
    scheme: Arc<LabelScheme>,
    /// Which label values the scheme has.
    known: Arc<[bool]>,
}

impl PatchSampler {
    /// A sampler over cases, at least one, with labels of the scheme.
    ///
    /// # Errors
    /// Weights of classes that do not fit the scheme.
    pub fn new(
        cases: Arc<dyn CaseSource>,
        config: &TrainingConfig,
        scheme: &LabelScheme,
    ) -> Result<Self> {
        let order = CaseOrder::buffered(
            config.seed,
            cases.names().len(),
            config.cache.patches_per_case,
            config.cache.shuffle_buffer,
        );
        Ok(Self {
            cases,
            placer: PatchPlacer::new(&config.patch, scheme)?,
            augmentation: config.augmentation.clone(),
            mixing: config.mixing.clone(),
            seed: config.seed,
            order,
            bad_case: config.bad_case,
            skipped: SkippedCases::default(),
            plain_size: config.plain_patch().size,
            scheme: Arc::new(scheme.clone()),
            known: known_values(scheme),
        })
    }

    /// The same without augmentation, of which every batch repeats: for validation. Patches are cut at the
    /// size that the augmentation would leave of them.
    pub(crate) fn plain(mut self) -> Result<Self> {
        self.placer = self.placer.with_size(self.plain_size)?;
        self.augmentation = Chain::default();
        self.mixing = None;
        Ok(self)
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
    /// A size of 0, a case that cannot be used (unless such are skipped), a transform that refuses a patch, patches that
    /// do not fit side by side.
    pub fn batch(&mut self, number: u64, size: usize) -> Result<Batch> {
        let first = number.checked_mul(size as u64).filter(|_| size > 0);
        let Some(first) = first.filter(|first| first.checked_add(size as u64).is_some()) else {
            let found = format!("{size} for batch {number}");
            return bad(
                "batch_size",
                found,
                "at least 1, of draws that can be counted",
            );
        };
        let mut absent = Vec::new();
        let patches: Vec<Subject> = (first..first + size as u64)
            .map(|draw| {
                let patch = self.patch(draw)?;
                absent.extend(patch.absent);
                Ok(patch.subject)
            })
            .collect::<Result<_>>()?;
        let mut batch = collate(&patches)?;
        batch.absent = absent;
        if let Some(mixing) = &self.mixing {
            mixing.apply(&mut batch, &mut keyed(self.seed, number, MIXING))?;
        }
        Ok(batch)
    }

    /// The augmented patch of one draw. A broken case's draw goes to the next case in number, so that batches stay the
    /// same for any number of threads.
    fn patch(&mut self, draw: u64) -> Result<Patch> {
        let (first, count) = (self.case(draw)?, self.cases.names().len());
        for step in 0..count {
            let index = (first + step) % count;
            match (self.patch_of(index, draw), self.bad_case) {
                (Ok(patch), _) => return Ok(patch),
                (Err(error), BadCase::Skip) if error.is_of_case() => {
                    self.skipped.note(&self.cases.names()[index], &error);
                }
                (Err(error), _) => return Err(self.of_case(index, error)),
            }
        }
        Err(Error::Case {
            case: self.cases.names().join(", "),
            reason: "no case is left that can be used; see the log for each one's reason"
                .to_owned(),
        })
    }

    /// The case of a draw.
    fn case(&mut self, draw: u64) -> Result<usize> {
        let names = self.cases.names();
        let chosen = self.placer.custom().and_then(|sampler| {
            let mut rng = keyed(self.seed, draw, CHOICE);
            sampler.case(names, draw, &mut rng)
        });
        match chosen {
            None => Ok(self.order.case(draw)),
            Some(index) if index < names.len() => Ok(index),
            Some(index) => bad(
                "patch.sampling.custom",
                format!("case {index} of {}", names.len()),
                "a sampler that chooses among the cases, counted from 0",
            ),
        }
    }

    /// A panic becomes an error that names the case; otherwise its batch would be awaited forever.
    fn patch_of(&self, index: usize, draw: u64) -> Result<Patch> {
        let made = catch_unwind(AssertUnwindSafe(|| {
            let case = self.cases.get(index)?;
            let mut patch = cut_patch(&case, &self.placer, self.seed, draw)?;
            patch.subject = self.augmentation.apply(patch.subject, self.seed, draw)?.0;
            self.check_labels(index, &patch.subject)?;
            Ok(patch)
        }));
        made.unwrap_or_else(|panic| {
            Err(Error::Worker {
                case: self.cases.names()[index].clone(),
                message: message_of(&*panic),
            })
        })
    }

    /// Checks that augmentation left every label one of the scheme's.
    fn check_labels(&self, index: usize, patch: &Subject) -> Result<()> {
        let Some(labels) = patch.labels() else {
            return Ok(());
        };
        if labels
            .data()
            .iter()
            .all(|&label| self.known[usize::from(label)])
        {
            return Ok(());
        }
        self.scheme.check_labels(labels).map_err(|e| Error::Case {
            case: self.cases.names()[index].clone(),
            reason: format!("after augmentation: {e}"),
        })
    }

    /// The error with the case's name, where it does not name it itself.
    fn of_case(&self, index: usize, error: Error) -> Error {
        match error {
            error @ (Error::Case { .. } | Error::CacheEntry { .. } | Error::Worker { .. }) => error,
            // A full disk or a lost permission stays one.
            error if vesalius_io::machine_failure(&error).is_some() => error,
            error => Error::Case {
                case: self.cases.names()[index].clone(),
                reason: error.to_string(),
            },
        }
    }
}

/// Which of all label values a scheme has.
fn known_values(scheme: &LabelScheme) -> Arc<[bool]> {
    let mut known = vec![false; usize::from(u16::MAX) + 1];
    for value in scheme.label_values().into_iter().chain(scheme.ignore()) {
        known[usize::from(value)] = true;
    }
    known.into()
}

/// A patch, and what its place could not be drawn by.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Patch {
    /// Image and labels.
    pub subject: Subject,
    /// What the sampling prefers and the case does not have.
    pub absent: Vec<String>,
}

/// A panic's message.
pub(crate) fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

/// The patch of one draw from one case, before augmentation.
///
/// # Errors
/// A patch that cannot be cut.
pub fn cut_patch(case: &CaseHandle, placer: &PatchPlacer, seed: u64, draw: u64) -> Result<Patch> {
    let mut rng = keyed(seed, draw, Stream::Patch);
    let index = match placer.reads_labels() {
        true => case.index()?,
        false => Arc::default(),
    };
    let sampled = SampledCase::new(case.name(), case.geometry(), &index);
    let placed = placer.sample(&sampled, &mut rng)?;
    let mut steps = placed.steps.into_iter();
    // The first step reads the case in place, so that the whole case is never copied for a patch.
    let mut subject = match steps.next() {
        Some(GridStep::Region { start, size }) => case.region(start, size)?,
        Some(other) => Step::Grid(other).apply(case.whole()?.subject().clone())?,
        None => case.whole()?.subject().clone(),
    };
    for step in steps {
        subject = Step::Grid(step).apply(subject)?;
    }
    Ok(Patch {
        subject,
        absent: placed.absent,
    })
}

/// Patches side by side.
///
/// # Errors
/// No patch; [`Error::Case`] for one whose size or channels differ from the first one's (side by side, its rows would be
/// taken for others), or without labels.
fn collate(patches: &[Subject]) -> Result<Batch> {
    let Some(first) = patches.first() else {
        return bad("batch_size", 0, "at least 1");
    };
    let (size, channels) = (first.geometry().size(), first.image().channels());
    let refused = |patch: &Subject, reason: String| {
        let case = patch.name().to_owned();
        Err(Error::Case { case, reason })
    };
    if let Some(other) = patches.iter().find(|patch| patch.labels().is_none()) {
        return refused(other, "a patch has no labels to learn from".to_owned());
    }
    if let Some(other) = patches.iter().find(|p| p.image().channels() != channels) {
        let found = other.image().channels();
        return refused(
            other,
            format!(
                "a patch of {} and one of {channels} (case {}) do not fit into one batch",
                vesalius_volume::counted(found, "channel"),
                first.name()
            ),
        );
    }
    if let Some(other) = patches.iter().find(|patch| patch.geometry().size() != size) {
        return Err(Error::Case {
            case: other.name().to_owned(),
            reason: format!(
                "a patch of {:?} voxels and one of {size:?} (case {}) do not fit into one batch; give `patch.size` numbers in place of -1, end `augmentation` with `pad` and `crop_centre` to one size, turn by `rotate90` in planes of equal sides, or set `batch_size: 1`",
                other.geometry().size(),
                first.name()
            ),
        });
    }
    let [x, y, z] = size;
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
        mixed_target: None,
        absent: Vec::new(),
    })
}
