//! Interpolation kernels: where the taps start and what they weigh.

/// A kernel of `N` taps along one axis.
pub(crate) trait Kernel<const N: usize>: Sync {
    /// How many voxels the source is continued beyond its borders before taps are read.
    const MARGIN: usize;
    /// How far beyond a border voxel's centre a continued border is still worth evaluating.
    const REACH: f64;
    /// The first tap, as a source index that may lie outside, and the weights of the taps from
    /// there on.
    fn weights(at: f64) -> (i64, [f64; N]);
}

/// Linear between two voxels.
pub(crate) struct Linear;

impl Kernel<2> for Linear {
    const MARGIN: usize = 0;
    const REACH: f64 = 0.0;
    #[inline(always)]
    fn weights(at: f64) -> (i64, [f64; 2]) {
        let floor = at.floor();
        let t = at - floor;
        (floor as i64, [1.0 - t, t])
    }
}

/// Cubic B-spline over coefficients.
pub(crate) struct Cubic;

impl Kernel<4> for Cubic {
    const MARGIN: usize = 2;
    // The spline through a repeated border voxel has that value again one voxel out.
    const REACH: f64 = 1.0;
    #[inline(always)]
    fn weights(at: f64) -> (i64, [f64; 4]) {
        let floor = at.floor();
        let t = at - floor;
        let u = 1.0 - t;
        // The cubic B-spline at distances 1+t, t, 1-t and 2-t.
        let weights = [
            u * u * u / 6.0,
            2.0 / 3.0 - t * t * (2.0 - t) / 2.0,
            2.0 / 3.0 - u * u * (2.0 - u) / 2.0,
            t * t * t / 6.0,
        ];
        (floor as i64 - 1, weights)
    }
}

/// The nearest voxel; halves go up.
pub(crate) struct Nearest;

impl Kernel<1> for Nearest {
    const MARGIN: usize = 0;
    const REACH: f64 = 0.0;
    #[inline(always)]
    fn weights(at: f64) -> (i64, [f64; 1]) {
        ((at + 0.5).floor() as i64, [1.0])
    }
}
