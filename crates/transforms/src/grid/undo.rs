//! A step undone by itself, as MONAI's `Invertd` does: what was cropped becomes zeros, what was padded goes, and what was
//! resampled is resampled back.

use super::{GridStep, PadStep};
use crate::Result;
use crate::config::bad;
use crate::map::{ImageSampling, LabelSampling, Sampling};
use serde::{Deserialize, Serialize};
use vesalius_filters::{PadMode, crop_or_pad};
use vesalius_volume::{Geometry, LabelMap, Volume};

/// How values between voxels are computed when steps are undone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// As when the step was done.
    #[default]
    AsDone,
    /// By the nearest voxel: MONAI's `nearest_interp`.
    Nearest,
}

impl GridStep {
    /// An image on the step's grid, brought back to `before`, the grid that the step was applied to.
    pub(crate) fn undo_image(
        &self,
        image: &Volume<f32>,
        before: &Geometry,
        undo: Undo,
    ) -> Result<Volume<f32>> {
        match self {
            Self::Region { start, .. } | Self::Pad(PadStep { start, .. }) => Ok(crop_or_pad(
                image,
                start.map(|first| -first),
                before.size(),
                PadMode::Constant(0.0),
            )?),
            Self::Resize(step) => match undo {
                Undo::AsDone => step.back_to(before.size()).image(image),
                Undo::Nearest => step.back_to(before.size()).begins(image),
            },
            _ => {
                let mut sampling = self.undone_sampling()?;
                if undo == Undo::Nearest {
                    sampling.image = ImageSampling::Nearest;
                }
                let map = self.map(before)?.inverse(*before);
                Ok(map.apply(image, None, &sampling)?.0)
            }
        }
    }

    /// The same for labels, each voxel by the nearest.
    pub(crate) fn undo_labels(&self, labels: &LabelMap, before: &Geometry) -> Result<LabelMap> {
        match self {
            Self::Region { start, .. } | Self::Pad(PadStep { start, .. }) => Ok(crop_or_pad(
                labels,
                start.map(|first| -first),
                before.size(),
                PadMode::Constant(0),
            )?),
            Self::Resize(step) => step.labels_back(labels, before.size()),
            _ => {
                let sampling = Sampling {
                    labels: LabelSampling::Nearest,
                    ..self.undone_sampling()?
                };
                let map = self.map(before)?.inverse(*before);
                map.apply_labels(labels, &sampling)
            }
        }
    }

    fn undone_sampling(&self) -> Result<Sampling> {
        match self {
            Self::Affine { .. } | Self::Displace { .. } => Err(bad(
                "undo",
                "step",
                "a step that moves the anatomy",
                "steps that crop, pad, turn or resample",
            )),
            _ => Ok(Sampling {
                apart: true,
                ..self.sampling().unwrap_or_default()
            }),
        }
    }
}
