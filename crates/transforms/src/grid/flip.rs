//! Mirroring.

use crate::config::{check_probability, config};
use crate::transform::Configured;
use crate::{Axis, Context, GridStep, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Mirrors along each of the named axes with a chance of its own: MONAI's `RandFlip` an axis,
    /// batchgeneratorsv2's `MirrorTransform`.
    Flip, "flip", {
        /// The axes that may be mirrored.
        axes: Vec<Axis> = vec![Axis::X, Axis::Y, Axis::Z],
        /// How often each is, 0 to 1.
        probability: f64 = 0.5,
    }
}

impl Configured for Flip {
    fn check(&self) -> Result<()> {
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, _: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let mut axes = [false; 3];
        for axis in &self.axes {
            axes[axis.index()] = rng.random_bool(self.probability);
        }
        Ok(match axes.contains(&true) {
            true => vec![Step::Grid(GridStep::Flip { axes })],
            false => Vec::new(),
        })
    }
}
