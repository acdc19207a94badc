//! Facts about each label: how much, where, how it lies, and what the image shows there.

use crate::grid::Bounds;
use crate::scalar::Real;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap, Volume};

/// The shape of one label.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LabelShape {
    /// The label.
    pub label: u32,
    /// Number of voxels.
    pub voxels: usize,
    /// Volume in millilitres.
    pub millilitres: f64,
    /// The smallest box around it.
    pub bounds: Bounds,
    /// Mean position, RAS+ mm.
    pub centroid: [f64; 3],
    /// Variances of the voxels' centres along the principal axes, mm², rising (ITK).
    pub principal_moments: [f64; 3],
    /// The principal axes, unit vectors in RAS+, in the order of the moments.
    pub principal_axes: [[f64; 3]; 3],
}

/// What an image shows within one label.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LabelIntensity {
    /// The label.
    pub label: u32,
    /// Number of voxels.
    pub voxels: usize,
    /// Smallest value.
    pub minimum: f64,
    /// Largest value.
    pub maximum: f64,
    /// Sum of the values.
    pub sum: f64,
    /// Mean value.
    pub mean: f64,
    /// Standard deviation, divided by one less than the number of voxels; 0 for one voxel.
    pub deviation: f64,
    /// Third standardised moment, 0 without spread.
    pub skewness: f64,
    /// Fourth standardised moment less 3, 0 without spread.
    pub excess_kurtosis: f64,
}

/// Sums over the voxels of a label, indices relative to the image's first voxel.
#[derive(Clone, Copy)]
struct Sums {
    voxels: usize,
    low: [usize; 3],
    high: [usize; 3],
    /// Σ of index, and of products xx, xy, xz, yy, yz, zz; whole numbers, so exact.
    first: [u128; 3],
    second: [u128; 6],
}

const NOTHING: Sums = Sums {
    voxels: 0,
    low: [usize::MAX; 3],
    high: [0; 3],
    first: [0; 3],
    second: [0; 6],
};

impl Sums {
    /// Adds the voxels `start..end` of row `y`, `z`.
    fn add_run(&mut self, start: usize, end: usize, y: usize, z: usize) {
        let n = (end - start) as u128;
        let below = |k: usize| (k as u128 * (k as u128).saturating_sub(1)) / 2;
        let squares = |k: usize| {
            let k = k as u128;
            if k == 0 {
                0
            } else {
                (k - 1) * k * (2 * k - 1) / 6
            }
        };
        let (sx, sxx) = (below(end) - below(start), squares(end) - squares(start));
        let (y1, z1) = (y as u128, z as u128);
        self.voxels += end - start;
        for (axis, (first, last)) in [(start, end), (y, y + 1), (z, z + 1)]
            .into_iter()
            .enumerate()
        {
            self.low[axis] = self.low[axis].min(first);
            self.high[axis] = self.high[axis].max(last);
        }
        let first = [sx, y1 * n, z1 * n];
        let second = [sxx, sx * y1, sx * z1, y1 * y1 * n, y1 * z1 * n, z1 * z1 * n];
        self.first.iter_mut().zip(first).for_each(|(s, v)| *s += v);
        self.second
            .iter_mut()
            .zip(second)
            .for_each(|(s, v)| *s += v);
    }

    fn merge(&mut self, other: &Self) {
        self.voxels += other.voxels;
        for axis in 0..3 {
            self.low[axis] = self.low[axis].min(other.low[axis]);
            self.high[axis] = self.high[axis].max(other.high[axis]);
        }
        self.first
            .iter_mut()
            .zip(other.first)
            .for_each(|(s, v)| *s += v);
        self.second
            .iter_mut()
            .zip(other.second)
            .for_each(|(s, v)| *s += v);
    }
}

/// The shape of each label other than 0, in rising order of labels.
///
/// ```
/// use vesalius_filters::label_shapes;
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([20, 10, 10], [1.0, 1.0, 5.0])?;
/// let labels = LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x < 10));
/// let shapes = label_shapes(&labels);
/// assert_eq!(shapes.len(), 1);
/// // 1000 voxels of 5 mm³ are 5 ml.
/// assert_eq!((shapes[0].voxels, shapes[0].millilitres), (1000, 5.0));
/// assert_eq!(shapes[0].centroid, [4.5, 4.5, 22.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label_shapes<T: Label>(labels: &LabelMap<T>) -> Vec<LabelShape> {
    shapes(labels, &Work::unwatched())
}

/// As [`label_shapes`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn label_shapes_with<T: Label>(
    labels: &LabelMap<T>,
    control: &Control,
) -> Result<Vec<LabelShape>> {
    let work = Work::new(control, "voxels", labels.data().len());
    let found = shapes(labels, &work);
    work.finish()?;
    Ok(found)
}

/// The shapes, of the slices that were looked at where the work is cancelled; counts the voxels.
fn shapes<T: Label>(labels: &LabelMap<T>, work: &Work) -> Vec<LabelShape> {
    let grid = labels.geometry();
    let [nx, ny, _] = grid.size();
    let background = T::default();
    let slices: Vec<BTreeMap<T, Sums>> = labels
        .data()
        .par_chunks((nx * ny).max(1))
        .enumerate()
        .map(|(z, slice)| {
            let mut found: BTreeMap<T, Sums> = BTreeMap::new();
            if !work.goes_on() {
                return found;
            }
            for (y, row) in slice.chunks(nx).enumerate() {
                let mut start = 0;
                for run in row.chunk_by(|a, b| a == b) {
                    let end = start + run.len();
                    if run[0] != background {
                        found
                            .entry(run[0])
                            .or_insert(NOTHING)
                            .add_run(start, end, y, z);
                    }
                    start = end;
                }
            }
            work.advance(slice.len());
            found
        })
        .collect();
    let mut total: BTreeMap<T, Sums> = BTreeMap::new();
    for (label, sums) in slices.into_iter().flatten() {
        total.entry(label).or_insert(NOTHING).merge(&sums);
    }
    total
        .into_iter()
        .map(|(label, sums)| shape(label.into(), &sums, grid))
        .collect()
}

fn shape(label: u32, sums: &Sums, grid: &vesalius_volume::Geometry) -> LabelShape {
    let n = sums.voxels as f64;
    let mean = sums.first.map(|s| s as f64 / n);
    const PAIRS: [(usize, usize); 6] = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
    let mut index = [[0.0; 3]; 3];
    for (&(a, b), &sum) in PAIRS.iter().zip(&sums.second) {
        // n·Σab - Σa·Σb in whole numbers: no digits are lost however far from the origin.
        let (ab, a_b) = (sum * sums.voxels as u128, sums.first[a] * sums.first[b]);
        let covariance = if ab >= a_b {
            (ab - a_b) as f64
        } else {
            -((a_b - ab) as f64)
        } / (n * n);
        index[a][b] = covariance;
        index[b][a] = covariance;
    }
    let linear = grid.affine().linear();
    let world = |index: [[f64; 3]; 3]| -> [[f64; 3]; 3] {
        std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                let terms =
                    (0..9).map(|k| linear[i][k / 3] * index[k / 3][k % 3] * linear[j][k % 3]);
                terms.sum()
            })
        })
    };
    let (principal_moments, principal_axes) = eigen(world(index));
    LabelShape {
        label,
        voxels: sums.voxels,
        millilitres: n * grid.voxel_volume() / 1000.0,
        bounds: Bounds {
            start: sums.low,
            size: std::array::from_fn(|a| sums.high[a] - sums.low[a]),
        },
        centroid: grid.index_to_world(mean),
        principal_moments,
        principal_axes,
    }
}

/// Eigenvalues, rising, and eigenvectors of a symmetric matrix, by Jacobi rotations.
fn eigen(mut m: [[f64; 3]; 3]) -> ([f64; 3], [[f64; 3]; 3]) {
    let mut v = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..60 {
        let pairs = [(0, 1), (0, 2), (1, 2)];
        if pairs.iter().all(|&(p, q)| m[p][q] == 0.0) {
            break;
        }
        for (p, q) in pairs {
            if m[p][q] == 0.0 {
                continue;
            }
            let theta = (m[q][q] - m[p][p]) / (2.0 * m[p][q]);
            let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
            let c = 1.0 / (t * t + 1.0).sqrt();
            let s = t * c;
            for row in &mut m {
                (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
            }
            let (a, b) = (m[p], m[q]);
            m[p] = std::array::from_fn(|k| c * a[k] - s * b[k]);
            m[q] = std::array::from_fn(|k| s * a[k] + c * b[k]);
            for row in &mut v {
                (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
            }
        }
    }
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| m[a][a].total_cmp(&m[b][b]));
    (
        order.map(|k| m[k][k]),
        order.map(|k| [v[0][k], v[1][k], v[2][k]]),
    )
}

/// What the image's first channel shows within each label other than 0, in rising order of labels.
///
/// # Errors
/// [`Error::Volume`] when the two do not share a grid.
///
/// ```
/// use vesalius_filters::label_intensities;
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let image = Volume::new(grid, 1, vec![10.0_f32, 20.0, 40.0, 900.0])?;
/// let labels = LabelMap::<u16>::new(grid, vec![2, 2, 2, 0])?;
/// let facts = label_intensities(&image, &labels)?;
/// assert_eq!((facts[0].label, facts[0].minimum, facts[0].maximum), (2, 10.0, 40.0));
/// assert!((facts[0].mean - 70.0 / 3.0).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label_intensities<R: Real, T: Label>(
    image: &Volume<R>,
    labels: &LabelMap<T>,
) -> Result<Vec<LabelIntensity>> {
    intensities(image, labels, &Work::unwatched())
}

/// As [`label_intensities`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`label_intensities`]; [`Error::Cancelled`].
pub fn label_intensities_with<R: Real, T: Label>(
    image: &Volume<R>,
    labels: &LabelMap<T>,
    control: &Control,
) -> Result<Vec<LabelIntensity>> {
    // Each voxel is read for the means and for the moments.
    let voxels = 2 * labels.data().len();
    intensities(image, labels, &Work::new(control, "voxels", voxels))
}

fn intensities<R: Real, T: Label>(
    image: &Volume<R>,
    labels: &LabelMap<T>,
    work: &Work,
) -> Result<Vec<LabelIntensity>> {
    image
        .geometry()
        .check_same(labels.geometry(), "image and labels")
        .map_err(Error::from)?;
    let background = T::default();
    // Every labelled voxel, until the work is cancelled.
    let each = |voxel: &mut dyn FnMut(T, f64)| {
        let mut values = image.channel(0).iter();
        work.read(labels.data(), |part| {
            for (&label, value) in part.iter().zip(values.by_ref()) {
                if label != background {
                    voxel(label, value.to_f64());
                }
            }
        });
        work.check()
    };
    // Means first, so that the moments are sums of small numbers.
    let mut ranges: BTreeMap<T, (usize, f64, f64, f64)> = BTreeMap::new();
    each(&mut |label, value| {
        let none = (0, 0.0, f64::INFINITY, f64::NEG_INFINITY);
        let (count, sum, low, high) = ranges.entry(label).or_insert(none);
        *count += 1;
        *sum += value;
        *low = low.min(value);
        *high = high.max(value);
    })?;
    let mut powers: BTreeMap<T, [f64; 3]> = BTreeMap::new();
    each(&mut |label, value| {
        let (count, sum, ..) = ranges[&label];
        let d = value - sum / count as f64;
        let moments = powers.entry(label).or_insert([0.0; 3]);
        moments
            .iter_mut()
            .zip([d * d, d * d * d, d * d * d * d])
            .for_each(|(m, p)| *m += p);
    })?;
    work.finish()?;
    Ok(ranges
        .into_iter()
        .map(|(label, (voxels, sum, minimum, maximum))| {
            let n = voxels as f64;
            let [second, third, fourth] = powers[&label];
            let variance = second / (n - 1.0).max(1.0);
            let spread = variance > 0.0;
            LabelIntensity {
                label: label.into(),
                voxels,
                minimum,
                maximum,
                sum,
                mean: sum / n,
                deviation: variance.sqrt(),
                skewness: if spread {
                    third / n / variance.powf(1.5)
                } else {
                    0.0
                },
                excess_kurtosis: if spread {
                    fourth / n / variance.powi(2) - 3.0
                } else {
                    0.0
                },
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_are_kept_in_their_directions() {
        let m = [[4.0, 1.0, -2.0], [1.0, 3.0, 0.5], [-2.0, 0.5, 5.0]];
        let (values, vectors) = eigen(m);
        assert!(values[0] <= values[1] && values[1] <= values[2]);
        for (value, v) in values.iter().zip(vectors) {
            for row in 0..3 {
                let moved: f64 = (0..3).map(|k| m[row][k] * v[k]).sum();
                assert!((moved - value * v[row]).abs() < 1e-12);
            }
        }
    }
}
