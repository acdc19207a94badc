//! Where in a case a training patch lies: at random, or around labelled voxels; whole slices for
//! 2-D networks are patches of one voxel along an axis.

use crate::{Error, GridStep, Result};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::{Geometry, LabelMap};

/// An index axis of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// The first, fastest in memory.
    X,
    /// The second.
    Y,
    /// The third.
    Z,
}

impl Axis {
    /// Position in an `[x, y, z]` vector.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The order of axes that puts this one last and keeps the others in their order: slices across
    /// it then lie one after another, as MONAI's `SliceInferer` takes them.
    pub fn last(self) -> [usize; 3] {
        match self {
            Self::X => [1, 2, 0],
            Self::Y => [0, 2, 1],
            Self::Z => [0, 1, 2],
        }
    }
}

/// How the place of a patch is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchSampling {
    /// Anywhere, each place as likely: MONAI's `RandSpatialCrop`.
    #[default]
    Random,
    /// Around a labelled voxel with chance positive / (positive + negative), else around a
    /// background voxel: MONAI's `RandCropByPosNegLabel`.
    #[serde(untagged)]
    PositiveNegative(PositiveNegative),
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

/// Size and place of training patches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchConfig {
    /// Voxels along `[x, y, z]`; -1 takes the whole of an axis.
    pub size: [i64; 3],
    /// How the place is drawn.
    #[serde(default)]
    pub sampling: PatchSampling,
    /// For 2-D networks: the axis across which slices are taken; the patch has size 1 along it, and
    /// it becomes the last axis of the patch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice_axis: Option<Axis>,
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
        if let PatchSampling::PositiveNegative(PositiveNegative { positive, negative }) =
            self.sampling
        {
            let usable = |w: f64| w.is_finite() && w >= 0.0;
            if !(usable(positive) && usable(negative) && positive + negative > 0.0) {
                return Err(Error::BadValue {
                    transform: "patch",
                    key: "sampling",
                    found: format!("positive {positive}, negative {negative}"),
                    expected: "weights that are not negative and not both zero",
                });
            }
        }
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
        let PatchSampling::PositiveNegative(weights) = self.sampling else {
            return None;
        };
        let share = weights.positive / (weights.positive + weights.negative);
        if rng.random_bool(share) {
            let voxels = &index.foreground;
            return (!voxels.is_empty())
                .then(|| geometry.index(voxels[rng.random_range(0..voxels.len())] as usize));
        }
        index
            .random_background(geometry.voxel_count(), rng)
            .map(|offset| geometry.index(offset))
    }
}

/// Keeps a patch inside the image, or centres the image in a patch that is larger.
fn start_along(whole: usize, size: usize, wanted: i64) -> i64 {
    let free = whole as i64 - size as i64;
    if free < 0 {
        -((-free) / 2)
    } else {
        wanted.clamp(0, free)
    }
}

/// The labelled voxels of a case, found once so that drawing one is immediate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelIndex {
    foreground: Vec<u32>,
}

impl LabelIndex {
    /// Offsets of every voxel that is neither background nor `ignore`, in rising order.
    pub fn of(labels: &LabelMap, ignore: Option<u16>) -> Self {
        let foreground = labels
            .data()
            .iter()
            .enumerate()
            .filter(|&(_, &label)| label != 0 && Some(label) != ignore)
            .map(|(offset, _)| offset as u32)
            .collect();
        Self { foreground }
    }

    /// Number of labelled voxels.
    pub fn foreground_count(&self) -> usize {
        self.foreground.len()
    }

    /// A voxel that is not labelled, each as likely; `None` when every voxel is.
    fn random_background(&self, voxels: usize, rng: &mut ChaCha8Rng) -> Option<usize> {
        let free = voxels - self.foreground.len();
        if free == 0 {
            return None;
        }
        // The n-th background voxel lies after as many labelled ones as have a rank not above it:
        // foreground[k] - k background voxels come before the k-th labelled voxel.
        let nth = rng.random_range(0..free);
        let (mut low, mut high) = (0, self.foreground.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.foreground[middle] as usize - middle <= nth {
                low = middle + 1
            } else {
                high = middle
            }
        }
        Some(nth + low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stream, keyed};

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
                    &config([5, -1, 10], sampling).sample(labels.geometry(), &index, &mut rng)[0],
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
            let s =
                start(&config([4, 4, 4], positive).sample(labels.geometry(), &index, &mut rng)[0]);
            assert!(s[0] + 4 > 9 && s[1] < 3 && s[2] + 4 > 5, "{s:?}");
        }
    }

    #[test]
    fn every_background_voxel_can_be_drawn_and_no_other() {
        let labels = case();
        let index = LabelIndex::of(&labels, None);
        let mut seen = vec![false; labels.data().len()];
        let mut rng = keyed(0, 0, Stream::Patch);
        for _ in 0..20_000 {
            let drawn = index
                .random_background(labels.data().len(), &mut rng)
                .unwrap();
            seen[drawn] = true;
        }
        for (offset, &label) in labels.data().iter().enumerate() {
            assert_eq!(seen[offset], label == 0, "voxel {offset}");
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
}
