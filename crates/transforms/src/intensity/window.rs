//! A window of intensities to a range.

use super::IntensityStep;
use super::statistics::{for_blocks, scale_shift, scale_shift_clip};
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Volume;

config! {
    /// Maps a window of intensities linearly to a range, and cuts off beyond it (MONAI's
    /// `ScaleIntensityRange`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![-1000.0, -100.0, 50.0, 900.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// // A soft-tissue window of a CT, in Hounsfield units.
    /// let chain: Chain = serde_saphyr::from_str("- window: {from: [-100, 100], to: [-1, 1]}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [-1.0, -1.0, 0.5, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Window, "window", {
        /// The intensities that become the range's ends, such as `[-175, 250]` for soft tissue in CT.
        from: [f64; 2] = [f64::NAN; 2],
        /// The range.
        to: [f64; 2] = [0.0, 1.0],
        /// Cut off what lies beyond.
        clip: bool = true,
    }
}

impl Configured for Window {
    fn check(&self) -> Result<()> {
        let fine = self.from[0] < self.from[1] && self.from.iter().all(|v| v.is_finite());
        require(
            fine,
            Self::NAME,
            "from",
            self.from,
            "two intensities in rising order",
        )?;
        let fine = self.to[0] <= self.to[1] && self.to.iter().all(|v| v.is_finite());
        require(
            fine,
            Self::NAME,
            "to",
            self.to,
            "two numbers in rising order",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Intensity(IntensityStep::Window(self.clone()))])
    }
}

impl Window {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        stretch(image.data_mut(), self.from, self.to, self.clip);
        Ok(())
    }
}

/// `from` linearly to `to`; a `from` of no width is only shifted, as in MONAI.
pub(super) fn stretch(values: &mut [f32], from: [f64; 2], to: [f64; 2], clip: bool) {
    let width = from[1] - from[0];
    let scale = if width != 0.0 {
        (to[1] - to[0]) / width
    } else {
        1.0
    };
    let (scale, shift) = (scale as f32, (to[0] - from[0] * scale) as f32);
    match clip {
        true => for_blocks(values, |v| {
            scale_shift_clip(v, scale, shift, to[0] as f32, to[1] as f32)
        }),
        false => for_blocks(values, |v| scale_shift(v, scale, shift)),
    }
}
