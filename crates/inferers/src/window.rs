//! Where windows lie on a grid and how much each of their voxels counts.
//!
//! Conventions are those of MONAI 1.6 (`dense_patch_slices`, `compute_importance_map`) and of nnU-Net
//! 2.8 (`compute_steps_for_sliding_window`, `compute_gaussian`).

use crate::Result;
use serde::{Deserialize, Serialize};
use vesalius_volume::check_memory;

/// How overlapping windows are blended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Blending {
    /// Every voxel of a window counts the same.
    Constant,
    /// Voxels near a window's middle count more: a Gaussian with σ an eighth of the window.
    #[default]
    Gaussian,
}

/// What a window sees beyond an image that is smaller than it: MONAI's `padding_mode` and `cval`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WindowOutside {
    /// One value.
    Value(f32),
    /// The border voxel, repeated.
    Replicate,
    /// The image mirrored at its border voxels; it must be longer than what is missing.
    Reflect,
    /// The image again; it must be as long as what is missing.
    Circular,
}

impl Default for WindowOutside {
    fn default() -> Self {
        Self::Value(0.0)
    }
}

impl WindowOutside {
    /// The voxel of an axis of `length` voxels that stands for an index outside of it; `None` for a value of its own.
    pub(crate) fn source(self, index: i64, length: usize) -> Option<usize> {
        let n = length as i64;
        let found = match self {
            Self::Value(_) => return None,
            Self::Replicate => index.clamp(0, n - 1),
            Self::Reflect if n == 1 => 0,
            Self::Reflect => {
                let folded = index.rem_euclid(2 * (n - 1));
                folded.min(2 * (n - 1) - folded)
            }
            Self::Circular => index.rem_euclid(n),
        };
        usize::try_from(found).ok()
    }

    /// The most voxels that may be missing on one side of an axis of `length` voxels, as PyTorch has it.
    pub(crate) fn most(self, length: usize) -> usize {
        match self {
            Self::Value(_) | Self::Replicate => usize::MAX,
            Self::Reflect => length.saturating_sub(1),
            Self::Circular => length,
        }
    }
}

/// The rule by which windows are placed and their voxels weighed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WindowRule {
    /// A fixed step, the last window moved back inside; weights not below 0.001.
    #[default]
    Monai,
    /// Steps of at most the requested one, spread evenly; weights rounded to 16-bit floats.
    Nnunet,
}

/// σ of [`Blending::Gaussian`] as a share of the window's size.
pub(crate) const SIGMA_SHARE: f64 = 0.125;
/// MONAI's weights are never smaller than this, so that no voxel is divided by (nearly) nothing.
const SMALLEST_WEIGHT: f32 = 1e-3;
/// nnU-Net's largest weight.
const LARGEST_WEIGHT: f64 = 10.0;
/// nnU-Net's kernel ends so many σ from its middle.
const REACH: f64 = 4.0;

/// Windows are at least so many voxels apart before their places are rounded.
const SMALLEST_STEP: f64 = 1.0 / 16.0;

impl WindowRule {
    /// First voxel of each window along one axis.
    ///
    /// Windows are at most `window · (1 - overlap)` apart, and at least one voxel; an axis that fits in one window has
    /// one.
    pub fn starts(self, size: usize, window: usize, overlap: f64) -> Vec<usize> {
        match self {
            Self::Monai => window_starts(size, window, overlap),
            Self::Nnunet => even_starts(size, window, overlap),
        }
    }

    /// Weights of a window of `size` voxels `[x, y, z]`, x fastest.
    ///
    /// # Errors
    /// [`vesalius_volume::Error::OutOfMemory`] for a window that no memory holds.
    pub fn weights(self, size: [usize; 3], blending: Blending) -> Result<Vec<f32>> {
        self.weights_of(size, blending, [SIGMA_SHARE; 3])
    }

    /// As [`WindowRule::weights`], with σ as a share of the window along each axis; nnU-Net's is its own.
    pub(crate) fn weights_of(
        self,
        size: [usize; 3],
        blending: Blending,
        sigma: [f64; 3],
    ) -> Result<Vec<f32>> {
        match (self, blending) {
            (Self::Nnunet, Blending::Gaussian) => half_weights(size),
            (_, Blending::Gaussian) => gaussian_weights(size, sigma),
            (_, Blending::Constant) => window_weights(size, blending),
        }
    }
}

/// First voxel of each window along one axis; the last window is moved back inside.
///
/// The step is `window · (1 - overlap)`, rounded down, at least 1; an axis that fits in one window has one.
///
/// ```
/// use vesalius_inferers::window_starts;
///
/// // Steps of half a window; the last window ends with the axis.
/// assert_eq!(window_starts(100, 40, 0.5), [0, 20, 40, 60]);
/// assert_eq!(window_starts(30, 40, 0.5), [0]);
/// ```
pub fn window_starts(size: usize, window: usize, overlap: f64) -> Vec<usize> {
    let last = size.saturating_sub(window);
    if last == 0 {
        return vec![0];
    }
    let step = ((window as f64 * (1.0 - overlap)) as usize).max(1);
    let mut starts: Vec<usize> = (0..last).step_by(step).collect();
    starts.push(last);
    starts
}

/// Weights of a window of `size` voxels `[x, y, z]`, x fastest.
///
/// ```
/// use vesalius_inferers::{Blending, window_weights};
///
/// // A Gaussian is largest in the middle.
/// let weights = window_weights([3, 1, 1], Blending::Gaussian)?;
/// assert_eq!((weights[0], weights[1]), (weights[2], 1.0));
/// assert!(weights[0] < 0.1);
/// # Ok::<(), vesalius_inferers::Error>(())
/// ```
///
/// # Errors
/// As [`WindowRule::weights`].
pub fn window_weights(size: [usize; 3], blending: Blending) -> Result<Vec<f32>> {
    check_memory("the weights of a window", size, 1, size_of::<f32>(), None)?;
    match blending {
        Blending::Constant => Ok(vec![1.0; size.iter().product()]),
        Blending::Gaussian => gaussian_weights(size, [SIGMA_SHARE; 3]),
    }
}

/// MONAI's Gaussian, with σ as a share of the window along each axis.
fn gaussian_weights(size: [usize; 3], sigma: [f64; 3]) -> Result<Vec<f32>> {
    check_memory("the weights of a window", size, 1, size_of::<f32>(), None)?;
    let axis = |axis: usize| -> Vec<f32> {
        let n = size[axis];
        let sigma = n as f32 * sigma[axis] as f32;
        let middle = (n as f32 - 1.0) / 2.0;
        (0..n)
            .map(|i| (-(i as f32 - middle).powi(2) / (2.0 * sigma * sigma)).exp())
            .collect()
    };
    let [x, y, z] = [0, 1, 2].map(axis);
    let mut weights = Vec::with_capacity(size.iter().product());
    for wz in &z {
        for wy in &y {
            weights.extend(x.iter().map(|wx| wx * wy * wz));
        }
    }
    let smallest = weights
        .iter()
        .copied()
        .fold(f32::INFINITY, f32::min)
        .max(SMALLEST_WEIGHT);
    weights.iter_mut().for_each(|w| *w = w.max(smallest));
    Ok(weights)
}

/// nnU-Net's places: as many as the step needs, spread evenly and rounded to the even voxel.
fn even_starts(size: usize, window: usize, overlap: f64) -> Vec<usize> {
    let last = size.saturating_sub(window) as f64;
    // Windows that overlap wholly would never advance.
    let step = match window as f64 * (1.0 - overlap) {
        step if step > 0.0 => step.max(SMALLEST_STEP),
        _ => 1.0,
    };
    let between = (last / step).ceil();
    if between == 0.0 {
        return vec![0];
    }
    (0..=between as usize)
        .map(|i| (last / between * i as f64).round_ties_even() as usize)
        .collect()
}

/// nnU-Net's weights: a Gaussian around the voxel at half the size, 10 at most, rounded to 16-bit
/// floats; what is zero there gets the smallest weight that is not.
fn half_weights(size: [usize; 3]) -> Result<Vec<f32>> {
    check_memory("the weights of a window", size, 1, size_of::<f32>(), None)?;
    let axis = |n: usize| -> Vec<f64> {
        let sigma = n as f64 * SIGMA_SHARE;
        let reach = (REACH * sigma + 0.5).floor();
        (0..n)
            .map(|i| {
                let from_middle = i as f64 - (n / 2) as f64;
                match from_middle.abs() <= reach {
                    true => (-0.5 * (from_middle / sigma).powi(2)).exp(),
                    false => 0.0,
                }
            })
            .collect()
    };
    let [x, y, z] = size.map(axis);
    let mut weights = Vec::with_capacity(size.iter().product());
    for wz in &z {
        for wy in &y {
            weights.extend(x.iter().map(|wx| half(wx * wy * wz * LARGEST_WEIGHT)));
        }
    }
    let smallest = weights
        .iter()
        .copied()
        .filter(|&w| w > 0.0)
        .fold(f32::INFINITY, f32::min);
    weights.iter_mut().for_each(|w| *w = w.max(smallest));
    Ok(weights)
}

/// The nearest 16-bit float, ties to even; for values from 0 to 65504.
fn half(value: f64) -> f32 {
    // Ten bits after the first; below 2^-14 they are fixed.
    let exponent = value.log2().floor().max(-14.0);
    let unit = (exponent - 10.0).exp2();
    ((value / unit).round_ties_even() * unit) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_an_axis_and_end_with_it() {
        assert_eq!(window_starts(10, 4, 0.25), [0, 3, 6]);
        assert_eq!(window_starts(11, 4, 0.25), [0, 3, 6, 7]);
        assert_eq!(window_starts(4, 4, 0.5), [0]);
        assert_eq!(window_starts(9, 4, 0.0), [0, 4, 5]);
        assert_eq!(window_starts(5, 1, 0.9), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn windows_larger_than_an_axis_and_wholly_overlapping_ones_end() {
        for rule in [WindowRule::Monai, WindowRule::Nnunet] {
            assert_eq!(rule.starts(3, 8, 0.5), [0]);
            assert_eq!(rule.starts(6, 4, 1.0), [0, 1, 2]);
            assert_eq!(rule.starts(6, 4, f64::NAN), [0, 1, 2]);
        }
    }

    #[test]
    fn nnunets_windows_are_spread_evenly() {
        let starts = |size, window| WindowRule::Nnunet.starts(size, window, 0.5);
        assert_eq!(starts(110, 64), [0, 23, 46]);
        assert_eq!(starts(64, 64), [0]);
        assert_eq!(starts(65, 64), [0, 1]);
        // nnU-Net 2.8.1: compute_steps_for_sliding_window((173,), (41,), 0.5)
        assert_eq!(starts(173, 41), [0, 19, 38, 57, 75, 94, 113, 132]);
    }

    #[test]
    fn nnunets_weights_are_16_bit_floats_with_a_peak_of_ten() {
        let weights = WindowRule::Nnunet
            .weights([40, 56, 40], Blending::Gaussian)
            .unwrap();
        let at = |x: usize, y: usize, z: usize| weights[(z * 56 + y) * 40 + x];
        // nnU-Net 2.8.1: compute_gaussian((40, 56, 40), 1/8, 10)
        assert_eq!(at(20, 28, 20), 10.0);
        assert_eq!(at(0, 0, 0), 2.0f32.powi(-24));
        assert_eq!(at(10, 28, 20), 1.353_515_6);
        assert_eq!(half(65504.0), 65504.0);
        assert_eq!(half(1.0 + 2f64.powi(-11)), 1.0);
    }

    #[test]
    fn what_lies_outside_is_as_torch_pads() {
        let row = |outside: WindowOutside| -> Vec<usize> {
            (-3..7).filter_map(|at| outside.source(at, 4)).collect()
        };
        assert_eq!(
            row(WindowOutside::Replicate),
            [0, 0, 0, 0, 1, 2, 3, 3, 3, 3]
        );
        assert_eq!(row(WindowOutside::Reflect), [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert_eq!(row(WindowOutside::Circular), [1, 2, 3, 0, 1, 2, 3, 0, 1, 2]);
        assert!(row(WindowOutside::Value(1.0)).is_empty());
        assert_eq!(WindowOutside::Reflect.source(9, 1), Some(0));
    }

    #[test]
    fn a_wider_gaussian_along_one_axis() {
        // MONAI 1.6.1: compute_importance_map((4, 4, 4), "gaussian", sigma_scale=(0.25, 0.5, 1.0)) at [0, 0, 0], and next to
        // it along its first and last axis.
        let weights = WindowRule::Monai
            .weights_of([4; 3], Blending::Gaussian, [0.25, 0.5, 1.0])
            .unwrap();
        for (at, expected) in [(0, 0.228_421_54), (1, 0.620_914_1), (16, 0.243_153_47)] {
            let found: f32 = weights[at];
            assert!((found - expected).abs() < 1e-6, "{at}: {found}");
        }
    }

    #[test]
    fn weights_peak_in_the_middle_and_have_a_floor() {
        let weights = window_weights([8, 5, 3], Blending::Gaussian).unwrap();
        let middle = weights[(8 * 5) + 2 * 8 + 3];
        assert!(weights.iter().all(|&w| w <= middle && w >= 1e-3));
        assert_eq!(weights[0], 1e-3);
        assert!(
            window_weights([2, 2, 2], Blending::Constant)
                .unwrap()
                .iter()
                .all(|&w| w == 1.0)
        );
    }
}
