//! Padding to a size, or to a multiple.

use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_filters as filters;
use vesalius_volume::{LabelMap, Volume};

/// The values of the padding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Padding {
    /// A value in the image, background in the labels.
    #[default]
    Constant,
    /// The border voxel.
    Edge,
    /// The image mirrored at its border voxels.
    Reflect,
    /// The image mirrored at its outer edges, its border voxels twice.
    Symmetric,
    /// The image again.
    Circular,
}

/// The sides that are padded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PadSide {
    /// Both, the odd voxel at the end.
    #[default]
    Both,
    /// The end of each axis.
    End,
}

/// The largest size in voxels.
const WIDEST: usize = 1_000_000_000;

config! {
    /// Pads equally on both sides, the odd voxel at the end, or at the end alone (MONAI's `SpatialPad` and `DivisiblePad`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![1.0, 2.0, 3.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// // Half of the padding before, the odd voxel after.
    /// let chain: Chain = serde_saphyr::from_str("- pad: {size: [6, 0, 0]}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [0.0, 1.0, 2.0, 3.0, 0.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Pad, "pad", {
        /// At least this many voxels along `[x, y, z]`; 0 for no minimum.
        size: [usize; 3] = [0; 3],
        /// And a multiple of these.
        divisible_by: [usize; 3] = [1; 3],
        /// The values of the padding.
        mode: Padding = Padding::Constant,
        /// The value of `mode: constant`.
        value: f32 = 0.0,
        /// The sides that are padded.
        side: PadSide = PadSide::Both,
    }
}

impl Configured for Pad {
    fn check(&self) -> Result<()> {
        let range = 1..=WIDEST;
        require(
            self.divisible_by.iter().all(|by| range.contains(by)),
            Self::NAME,
            "divisible_by",
            self.divisible_by,
            "positive numbers of at most 10^9",
        )?;
        require(
            self.size.iter().all(|&size| size <= WIDEST),
            Self::NAME,
            "size",
            self.size,
            "at most 10^9 voxels",
        )?;
        require(
            self.value.is_finite(),
            Self::NAME,
            "value",
            self.value,
            "a number",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let whole = case.geometry().size();
        let size: [usize; 3] = std::array::from_fn(|a| {
            whole[a]
                .max(self.size[a])
                .next_multiple_of(self.divisible_by[a])
        });
        if size == whole {
            return Ok(Vec::new());
        }
        let start = std::array::from_fn(|a| match self.side {
            PadSide::Both => -(((size[a] - whole[a]) / 2) as i64),
            PadSide::End => 0,
        });
        let step = PadStep {
            start,
            size,
            mode: self.mode,
            value: self.value,
        };
        Ok(vec![Step::Grid(GridStep::Pad(step))])
    }
}

/// A sampled padding.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PadStep {
    /// Index of the first voxel, in the grid before.
    pub start: [i64; 3],
    /// Number of voxels after.
    pub size: [usize; 3],
    /// The values of the padding.
    pub mode: Padding,
    /// The value of [`Padding::Constant`].
    pub value: f32,
}

impl PadStep {
    pub(super) fn image(&self, image: &Volume<f32>) -> Result<Volume<f32>> {
        Ok(filters::crop_or_pad(
            image,
            self.start,
            self.size,
            self.mode(self.value),
        )?)
    }

    pub(super) fn labels(&self, labels: &LabelMap) -> Result<LabelMap> {
        Ok(filters::crop_or_pad(
            labels,
            self.start,
            self.size,
            self.mode(0),
        )?)
    }

    fn mode<T>(&self, value: T) -> filters::PadMode<T> {
        match self.mode {
            Padding::Constant => filters::PadMode::Constant(value),
            Padding::Edge => filters::PadMode::Edge,
            Padding::Reflect => filters::PadMode::Reflect,
            Padding::Symmetric => filters::PadMode::Symmetric,
            Padding::Circular => filters::PadMode::Circular,
        }
    }
}
