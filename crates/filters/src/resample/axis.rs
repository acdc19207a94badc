//! One axis of a separable resample: which voxels each target index mixes, and how much of each.

use super::Extrapolation;
use super::kernel::Kernel;
use crate::scalar::Real;
use std::ops::Range;

/// Coordinates, in voxels, that are nearer than this to a limit, a voxel or the border between two count as on
/// it. It covers the rounding of our own arithmetic, some 1e-12 of a voxel, and not the rounding of a file's
/// spacing (`vesalius_volume::limits`), up to 1e-5 of a voxel at the far end of a grid: other tools use the
/// spacing of the file as it is, and with a larger slack our nearest voxel could differ from theirs.
const SLACK: f64 = 1e-9;

/// For each target index along one axis: `N` source indices and their weights.
pub(crate) struct Axis<R, const N: usize> {
    /// Source indices, all less than `length`.
    taps: Vec<[u32; N]>,
    /// Weights of the taps; they sum to one.
    weights: Vec<[R; N]>,
    /// The target indices that find the image; the others are outside.
    pub inside: Range<usize>,
    /// Number of source indices.
    length: usize,
}

impl<R: Real, const N: usize> Axis<R, N> {
    /// The table of an axis whose target index `i` lies at `first + step·i` of the source axis
    /// with `length` voxels.
    pub fn new<K: Kernel<N>>(
        target: usize,
        length: usize,
        step: f64,
        first: f64,
        outside: Extrapolation,
    ) -> Self {
        let positions = (0..target)
            .map(|i| resolved(first + step * i as f64, length, outside, K::REACH))
            .collect::<Vec<_>>();
        Self::at::<K>(&positions, length)
    }

    /// The table of an axis whose target indices lie at these places of the source axis; those
    /// that find the image must follow each other.
    pub fn at<K: Kernel<N>>(positions: &[Option<f64>], length: usize) -> Self {
        let padded = length + 2 * K::MARGIN;
        let mut axis = Self {
            taps: vec![[0; N]; positions.len()],
            weights: vec![[R::ZERO; N]; positions.len()],
            inside: 0..0,
            length: padded,
        };
        let mut inside: Option<Range<usize>> = None;
        for (i, position) in positions.iter().enumerate() {
            let Some(position) = *position else {
                continue;
            };
            let (start, weights) = K::weights(position);
            axis.taps[i] = std::array::from_fn(|k| {
                let tap = start + k as i64 + K::MARGIN as i64;
                tap.clamp(0, padded as i64 - 1) as u32
            });
            axis.weights[i] = weights.map(R::from_f64);
            inside = Some(inside.map_or(i, |r| r.start)..i + 1);
        }
        axis.inside = inside.unwrap_or(0..0);
        axis
    }

    /// Makes target index `i` a copy of source index `from[i]`.
    pub fn copy(&mut self, from: &[usize], margin: usize) {
        for (i, &source) in from.iter().enumerate() {
            self.taps[i] = [(source + margin).min(self.length - 1) as u32; N];
            self.weights[i] = std::array::from_fn(|k| if k == 0 { R::ONE } else { R::ZERO });
        }
    }

    /// The table of a stretch of target indices over a stretch of the source.
    pub fn part(&self, target: Range<usize>, source: Range<usize>) -> Self {
        let first = source.start as u32;
        let last = source.len().saturating_sub(1) as u32;
        // Taps without weight may lie outside of the range.
        let shift = |taps: &[u32; N]| taps.map(|tap| tap.saturating_sub(first).min(last));
        let inside = self.inside.start.max(target.start)..self.inside.end.min(target.end);
        assert!(
            inside.is_empty() || !source.is_empty(),
            "a stretch that finds the image needs a source"
        );
        Self {
            taps: self.taps[target.clone()].iter().map(shift).collect(),
            weights: self.weights[target.clone()].to_vec(),
            inside: match inside.is_empty() {
                true => 0..0,
                false => inside.start - target.start..inside.end - target.start,
            },
            length: source.len(),
        }
    }

    /// The source indices with a weight, and the weights, of target index `i`.
    pub fn mix(&self, i: usize) -> impl Iterator<Item = (usize, R)> + '_ {
        (0..N)
            .map(move |k| (self.taps[i][k] as usize, self.weights[i][k]))
            .filter(|(_, weight)| *weight != R::ZERO)
    }

    /// All source indices and weights of target index `i`.
    pub fn pair(&self, i: usize) -> ([usize; N], [R; N]) {
        (self.taps[i].map(|tap| tap as usize), self.weights[i])
    }

    /// The source indices that any target index needs.
    pub fn used(&self) -> Range<usize> {
        self.used_by(self.inside.clone())
    }

    /// The source indices that a stretch of target indices needs.
    pub fn used_by(&self, target: Range<usize>) -> Range<usize> {
        let inside = self.inside.start.max(target.start)..self.inside.end.min(target.end);
        let taps = || inside.clone().flat_map(|i| self.mix(i).map(|t| t.0));
        taps().min().unwrap_or(0)..taps().max().map_or(0, |last| last + 1)
    }

    /// Whether the target is a stretch of the source as it is: the first source index, then.
    pub fn copied_from(&self) -> Option<usize> {
        let at = |i: usize| {
            let mut mix = self.mix(i);
            match (mix.next(), mix.next()) {
                (Some((tap, weight)), None) if weight == R::ONE => Some(tap),
                _ => None,
            }
        };
        let first = at(self.inside.start).filter(|_| !self.inside.is_empty())?;
        self.inside
            .clone()
            .enumerate()
            .all(|(k, i)| at(i) == Some(first + k))
            .then_some(first)
    }

    /// Mixes a row of source values into the target indices that find the image.
    ///
    /// # Panics
    /// When `source` is shorter than the source axis or `target` than the target.
    #[inline(always)]
    pub fn gather(&self, source: &[R], target: &mut [R]) {
        let source = &source[..self.length];
        let range = self.inside.clone();
        let (taps, weights) = (&self.taps[range.clone()], &self.weights[range.clone()]);
        for ((value, taps), weights) in target[range].iter_mut().zip(taps).zip(weights) {
            let mut sum = R::ZERO;
            for k in 0..N {
                debug_assert!((taps[k] as usize) < source.len());
                // SAFETY: `at`, `copy` and `part` alone write taps, and keep each below `self.length`, to
                // which `source` was cut.
                sum += unsafe { *source.get_unchecked(taps[k] as usize) } * weights[k];
            }
            *value = sum;
        }
    }

    /// Copies from a row of source voxels what each target index that finds the image points at.
    ///
    /// # Panics
    /// When `source` is shorter than the source axis or `target` than the target.
    #[inline(always)]
    pub fn pick<T: Copy>(&self, source: &[T], target: &mut [T]) {
        let source = &source[..self.length];
        let range = self.inside.clone();
        for (value, taps) in target[range.clone()].iter_mut().zip(&self.taps[range]) {
            *value = source[taps[0] as usize];
        }
    }
}

/// The coordinate to interpolate at, when the image has something there.
#[inline(always)]
pub(crate) fn resolved(at: f64, length: usize, outside: Extrapolation, reach: f64) -> Option<f64> {
    let last = length as f64 - 1.0;
    let inside = match outside {
        Extrapolation::Value(_) => at >= -0.5 - SLACK && at < last + 0.5 - SLACK,
        Extrapolation::ValueBeyondCentres(_) => at >= -SLACK && at <= last + SLACK,
        Extrapolation::Edge => at.is_finite(),
    };
    if !inside {
        return None;
    }
    let at = match outside {
        Extrapolation::Value(_) => at,
        Extrapolation::ValueBeyondCentres(_) => at.clamp(0.0, last),
        Extrapolation::Edge => at.clamp(-reach, last + reach),
    };
    // Voxel centres and the borders between voxels count as hit when rounding missed them.
    let half = (2.0 * at).round() / 2.0;
    Some(if (at - half).abs() < SLACK { half } else { at })
}

#[cfg(test)]
mod tests {
    use super::super::kernel::{Cubic, Linear, Nearest};
    use super::*;

    /// Rows of a mix against a loop over its taps, for any two lengths; also of a stretch of the axis.
    fn gathered<K: Kernel<N>, const N: usize>(outside: Extrapolation) {
        for length in [1usize, 2, 3, 5, 7, 17] {
            for target in [1usize, 2, 3, 5, 7, 17] {
                let step = length as f64 / target as f64;
                let axis: Axis<f32, N> =
                    Axis::new::<K>(target, length, step, step / 2.0 - 0.7, outside);
                let padded = length + 2 * K::MARGIN;
                let source: Vec<f32> = (0..padded).map(|i| (i * i % 11) as f32 - 4.0).collect();
                let used = axis.used();
                let part = axis.part(0..target, used.clone());
                let (mut whole, mut of_part) = (vec![0.0; target], vec![0.0; target]);
                axis.gather(&source, &mut whole);
                part.gather(&source[used], &mut of_part);
                for i in 0..target {
                    let expected: f32 = match axis.inside.contains(&i) {
                        true => axis.mix(i).map(|(tap, weight)| source[tap] * weight).sum(),
                        false => 0.0,
                    };
                    let message = format!("{length} to {target}, {outside:?}, {i}");
                    assert!((whole[i] - expected).abs() < 1e-5, "{message}");
                    assert_eq!(whole[i], of_part[i], "{message}");
                }
            }
        }
    }

    #[test]
    fn odd_axes_mix_the_voxels_that_their_taps_name() {
        for outside in [
            Extrapolation::Value(0.0),
            Extrapolation::ValueBeyondCentres(0.0),
            Extrapolation::Edge,
        ] {
            gathered::<Linear, 2>(outside);
            gathered::<Nearest, 1>(outside);
            gathered::<Cubic, 4>(outside);
        }
    }
}
