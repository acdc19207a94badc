//! Reordering and mirroring the axes to named directions.

use crate::config::config;
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Orientation;

config! {
    /// Turns and mirrors the axes to named directions, without interpolation.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 4, 4], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- orient: {to: LPS}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.geometry().orientation().to_string(), "LPS");
    /// assert_eq!(result.image().data()[..4], [3.0, 2.0, 1.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Orient, "orient", {
        /// Where x, y and z grow to, such as `RAS`.
        to: String = "RAS".to_owned(),
    }
}

impl Configured for Orient {
    fn check(&self) -> Result<()> {
        Ok(self.to.parse::<Orientation>().map(|_| ())?)
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Grid(GridStep::Orient {
            to: self.to.clone(),
        })])
    }
}
