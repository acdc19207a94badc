//! Order statistics: values by their rank, and NumPy's linear percentiles of them.

use super::Summand;
use rayon::prelude::*;

/// Values a chunk of the parallel count.
const CHUNK: usize = 1 << 20;
/// Fewer values than this are sorted.
const FEW: usize = 1 << 16;

/// The values of the given ranks (0 is the smallest), by counting bits: two passes over the values,
/// which stay where they are. Ranks must be below the number of values.
pub(crate) fn by_rank(values: &[f32], ranks: &[usize]) -> Vec<f32> {
    if values.len() < FEW {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by_key(|&value| key(value));
        return ranks.iter().map(|&rank| sorted[rank]).collect();
    }
    let upper = count(values, |key| Some((key >> 16) as usize), 1 << 16);
    // For each rank: the upper half of its key, and its rank among the values that share it.
    let places: Vec<(usize, usize)> = ranks.iter().map(|&rank| place(&upper, rank)).collect();
    let mut halves: Vec<usize> = places.iter().map(|place| place.0).collect();
    halves.sort_unstable();
    halves.dedup();
    let mut slots = vec![u32::MAX; 1 << 16];
    for (slot, &half) in halves.iter().enumerate() {
        slots[half] = slot as u32;
    }
    let lower = count(
        values,
        |key| match slots[(key >> 16) as usize] {
            u32::MAX => None,
            slot => Some(((slot as usize) << 16) | (key & 0xffff) as usize),
        },
        halves.len() << 16,
    );
    let value = |&(half, rank): &(usize, usize)| {
        let slot = slots[half] as usize;
        let (low, _) = place(&lower[slot << 16..(slot + 1) << 16], rank);
        from_key((half << 16 | low) as u32)
    };
    places.iter().map(value).collect()
}

/// The bin in which `rank` falls, and its rank there.
fn place(counts: &[u32], mut rank: usize) -> (usize, usize) {
    for (bin, &count) in counts.iter().enumerate() {
        match rank.checked_sub(count as usize) {
            Some(rest) => rank = rest,
            None => return (bin, rank),
        }
    }
    (counts.len() - 1, 0)
}

fn count(values: &[f32], bin: impl Fn(u32) -> Option<usize> + Sync, bins: usize) -> Vec<u32> {
    let add = |mut counts: Vec<u32>, chunk: &[f32]| {
        for &value in chunk {
            if let Some(bin) = bin(key(value)) {
                counts[bin] += 1;
            }
        }
        counts
    };
    let merge = |mut a: Vec<u32>, b: Vec<u32>| {
        for (a, b) in a.iter_mut().zip(b) {
            *a += b;
        }
        a
    };
    if values.len() <= CHUNK {
        return add(vec![0; bins], values);
    }
    values
        .par_chunks(CHUNK)
        .fold(|| vec![0; bins], add)
        .reduce(|| vec![0; bins], merge)
}

/// A whole number that rises with the value; both zeros are one.
fn key(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    match bits >> 31 {
        0 => bits | 1 << 31,
        _ => !bits,
    }
}

fn from_key(key: u32) -> f32 {
    f32::from_bits(match key >> 31 {
        1 => key & !(1 << 31),
        _ => !key,
    })
}

/// Where a percentile falls among `count` sorted values: its two neighbouring ranks and the share of the upper.
fn between(count: usize, percent: f64) -> (usize, usize, f64) {
    let at = (count - 1) as f64 * (percent / 100.0);
    let low = (at.floor() as usize).min(count - 1);
    (low, (low + 1).min(count - 1), at - at.floor())
}

/// NumPy's interpolation, which goes from the nearer end; `step` is the difference in the values' type.
fn interpolate(low: f64, high: f64, step: f64, share: f64) -> f64 {
    match share >= 0.5 {
        true => high - step * (1.0 - share),
        false => low + step * share,
    }
}

/// `numpy.percentile` of the values as `T`, for several percents at once, with the smallest and largest
/// value; `values` must not be empty.
pub(crate) fn percentiles<T: Summand, const N: usize>(
    values: &[f32],
    percents: [f64; N],
) -> ([f64; N], f32, f32) {
    let places = percents.map(|percent| between(values.len(), percent));
    let mut ranks = vec![0, values.len() - 1];
    ranks.extend(places.iter().flat_map(|&(low, high, _)| [low, high]));
    let found = by_rank(values, &ranks);
    let mut pairs = found[2..].chunks_exact(2);
    let results = places.map(|(_, _, share)| {
        // Two ranks were requested for each percent.
        let pair = pairs.next().unwrap_or(&[f32::NAN; 2]);
        let [low, high] = [pair[0], pair[1]].map(f64::from);
        let step = T::nearest(high) - T::nearest(low);
        interpolate(low, high, step.double(), share)
    });
    (results, found[0], found[1])
}

/// `numpy.percentile` of double precision values; `values` must not be empty.
pub(crate) fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (low, high, share) = between(sorted.len(), percent);
    let (low, high) = (sorted[low], sorted[high]);
    interpolate(low, high, high - low, share)
}

/// `numpy.median`; `values` must not be empty.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numpy::RandomState;

    #[test]
    fn ranks_are_those_of_a_sort() {
        let mut random = RandomState::new(5);
        let mut values: Vec<f32> = (0..(CHUNK * 2 + 77))
            .map(|_| random.up_to(1 << 20) as f32 / 16.0 - 30_000.0)
            .collect();
        values.extend([
            0.0,
            -0.0,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MIN_POSITIVE,
            -1e-42,
        ]);
        let ranks = [
            0,
            1,
            7,
            values.len() / 2,
            values.len() - 2,
            values.len() - 1,
        ];
        let found = by_rank(&values, &ranks);
        values.sort_unstable_by(f32::total_cmp);
        assert_eq!(found, ranks.map(|rank| values[rank]));
    }

    /// NumPy 2.4.6: `percentile(randint(0, 100000, n) / float32(7), [0.5, 50, 99.5])`, `RandomState(3)`.
    #[test]
    fn percentiles_are_numpys() {
        let expected = [
            (5, [6896.443056640625, 9603.4287109375, 10991.23142578125]),
            (
                127,
                [190.66142501831055, 6801.5712890625, 14171.658886718751],
            ),
            (
                1000,
                [39.55285877227783, 7416.285888671875, 14213.691289062499],
            ),
            (
                300_001,
                [70.85713958740234, 7127.85693359375, 14213.2861328125],
            ),
        ];
        let mut random = RandomState::new(3);
        for (n, expected) in expected {
            let values: Vec<f32> = (0..n).map(|_| random.up_to(99_999) as f32 / 7.0).collect();
            assert_eq!(
                percentiles::<f32, 3>(&values, [0.5, 50.0, 99.5]).0,
                expected
            );
            let double: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
            let one = |percent| percentile(&double, percent);
            assert_eq!([one(0.5), one(50.0), one(99.5)], expected);
        }
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), 2.5);
    }
}
