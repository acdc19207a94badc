//! A sampled transform: a fact that can be applied again and gives the same result.

use crate::{GridStep, IntensityStep, NnUnetNormalization, Result};
use serde::{Deserialize, Serialize};
use vesalius_volume::Subject;

/// What was drawn: a move of voxels or a change of intensities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Image and labels move together.
    Grid(GridStep),
    /// The image changes, labels stay.
    Intensity(IntensityStep),
    /// nnU-Net's normalisation, whose mask may look at the labels.
    NnUnetNormalization(NnUnetNormalization),
}

impl Step {
    /// The case after this step.
    ///
    /// # Errors
    /// A grid that cannot be made.
    pub fn apply(&self, mut subject: Subject) -> Result<Subject> {
        match self {
            Self::Intensity(step) => {
                step.apply(subject.image_mut());
                Ok(subject)
            }
            Self::NnUnetNormalization(step) => {
                let (name, mut image, labels) = subject.into_parts();
                step.apply(&mut image, labels.as_ref())?;
                Ok(Subject::new(name, image, labels)?)
            }
            Self::Grid(step) => {
                let (name, image, labels) = subject.into_parts();
                let labels = labels
                    .map(|labels| step.apply_labels(&labels))
                    .transpose()?;
                Ok(Subject::new(name, step.apply(&image)?, labels)?)
            }
        }
    }
}
