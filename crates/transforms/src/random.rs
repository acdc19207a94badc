//! Keyed randomness: every sample's numbers follow from (seed, draw, step) alone, so that the same
//! run gives the same batches with one thread or sixteen, and after a resume.

use rand::SeedableRng;
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
pub fn keyed(seed: u64, draw: u64, stream: Stream) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&draw.to_le_bytes());
    key[16..24].copy_from_slice(&stream.key().to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

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
