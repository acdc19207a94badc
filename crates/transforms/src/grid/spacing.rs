//! Resampling to a spacing.

use crate::config::{config, require};
use crate::map::{Beyond, ImageSampling, LabelSampling, Sampling};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_filters::{Convention, target_grid};

config! {
    /// Resamples to a spacing over the same extent (nnU-Net's rule for the size).
    Spacing, "spacing", {
        /// Millimetres along `[x, y, z]`; 0 keeps an axis as it is.
        to: [f64; 3] = [f64::NAN; 3],
        /// How the image is interpolated.
        interpolation: ImageSampling = ImageSampling::Linear,
        /// How labels are decided.
        labels: LabelSampling = LabelSampling::Nearest,
    }
}

impl Configured for Spacing {
    fn check(&self) -> Result<()> {
        let fine = self.to.iter().all(|s| s.is_finite() && *s >= 0.0);
        require(
            fine,
            Self::NAME,
            "to",
            self.to,
            "three numbers of millimetres, 0 to keep an axis",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let has = case.geometry().spacing();
        let to = std::array::from_fn(|i| if self.to[i] > 0.0 { self.to[i] } else { has[i] });
        let target = target_grid(case.geometry(), to, Convention::NnUnet)?;
        let sampling = Sampling {
            image: self.interpolation,
            labels: self.labels,
            outside: Beyond::Edge,
        };
        Ok(vec![Step::Grid(GridStep::Resample { target, sampling })])
    }
}
