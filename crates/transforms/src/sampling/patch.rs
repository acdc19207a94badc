//! Where in a case a training patch lies: at random, or around labelled voxels; whole slices for
//! 2-D networks are patches of one voxel along an axis.

use super::{Axis, LabelIndex};
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Error, GridStep, Result, Step};
use rand::RngExt;
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
    /// Around a voxel of a class drawn by weight: MONAI's `RandCropByLabelClasses`.
    #[serde(untagged)]
    Classes(ClassRatios),
    /// Now and then around a voxel of a class that occurs, each class as likely: nnU-Net's forced
    /// foreground.
    #[serde(untagged)]
    Foreground(ForcedForeground),
}

/// The weights of classes as centres.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRatios {
    /// The weight of each label from 0, background; classes that do not occur take no part.
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
                "a weight a label from 0, not negative, not all zero",
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

    /// Draws the steps that cut a patch: a region, and for slices a reordering of axes.
    pub fn sample(
        &self,
        geometry: &Geometry,
        index: &LabelIndex,
        rng: &mut ChaCha8Rng,
    ) -> Vec<GridStep> {
        let (whole, size) = (geometry.size(), self.size_in(geometry));
        let start = match self.centre(geometry, index, rng) {
            Some(centre) => std::array::from_fn(|i| {
                start_along(whole[i], size[i], centre[i] as i64 - size[i] as i64 / 2)
            }),
            None => std::array::from_fn(|i| {
                let free = whole[i].saturating_sub(size[i]);
                start_along(whole[i], size[i], rng.random_range(0..=free) as i64)
            }),
        };
        let mut steps = vec![GridStep::Region { start, size }];
        if let Some(axis) = self.slice_axis.filter(|axis| *axis != Axis::Z) {
            steps.push(GridStep::Permute { order: axis.last() });
        }
        steps
    }

    /// The voxel that the sampling wants in the middle; `None` for anywhere.
    fn centre(
        &self,
        geometry: &Geometry,
        index: &LabelIndex,
        rng: &mut ChaCha8Rng,
    ) -> Option<[usize; 3]> {
        let voxels = geometry.voxel_count();
        let offset = match &self.sampling {
            PatchSampling::Random => None,
            PatchSampling::PositiveNegative(weights) => {
                let share = weights.positive / (weights.positive + weights.negative);
                match rng.random_bool(share) {
                    true => index.random_foreground(rng),
                    false => index.random_background(voxels, rng),
                }
            }
            PatchSampling::Classes(ratios) => ratios.draw(index, voxels, rng),
            PatchSampling::Foreground(forced) => match rng.random_bool(forced.foreground) {
                true => index.random_of_any(rng),
                false => None,
            },
        };
        offset.map(|offset| geometry.index(offset))
    }
}

impl ClassRatios {
    /// A voxel of a class drawn by weight among those that occur.
    fn draw(&self, index: &LabelIndex, voxels: usize, rng: &mut ChaCha8Rng) -> Option<usize> {
        let occurs: Vec<u16> = index.labels().collect();
        let weight = |label: u16| match label {
            0 if index.foreground_count() == voxels => 0.0,
            label if label != 0 && !occurs.contains(&label) => 0.0,
            label => self.classes[usize::from(label)],
        };
        let weights: Vec<f64> = (0..self.classes.len())
            .map(|label| weight(label as u16))
            .collect();
        let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|w| {
            left -= w;
            left < 0.0
        });
        match drawn? {
            0 => index.random_background(voxels, rng),
            label => index.random_of(label as u16, rng),
        }
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
        let index = match self.reads_values() {
            true => LabelIndex::of(case.labels("patch with `sampling` by label")?, None),
            false => LabelIndex::default(),
        };
        Ok(Self::sample(self, case.geometry(), &index, rng)
            .into_iter()
            .map(Step::Grid)
            .collect())
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
    use crate::{Stream, keyed};
    use vesalius_volume::LabelMap;

    fn case() -> LabelMap {
        let g = Geometry::axis_aligned([12, 9, 7], [1.0; 3]).unwrap();
        LabelMap::from_fn(g, |[x, y, z]| u16::from(x > 8 && y < 3 && z > 4))
    }

    fn config(size: [i64; 3], sampling: PatchSampling) -> PatchConfig {
        PatchConfig {
            size,
            sampling,
            slice_axis: None,
        }
    }

    fn start(step: &GridStep) -> [i64; 3] {
        let GridStep::Region { start, .. } = step else {
            panic!("a patch is a region")
        };
        *start
    }

    #[test]
    fn patches_stay_inside_and_large_ones_are_centred() {
        let labels = case();
        let index = LabelIndex::of(&labels, None);
        let weights = PatchSampling::PositiveNegative(PositiveNegative {
            positive: 1.0,
            negative: 1.0,
        });
        for sampling in [PatchSampling::Random, weights] {
            for draw in 0..200 {
                let mut rng = keyed(0, draw, Stream::Patch);
                let s = start(
                    &config([5, -1, 10], sampling.clone()).sample(
                        labels.geometry(),
                        &index,
                        &mut rng,
                    )[0],
                );
                assert!((0..=7).contains(&s[0]) && s[1] == 0 && s[2] == -1, "{s:?}");
            }
        }
    }

    #[test]
    fn positive_patches_hold_a_labelled_voxel() {
        let labels = case();
        let index = LabelIndex::of(&labels, None);
        let positive = PatchSampling::PositiveNegative(PositiveNegative {
            positive: 1.0,
            negative: 0.0,
        });
        for draw in 0..100 {
            let mut rng = keyed(3, draw, Stream::Patch);
            let s = start(
                &config([4, 4, 4], positive.clone()).sample(labels.geometry(), &index, &mut rng)[0],
            );
            assert!(s[0] + 4 > 9 && s[1] < 3 && s[2] + 4 > 5, "{s:?}");
        }
    }

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
    fn classes_are_drawn_by_weight_and_missing_ones_are_passed_over() {
        let g = Geometry::axis_aligned([20, 20, 20], [1.0; 3]).unwrap();
        let labels = LabelMap::from_fn(g, |[x, y, z]| match [x, y, z] {
            [10, 10, 10] => 2,
            [x, _, _] if x < 8 => 1,
            _ => 0,
        });
        let index = LabelIndex::of(&labels, None);
        let sampling = PatchSampling::Classes(ClassRatios {
            classes: vec![0.0, 1.0, 3.0, 5.0],
        });
        let patch = config([3, 3, 3], sampling);
        let rare = (0..400).filter(|&draw| {
            let mut rng = keyed(5, draw, Stream::Patch);
            start(&patch.sample(&g, &index, &mut rng)[0]) == [9, 9, 9]
        });
        let rare = rare.count();
        assert!((260..340).contains(&rare), "{rare} of 400");
        let forced = config(
            [3, 3, 3],
            PatchSampling::Foreground(ForcedForeground { foreground: 1.0 }),
        );
        let rare = (0..400).filter(|&draw| {
            let mut rng = keyed(6, draw, Stream::Patch);
            start(&forced.sample(&g, &index, &mut rng)[0]) == [9, 9, 9]
        });
        let rare = rare.count();
        assert!((160..240).contains(&rare), "{rare} of 400");
    }
}
