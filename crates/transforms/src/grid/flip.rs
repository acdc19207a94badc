//! Mirroring.

use crate::config::{check_probability, config};
use crate::transform::Configured;
use crate::{Axis, Context, GridStep, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Mirrors along each of the named axes independently: MONAI's `RandFlip` for each axis,
    /// batchgeneratorsv2's `MirrorTransform`.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![1.0, 2.0, 3.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- flip: {axes: [x], probability: 1}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [3.0, 2.0, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
