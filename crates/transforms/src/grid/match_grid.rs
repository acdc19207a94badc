//! Resampling to the grid of another image.

use crate::config::{bad, config};
use crate::map::{Beyond, ImageSampling, LabelSampling, Sampling};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Geometry;

config! {
    /// Resamples to a given grid, through the world: what two images of one patient need.
    MatchGrid, "match_grid", {
        /// The grid: `size` and `affine`, as `vesalius info --json` prints them.
        grid: Option<Geometry> = None,
        /// How the image is interpolated.
        interpolation: ImageSampling = ImageSampling::Linear,
        /// How labels are decided.
        labels: LabelSampling = LabelSampling::Nearest,
        /// What lies outside of the image.
        outside: Beyond = Beyond::Zeros,
    }
}

impl MatchGrid {
    fn target(&self) -> Result<Geometry> {
        self.grid
            .ok_or_else(|| bad(Self::NAME, "grid", self.grid, "a size and an affine"))
    }

    fn sampling(&self) -> Sampling {
        Sampling {
            image: self.interpolation,
            labels: self.labels,
            outside: self.outside,
        }
    }
}

impl Configured for MatchGrid {
    fn check(&self) -> Result<()> {
        self.target()?;
        self.sampling().check(Self::NAME)
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Grid(GridStep::Resample {
            target: self.target()?,
            sampling: self.sampling(),
        })])
    }
}
