//! nnU-Net's preprocessing, in its order: turn the axes, crop to what is not zero, normalise, resample;
//! and the way back of what the network puts out.

use crate::placement::Placement;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vesalius_filters::{
    Bounds, Interpolation, LinearParts, NnUnetLabelOptions, NnUnetOptions, SeparateAxis,
    bounding_box, crop, flip, permute, resample_labels_nnunet, resample_nnunet,
};
use vesalius_transforms::NnUnetNormalization;
use vesalius_volume::{Label, LabelMap, Orientation, Volume, check_memory, limits};

/// What nnU-Net does between a file and its network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NnUnetPipeline {
    /// Where the file's axes are turned to first (`RAS` for its readers "with reorient").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<String>,
    /// Axis `i` of the network is axis `axes[i]` of the image: its `transpose_forward`.
    #[serde(default = "in_order")]
    pub axes: [usize; 3],
    /// Spacing `[x, y, z]` of the network's grid in mm, in the network's order of axes; 0 keeps an
    /// axis as it is (the slices of a 2-D configuration).
    pub spacing: [f64; 3],
    /// How intensities are normalised, a scheme a channel.
    pub normalization: NnUnetNormalization,
    /// How the image is interpolated.
    #[serde(default)]
    pub image: NnUnetInterpolation,
    /// When thick slices of what the network puts out are taken apart; it is interpolated linearly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separate_logits: Option<bool>,
}

/// Interpolation of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NnUnetInterpolation {
    /// Order of the spline: 0, 1 or 3.
    pub order: u8,
    /// Whether thick slices are taken apart: always, never, or by the spacing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separate: Option<bool>,
}

impl Default for NnUnetInterpolation {
    fn default() -> Self {
        Self {
            order: 3,
            separate: None,
        }
    }
}

fn in_order() -> [usize; 3] {
    [0, 1, 2]
}

fn separate(forced: Option<bool>) -> SeparateAxis {
    match forced {
        None => SeparateAxis::default(),
        Some(true) => SeparateAxis::Always,
        Some(false) => SeparateAxis::Never,
    }
}

/// What takes the memory, as errors name it.
const RESAMPLED: &str = "the image at the spacing of the model";

impl NnUnetPipeline {
    /// The image as the network takes it, and the way back. `previous` holds a coarser model's labels
    /// and the values that become channels after the image's. A grid that takes more than `limit` bytes,
    /// or than the machine has, is refused before it is made.
    pub(crate) fn prepare(
        &self,
        image: Volume<f32>,
        previous: Option<(&LabelMap, &[u16])>,
        limit: Option<u64>,
    ) -> Result<(Volume<f32>, Placement)> {
        let file = *image.geometry();
        let (order, flips) = self.turns(&file.orientation())?;
        let turned = turn(
            image,
            order,
            flips,
            |v| Ok(permute(v, order)?),
            |v| Ok(flip(v, flips)?),
        )?;
        let whole = Bounds {
            start: [0; 3],
            size: turned.geometry().size(),
        };
        let bounds = bounding_box(&turned).unwrap_or(whole);
        let mut cropped = match bounds == whole {
            true => turned,
            false => crop(&turned, bounds)?,
        };
        self.normalization.apply(&mut cropped, None)?;
        let from = cropped.geometry().spacing();
        let to: [f64; 3] = std::array::from_fn(|a| match self.spacing[a] > 0.0 {
            true => self.spacing[a],
            false => from[a],
        });
        let size: [usize; 3] = std::array::from_fn(|a| {
            let exact = from[a] / to[a] * bounds.size[a] as f64;
            (limits::round_ties_even(exact) as usize).max(1)
        });
        let channels = cropped.channels() + previous.map_or(0, |(_, values)| values.len());
        check_memory(RESAMPLED, size, channels, size_of::<f32>(), limit)?;
        let options = NnUnetOptions {
            interpolation: match self.image.order {
                0 => Interpolation::Nearest,
                1 => Interpolation::Linear,
                3 => Interpolation::Cubic,
                other => {
                    return Err(Error::BadValue {
                        key: "nnunet.image.order",
                        found: other.to_string(),
                        expected: "0, 1 or 3",
                    });
                }
            },
            separate: separate(self.image.separate),
        };
        let mut prepared = match size == bounds.size {
            true => cropped,
            false => resample_nnunet(&cropped, size, to, &options)?,
        };
        if let Some((labels, values)) = previous {
            let labels = turn(
                labels.clone(),
                order,
                flips,
                |v| Ok(permute(v, order)?),
                |v| Ok(flip(v, flips)?),
            )?;
            let labels = crop(&labels, bounds)?;
            let options = NnUnetLabelOptions::default();
            let labels = resample_labels_nnunet(&labels, size, to, &options)?;
            prepared = with_one_hot(prepared, &labels, values)?;
        }
        let apart = separate(self.separate_logits).axis(to, from);
        let placement = Placement {
            file,
            order,
            flips,
            start: bounds.start,
            parts: LinearParts::nnunet(size, bounds.size, apart)?,
            shares: None,
        };
        Ok((prepared, placement))
    }

    /// The order of axes and the mirrored ones, orientation and transpose together.
    fn turns(&self, file: &Orientation) -> Result<([usize; 3], [bool; 3])> {
        let (order, flips) = match &self.orientation {
            Some(name) => file.steps_to(&name.parse()?),
            None => ([0, 1, 2], [false; 3]),
        };
        let mut seen = self.axes;
        seen.sort_unstable();
        if seen != [0, 1, 2] {
            return Err(Error::BadValue {
                key: "nnunet.axes",
                found: format!("{:?}", self.axes),
                expected: "each of 0, 1, 2 once",
            });
        }
        Ok((self.axes.map(|a| order[a]), self.axes.map(|a| flips[a])))
    }
}

/// Turned where there is something to turn; as it is otherwise.
fn turn<G>(
    input: G,
    order: [usize; 3],
    flips: [bool; 3],
    permute: impl Fn(&G) -> Result<G>,
    flip: impl Fn(&G) -> Result<G>,
) -> Result<G> {
    let permuted = match order == [0, 1, 2] {
        true => input,
        false => permute(&input)?,
    };
    match flips == [false; 3] {
        true => Ok(permuted),
        false => flip(&permuted),
    }
}

/// The image with a channel of 0 and 1 for each label value.
fn with_one_hot<T: Label>(
    image: Volume<f32>,
    labels: &LabelMap<T>,
    values: &[u16],
) -> Result<Volume<f32>> {
    let (geometry, channels) = (*image.geometry(), image.channels() + values.len());
    let mut data = image.into_data();
    data.reserve_exact(values.len() * geometry.voxel_count());
    for &value in values {
        let hot = |&label: &T| f32::from(u8::from(Into::<u32>::into(label) == u32::from(value)));
        data.extend(labels.data().iter().map(hot));
    }
    Ok(Volume::new(geometry, channels, data)?)
}
