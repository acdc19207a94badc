//! Transforms one after another.

use crate::{Result, Step, Stream, Transform, keyed};
use serde::{Deserialize, Serialize};
use vesalius_volume::Subject;

/// A list of transforms, applied from first to last; in YAML simply a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chain(pub Vec<Transform>);

impl Chain {
    /// Nothing when every transform's values are in range.
    ///
    /// # Errors
    /// [`crate::Error::BadValue`], which names the transform and the key.
    pub fn check(&self) -> Result<()> {
        self.0.iter().try_for_each(Transform::check)
    }

    /// Applies the chain to a case with the random numbers of (`seed`, `draw`), and says what was done.
    ///
    /// # Errors
    /// A value out of range, or a grid that cannot be resampled.
    pub fn apply(&self, subject: Subject, seed: u64, draw: u64) -> Result<(Subject, Vec<Step>)> {
        let mut subject = subject;
        let mut steps = Vec::new();
        for (position, transform) in (0u32..).zip(&self.0) {
            let mut rng = keyed(seed, draw, Stream::Augmentation(position));
            if let Some(step) = transform.sample(&subject, &mut rng)? {
                subject = step.apply(subject)?;
                steps.push(step);
            }
        }
        Ok((subject, steps))
    }

    /// Whether two draws can differ.
    pub fn is_random(&self) -> bool {
        self.0.iter().any(Transform::is_random)
    }
}
