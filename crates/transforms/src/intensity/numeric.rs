//! Powers and normal random numbers in loops that the compiler turns into vectors.
//!
//! Polynomials in `f32`: the logarithm as in Cephes' `logf`, sine and cosine by their series.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use vesalius_filters::vectorised;

/// Values that one keyed stream of noise covers; threads share the blocks.
const BLOCK: usize = 1 << 12;

/// The natural logarithm of a positive, normal number; good to 1e-7 of it, or absolutely near 1.
#[inline(always)]
fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    // The mantissa between √½ and √2.
    let shifted = bits.wrapping_sub(0x3f35_04f3);
    let exponent = (shifted as i32 >> 23) as f32;
    let mantissa = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(0x3f35_04f3));
    let t = mantissa - 1.0;
    let z = t * t;
    let mut p = 7.037_683_6e-2;
    for c in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p * t + c;
    }
    let series = t * z * p - 0.5 * z + exponent * -2.121_944_4e-4;
    t + series + exponent * 0.693_359_4
}

/// 2 to a power; 0 below -127 and infinite above 128.
#[inline(always)]
fn exp2(x: f32) -> f32 {
    // Adding and taking away 1.5·2²³ rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    // Beyond these the result is 0 or infinite, as a float's exponent has 8 bits.
    let x = x.clamp(-127.0, 128.0);
    let rounded = (x + ROUND) - ROUND;
    let f = (x - rounded) * std::f32::consts::LN_2;
    let mut p = 1.0 / 5040.0;
    for c in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        p = p * f + c;
    }
    let exponent = ((x + ROUND).to_bits() as i32 - ROUND.to_bits() as i32) << 23;
    f32::from_bits((p.to_bits() as i32 + exponent) as u32)
}

vectorised! {
    /// Raises values of 0 to 1 to a power, in place: `scale · ((v - low) / range)^gamma + low`.
    pub(crate) fn gamma(values: &mut [f32], low: f32, per_range: f32, power: f32, range: f32) {
        for v in values.iter_mut() {
            let share = (*v - low) * per_range;
            let usable = share > 1e-30;
            let x = if usable { share } else { 1.0 };
            let log2 = ln(x) * std::f32::consts::LOG2_E * power;
            let log2 = if log2 > -126.0 { log2 } else { -126.0 };
            let raised = if usable { exp2(log2) } else { 0.0 };
            *v = raised * range + low;
        }
    }
}

vectorised! {
    /// Pairs of uniform bits to pairs of normal numbers (G. Box and M. Muller, 1958).
    fn normal_pairs(bits: &[u32], other: &[u32], cosines: &mut [f32], sines: &mut [f32]) {
        let n = bits.len();
        let (other, cosines, sines) = (&other[..n], &mut cosines[..n], &mut sines[..n]);
        for i in 0..n {
            // (0, 1], so that the logarithm exists.
            let u = ((bits[i] >> 8) as i32 + 1) as f32 * (1.0 / 16_777_216.0);
            let radius = (-2.0 * ln(u)).sqrt();
            // A quarter turn's part, and which quarter.
            let quarter = other[i] >> 30;
            let t = ((other[i] & 0x3fff_ffff) as i32 as f32 * (1.0 / 1_073_741_824.0) - 0.5)
                * std::f32::consts::FRAC_PI_2;
            let z = t * t;
            let sin = t + t * z * (-1.0 / 6.0 + z * (1.0 / 120.0 + z * (-1.0 / 5040.0)));
            let cos = 1.0 + z * (-0.5 + z * (1.0 / 24.0 + z * (-1.0 / 720.0 + z * (1.0 / 40320.0))));
            let swap = quarter & 1 == 1;
            let (c, s) = (if swap { -sin } else { cos }, if swap { cos } else { sin });
            let sign = if quarter & 2 == 2 { -radius } else { radius };
            cosines[i] = c * sign;
            sines[i] = s * sign;
        }
    }
}

/// Standard normal numbers, a block at a time, each block from (`seed`, its number) alone.
pub(crate) fn with_noise(
    values: &mut [f32],
    seed: u64,
    stream: u64,
    mix: impl Fn(&mut [f32], &[f32]) + Sync,
) {
    values.par_chunks_mut(BLOCK).enumerate().for_each_init(
        || (vec![0u32; BLOCK], vec![0.0f32; BLOCK]),
        |(bits, noise), (block, values)| {
            let mut key = [0u8; 32];
            key[..8].copy_from_slice(&seed.to_le_bytes());
            key[8..16].copy_from_slice(&stream.to_le_bytes());
            key[16..24].copy_from_slice(&(block as u64).to_le_bytes());
            let mut rng = ChaCha8Rng::from_seed(key);
            // Two words for each pair of values.
            let half = values.len().div_ceil(2);
            bits[..2 * half]
                .iter_mut()
                .for_each(|word| *word = rng.next_u32());
            let (a, b) = noise.split_at_mut(half);
            normal_pairs(&bits[..half], &bits[half..2 * half], a, &mut b[..half]);
            let count = values.len();
            mix(values, &noise[..count]);
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_as_good_as_the_library() {
        for power in [0.7f32, 1.0, 1.5, 2.4] {
            let mut values: Vec<f32> = (0..=5000).map(|i| i as f32 / 5000.0).collect();
            let expected: Vec<f32> = values.iter().map(|v| v.powf(power)).collect();
            gamma(&mut values, 0.0, 1.0, power, 1.0);
            for (a, b) in values.iter().zip(expected) {
                assert!((a - b).abs() <= 4e-7 + 1e-6 * b, "{power}: {a} {b}");
            }
        }
    }

    #[test]
    fn noise_is_normal_to_its_fourth_moment() {
        let mut values = vec![0.0f32; 400_001];
        with_noise(&mut values, 3, 0, |v, noise| v.copy_from_slice(noise));
        let n = values.len() as f64;
        let moment = |p: i32| values.iter().map(|&v| f64::from(v).powi(p)).sum::<f64>() / n;
        assert!(moment(1).abs() < 0.006, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.01, "{}", moment(2));
        assert!(moment(3).abs() < 0.03, "{}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.1, "{}", moment(4));
        let together = values
            .windows(2)
            .map(|w| f64::from(w[0] * w[1]))
            .sum::<f64>()
            / n;
        assert!(together.abs() < 0.01, "{together}");
    }
}
