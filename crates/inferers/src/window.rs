//! Where windows lie on a grid and how much each of their voxels counts.
//!
//! Conventions are those of MONAI 1.6 (`dense_patch_slices`, `compute_importance_map`).

use serde::{Deserialize, Serialize};

/// How overlapping windows are blended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blending {
    /// Every voxel of a window counts the same.
    Constant,
    /// Voxels near a window's middle count more: a Gaussian with σ an eighth of the window.
    #[default]
    Gaussian,
}

/// σ of [`Blending::Gaussian`] as a share of the window's size.
const SIGMA_SHARE: f32 = 0.125;
/// Weights are never smaller than this, so that no voxel is divided by (nearly) nothing.
const SMALLEST_WEIGHT: f32 = 1e-3;

/// First voxel of each window along one axis; the last window is moved back inside.
///
/// `size` must not be smaller than `window`; the step is `window · (1 - overlap)`, rounded down, at
/// least 1, and the whole window where the axis fits in one.
pub fn window_starts(size: usize, window: usize, overlap: f64) -> Vec<usize> {
    let last = size - window;
    if last == 0 {
        return vec![0];
    }
    let step = ((window as f64 * (1.0 - overlap)) as usize).max(1);
    let mut starts: Vec<usize> = (0..last).step_by(step).collect();
    starts.push(last);
    starts
}

/// Weights of a window of `size` voxels `[x, y, z]`, x fastest.
pub fn window_weights(size: [usize; 3], blending: Blending) -> Vec<f32> {
    let voxels = size.iter().product();
    if blending == Blending::Constant {
        return vec![1.0; voxels];
    }
    let axis = |n: usize| -> Vec<f32> {
        let sigma = n as f32 * SIGMA_SHARE;
        let middle = (n as f32 - 1.0) / 2.0;
        (0..n)
            .map(|i| (-(i as f32 - middle).powi(2) / (2.0 * sigma * sigma)).exp())
            .collect()
    };
    let [x, y, z] = size.map(axis);
    let mut weights = Vec::with_capacity(voxels);
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
    weights
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
    fn weights_peak_in_the_middle_and_have_a_floor() {
        let weights = window_weights([8, 5, 3], Blending::Gaussian);
        let middle = weights[(8 * 5) + 2 * 8 + 3];
        assert!(weights.iter().all(|&w| w <= middle && w >= 1e-3));
        assert_eq!(weights[0], 1e-3);
        assert!(
            window_weights([2, 2, 2], Blending::Constant)
                .iter()
                .all(|&w| w == 1.0)
        );
    }
}
