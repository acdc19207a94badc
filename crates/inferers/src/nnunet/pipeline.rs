//! nnU-Net's preprocessing, in its order: transpose the axes, crop to what is not zero, normalise, resample; and
//! the inverse for the network's output.

use super::NnUnetInterpolation;
use crate::placement::Placement;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vesalius_control::Control;
use vesalius_filters::{Bounds, bounding_box, crop, flip, permute};
use vesalius_registry::Registry;
use vesalius_transforms::{NnUnetNormalization, nonzero_mask};
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
    /// How the labels of a coarser stage are interpolated; by default linearly, with a vote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<NnUnetInterpolation>,
    /// How the network's output is interpolated; by default linearly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logits: Option<NnUnetInterpolation>,
    /// Without `logits`: when thick slices of the network's output are resampled separately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separate_logits: Option<bool>,
    /// The ending of the names of images and results, such as `.png`; by default `.nii.gz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_ending: Option<String>,
}

fn in_order() -> [usize; 3] {
    [0, 1, 2]
}

/// Turned, cropped, normalised, resampled.
const STEPS: u64 = 4;

/// What takes the memory, as errors name it.
const RESAMPLED: &str = "the image at the spacing of the model";

impl NnUnetPipeline {
    /// The network's input for an image, and the inverse transform. `previous` has a coarser model's labels and the
    /// values that become channels after the image's. A grid that takes more than `limit` bytes, or than the machine
    /// has, is refused before it is made.
    pub(crate) fn prepare(
        &self,
        image: Cow<'_, Volume<f32>>,
        previous: Option<(&LabelMap, &[u16])>,
        limit: Option<u64>,
        control: &Control,
    ) -> Result<(Volume<f32>, Placement)> {
        let stage = control.stage("preprocess", STEPS);
        let next = |done: u64| {
            stage.set(done);
            stage.control().check()
        };
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
        next(1)?;
        let bounds = bounding_box(&*turned).unwrap_or(whole);
        let mut cropped = match bounds == whole {
            true => turned.into_owned(),
            false => crop(&*turned, bounds)?,
        };
        let coarse = match previous {
            None => None,
            Some((labels, _)) => {
                let labels = turn(
                    Cow::Borrowed(labels),
                    order,
                    flips,
                    |v| Ok(permute(v, order)?),
                    |v| Ok(flip(v, flips)?),
                )?;
                let labels = crop(&*labels, bounds)?;
                let outside = outside_apart(&labels, &cropped)?;
                Some((labels, outside))
            }
        };
        next(2)?;
        let marked = coarse.as_ref().map(|(labels, _)| labels);
        self.normalization.apply(&mut cropped, marked)?;
        let from = cropped.geometry().spacing();
        let to: [f64; 3] = std::array::from_fn(|a| match self.spacing[a] > 0.0 {
            true => self.spacing[a],
            false => from[a],
        });
        let size: [usize; 3] = std::array::from_fn(|a| {
            let exact = from[a] / to[a] * bounds.size[a] as f64;
            (limits::round_ties_even(exact) as usize).max(1)
        });
        next(3)?;
        let channels = cropped.channels() + previous.map_or(0, |(_, values)| values.len());
        check_memory(RESAMPLED, size, channels, size_of::<f32>(), limit)?;
        let mut prepared = match size == bounds.size {
            true => cropped,
            false => self.image.image(&cropped, size, to, stage.control())?,
        };
        if let (Some((_, values)), Some((_, outside))) = (previous, coarse) {
            let by = self.labels.unwrap_or(NnUnetInterpolation::of_order(1));
            let labels = by.labels(&outside, size, to, stage.control())?;
            let labels = labels.map(|label| label.saturating_sub(1));
            prepared = with_one_hot(prepared, &labels, values)?;
        }
        next(STEPS)?;
        let back = self.way_of_logits().back((size, to), (bounds.size, from))?;
        let placement = Placement {
            file,
            order,
            flips,
            start: bounds.start,
            parts: back.parts,
            spline: back.spline,
            half: back.half,
            shares: None,
        };
        Ok((prepared, placement))
    }

    /// What the names of results end with.
    pub fn result_ending(&self) -> &str {
        let ending = self.file_ending.as_deref().unwrap_or_default();
        let name = format!("case{ending}");
        // Some formats are read and not written.
        let is_written = vesalius_io::check_name(&name, &Registry::default()).is_ok();
        let known = vesalius_io::is_image(&name) && is_written || vesalius_io::is_picture(&name);
        // The end of a name, never a folder.
        match known && !ending.contains(['/', '\\']) {
            true => ending,
            false => ".nii.gz",
        }
    }

    /// Whether images are pictures: pixels without a place in the world.
    pub fn takes_pictures(&self) -> bool {
        vesalius_io::is_picture(format!("case{}", self.result_ending()))
    }

    fn way_of_logits(&self) -> NnUnetInterpolation {
        self.logits.unwrap_or(NnUnetInterpolation {
            separate: self.separate_logits,
            ..NnUnetInterpolation::of_order(1)
        })
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
fn turn<G: Clone>(
    input: Cow<'_, G>,
    order: [usize; 3],
    flips: [bool; 3],
    permute: impl Fn(&G) -> Result<G>,
    flip: impl Fn(&G) -> Result<G>,
) -> Result<Cow<'_, G>> {
    let permuted = match order == [0, 1, 2] {
        true => input,
        false => Cow::Owned(permute(&input)?),
    };
    match flips == [false; 3] {
        true => Ok(permuted),
        false => Ok(Cow::Owned(flip(&permuted)?)),
    }
}

/// Labels one higher, and 0 where background lies outside of what is not zero in the image: to nnU-Net that is a
/// label of its own, -1, with a vote of its own when labels are resampled.
fn outside_apart(labels: &LabelMap, image: &Volume<f32>) -> Result<LabelMap> {
    let nonzero = nonzero_mask(image)?;
    let mut apart = labels.map(|label| label.saturating_add(1));
    for (label, &inside) in apart.data_mut().iter_mut().zip(nonzero.data()) {
        if *label == 1 && inside == 0 {
            *label = 0;
        }
    }
    Ok(apart)
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
