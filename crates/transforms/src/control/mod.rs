//! Transforms made of transforms: choices with probabilities, and ready-made recipes.

mod auto3dseg;
mod light_augmentation;
mod nnunet;
mod one_of;
mod random_apply;
mod some_of;

pub use auto3dseg::{Auto3dSegDints, Auto3dSegSegResNet, Auto3dSegSegResNet2d, Auto3dSegSwinUnetr};
pub use light_augmentation::LightAugmentation;
pub use nnunet::{NnUnet2d, NnUnet3d};
pub use one_of::OneOf;
pub use random_apply::RandomApply;
pub use some_of::SomeOf;

use crate::config::{bad, require};
use crate::pending::PendingTransforms;
use crate::{Result, Transform};
use rand_chacha::ChaCha8Rng;

/// Runs transforms one after another on numbers of one stream.
fn run_all(
    transforms: &[Transform],
    work: &mut PendingTransforms,
    rng: &mut ChaCha8Rng,
) -> Result<()> {
    transforms.iter().try_for_each(|t| t.run(work, rng))
}

/// Checks that there is a list, all its transforms are fine, and weights are one each or none.
fn check_choice(name: &'static str, of: &[Transform], weights: &[f64]) -> Result<()> {
    require(!of.is_empty(), name, "of", of, "at least one transform")?;
    let sum: f64 = weights.iter().sum();
    let fine = weights.iter().all(|w| w.is_finite() && *w >= 0.0)
        && sum > 0.0
        && weights.len() == of.len();
    if !weights.is_empty() && !fine {
        return Err(bad(
            name,
            "weights",
            weights,
            "one weight a transform, not negative, not all zero",
        ));
    }
    of.iter().try_for_each(Transform::check)
}

/// A position drawn by weights, or with equal chances where there are none.
fn draw(count: usize, weights: &[f64], rng: &mut ChaCha8Rng) -> usize {
    use rand::RngExt;
    if weights.len() != count {
        return rng.random_range(0..count);
    }
    let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (i, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return i;
        }
    }
    weights.iter().rposition(|w| *w > 0.0).unwrap_or(0)
}
