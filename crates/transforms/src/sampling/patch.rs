//! What a training patch is like: its size, and how its place is drawn; whole slices for 2-D networks are
//! patches of one voxel along an axis. Drawing the place is [`PatchPlacer`]'s.

use super::{Axis, LabelIndex, PatchPlacer};
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Error, Result, Step};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Geometry;

/// How the place of a patch is drawn.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchSampling {
    /// Anywhere, each place as likely: MONAI's `RandSpatialCrop`.
    #[default]
    Random,
    /// Around a labelled voxel with chance positive / (positive + negative), else around a
    /// background voxel: MONAI's `RandCropByPosNegLabel`.
    #[serde(untagged)]
    PositiveNegative(PositiveNegative),
    /// Around a voxel of a class or region drawn by weight: MONAI's `RandCropByLabelClasses`.
    #[serde(untagged)]
    Classes(ClassRatios),
    /// Now and then around a voxel of a class that occurs, each class as likely: nnU-Net's forced
    /// foreground.
    #[serde(untagged)]
    Foreground(ForcedForeground),
}

/// The weights of classes or regions as centres.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRatios {
    /// The weight of each class of the label scheme, in its order, the background's first; or of each region in
    /// its order, with one for voxels of no region before them where there is one more.
    ///
    /// The class of a patch is drawn among those that occur in its case, as MONAI does; where none of positive
    /// weight does, the patch lies anywhere.
    pub classes: Vec<f64>,
}

/// How often a patch is forced to hold foreground.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForcedForeground {
    /// The share of patches, 0 to 1; nnU-Net takes 0.33.
    pub foreground: f64,
}

/// The weights of labelled and of background centres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositiveNegative {
    /// Weight of patches around a labelled voxel.
    pub positive: f64,
    /// Weight of patches around a background voxel.
    pub negative: f64,
}

config! {
    /// Size and place of training patches.
    PatchConfig, "patch", {
        /// Voxels along `[x, y, z]`; -1 takes the whole of an axis.
        size: [i64; 3] = [0; 3],
        /// How the place is drawn: `random`, `{positive: 1, negative: 1}`, `{classes: [1, 2, 2]}` or
        /// `{foreground: 0.33}`.
        sampling: PatchSampling = PatchSampling::Random,
        /// For 2-D networks: the axis across which slices are taken; the patch has size 1 along it, and
        /// it becomes the last axis of the patch.
        slice_axis: Option<Axis> = None,
    }
}

impl PatchConfig {
    /// Nothing when the size and weights make sense.
    ///
    /// # Errors
    /// [`Error::BadPatch`] or [`Error::BadValue`].
    pub fn check(&self) -> Result<()> {
        let bad = |reason: &str| {
            Err(Error::BadPatch {
                found: self.size,
                reason: reason.to_owned(),
            })
        };
        if self.size.iter().any(|&n| n == 0 || n < -1) {
            return bad(
                "each of x, y, z must be a positive number of voxels, or -1 for the whole axis",
            );
        }
        if let Some(axis) = self.slice_axis
            && self.size[axis.index()] != 1
        {
            return bad("must be 1 along `slice_axis`, the axis across which slices are taken");
        }
        let usable = |w: f64| w.is_finite() && w >= 0.0;
        let (fine, expected) = match &self.sampling {
            PatchSampling::Random => (true, ""),
            PatchSampling::PositiveNegative(PositiveNegative { positive, negative }) => (
                usable(*positive) && usable(*negative) && positive + negative > 0.0,
                "weights that are not negative and not both zero",
            ),
            PatchSampling::Classes(ClassRatios { classes }) => (
                classes.iter().all(|w| usable(*w)) && classes.iter().sum::<f64>() > 0.0,
                "a weight for each class, background first, not negative and not all zero",
            ),
            PatchSampling::Foreground(ForcedForeground { foreground }) => (
                (0.0..=1.0).contains(foreground),
                "a share of patches from 0 to 1",
            ),
        };
        require(fine, "patch", "sampling", &self.sampling, expected)?;
        Ok(())
    }

    /// The patch's size in a case of this geometry, before any reordering of axes.
    pub fn size_in(&self, geometry: &Geometry) -> [usize; 3] {
        let size = geometry.size();
        std::array::from_fn(|i| usize::try_from(self.size[i]).unwrap_or(size[i]))
    }
}

impl Configured for PatchConfig {
    fn check(&self) -> Result<()> {
        Self::check(self)
    }

    fn reads_values(&self) -> bool {
        self.sampling != PatchSampling::Random
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let (placer, index) = match self.reads_values() {
            true => {
                let labels = case.labels("patch with `sampling` by label")?;
                let placer = PatchPlacer::without_scheme(self, labels)?;
                (placer, LabelIndex::of(labels, None))
            }
            false => (PatchPlacer::anywhere(self), LabelIndex::default()),
        };
        let placed = placer.sample(case.geometry(), &index, rng);
        Ok(placed.steps.into_iter().map(Step::Grid).collect())
    }
}

/// Keeps a patch inside the image, or centres the image in a patch that is larger.
pub(super) fn start_along(whole: usize, size: usize, wanted: i64) -> i64 {
    let free = whole as i64 - size as i64;
    if free < 0 {
        -((-free) / 2)
    } else {
        wanted.clamp(0, free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_reads_as_a_word_or_as_weights() {
        let random: PatchConfig =
            serde_saphyr::from_str("size: [8, 8, -1]\nsampling: random").unwrap();
        assert_eq!(random.sampling, PatchSampling::Random);
        let weighted: PatchConfig =
            serde_saphyr::from_str("size: [8, 8, 8]\nsampling: {positive: 2, negative: 1}")
                .unwrap();
        assert_eq!(
            weighted.sampling,
            PatchSampling::PositiveNegative(PositiveNegative {
                positive: 2.0,
                negative: 1.0
            })
        );
        let bad = PatchConfig {
            slice_axis: Some(Axis::Y),
            ..random
        };
        assert!(bad.check().unwrap_err().to_string().contains("slice_axis"));
    }

    #[test]
    fn weights_that_no_patch_can_be_drawn_by_are_refused() {
        for classes in [
            vec![],
            vec![0.0, 0.0],
            vec![1.0, -1.0],
            vec![f64::NAN],
            vec![f64::INFINITY],
        ] {
            let patch = PatchConfig {
                size: [8; 3],
                sampling: PatchSampling::Classes(ClassRatios { classes }),
                slice_axis: None,
            };
            let text = patch.check().unwrap_err().to_string();
            assert!(
                text.contains("sampling") && text.contains("not all zero"),
                "{text}"
            );
        }
    }
}
