//! The cases of a run, preprocessed and held in memory.

use crate::{CaseFiles, Error, Result};
use rayon::prelude::*;
use vesalius_planning::read_image;
use vesalius_transforms::{Chain, LabelIndex};
use vesalius_volume::{LabelMap, LabelScheme, Subject};

/// A case ready to be trained on or scored.
#[derive(Debug, Clone)]
pub struct Case {
    /// The case after preprocessing.
    pub subject: Subject,
    /// Where its labelled voxels are.
    pub index: LabelIndex,
    /// The labels on the file's own grid, where they differ from the preprocessed ones.
    pub original_labels: Option<LabelMap>,
}

impl Case {
    /// Makes a case of a labelled subject.
    ///
    /// # Errors
    /// A subject without labels, a label outside the scheme, or a transform that refuses.
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
        let (subject, _) = preprocessing
            .apply(subject, 0, 0)
            .map_err(|e| named(&e, &name))?;
        let moved = subject.geometry() != labels.geometry();
        // A labelled subject stays labelled through every transform.
        let index = subject
            .labels()
            .map(|labels| LabelIndex::of(labels, scheme.ignore()))
            .unwrap_or_default();
        Ok(Self {
            subject,
            index,
            original_labels: moved.then_some(labels),
        })
    }

    /// The labels on the file's own grid: what a prediction is scored against.
    pub fn reference(&self) -> Option<&LabelMap> {
        self.original_labels.as_ref().or(self.subject.labels())
    }
}

/// Reads, checks and preprocesses cases, in parallel and in order.
///
/// # Errors
/// The first case, in the list's order, that cannot be used: its name, the file and the reason.
pub fn load_cases(
    files: &[CaseFiles],
    channels: usize,
    scheme: &LabelScheme,
    preprocessing: &Chain,
) -> Result<Vec<Case>> {
    let loaded: Vec<Result<Case>> = files
        .par_iter()
        .map(|case| Case::new(read_case(case, channels)?, scheme, preprocessing))
        .collect();
    loaded.into_iter().collect()
}

/// Reads the files of one case as a subject.
///
/// # Errors
/// A file that cannot be read, another number of channels, or an image and label on different grids.
pub fn read_case(case: &CaseFiles, channels: usize) -> Result<Subject> {
    let image = read_image(&case.images, channels)?;
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
    Ok(Subject::new(
        &case.name,
        image,
        Some(vesalius_io::read_labels(&case.label)?),
    )?)
}
