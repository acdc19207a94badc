//! Making the anatomy larger or smaller on its grid.

use super::about_centre;
use crate::config::{check_probability, check_range, config};
use crate::map::{ImageSampling, LabelSampling, PaddingMode, Sampling};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Shows the anatomy larger (above 1) or smaller (below 1) about the middle, on the same grid: the
    /// purpose of MONAI's `RandZoom(keep_size=True)`.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([9, 9, 9], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- zoom: {factor: [2, 2], probability: 1}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// // The middle stays; what was 1 voxel from it is now 2 voxels from it.
    /// assert!((result.image().get(0, [4, 4, 4]) - 4.0).abs() < 1e-4);
    /// assert!((result.image().get(0, [6, 4, 4]) - 5.0).abs() < 1e-4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Zoom, "zoom", {
        /// Least and largest factor.
        factor: [f64; 2] = [0.9, 1.1],
        /// One factor for all axes instead of one each.
        isotropic: bool = true,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
        /// How the image is interpolated.
        interpolation: ImageSampling = ImageSampling::Linear,
        /// How labels are decided.
        labels: LabelSampling = LabelSampling::Nearest,
        /// The values outside of the image.
        outside: PaddingMode = PaddingMode::Edge,
    }
}

impl Zoom {
    fn sampling(&self) -> Sampling {
        Sampling {
            image: self.interpolation,
            labels: self.labels,
            outside: self.outside,
            apart: false,
        }
    }
}

impl Configured for Zoom {
    fn check(&self) -> Result<()> {
        check_range(
            Self::NAME,
            "factor",
            self.factor,
            1e-3,
            "two positive numbers in rising order",
        )?;
        check_probability(Self::NAME, self.probability)?;
        self.sampling().check(Self::NAME)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let one = between(rng, self.factor);
        let factors = [0; 3].map(|_| {
            if self.isotropic {
                one
            } else {
                between(rng, self.factor)
            }
        });
        if !rng.random_bool(self.probability) {
            return Ok(Vec::new());
        }
        let linear = std::array::from_fn(|i| {
            std::array::from_fn(|j| if i == j { 1.0 / factors[i] } else { 0.0 })
        });
        let matrix = about_centre(linear, [0.0; 3], case.geometry().size())?;
        Ok(vec![Step::Grid(GridStep::Affine {
            matrix,
            sampling: self.sampling(),
        })])
    }
}
