//! Making the anatomy larger or smaller on its grid.

use super::about_centre;
use crate::config::{check_probability, check_range, config};
use crate::map::{Beyond, ImageSampling, LabelSampling, Sampling};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Shows the anatomy larger (above 1) or smaller (below 1) about the middle, on the same grid: the
    /// purpose of MONAI's `RandZoom(keep_size=True)`.
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
        /// What lies outside of the image.
        outside: Beyond = Beyond::Edge,
    }
}

impl Zoom {
    fn sampling(&self) -> Sampling {
        Sampling {
            image: self.interpolation,
            labels: self.labels,
            outside: self.outside,
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
