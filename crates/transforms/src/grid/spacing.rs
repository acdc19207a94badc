//! Resampling to a spacing.

use crate::config::{config, require};
use crate::map::{ImageSampling, LabelSampling, PaddingMode, Sampling};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_filters::{Convention, target_grid};

config! {
    /// Resamples to a spacing over the same extent (nnU-Net's rule for the size).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([40, 40, 10], [0.5, 0.5, 4.0])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// // From 0.5 × 0.5 × 4 mm to 1 × 1 × 2 mm.
    /// let chain: Chain = serde_saphyr::from_str("- spacing: {to: [1, 1, 2]}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.geometry().size(), [20, 20, 20]);
    /// assert_eq!(result.geometry().spacing(), [1.0, 1.0, 2.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
            outside: PaddingMode::Edge,
        };
        Ok(vec![Step::Grid(GridStep::Resample { target, sampling })])
    }
}
