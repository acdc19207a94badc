//! Turning and mirroring the axes to named directions.

use crate::config::config;
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Orientation;

config! {
    /// Turns and mirrors the axes to named directions, without interpolation.
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
