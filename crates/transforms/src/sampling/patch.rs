//! The size of a training patch and how its place is drawn; whole slices for 2-D networks are
//! patches of one voxel along an axis. [`PatchPlacer`] draws the place.

use super::{
    Axis, ClassRatios, ForcedForeground, LabelIndex, PatchPlacer, PatchSampling, PositiveNegative,
    SampledCase,
};
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Error, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Geometry;

/// Voxels of the largest patch (4 TiB of intensities): a larger one is a mistake in writing.
const MOST_VOXELS: i64 = 1 << 40;

config! {
    /// Size and place of training patches.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([20, 20, 6], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// // 8 × 8 voxels across the whole z axis.
    /// let chain: Chain = serde_saphyr::from_str("- patch: {size: [8, 8, -1]}")?;
    /// let (first, _) = chain.apply(subject.clone(), 42, 0)?;
    /// assert_eq!(first.geometry().size(), [8, 8, 6]);
    /// // The draw is the number of the sample: the same draw gives the same patch.
    /// let (again, _) = chain.apply(subject, 42, 0)?;
    /// assert_eq!(first.geometry(), again.geometry());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    PatchConfig, "patch", checked by check_numbers, {
        /// Voxels along `[x, y, z]`; -1 takes the whole of an axis.
        size: [i64; 3] = [0; 3],
        /// How the place is drawn: `random`, `{positive: 1, negative: 1}`, `{classes: [1, 2, 2]}`,
        /// `{foreground: 0.33}` or `{custom: my_sampler}`.
        sampling: PatchSampling = PatchSampling::Random,
        /// For 2-D networks: the axis across which slices are taken; the patch has size 1 along it, and
        /// it becomes the last axis of the patch.
        slice_axis: Option<Axis> = None,
    }
}

/// Patches of this size, `[x, y, z]`, drawn at random.
impl From<[i64; 3]> for PatchConfig {
    fn from(size: [i64; 3]) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }
}

impl PatchConfig {
    /// Checks that the size and weights are valid, as reading it does, and a user-defined sampler.
    ///
    /// # Errors
    /// [`Error::BadPatch`] or [`Error::BadValue`]; [`Error::Registry`] for a user-defined sampler that was not
    /// made, or the error of its own check.
    pub fn check(&self) -> Result<()> {
        self.check_numbers()?;
        match &self.sampling {
            PatchSampling::Custom(custom) => custom.get()?.check(),
            _ => Ok(()),
        }
    }

    /// Checks size and weights.
    fn check_numbers(&self) -> Result<()> {
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
        // A whole axis counts as one voxel here: its length depends on the case.
        let voxels = self
            .size
            .iter()
            .try_fold(1i64, |all, n| all.checked_mul((*n).max(1)));
        if voxels.is_none_or(|voxels| voxels > MOST_VOXELS) {
            return bad("must be of at most 2^40 voxels");
        }
        if let Some(axis) = self.slice_axis
            && self.size[axis.index()] != 1
        {
            return bad("must be 1 along `slice_axis`, the axis across which slices are taken");
        }
        let usable = |w: f64| w.is_finite() && w >= 0.0;
        let (fine, expected) = match &self.sampling {
            PatchSampling::Random | PatchSampling::Custom(_) => (true, ""),
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
        require(fine, "patch", "sampling", &self.sampling, expected)
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
        self.sampling.reads_labels()
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        self.check()?;
        let (placer, index) = match self.reads_values() {
            true => {
                let labels = case.labels("patch with `sampling` by label")?;
                let placer = PatchPlacer::without_scheme(self, labels)?;
                (placer, LabelIndex::of(labels, None))
            }
            false => (PatchPlacer::anywhere(self), LabelIndex::default()),
        };
        let case = SampledCase::new(case.name(), case.geometry(), &index);
        let placed = placer.sample(&case, rng)?;
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
    fn a_patch_that_no_case_has_is_not_read() {
        for (text, expected) in [
            ("size: [8, 0, 8]", "[8, 0, 8]"),
            ("size: [8, 8, -2]", "-1 for the whole axis"),
            ("size: [8, 8, 9223372036854775807]", "at most 2^40 voxels"),
            ("size: [1048577, -1, 1048576]", "at most 2^40 voxels"),
            ("{}", "[0, 0, 0]"),
            ("size: [8, 8, 8]\nslice_axis: z", "slice_axis"),
            (
                "size: [8, 8, 8]\nsampling: {positive: -1, negative: 1}",
                "not negative",
            ),
            (
                "size: [8, 8, 8]\nsampling: {foreground: 1.5}",
                "from 0 to 1",
            ),
        ] {
            let error = serde_saphyr::from_str::<PatchConfig>(text).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        // A user-defined sampler is made later.
        let custom = "size: [8, 8, 8]\nsampling: {custom: mine}";
        let custom: PatchConfig = serde_saphyr::from_str(custom).unwrap();
        assert!(custom.check().is_err());
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
