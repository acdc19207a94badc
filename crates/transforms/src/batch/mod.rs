//! Augmentation that mixes the samples of a batch: it works on `[N, …]` buffers, after the chain.

mod cut_mix;
mod mix_up;

pub use cut_mix::{CutMix, CutMixStep};
pub use mix_up::{MixUp, MixUpStep};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A random order of `count` samples (R. Fisher and F. Yates).
fn permutation(count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for i in (1..count).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    order
}

/// A share from the Beta(α, α) distribution, as the share of one of two Gamma(α) numbers in their sum.
fn beta(alpha: f64, rng: &mut ChaCha8Rng) -> f64 {
    let (a, b) = (gamma_variate(alpha, rng), gamma_variate(alpha, rng));
    if a + b > 0.0 { a / (a + b) } else { 0.5 }
}

/// A number from the Gamma(shape, 1) distribution: G. Marsaglia and W. Tsang, 2000.
fn gamma_variate(shape: f64, rng: &mut ChaCha8Rng) -> f64 {
    if shape < 1.0 {
        let boost = (1.0 - rng.random::<f64>()).powf(1.0 / shape);
        return gamma_variate(shape + 1.0, rng) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let (u, turn) = (
            1.0 - rng.random::<f64>(),
            rng.random::<f64>() * std::f64::consts::TAU,
        );
        let x = (-2.0 * u.ln()).sqrt() * turn.cos();
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - rng.random::<f64>();
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stream, keyed};

    #[test]
    fn beta_has_its_mean_and_variance() {
        for alpha in [0.2, 1.0, 3.5] {
            let mut rng = keyed(1, 2, Stream::Other(0));
            let draws: Vec<f64> = (0..40_000).map(|_| beta(alpha, &mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance =
                draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / draws.len() as f64;
            assert!((mean - 0.5).abs() < 0.01, "{alpha}: {mean}");
            assert!(
                (variance - 1.0 / (4.0 * (2.0 * alpha + 1.0))).abs() < 0.005,
                "{alpha}: {variance}"
            );
        }
    }
}
