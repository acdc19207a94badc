//! Labels on another grid: the nearest voxel, or a vote of smooth per-label maps; never a mixture.

use super::axis::resolved;
use super::engine::{IndexMap, resampling};
use super::kernel::{Kernel, Linear, Nearest};
use super::window::Window;
use super::{Extrapolation, points, separable};
use crate::buffer;
use crate::erf::erf;
use crate::grid::permute_within;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Affine, Geometry, Label, LabelMap};

/// How a label between voxels is decided.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum LabelInterpolation {
    /// The label of the nearest voxel; halves go up, as in ITK.
    #[default]
    Nearest,
    /// Each label's mask is interpolated linearly; the largest share wins, the smaller label
    /// where shares are equal.
    Linear,
    /// Each label's mask is weighed by a Gaussian around the point (ITK's `LabelGaussian`).
    Gaussian {
        /// Standard deviation along `[x, y, z]`, in voxels of the source.
        sigma: [f64; 3],
        /// The Gaussian is cut off at this many standard deviations.
        alpha: f64,
    },
}

/// Options of [`resample_labels`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelResampleOptions {
    /// How a label between voxels is decided.
    pub interpolation: LabelInterpolation,
    /// What a grid finds where the label map has no voxels; a value is cut to a label.
    pub outside: Extrapolation,
}

impl Default for LabelResampleOptions {
    fn default() -> Self {
        Self {
            interpolation: LabelInterpolation::Nearest,
            outside: Extrapolation::Value(0.0),
        }
    }
}

/// The labels of `input` at the voxels of `target`.
///
/// # Errors
/// [`Error::NoVoxels`] when the input is empty, [`Error::BadOption`] when the outside value is not
/// a label or a Gaussian has no width.
///
/// ```
/// use vesalius_filters::{LabelResampleOptions, resample_labels, resized_grid};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [2.0, 1.0, 1.0])?;
/// let labels = LabelMap::<u16>::new(grid, vec![0, 3, 3, 8])?;
/// let fine = resample_labels(&labels, &resized_grid(&grid, [8, 1, 1])?, &LabelResampleOptions::default())?;
/// assert_eq!(fine.data(), [0, 0, 3, 3, 3, 3, 8, 8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resample_labels<T: Label>(
    input: &LabelMap<T>,
    target: &Geometry,
    options: &LabelResampleOptions,
) -> Result<LabelMap<T>> {
    resample_labels_through(input, target, &Affine::IDENTITY, options)
}

/// The labels of `input` at the points `map(p)`, for the world position `p` (RAS+ mm) of each voxel
/// of `target`: ITK's direction, from the output to the input.
///
/// # Errors
/// As [`resample_labels`].
pub fn resample_labels_through<T: Label>(
    input: &LabelMap<T>,
    target: &Geometry,
    map: &Affine,
    options: &LabelResampleOptions,
) -> Result<LabelMap<T>> {
    through(input, target, map, options, &Work::unwatched())
}

/// As [`resample_labels_through`], cancelled and followed through a control, in the stage `resampling`.
///
/// # Errors
/// As [`resample_labels_through`]; [`Error::Cancelled`].
pub fn resample_labels_through_with<T: Label>(
    input: &LabelMap<T>,
    target: &Geometry,
    map: &Affine,
    options: &LabelResampleOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    let work = resampling(control, target, 1);
    through(input, target, map, options, &work)
}

fn through<T: Label>(
    input: &LabelMap<T>,
    target: &Geometry,
    map: &Affine,
    options: &LabelResampleOptions,
    work: &Work,
) -> Result<LabelMap<T>> {
    let fill = outside_label::<T>(options.outside)?;
    check(options)?;
    let index_map = IndexMap::new(input.geometry(), target, map)?;
    if target.voxel_count() == 0 {
        return Ok(LabelMap::new(*target, Vec::new())?);
    }
    buffer::check::<T>(target, 1, 0)?;
    let mut out = buffer::filled(fill, target.voxel_count());
    let (length, size) = (input.geometry().size(), target.size());
    let parallel = index_map.parallel_order();
    if let Some(order) = parallel.filter(|&order| order != [0, 1, 2]) {
        let turned = permute_within(input, order, work)?;
        let mut options = *options;
        if let LabelInterpolation::Gaussian { sigma, .. } = &mut options.interpolation {
            *sigma = order.map(|axis| sigma[axis]);
        }
        return through(&turned, target, map, &options, work);
    }
    if options.interpolation == LabelInterpolation::Nearest && parallel.is_some() {
        let axes = index_map.axes::<f32, Nearest, 1>(options.outside);
        separable::separable_nearest(input.data(), length, &axes, &mut out, size, work);
    } else {
        let position = |i: [usize; 3]| index_map.position(i);
        let from = Window::all(input.data(), length);
        label_points(&from, &position, options, &mut out, size, work);
    }
    work.check()?;
    Ok(LabelMap::new(*target, out)?)
}

/// Labels voxel by voxel, at positions in the source's index space.
pub(crate) fn label_points<T: Label>(
    input: &Window<T>,
    position: &(impl Fn([usize; 3]) -> [f64; 3] + Sync),
    options: &LabelResampleOptions,
    out: &mut [T],
    size: [usize; 3],
    work: &Work,
) {
    let length = input.whole;
    if options.interpolation == LabelInterpolation::Nearest {
        return points::nearest(input, position, options.outside, out, size, work);
    }
    out.par_chunks_mut(size[0].max(1))
        .enumerate()
        .for_each_init(Vec::new, |votes, (line, target)| {
            if !work.goes_on() {
                return;
            }
            work.advance(1);
            let (y, z) = (line % size[1], line / size[1]);
            for (x, value) in target.iter_mut().enumerate() {
                let at = position([x, y, z]);
                let at: [Option<f64>; 3] =
                    std::array::from_fn(|a| resolved(at[a], length[a], options.outside, 0.0));
                if let [Some(x), Some(y), Some(z)] = at {
                    *value = match options.interpolation {
                        LabelInterpolation::Gaussian { sigma, alpha } => {
                            gaussian_vote(input, [x, y, z], sigma, alpha, votes)
                        }
                        _ => linear_vote(input, [x, y, z], votes),
                    };
                }
            }
        });
}

/// The outside value as a label.
pub(crate) fn outside_label<T: Label>(outside: Extrapolation) -> Result<T> {
    match outside {
        Extrapolation::Edge => Ok(T::default()),
        Extrapolation::Value(value) | Extrapolation::ValueBeyondCentres(value) => {
            let label = value as u32;
            T::try_from(label)
                .ok()
                .filter(|_| f64::from(label) == value)
                .ok_or_else(|| {
                    Error::option(
                        "resample",
                        "outside",
                        value,
                        "a whole number that fits the label type",
                    )
                })
        }
    }
}

pub(crate) fn check(options: &LabelResampleOptions) -> Result<()> {
    match options.interpolation {
        LabelInterpolation::Gaussian { sigma, alpha }
            if !(sigma.iter().all(|s| s.is_finite() && *s > 0.0)
                && alpha.is_finite()
                && alpha > 0.0) =>
        {
            Err(Error::option(
                "resample",
                "interpolation",
                options.interpolation,
                "positive standard deviations and a positive cut-off",
            ))
        }
        _ => Ok(()),
    }
}

/// Adds a weight to a label's votes.
fn vote<T: Label>(votes: &mut Vec<(T, f64)>, label: T, weight: f64) {
    match votes.iter_mut().find(|(known, _)| *known == label) {
        Some((_, sum)) => *sum += weight,
        None => votes.push((label, weight)),
    }
}

fn linear_vote<T: Label>(input: &Window<T>, at: [f64; 3], votes: &mut Vec<(T, f64)>) -> T {
    votes.clear();
    let axes: [(i64, [f64; 2]); 3] = at.map(Linear::weights);
    for k in 0..2 {
        for j in 0..2 {
            for i in 0..2 {
                let weight = axes[2].1[k] * axes[1].1[j] * axes[0].1[i];
                let index = std::array::from_fn(|a| axes[a].0 + [i, j, k][a] as i64);
                vote(votes, input.get(index), weight);
            }
        }
    }
    let best = votes.iter().fold(0.0f64, |best, v| best.max(v.1));
    // Shares of one whole: what rounding leaves between equal ones is far below this, whatever the spacing.
    let winners = votes.iter().filter(|v| v.1 >= best - 1e-9).map(|v| v.0);
    winners.min().unwrap_or_default()
}

/// The label with the most Gaussian weight around a point; the weight of a voxel is the Gaussian's
/// integral over it (ITK's `LabelImageGaussianInterpolateImageFunction`).
fn gaussian_vote<T: Label>(
    input: &Window<T>,
    at: [f64; 3],
    sigma: [f64; 3],
    alpha: f64,
    votes: &mut Vec<(T, f64)>,
) -> T {
    votes.clear();
    let length = input.whole;
    let weights: [(usize, Vec<f64>); 3] = std::array::from_fn(|axis| {
        let reach = sigma[axis] * alpha;
        let first = (at[axis] + 0.5 - reach).floor().max(0.0) as usize;
        let last = ((at[axis] + 0.5 + reach).ceil().max(0.0) as usize).min(length[axis]);
        let scale = 1.0 / (std::f64::consts::SQRT_2 * sigma[axis]);
        let edge = |i: usize| erf((i as f64 - 0.5 - at[axis]) * scale);
        (
            first,
            (first..last).map(|i| edge(i + 1) - edge(i)).collect(),
        )
    });
    for (k, wz) in weights[2].1.iter().enumerate() {
        for (j, wy) in weights[1].1.iter().enumerate() {
            for (i, wx) in weights[0].1.iter().enumerate() {
                let index = [weights[0].0 + i, weights[1].0 + j, weights[2].0 + k];
                vote(votes, input.get(index.map(|n| n as i64)), wx * wy * wz);
            }
        }
    }
    let mut best = (T::default(), 0.0);
    for &(label, weight) in votes.iter() {
        if weight > best.1 {
            best = (label, weight);
        }
    }
    best.0
}
