//! The rows of a grid around a voxel, by their distance: the order in which a search for the nearest visits them.
//!
//! Axes need not be at right angles: a sheared grid has its rows' nearest places shifted.

use vesalius_volume::Affine;

/// Distance of rows (steps in y and z) from the one searched from.
pub(crate) struct Row {
    pub dy: i64,
    pub dz: i64,
    /// Squared distance across the row's direction, mm².
    pub across: f64,
    /// Where the row is nearest: whole voxels and the rest, along x. Zero on orthogonal axes.
    pub whole: i64,
    pub rest: f64,
}

/// The axes of a grid, in mm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    columns: [[f64; 3]; 3],
    spacing: [f64; 3],
    voxel_volume: f64,
}

impl Metric {
    pub fn of(affine: &Affine) -> Self {
        let rows = affine.linear();
        Self {
            columns: std::array::from_fn(|j| rows.map(|row| row[j])),
            spacing: affine.column_lengths(),
            voxel_volume: affine.determinant().abs(),
        }
    }

    /// mm³.
    pub fn voxel_volume(&self) -> f64 {
        self.voxel_volume
    }

    /// Cosine of the angle between two axes, 0 where they are at right angles up to rounding.
    fn cosine(&self, i: usize, j: usize) -> f64 {
        let (a, b) = (self.columns[i], self.columns[j]);
        let dot: f64 = (0..3).map(|k| a[k] * b[k]).sum();
        let cosine = dot / (self.spacing[i] * self.spacing[j]);
        if cosine.abs() < 1e-7 { 0.0 } else { cosine }
    }

    pub fn spacing(&self) -> [f64; 3] {
        self.spacing
    }

    pub fn is_orthogonal(&self) -> bool {
        [(0, 1), (0, 2), (1, 2)]
            .iter()
            .all(|&(i, j)| self.cosine(i, j) == 0.0)
    }

    fn row(&self, dy: i64, dz: i64) -> Row {
        let [sx, sy, sz] = self.spacing;
        let (y, z) = (dy as f64 * sy, dz as f64 * sz);
        if self.is_orthogonal() {
            return Row {
                dy,
                dz,
                across: y * y + z * z,
                whole: 0,
                rest: 0.0,
            };
        }
        let along = y * self.cosine(0, 1) + z * self.cosine(0, 2);
        let squared = y * y + z * z + 2.0 * y * z * self.cosine(1, 2);
        let shift = -along / sx;
        Row {
            dy,
            dz,
            across: (squared - along * along).max(0.0),
            whole: shift.floor() as i64,
            rest: shift - shift.floor(),
        }
    }

    /// Rows by rising distance, about `limit` of them, and the squared distance that every row
    /// left out has at least.
    pub fn rows(&self, size: [usize; 3], limit: usize) -> (Vec<Row>, f64) {
        let [ny, nz] = [size[1] as i64 - 1, size[2] as i64 - 1];
        let whole = (2 * ny + 1) * (2 * nz + 1) <= limit as i64;
        let area = self.spacing[1] * self.spacing[2];
        let radius = (limit as f64 * area / std::f64::consts::PI).sqrt();
        let reach = |n: i64, axis: usize| {
            let within = (radius / self.spacing[axis]) as i64;
            if whole { n } else { n.min(within.max(1)) }
        };
        let (reach_y, reach_z) = (reach(ny, 1), reach(nz, 2));
        // The squared distance is a form a·dy² + 2b·dy·dz + c·dz²; these are its least values
        // beyond the rectangle's sides.
        let (a, c) = (self.row(1, 0).across, self.row(0, 1).across);
        let b = (self.row(1, 1).across - a - c) / 2.0;
        let beyond = |reach: i64, n: i64, form: f64| {
            let outside = (reach + 1) as f64;
            if reach < n {
                outside * outside * form
            } else {
                f64::INFINITY
            }
        };
        let complete = beyond(reach_y, ny, a - b * b / c).min(beyond(reach_z, nz, c - b * b / a));
        let mut rows: Vec<Row> = (-reach_z..=reach_z)
            .flat_map(|dz| (-reach_y..=reach_y).map(move |dy| self.row(dy, dz)))
            .filter(|row| row.across < complete)
            .collect();
        rows.sort_by(|a, b| a.across.total_cmp(&b.across));
        (rows, complete)
    }
}
