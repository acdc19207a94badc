//! Keyed randomness: every sample's numbers follow from (seed, draw, step) alone, so that the same
//! run gives the same batches with one thread or sixteen, and after a resume.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for; streams of different use never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Which case a draw takes.
    Case,
    /// Where a patch lies in its case.
    Patch,
    /// The step of an augmentation chain with this position.
    Augmentation(u32),
    /// Anything else, numbered by the caller.
    Other(u32),
}

impl Stream {
    fn key(self) -> u64 {
        let (kind, number) = match self {
            Self::Case => (0, 0),
            Self::Patch => (1, 0),
            Self::Augmentation(n) => (2, n),
            Self::Other(n) => (3, n),
        };
        kind << 32 | u64::from(number)
    }
}

/// The random numbers of draw `draw` (a sample's running number) in one stream of a run.
///
/// ```
/// use rand::Rng;
/// use vesalius_transforms::{Stream, keyed};
///
/// let number = |seed, draw, stream| keyed(seed, draw, stream).next_u64();
/// assert_eq!(number(42, 7, Stream::Patch), number(42, 7, Stream::Patch));
/// assert_ne!(number(42, 7, Stream::Patch), number(42, 8, Stream::Patch));
/// assert_ne!(number(42, 7, Stream::Patch), number(42, 7, Stream::Case));
/// ```
pub fn keyed(seed: u64, draw: u64, stream: Stream) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&draw.to_le_bytes());
    key[16..24].copy_from_slice(&stream.key().to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Uniform between two numbers; the first where they are equal.
pub(crate) fn between(rng: &mut ChaCha8Rng, [low, high]: [f64; 2]) -> f64 {
    low + rng.random::<f64>() * (high - low)
}

/// As [`between`], but below and above 1 equally often, however wide the range is on either side:
/// batchgenerators' rule for factors.
pub(crate) fn around_one(rng: &mut ChaCha8Rng, [low, high]: [f64; 2]) -> f64 {
    let below = rng.random_bool(0.5) && low < 1.0;
    match below {
        true => between(rng, [low, high.min(1.0)]),
        false => between(rng, [low.max(1.0).min(high), high]),
    }
}

/// A value for each chosen channel: one for all, or one per channel.
pub(crate) fn each_channel<T: Clone>(
    rng: &mut ChaCha8Rng,
    channels: usize,
    per_channel: bool,
    channel_probability: f64,
    mut draw: impl FnMut(&mut ChaCha8Rng) -> T,
) -> Vec<(usize, T)> {
    let shared = (!per_channel).then(|| draw(rng));
    let mut chosen = Vec::new();
    for channel in 0..channels {
        if rng.random_bool(channel_probability) {
            let value = shared.clone().unwrap_or_else(|| draw(rng));
            chosen.push((channel, value));
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let first = |seed, draw, stream| keyed(seed, draw, stream).random::<u64>();
        assert_eq!(first(1, 2, Stream::Patch), first(1, 2, Stream::Patch));
        let all = [
            first(1, 2, Stream::Patch),
            first(1, 2, Stream::Case),
            first(1, 3, Stream::Patch),
            first(2, 2, Stream::Patch),
            first(1, 2, Stream::Augmentation(0)),
            first(1, 2, Stream::Augmentation(1)),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }
}
