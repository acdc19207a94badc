//! One case of a run: its files read, checked and preprocessed.

use crate::{CaseFiles, Error, Result};
use vesalius_io::ReadOptions;
use vesalius_planning::read_image_and_warnings;
use vesalius_transforms::{Chain, Coverage, LabelIndex};
use vesalius_volume::{FileWarning, LabelMap, LabelScheme, Subject};

/// A preprocessed case, for training or scoring.
#[derive(Debug, Clone)]
pub struct Case {
    /// The case after preprocessing.
    pub subject: Subject,
    /// Where its labelled voxels are.
    pub index: LabelIndex,
    /// The labels on the file's own grid, where they differ from the preprocessed ones.
    pub original_labels: Option<LabelMap>,
    /// The part of the file's grid that preprocessing kept, where it is known: what was cropped away is background.
    pub coverage: Option<Coverage>,
    /// The label values that occur, background included, rising.
    pub values: Vec<u16>,
}

impl Case {
    /// Makes a case of a labelled subject.
    ///
    /// # Errors
    /// A subject without labels, a label outside the scheme before or after preprocessing, or a transform that
    /// refuses.
    pub fn new(subject: Subject, scheme: &LabelScheme, preprocessing: &Chain) -> Result<Self> {
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
            .trace(subject, 0, 0)
            .map_err(|e| named(&e, &name))?;
        // What a transform such as `remap` gives must mean something too: a value outside the scheme would
        // belong to no channel, and be learnt as nothing at all.
        if let Some(labels) = subject.labels() {
            scheme
                .check_labels(labels)
                .map_err(|e| named(&format!("after preprocessing: {e}"), &name))?;
        }
        let moved = subject.geometry() != labels.geometry();
        let case = Self::of_preprocessed(subject, moved.then_some(labels), scheme.ignore());
        Ok(Self {
            coverage: trace.coverage().map_err(|e| named(&e, &name))?,
            ..case
        })
    }

    /// A case whose preprocessing is done.
    pub(crate) fn of_preprocessed(
        subject: Subject,
        original_labels: Option<LabelMap>,
        ignore: Option<u16>,
    ) -> Self {
        // A labelled subject stays labelled through every transform.
        let (index, values) = match subject.labels() {
            Some(labels) => (LabelIndex::of(labels, ignore), values_of(labels)),
            None => (LabelIndex::default(), Vec::new()),
        };
        Self {
            subject,
            index,
            original_labels,
            coverage: None,
            values,
        }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let voxels = self.subject.geometry().voxel_count();
        let original = self.original_labels.as_ref().map_or(0, |l| l.data().len());
        let image = voxels * self.subject.image().channels() * size_of::<f32>();
        let labels = (voxels + original) * size_of::<u16>();
        (image + labels + self.index.bytes()) as u64
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
    let options = ReadOptions::default();
    let (image, mut warnings) = read_image_and_warnings(&case.images, channels, &options)?;
    if image.channels() != channels {
        return Err(Error::Case {
            case: case.name.clone(),
            reason: format!(
                "has {} channel(s), but the datalist names {channels}",
                image.channels()
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
    let labels = vesalius_io::read_labels(&case.label)?;
    warnings.extend(FileWarning::all(&case.label, labels.warnings()));
    Ok((Subject::new(&case.name, image, Some(labels))?, warnings))
}
