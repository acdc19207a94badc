//! Resampling to the grid of another image.

use crate::config::{bad, config};
use crate::map::{ImageSampling, LabelSampling, PaddingMode, Sampling};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Geometry;

config! {
    /// Resamples to a given grid, by world position: for a second image of one patient.
    ///
    /// ```
    /// use vesalius_transforms::{Chain, MatchGrid, Transform};
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// // A PET on the grid of the CT of the same patient.
    /// let ct = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
    /// let pet = Volume::filled(Geometry::axis_aligned([4, 4, 4], [2.0; 3])?, 5.0);
    /// let to_ct = MatchGrid { grid: Some(ct), ..MatchGrid::default() };
    /// let chain = Chain(vec![Transform::MatchGrid(to_ct)]);
    /// let (result, _) = chain.apply(Subject::new("case_01", pet, None)?, 0, 0)?;
    /// assert_eq!(result.geometry(), &ct);
    /// assert_eq!(result.image().get(0, [4, 4, 4]), 5.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    MatchGrid, "match_grid", {
        /// The grid: `size` and `affine`, as `vesalius info --json` prints them.
        grid: Option<Geometry> = None,
        /// How the image is interpolated.
        interpolation: ImageSampling = ImageSampling::Linear,
        /// How labels are decided.
        labels: LabelSampling = LabelSampling::Nearest,
        /// The values outside of the image.
        outside: PaddingMode = PaddingMode::Zeros,
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
            apart: false,
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
