//! A recipe for a quick start.

use super::run_all;
use crate::config::config;
use crate::pending::PendingTransforms;
use crate::transform::Composed;
use crate::{Affine, Axis, Brightness, Flip, Gamma, GaussianNoise, Result, Transform};
use rand_chacha::ChaCha8Rng;

config! {
    /// Small rotations and scales, mirrors, and mild changes of intensity: fast, and suitable for most
    /// z-scored images.
    LightAugmentation, "light", {
        /// The axes that may be mirrored.
        mirror: Vec<Axis> = vec![Axis::X, Axis::Y, Axis::Z],
    }
}

impl LightAugmentation {
    /// What the recipe consists of.
    ///
    /// ```
    /// use vesalius_transforms::{Axis, LightAugmentation};
    ///
    /// // Mirrors along x alone.
    /// let light = LightAugmentation { mirror: vec![Axis::X], ..LightAugmentation::default() };
    /// assert_eq!(light.transforms()[0].name(), "affine");
    /// ```
    pub fn transforms(&self) -> Vec<Transform> {
        vec![
            Transform::Affine(Affine {
                rotate: [10.0; 3],
                scale: [0.9, 1.1],
                probability: 0.3,
                ..Affine::default()
            }),
            Transform::Flip(Flip {
                axes: self.mirror.clone(),
                ..Flip::default()
            }),
            Transform::Brightness(Brightness {
                factor: [0.9, 1.1],
                probability: 0.2,
                ..Brightness::default()
            }),
            Transform::Gamma(Gamma {
                power: [0.8, 1.25],
                probability: 0.2,
                ..Gamma::default()
            }),
            Transform::GaussianNoise(GaussianNoise {
                deviation: 0.05,
                ..GaussianNoise::default()
            }),
        ]
    }
}

impl Composed for LightAugmentation {
    fn check(&self) -> Result<()> {
        self.transforms().iter().try_for_each(Transform::check)
    }

    fn run(&self, work: &mut PendingTransforms, rng: &mut ChaCha8Rng) -> Result<()> {
        run_all(&self.transforms(), work, rng)
    }
}
