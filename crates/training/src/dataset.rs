//! One case of a run: its files read, checked and preprocessed.

use crate::{CaseFiles, Error, Result};
use std::sync::{Arc, OnceLock};
use vesalius_control::Control;
use vesalius_io::ReadOptions;
use vesalius_planning::read_image_and_warnings;
use vesalius_transforms::{Chain, Coverage, LabelIndex};
use vesalius_volume::{FileWarning, LabelMap, LabelScheme, Subject};

/// A preprocessed case, for training or scoring.
///
/// ```
/// use vesalius_training::{Case, synthetic::Spheres};
/// use vesalius_transforms::Chain;
/// use vesalius_volume::LabelScheme;
///
/// let labels = LabelScheme::exclusive(&[("a", 1), ("b", 2), ("c", 3)])?;
/// let case = Case::new(Spheres::default().subject(1, 0)?, &labels, &Chain::default())?;
/// assert_eq!(case.values(), [0, 1, 2, 3]);
/// assert_eq!(case.index().labels().collect::<Vec<_>>(), [1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Case {
    subject: Subject,
    index: OnceLock<Arc<LabelIndex>>,
    ignore: Option<u16>,
    original_labels: Option<LabelMap>,
    coverage: Option<Coverage>,
    values: Vec<u16>,
}

impl Case {
    /// Makes a case of a labelled subject.
    ///
    /// # Errors
    /// A subject without labels, a label outside the scheme before or after preprocessing, or a transform that
    /// refuses.
    pub fn new(subject: Subject, scheme: &LabelScheme, preprocessing: &Chain) -> Result<Self> {
        Self::new_with(subject, scheme, preprocessing, &Control::new())
    }

    /// As [`Case::new`], cancelled between two transforms and followed in the stage `preprocess`, which counts them.
    ///
    /// # Errors
    /// As [`Case::new`]; [`Error::Cancelled`].
    pub fn new_with(
        subject: Subject,
        scheme: &LabelScheme,
        preprocessing: &Chain,
        control: &Control,
    ) -> Result<Self> {
        let named = |error: &dyn std::fmt::Display, name: &str| Error::Case {
            case: name.to_owned(),
            reason: error.to_string(),
        };
        let name = subject.name().to_owned();
        let Some(labels) = subject.labels().cloned() else {
            return Err(named(&"has no labels", &name));
        };
        scheme.check_labels(&labels).map_err(|e| named(&e, &name))?;
        let (subject, trace) = preprocessing
            .trace_controlled(subject, 0, 0, None, control)
            .map_err(|e| match Error::from(e) {
                error if error.is_cancelled() => error,
                error => named(&error, &name),
            })?;
        // What a transform such as `remap` gives must mean something too: a value outside the scheme would
        // belong to no channel, and be learnt as nothing at all.
        if let Some(labels) = subject.labels() {
            scheme
                .check_labels(labels)
                .map_err(|e| named(&format!("after preprocessing: {e}"), &name))?;
        }
        let moved = subject.geometry() != labels.geometry();
        let coverage = trace.coverage().map_err(|e| named(&e, &name))?;
        let case = Self::of_preprocessed(subject, moved.then_some(labels), scheme.ignore());
        Ok(case.with_coverage(coverage))
    }

    /// A case whose preprocessing is done.
    pub(crate) fn of_preprocessed(
        subject: Subject,
        original_labels: Option<LabelMap>,
        ignore: Option<u16>,
    ) -> Self {
        // A labelled subject stays labelled through every transform.
        let values = subject.labels().map(values_of).unwrap_or_default();
        Self {
            subject,
            index: OnceLock::new(),
            ignore,
            original_labels,
            coverage: None,
            values,
        }
    }

    /// The same with the part of the file's grid that preprocessing kept.
    pub(crate) fn with_coverage(self, coverage: Option<Coverage>) -> Self {
        Self { coverage, ..self }
    }

    /// The same with an index that was made of its labels before.
    pub(crate) fn with_index(self, index: Arc<LabelIndex>) -> Self {
        Self {
            index: index.into(),
            ..self
        }
    }

    /// The case as its preprocessed grid alone shows it: scored against the preprocessed labels.
    pub(crate) fn on_own_grid(self) -> Self {
        Self {
            original_labels: None,
            coverage: None,
            ..self
        }
    }

    /// The case after preprocessing.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Where its labelled voxels are. The first call finds them, which takes about as long as reading the labels once.
    pub fn index(&self) -> &LabelIndex {
        self.index.get_or_init(|| Arc::new(self.made_index()))
    }

    /// [`Case::index`], to be kept without the case.
    pub(crate) fn shared_index(&self) -> Arc<LabelIndex> {
        self.index();
        self.index.get().cloned().unwrap_or_default()
    }

    /// The index without keeping it, unless it was kept before.
    pub(crate) fn index_bytes(&self) -> Vec<u8> {
        match self.index.get() {
            Some(index) => index.to_bytes(),
            None => self.made_index().to_bytes(),
        }
    }

    /// The label value that is neither a label nor background.
    pub(crate) fn ignore(&self) -> Option<u16> {
        self.ignore
    }

    fn made_index(&self) -> LabelIndex {
        let labels = self.subject.labels();
        labels.map_or_else(LabelIndex::default, |labels| {
            LabelIndex::of(labels, self.ignore)
        })
    }

    /// The labels on the file's own grid, where they differ from the preprocessed ones.
    pub fn original_labels(&self) -> Option<&LabelMap> {
        self.original_labels.as_ref()
    }

    /// The part of the file's grid that preprocessing kept, where it is known: what was cropped away is background.
    pub fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    /// The label values that occur, background included, rising.
    pub fn values(&self) -> &[u16] {
        &self.values
    }

    /// Bytes of memory that it takes, with its index where that was made.
    pub(crate) fn bytes(&self) -> u64 {
        let voxels = self.subject.geometry().voxel_count();
        let original = self.original_labels.as_ref().map_or(0, |l| l.data().len());
        let image = voxels * self.subject.image().channels() * size_of::<f32>();
        let labels = (voxels + original) * size_of::<u16>();
        let index = self.index.get().map_or(0, |index| index.bytes());
        (image + labels + index) as u64
    }

    /// The labels on the file's own grid: what a prediction is scored against.
    pub fn reference(&self) -> Option<&LabelMap> {
        self.original_labels.as_ref().or(self.subject.labels())
    }
}

fn values_of(labels: &LabelMap) -> Vec<u16> {
    let counts = labels.counts().into_keys();
    counts.filter_map(|v| u16::try_from(v).ok()).collect()
}

/// Reads the files of one case as a subject; also what was decided on reading each of them.
///
/// # Errors
/// A file that cannot be read, another number of channels, or an image and label on different grids.
pub fn read_case(case: &CaseFiles, channels: usize) -> Result<(Subject, Vec<FileWarning>)> {
    read_case_as(case, channels, &ReadOptions::default())
}

/// As [`read_case`], cancelled and followed within each file.
///
/// # Errors
/// As [`read_case`]; [`Error::Cancelled`].
pub fn read_case_with(
    case: &CaseFiles,
    channels: usize,
    control: &Control,
) -> Result<(Subject, Vec<FileWarning>)> {
    control.check()?;
    let options = ReadOptions::default().control(control.clone());
    read_case_as(case, channels, &options)
}

fn read_case_as(
    case: &CaseFiles,
    channels: usize,
    options: &ReadOptions,
) -> Result<(Subject, Vec<FileWarning>)> {
    let (image, mut warnings) = read_image_and_warnings(&case.images, channels, options)?;
    if image.channels() != channels {
        return Err(Error::Case {
            case: case.name.clone(),
            reason: format!(
                "has {}, but the datalist names {channels}",
                vesalius_volume::counted(image.channels(), "channel")
            ),
        });
    }
    if let Some(offset) = image.data().iter().position(|v| !v.is_finite()) {
        let n = image.geometry().voxel_count();
        return Err(Error::Case {
            case: case.name.clone(),
            reason: format!(
                "a voxel of {} is not finite (index {:?}); repair the image",
                case.images[(offset / n).min(case.images.len() - 1)].display(),
                image.geometry().index(offset % n)
            ),
        });
    }
    let labels = vesalius_io::read_labels_with(&case.label, options)?;
    warnings.extend(FileWarning::all(&case.label, labels.warnings()));
    Ok((Subject::new(&case.name, image, Some(labels))?, warnings))
}
