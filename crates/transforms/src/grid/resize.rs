//! Resampling to a number of voxels.

use super::array_resize::{ArrayResize, ArrayRule};
use crate::config::{config, require};
use crate::map::{ImageSampling, LabelSampling, PaddingMode, Sampling};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_filters::resized_grid;
use vesalius_volume::Geometry;

/// What a resize aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResizeTo {
    /// Voxels along `[x, y, z]`; 0 keeps an axis.
    Size([usize; 3]),
    /// Voxels of the longest side; the others in proportion (MONAI's `size_mode="longest"`).
    LongestSide(usize),
}

/// How a resize computes values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResizeInterpolation {
    /// The nearest voxel.
    Nearest,
    /// Linear between the eight neighbours (MONAI's `trilinear`, `align_corners=False`).
    #[default]
    Linear,
    /// Cubic B-spline through the voxels.
    Cubic,
    /// The mean of the voxels that the new one touches (PyTorch's `area`).
    Area,
    /// The voxel in which the new one begins (PyTorch's `nearest`).
    Begin,
}

config! {
    /// Resamples over the same extent to a number of voxels, outer edges aligned (MONAI's `Resize`, whose own default is
    /// `interpolation: area`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([64, 32, 16], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- resize: {to: {longest_side: 32}}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.geometry().size(), [32, 16, 8]);
    /// assert_eq!(result.geometry().spacing(), [2.0; 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Resize, "resize", {
        /// The size: `{size: [x, y, z]}` or `{longest_side: n}`.
        to: ResizeTo = ResizeTo::Size([0; 3]),
        /// How the image's values are computed.
        interpolation: ResizeInterpolation = ResizeInterpolation::Linear,
        /// How labels are decided.
        labels: LabelSampling = LabelSampling::Nearest,
        /// An interpolation of its own by the rules of PyTorch's `interpolate`, never one with those of moves beside it, as in
        /// MONAI; `area` and `begin` always are.
        apart: bool = false,
    }
}

impl Resize {
    /// The step to a size of a grid.
    fn step(&self, grid: &Geometry, size: [usize; 3]) -> Result<GridStep> {
        let rule = match self.interpolation {
            ResizeInterpolation::Area => Some(ArrayRule::Area),
            ResizeInterpolation::Begin => Some(ArrayRule::Begin),
            ResizeInterpolation::Nearest if self.apart => Some(ArrayRule::Nearest),
            ResizeInterpolation::Linear if self.apart => Some(ArrayRule::Linear),
            _ => None,
        };
        if let Some(rule) = rule {
            let labels = self.labels;
            return Ok(GridStep::Resize(ArrayResize { size, rule, labels }));
        }
        let image = match self.interpolation {
            ResizeInterpolation::Nearest => ImageSampling::Nearest,
            ResizeInterpolation::Cubic => ImageSampling::Cubic,
            _ => ImageSampling::Linear,
        };
        Ok(GridStep::Resample {
            target: resized_grid(grid, size)?,
            sampling: Sampling {
                image,
                labels: self.labels,
                outside: PaddingMode::Edge,
                apart: false,
            },
        })
    }
}

impl Configured for Resize {
    fn check(&self) -> Result<()> {
        let fine = !matches!(
            self.to,
            ResizeTo::Size([0, 0, 0]) | ResizeTo::LongestSide(0)
        );
        require(
            fine,
            Self::NAME,
            "to",
            self.to,
            "size: [x, y, z], or longest_side: n, in voxels",
        )?;
        require(
            !(self.apart && self.interpolation == ResizeInterpolation::Cubic),
            Self::NAME,
            "apart",
            self.apart,
            "false with cubic interpolation",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let has = case.geometry().size();
        let size = match self.to {
            ResizeTo::Size(size) => {
                std::array::from_fn(|i| if size[i] > 0 { size[i] } else { has[i] })
            }
            ResizeTo::LongestSide(n) => {
                let scale = n as f64 / has.iter().copied().max().unwrap_or(1).max(1) as f64;
                has.map(|m| ((m as f64 * scale).round_ties_even() as usize).max(1))
            }
        };
        match self.step(case.geometry(), size)? {
            GridStep::Resize(_) if size == has => Ok(Vec::new()),
            step => Ok(vec![Step::Grid(step)]),
        }
    }
}
