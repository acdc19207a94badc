//! A sampled transform: it can be applied again and gives the same result.

use crate::channels::ChannelStep;
use crate::labels::LabelStep;
use crate::{CustomStep, Error, GridStep, IntensityStep, Result};
use serde::{Deserialize, Serialize};
use vesalius_registry::Custom;
use vesalius_volume::Subject;

/// A sampled step: a move of voxels or a change of their values.
///
/// ```
/// use vesalius_transforms::{GridStep, Step};
/// use vesalius_volume::{Geometry, Subject, Volume};
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let subject = Subject::new("case_01", Volume::new(grid, 1, vec![1.0, 2.0, 3.0, 4.0])?, None)?;
/// let step = Step::Grid(GridStep::Region { start: [1, 0, 0], size: [2, 1, 1] });
/// assert_eq!(step.apply(subject)?.image().data(), [2.0, 3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Image and labels move together.
    Grid(GridStep),
    /// The image changes, labels stay.
    Intensity(IntensityStep),
    /// The labels change.
    Labels(LabelStep),
    /// Channels are chosen, computed or added.
    Channels(ChannelStep),
    /// Values change by a user-defined transform.
    Custom(Custom<dyn CustomStep>),
}

impl Step {
    /// The case after this step alone.
    ///
    /// # Errors
    /// A grid that cannot be made, or a case that the step does not fit.
    pub fn apply(&self, subject: Subject) -> Result<Subject> {
        let (name, mut image, mut labels) = subject.into_parts();
        match self {
            Self::Grid(step) => (image, labels, _) = step.apply_both(&image, labels.as_ref())?,
            Self::Intensity(step) => step.apply(&mut image, labels.as_ref())?,
            Self::Labels(step) => {
                if let Some(labels) = &mut labels {
                    step.apply(labels)?;
                }
            }
            Self::Channels(step) => image = step.apply(&name, image, labels.as_ref())?,
            Self::Custom(step) => {
                let grid = *image.geometry();
                step.get()?.apply(&mut image, labels.as_mut())?;
                if *image.geometry() != grid {
                    return Err(Error::GridChanged {
                        step: step.name().to_owned(),
                        case: name,
                    });
                }
            }
        }
        Ok(Subject::new(name, image, labels)?)
    }
}
