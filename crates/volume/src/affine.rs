//! A 4×4 affine map in f64, from voxel index to world millimetres or between grids.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// An invertible affine map of 3-D points; rows of a 4×4 matrix whose last row is `0 0 0 1`.
///
/// ```
/// use vesalius_volume::Affine;
///
/// // Voxels of 0.8 × 0.8 × 2.5 mm; the centre of voxel [0, 0, 0] lies at [-90, -120, 40] mm.
/// let affine = Affine::from_linear(
///     [[0.8, 0.0, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 2.5]],
///     [-90.0, -120.0, 40.0],
/// )?;
/// assert_eq!(affine.column_lengths(), [0.8, 0.8, 2.5]);
/// assert_eq!(affine.apply([10.0, 0.0, 2.0]), [-82.0, -120.0, 45.0]);
/// assert_eq!(affine.inverse().apply([-82.0, -120.0, 45.0]), [10.0, 0.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[[f64; 4]; 4]", into = "[[f64; 4]; 4]")]
pub struct Affine([[f64; 4]; 4]);

impl Affine {
    /// The map that leaves every point where it is.
    pub const IDENTITY: Self = Self([
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ]);

    /// An affine from its rows.
    ///
    /// # Errors
    /// [`Error::BadAffine`] when a value is not finite, the last row is not `0 0 0 1`, or the
    /// linear part has no inverse.
    ///
    /// ```
    /// use vesalius_volume::{Affine, Error};
    ///
    /// let mut rows = Affine::IDENTITY.rows();
    /// rows[0][3] = -5.0;
    /// assert_eq!(Affine::new(rows)?.translation(), [-5.0, 0.0, 0.0]);
    ///
    /// // A column of zeros has no inverse.
    /// rows[2] = [0.0, 0.0, 0.0, 0.0];
    /// assert!(matches!(Affine::new(rows), Err(Error::BadAffine { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(rows: [[f64; 4]; 4]) -> Result<Self> {
        let bad = |reason| {
            Err(Error::BadAffine {
                rows: Box::new(rows),
                reason,
            })
        };
        if rows.iter().flatten().any(|v| !v.is_finite()) {
            return bad("a value is not finite");
        }
        if rows[3] != [0.0, 0.0, 0.0, 1.0] {
            return bad("the last row is not 0 0 0 1");
        }
        let map = Self(rows);
        let columns = map.column_lengths();
        let volume: f64 = columns.iter().product();
        if columns.contains(&0.0) {
            return bad("an axis has length zero");
        }
        // Relative to the axes' lengths: 1 for orthogonal axes, 0 for axes in one plane.
        if (map.determinant() / volume).abs() < 1e-9 {
            return bad("its axes lie in one plane");
        }
        Ok(map)
    }

    /// An affine from a linear part (rows) and a translation.
    ///
    /// # Errors
    /// As [`Affine::new`].
    pub fn from_linear(linear: [[f64; 3]; 3], translation: [f64; 3]) -> Result<Self> {
        let row = |i: usize| [linear[i][0], linear[i][1], linear[i][2], translation[i]];
        Self::new([row(0), row(1), row(2), [0.0, 0.0, 0.0, 1.0]])
    }

    /// The rows of the 4×4 matrix.
    pub fn rows(&self) -> [[f64; 4]; 4] {
        self.0
    }

    /// The linear 3×3 part, rows.
    pub fn linear(&self) -> [[f64; 3]; 3] {
        std::array::from_fn(|i| std::array::from_fn(|j| self.0[i][j]))
    }

    /// The translation, in the units of the target space.
    pub fn translation(&self) -> [f64; 3] {
        std::array::from_fn(|i| self.0[i][3])
    }

    /// Length of each column of the linear part: the spacing of a voxel-to-world map.
    pub fn column_lengths(&self) -> [f64; 3] {
        std::array::from_fn(|j| (0..3).map(|i| self.0[i][j].powi(2)).sum::<f64>().sqrt())
    }

    /// Determinant of the linear part.
    pub fn determinant(&self) -> f64 {
        let m = &self.0;
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    }

    /// The image of `point`.
    pub fn apply(&self, point: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|i| {
            self.0[i][0] * point[0]
                + self.0[i][1] * point[1]
                + self.0[i][2] * point[2]
                + self.0[i][3]
        })
    }

    /// The image of a direction (a difference of two points): the translation is not added.
    pub fn apply_vector(&self, vector: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|i| (0..3).map(|j| self.0[i][j] * vector[j]).sum())
    }

    /// The map that first applies `first`, then `self`.
    ///
    /// ```
    /// use vesalius_volume::Affine;
    ///
    /// let double = [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]];
    /// let scale = Affine::from_linear(double, [0.0; 3])?;
    /// let shift = Affine::from_linear(Affine::IDENTITY.linear(), [10.0, 0.0, 0.0])?;
    /// assert_eq!(scale.after(&shift).apply([1.0, 1.0, 1.0]), [22.0, 2.0, 2.0]);
    /// assert_eq!(shift.after(&scale).apply([1.0, 1.0, 1.0]), [12.0, 2.0, 2.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn after(&self, first: &Self) -> Self {
        let mut out = [[0.0; 4]; 4];
        for (i, row) in out.iter_mut().enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value = (0..4).map(|k| self.0[i][k] * first.0[k][j]).sum();
            }
        }
        out[3] = [0.0, 0.0, 0.0, 1.0];
        Self(out)
    }

    /// The inverse map. It exists, because [`Affine::new`] refuses singular maps.
    pub fn inverse(&self) -> Self {
        let m = &self.0;
        let d = self.determinant();
        let cofactor = |r: usize, c: usize| {
            let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
            m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
        };
        let mut out = [[0.0; 4]; 4];
        for (i, row) in out.iter_mut().take(3).enumerate() {
            let linear: [f64; 3] = std::array::from_fn(|j| cofactor(j, i) / d);
            row[..3].copy_from_slice(&linear);
            row[3] = -(0..3).map(|j| linear[j] * m[j][3]).sum::<f64>();
        }
        out[3] = [0.0, 0.0, 0.0, 1.0];
        Self(out)
    }
}

impl TryFrom<[[f64; 4]; 4]> for Affine {
    type Error = Error;

    fn try_from(rows: [[f64; 4]; 4]) -> Result<Self> {
        Self::new(rows)
    }
}

impl From<Affine> for [[f64; 4]; 4] {
    fn from(affine: Affine) -> Self {
        affine.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_undoes_a_sheared_map() {
        let a = Affine::from_linear(
            [[0.9, 0.1, 0.0], [-0.2, 1.1, 0.3], [0.0, 0.0, 2.5]],
            [10.0, -20.0, 5.0],
        )
        .unwrap();
        let p = [3.0, 7.0, -2.0];
        let back = a.inverse().apply(a.apply(p));
        for i in 0..3 {
            assert!((back[i] - p[i]).abs() < 1e-12);
        }
        let identity = a.inverse().after(&a).rows();
        for (i, row) in identity.iter().enumerate() {
            for (j, v) in row.iter().enumerate() {
                assert!((v - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn tiny_spacings_are_not_mistaken_for_a_plane() {
        assert!(
            Affine::from_linear(
                [[1e-6, 0.0, 0.0], [0.0, 1e-6, 0.0], [0.0, 0.0, 1e-6]],
                [0.0; 3]
            )
            .is_ok()
        );
        assert!(
            Affine::from_linear(
                [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
                [0.0; 3]
            )
            .is_err()
        );
        assert!(
            Affine::from_linear(
                [[f64::NAN, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
                [0.0; 3]
            )
            .is_err()
        );
    }
}
