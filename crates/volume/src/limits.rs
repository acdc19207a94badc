//! Lengths, areas and volumes compared with multiples of the spacing: the one tolerance for all of them.
//!
//! A spacing read from a file is not the exact number: a NIfTI affine holds single precision, so
//! 0.6 mm reads as 0.60000002 and the columns of an oblique 1 mm grid are 1.00000003 mm long. A radius of
//! 2 mm must still reach two such voxels, and 3 mm of margin must not take four. Everything that compares
//! a physical limit with a multiple of the spacing, or counts voxels in a length, uses this module.

/// Two physical quantities are equal when they differ by no more than this share of the larger one.
pub const RELATIVE: f64 = 1e-6;

/// How far a number of voxels may be from a whole one and still count as it, at most.
const MOST_OF_A_VOXEL: f64 = 0.01;

/// Whether two quantities are equal up to the rounding of a file's spacing.
///
/// ```
/// use vesalius_volume::limits::{at_most, exceeds, same};
///
/// // 0.6 mm in single precision, as a NIfTI header has it.
/// let spacing = f64::from(0.6_f32);
/// assert!(spacing > 0.6);
/// assert!(same(spacing, 0.6) && at_most(spacing, 0.6) && !exceeds(spacing, 0.6));
/// assert!(exceeds(0.601, 0.6));
/// ```
pub fn same(a: f64, b: f64) -> bool {
    // Only infinity itself is as large as infinity.
    let apart = (a - b).abs();
    a == b || (apart.is_finite() && apart <= RELATIVE * a.abs().max(b.abs()))
}

/// Whether `value` is smaller than `limit` or equal to it.
pub fn at_most(value: f64, limit: f64) -> bool {
    value <= limit || same(value, limit)
}

/// Whether `value` is larger than `limit` or equal to it.
pub fn at_least(value: f64, limit: f64) -> bool {
    value >= limit || same(value, limit)
}

/// Whether `value` is larger than `limit` by more than noise.
pub fn exceeds(value: f64, limit: f64) -> bool {
    value > limit && !same(value, limit)
}

/// Whether `value` is smaller than `limit` by more than noise.
pub fn below(value: f64, limit: f64) -> bool {
    value < limit && !same(value, limit)
}

/// A number of voxels, or of half voxels where `parts` is 2, rounded where only noise separates it from a whole one.
fn settled(count: f64, parts: f64) -> f64 {
    let near = (count * parts).round() / parts;
    let noise = (RELATIVE * count.abs()).min(MOST_OF_A_VOXEL);
    if (count - near).abs() <= noise {
        near
    } else {
        count
    }
}

/// The count rounded down: 1.9999999 are two.
pub fn floor(count: f64) -> f64 {
    settled(count, 1.0).floor()
}

/// The count rounded up: 3.0000001 are three.
pub fn ceil(count: f64) -> f64 {
    settled(count, 1.0).ceil()
}

/// The nearest whole number; halves go to the even one, as in Python and NumPy.
pub fn round_ties_even(count: f64) -> f64 {
    settled(count, 2.0).round_ties_even()
}

/// The nearest whole number; halves go away from 0.
pub fn round(count: f64) -> f64 {
    settled(count, 2.0).round()
}

/// How many whole voxels of a spacing lie within a length: what a radius reaches.
///
/// ```
/// use vesalius_volume::limits::voxels_within;
///
/// assert_eq!(voxels_within(2.0, 1.000_000_03), 2);
/// assert_eq!(voxels_within(2.9, 1.0), 2);
/// ```
pub fn voxels_within(length: f64, spacing: f64) -> usize {
    // The cast takes what is negative or no number to 0.
    floor(length / spacing) as usize
}

/// How many voxels of a spacing are needed to cover a length: what a margin takes.
///
/// ```
/// use vesalius_volume::limits::voxels_covering;
///
/// assert_eq!(voxels_covering(3.0, 0.999_999_98), 3);
/// assert_eq!(voxels_covering(3.1, 1.0), 4);
/// ```
pub fn voxels_covering(length: f64, spacing: f64) -> usize {
    ceil(length / spacing) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spacings as files give them, and the exact numbers.
    const READ: [(f64, f64); 6] = [
        (1.0, 1.0),
        (1.000_000_03, 1.0),
        (0.999_999_94, 1.0),
        (0.6f32 as f64, 0.6),
        (0.7f32 as f64, 0.7),
        (2.5f32 as f64 * 1.000_000_05, 2.5),
    ];

    #[test]
    fn a_multiple_of_the_spacing_counts_its_voxels() {
        for (read, meant) in READ {
            for n in 1..200 {
                let length = meant * n as f64;
                assert_eq!(voxels_within(length, read), n, "{n} of {read}");
                assert_eq!(voxels_covering(length, read), n, "{n} of {read}");
                assert_eq!(round_ties_even(length / read), n as f64);
                let half = (n as f64 + 0.5) * meant;
                assert_eq!(voxels_within(half, read), n);
                assert_eq!(voxels_covering(half, read), n + 1);
                let even = n + n % 2;
                assert_eq!(
                    round_ties_even(half / read),
                    even as f64,
                    "{half} of {read}"
                );
                assert_eq!(round(half / read), n as f64 + 1.0, "{half} of {read}");
            }
        }
    }

    #[test]
    fn what_is_not_a_multiple_stays_what_it_is() {
        assert_eq!(voxels_within(2.999, 1.0), 2);
        assert_eq!(voxels_covering(3.001, 1.0), 4);
        assert_eq!(voxels_covering(0.0, 1.0), 0);
        assert_eq!(voxels_covering(1e-9, 1.0), 1);
        assert_eq!(voxels_within(-1.0, 1.0), 0);
        assert_eq!(voxels_covering(f64::NAN, 1.0), 0);
        assert_eq!(floor(2_000_000.9), 2_000_000.0);
    }

    #[test]
    fn comparisons_agree_with_each_other() {
        for (value, limit) in [
            (0.6f32 as f64 * 3.0, 1.8),
            (1.0, 1.0 + 5e-7),
            (-1.0, -1.0 - 5e-7),
            (0.0, 0.0),
        ] {
            assert!(at_most(value, limit) && at_least(value, limit));
            assert!(!exceeds(value, limit) && !below(value, limit));
        }
        assert!(exceeds(1.000_01, 1.0) && !at_most(1.000_01, 1.0));
        assert!(below(0.999_99, 1.0) && !at_least(0.999_99, 1.0));
        assert!(!at_most(f64::NAN, 1.0) && !at_least(f64::NAN, 1.0));
        assert!(at_most(3.0, f64::INFINITY) && !exceeds(3.0, f64::INFINITY));
        assert!(!same(1.0, f64::INFINITY));
    }
}
