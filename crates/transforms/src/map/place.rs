//! The value at one place between voxels, or outside of them: the slow path for places that miss a
//! neighbour, and for labels where neighbours differ.

use super::{ImageSampling, LabelSampling, PaddingMode, Sampling};

/// Shares nearer than this are a tie, which the nearest voxel's label settles (batchgeneratorsv2
/// 0.3.6 compares halves of a thousandth).
const TIE: f32 = 2.5e-4;

/// A place this near to the middle between two voxels, in voxels, is there: the rest is rounding, which positions in the world
/// bring with them.
const HALF_ROUNDING: f64 = 1e-10;

/// A place as `outside` reads it.
fn wrapped(place: [f64; 3], size: [usize; 3], outside: PaddingMode) -> [f64; 3] {
    std::array::from_fn(|axis| {
        let (p, n) = (place[axis], size[axis] as f64);
        match outside {
            PaddingMode::Zeros => p,
            PaddingMode::Edge => p.clamp(0.0, n - 1.0),
            PaddingMode::Reflect => {
                let from = (p + 0.5).abs();
                let (turns, rest) = ((from / n).floor(), from % n);
                let folded = if turns % 2.0 == 0.0 {
                    rest - 0.5
                } else {
                    n - rest - 0.5
                };
                folded.clamp(0.0, n - 1.0)
            }
        }
    })
}

/// The neighbours of a place that exist, with their weights; the rest of the weight is outside.
fn neighbours(place: [f64; 3], size: [usize; 3]) -> impl Iterator<Item = (Option<usize>, f32)> {
    let floor = place.map(f64::floor);
    let share: [f32; 3] = std::array::from_fn(|axis| (place[axis] - floor[axis]) as f32);
    (0..8usize).filter_map(move |corner| {
        let (mut offset, mut weight, mut found) = (0, 1.0, true);
        for axis in (0..3).rev() {
            let upper = corner >> axis & 1;
            weight *= if upper == 1 {
                share[axis]
            } else {
                1.0 - share[axis]
            };
            let index = floor[axis] + upper as f64;
            found &= index >= 0.0 && index < size[axis] as f64;
            offset = offset * size[axis] + if found { index as usize } else { 0 };
        }
        (weight > 0.0).then_some((found.then_some(offset), weight))
    })
}

/// The nearest index along an axis, halves to even ones.
fn nearest_index(place: f64) -> f64 {
    let half = place.floor() + 0.5;
    match (place - half).abs() < HALF_ROUNDING {
        true => half.round_ties_even(),
        false => place.round_ties_even(),
    }
}

/// The offset of the nearest voxel, halves to even indices; nothing outside.
fn nearest(place: [f64; 3], size: [usize; 3]) -> Option<usize> {
    let mut offset = 0;
    for axis in (0..3).rev() {
        let index = nearest_index(place[axis]);
        if !(index >= 0.0 && index < size[axis] as f64) {
            return None;
        }
        offset = offset * size[axis] + index as usize;
    }
    Some(offset)
}

/// The image at a place.
pub(super) fn image_at(
    source: &[f32],
    size: [usize; 3],
    place: [f64; 3],
    sampling: &Sampling,
) -> f32 {
    let place = wrapped(place, size, sampling.outside);
    if sampling.image == ImageSampling::Nearest {
        return nearest(place, size).map_or(0.0, |offset| source[offset]);
    }
    if place.iter().any(|p| !p.is_finite()) {
        return 0.0;
    }
    let weighted =
        |(offset, weight): (Option<usize>, f32)| offset.map_or(0.0, |o| source[o] * weight);
    neighbours(place, size).map(weighted).sum()
}

/// A label between voxels; the outside has a share too and is background when it is the largest.
pub(super) fn label_at(
    source: &[u16],
    size: [usize; 3],
    place: [f64; 3],
    sampling: &Sampling,
) -> u16 {
    let place = wrapped(place, size, sampling.outside);
    let closest = || nearest(place, size).map(|offset| source[offset]);
    if sampling.labels == LabelSampling::Nearest || place.iter().any(|p| !p.is_finite()) {
        return closest().unwrap_or(0);
    }
    let mut shares: [(Option<u16>, f32); 8] = [(None, 0.0); 8];
    let mut known = 0;
    for (offset, weight) in neighbours(place, size) {
        let label = offset.map(|o| source[o]);
        match shares[..known].iter_mut().find(|(l, _)| *l == label) {
            Some((_, share)) => *share += weight,
            None => {
                shares[known] = (label, weight);
                known += 1;
            }
        }
    }
    let shares = &shares[..known];
    let best = shares.iter().fold(0.0f32, |best, s| best.max(s.1));
    let tied = || shares.iter().filter(|s| s.1 >= best - TIE).map(|s| s.0);
    let settled = if tied().count() > 1 {
        let closest = closest();
        tied().find(|l| *l == closest).or_else(|| tied().min())
    } else {
        tied().next()
    };
    settled.flatten().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_even_indices_whatever_the_rounding_of_a_place() {
        for (place, index) in [
            (34.5, 34.0),
            (34.5 + 1e-13, 34.0),
            (35.5 - 1e-13, 36.0),
            (34.5 + 1e-7, 35.0),
            (35.5 - 1e-7, 35.0),
            (-0.5 - 1e-13, 0.0),
            (7.0, 7.0),
        ] {
            assert_eq!(nearest_index(place), index, "{place}");
        }
        assert!(nearest_index(f64::NAN).is_nan());
    }
}
