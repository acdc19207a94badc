//! Cubic B-spline fields over a box: fitted to scattered residuals, refined, evaluated.
//!
//! S. Lee, G. Wolberg and S. Shin, "Scattered data interpolation with multilevel B-splines", 1997.
//! The data lie on a grid, so every sum of the fit splits into one sum per axis.

use rayon::prelude::*;

/// Control points of a cubic B-spline field, x fastest.
#[derive(Debug, Clone)]
pub(crate) struct ControlGrid {
    pub size: [usize; 3],
    pub points: Vec<f64>,
}

/// For each voxel along an axis: the first control point that matters, and four weights.
type Table = Vec<(usize, [f64; 4])>;

impl ControlGrid {
    pub fn zeros(size: [usize; 3]) -> Self {
        Self {
            size,
            points: vec![0.0; size.iter().product()],
        }
    }

    fn tables(&self, voxels: [usize; 3]) -> [Table; 3] {
        std::array::from_fn(|axis| {
            let spans = self.size[axis] - 3;
            (0..voxels[axis])
                .map(|i| {
                    // The box reaches from the first voxel's centre to the last one's.
                    let share = i as f64 / (voxels[axis].max(2) - 1) as f64;
                    let at = share * spans as f64;
                    let first = (at.floor() as usize).min(spans - 1);
                    (first, weights(at - first as f64))
                })
                .collect()
        })
    }

    /// The lattice of this size that approximates `values` where `confidence` is not zero.
    pub fn fit(size: [usize; 3], values: &[f64], confidence: &[f64], voxels: [usize; 3]) -> Self {
        let lattice = Self::zeros(size);
        let tables = lattice.tables(voxels);
        // A point's share of a control point is B³·value over the sum of its B², which is a
        // product over axes.
        let norms: [Vec<f64>; 3] = tables.each_ref().map(|t| {
            t.iter()
                .map(|(_, w)| w.iter().map(|w| w * w).sum())
                .collect()
        });
        let scaled: Vec<f64> = values
            .par_iter()
            .zip(confidence)
            .enumerate()
            .map(|(i, (value, confidence))| {
                let [x, y, z] = [
                    i % voxels[0],
                    i / voxels[0] % voxels[1],
                    i / (voxels[0] * voxels[1]),
                ];
                confidence * value / (norms[0][x] * norms[1][y] * norms[2][z])
            })
            .collect();
        let delta = scatter(&scaled, voxels, size, &tables, 3);
        let omega = scatter(confidence, voxels, size, &tables, 2);
        let points = delta.iter().zip(&omega);
        Self {
            size,
            points: points
                .map(|(d, o)| if *o > 0.0 { d / o } else { 0.0 })
                .collect(),
        }
    }

    pub fn add(&mut self, other: &Self) {
        for (point, other) in self.points.iter_mut().zip(&other.points) {
            *point += other;
        }
    }

    /// The same field with twice as many spans along each axis.
    pub fn refined(&self) -> Self {
        let mut here = self.clone();
        for axis in 0..3 {
            let (from, spans) = (here.size, here.size[axis] - 3);
            let mut size = from;
            size[axis] = 2 * spans + 3;
            let mut finer = Self::zeros(size);
            let stride = |size: [usize; 3]| size[..axis].iter().product::<usize>();
            for offset in 0..finer.points.len() {
                let i = offset / stride(size) % size[axis];
                let rest = offset / stride(size) / size[axis] * from[axis] * stride(from)
                    + offset % stride(size);
                let old = |j: usize| here.points[rest + j * stride(from)];
                // Subdivision of the cubic B-spline: (1, 4, 6, 4, 1) / 8.
                finer.points[offset] = if i % 2 == 0 {
                    0.5 * (old(i / 2) + old(i / 2 + 1))
                } else {
                    (old(i / 2) + 6.0 * old(i / 2 + 1) + old(i / 2 + 2)) / 8.0
                };
            }
            here = finer;
        }
        here
    }

    /// The field at every voxel.
    pub fn field(&self, voxels: [usize; 3]) -> Vec<f64> {
        let tables = self.tables(voxels);
        let [cx, cy, _] = self.size;
        let mut out = vec![0.0; voxels.iter().product()];
        out.par_chunks_mut(voxels[0] * voxels[1])
            .enumerate()
            .for_each(|(z, slice)| {
                let (first, wz) = tables[2][z];
                let mut plane = vec![0.0; cx * cy];
                for (k, w) in wz.iter().enumerate() {
                    let from = &self.points[(first + k) * cx * cy..][..cx * cy];
                    plane.iter_mut().zip(from).for_each(|(p, f)| *p += w * f);
                }
                for (y, row) in slice.chunks_mut(voxels[0]).enumerate() {
                    let (first, wy) = tables[1][y];
                    let mut line = vec![0.0; cx];
                    for (j, w) in wy.iter().enumerate() {
                        let from = &plane[(first + j) * cx..][..cx];
                        line.iter_mut().zip(from).for_each(|(l, f)| *l += w * f);
                    }
                    for (value, (first, wx)) in row.iter_mut().zip(&tables[0]) {
                        *value = wx.iter().zip(&line[*first..]).map(|(w, l)| w * l).sum();
                    }
                }
            });
        out
    }
}

/// Sums voxels into control points, each with the `power`-th power of its weights.
fn scatter(
    values: &[f64],
    voxels: [usize; 3],
    size: [usize; 3],
    tables: &[Table; 3],
    power: i32,
) -> Vec<f64> {
    let plane = size[0] * size[1];
    let planes: Vec<Vec<f64>> = values
        .par_chunks(voxels[0] * voxels[1])
        .map(|slice| {
            let mut out = vec![0.0; plane];
            for (y, row) in slice.chunks(voxels[0]).enumerate() {
                let mut line = vec![0.0; size[0]];
                for (value, (first, wx)) in row.iter().zip(&tables[0]) {
                    for (l, w) in line[*first..].iter_mut().zip(wx) {
                        *l += w.powi(power) * value;
                    }
                }
                let (first, wy) = tables[1][y];
                for (j, w) in wy.iter().enumerate() {
                    let to = &mut out[(first + j) * size[0]..][..size[0]];
                    to.iter_mut()
                        .zip(&line)
                        .for_each(|(t, l)| *t += w.powi(power) * l);
                }
            }
            out
        })
        .collect();
    let mut out = vec![0.0; plane * size[2]];
    for (z, from) in planes.iter().enumerate() {
        let (first, wz) = tables[2][z];
        for (k, w) in wz.iter().enumerate() {
            let to = &mut out[(first + k) * plane..][..plane];
            to.iter_mut()
                .zip(from)
                .for_each(|(t, f)| *t += w.powi(power) * f);
        }
    }
    out
}

/// The four cubic B-spline weights at `t` in [0, 1] of a span.
fn weights(t: f64) -> [f64; 4] {
    let u = 1.0 - t;
    [
        u * u * u / 6.0,
        2.0 / 3.0 - t * t * (2.0 - t) / 2.0,
        2.0 / 3.0 - u * u * (2.0 - u) / 2.0,
        t * t * t / 6.0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refining_keeps_the_field() {
        let mut lattice = ControlGrid::zeros([4, 5, 4]);
        for (i, point) in lattice.points.iter_mut().enumerate() {
            *point = ((i * 37) % 11) as f64;
        }
        let voxels = [9, 8, 5];
        let finer = lattice.refined();
        assert_eq!(finer.size, [5, 7, 5]);
        for (a, b) in lattice.field(voxels).iter().zip(finer.field(voxels)) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    /// The sums split by axis are the sums over points of Lee, Wolberg and Shin.
    #[test]
    fn the_fit_is_that_of_the_paper() {
        let (size, voxels) = ([5, 4, 4], [7, 6, 3]);
        let value = |i: usize| ((i * 31) % 13) as f64 - 6.0;
        let values: Vec<f64> = (0..126).map(value).collect();
        let confidence: Vec<f64> = (0..126).map(|i| f64::from(u8::from(i % 5 != 0))).collect();
        let fitted = ControlGrid::fit(size, &values, &confidence, voxels);
        let tables = ControlGrid::zeros(size).tables(voxels);
        let (mut delta, mut omega) = (vec![0.0; 80], vec![0.0; 80]);
        for (i, value) in values.iter().enumerate() {
            let at = [i % 7, i / 7 % 6, i / 42];
            let near: Vec<(usize, f64)> = (0..64)
                .map(|k| {
                    let step = [k % 4, k / 4 % 4, k / 16];
                    let of = |a: usize| tables[a][at[a]].0 + step[a];
                    let weight: f64 = (0..3).map(|a| tables[a][at[a]].1[step[a]]).product();
                    ((of(2) * size[1] + of(1)) * size[0] + of(0), weight)
                })
                .collect();
            let norm: f64 = near.iter().map(|(_, w)| w * w).sum();
            for (point, weight) in near {
                let phi = weight * value / norm;
                delta[point] += confidence[i] * weight * weight * phi;
                omega[point] += confidence[i] * weight * weight;
            }
        }
        for (point, (delta, omega)) in fitted.points.iter().zip(delta.iter().zip(&omega)) {
            assert!((point - if *omega > 0.0 { delta / omega } else { 0.0 }).abs() < 1e-10);
        }
    }
}
