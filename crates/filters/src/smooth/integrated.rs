//! The Gaussian integrated over voxels.

use crate::erf::erf;
use crate::{Error, Result};

/// The share of a Gaussian of deviation `sigma` (voxels) around a voxel's centre that lies in that voxel and in each of its
/// neighbours to both sides, out to `truncate` deviations: MONAI's `gaussian_1d` with `approx="erf"`. The middle value is
/// the centre's.
///
/// # Errors
/// [`Error::BadOption`] when a value is not above 0, or the kernel would have more than 2²⁰ values.
///
/// ```
/// use vesalius_filters::integrated_gaussian_kernel;
///
/// let kernel = integrated_gaussian_kernel(1.0, 4.0)?;
/// assert_eq!(kernel.len(), 9);
/// assert!((kernel[4] - 0.382_924_922_548_026).abs() < 1e-12, "the probability of |x| < 1/2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn integrated_gaussian_kernel(sigma: f64, truncate: f64) -> Result<Vec<f64>> {
    let reach = (sigma * truncate).max(0.5) + 0.5;
    for (key, value) in [("sigma", sigma), ("truncate", truncate)] {
        if !(value > 0.0 && reach < f64::from(1 << 19)) {
            let expected = "above 0, and a kernel of at most 2^20 values";
            return Err(Error::option("integrated Gaussian", key, value, expected));
        }
    }
    let reach = reach as i64;
    let scale = std::f64::consts::FRAC_1_SQRT_2 / sigma;
    let share = |x: i64| {
        let x = x as f64;
        let share = erf(scale * (x + 0.5)) - erf(scale * (x - 0.5));
        (0.5 * share).max(0.0)
    };
    Ok((-reach..=reach).map(share).collect())
}
