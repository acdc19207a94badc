//! Transforms that are applied with a probability.

use super::{check_choice, run_all};
use crate::config::{check_probability, config};
use crate::pending::PendingTransforms;
use crate::transform::Composed;
use crate::{Result, Transform};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Applies all of the transforms, or none.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// let subject = Subject::new("case_01", Volume::new(grid, 1, vec![0.0, 10.0])?, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- maybe: {of: [clip: {high: 5}], probability: 0.5}")?;
    /// // Over many draws, about half of the samples are clipped.
    /// let mut clipped = 0;
    /// for draw in 0..100 {
    ///     let (result, _) = chain.apply(subject.clone(), 1, draw)?;
    ///     clipped += usize::from(result.image().data()[1] == 5.0);
    /// }
    /// assert!((30..70).contains(&clipped));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    RandomApply, "maybe", {
        /// The transforms.
        of: Vec<Transform> = Vec::new(),
        /// How often, 0 to 1.
        probability: f64 = 0.5,
    }
}

impl Composed for RandomApply {
    fn check(&self) -> Result<()> {
        check_choice(Self::NAME, &self.of, &[])?;
        check_probability(Self::NAME, self.probability)
    }

    fn run(&self, work: &mut PendingTransforms, rng: &mut ChaCha8Rng) -> Result<()> {
        match rng.random_bool(self.probability) {
            true => run_all(&self.of, work, rng),
            false => Ok(()),
        }
    }
}
