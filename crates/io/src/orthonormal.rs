//! The nearest direction with right angles, for formats and programs that require them.

use vesalius_volume::{Geometry, Result};

/// The same grid with the nearest direction (least squares) whose axes are at right angles; size,
/// spacing and origin stay. Programs on ITK refuse a direction that is not orthonormal.
///
/// # Errors
/// Those of [`Geometry::from_parts`], which a usable geometry does not give.
///
/// ```
/// use vesalius_io::orthonormalised;
/// use vesalius_volume::{Affine, Geometry};
///
/// // An x axis that is not quite at right angles to y.
/// let sheared = Affine::from_linear([[1.0, 0.0, 0.0], [0.001, 1.0, 0.0], [0.0, 0.0, 2.0]], [0.0; 3])?;
/// let straight = orthonormalised(&Geometry::new([4, 4, 4], sheared)?)?;
/// let [x, y, _] = [0, 1, 2].map(|axis| straight.direction().map(|row| row[axis]));
/// assert!((0..3).map(|i| x[i] * y[i]).sum::<f64>().abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn orthonormalised(geometry: &Geometry) -> Result<Geometry> {
    Geometry::from_parts(
        geometry.size(),
        geometry.spacing(),
        geometry.origin(),
        nearest_rotation(geometry.direction()),
    )
}

/// The orthogonal factor of the polar decomposition, by Newton's iteration (Higham 1986): the mean
/// of a matrix and its inverse's transpose, until it converges. Handedness is kept.
pub(crate) fn nearest_rotation(matrix: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let mut q = matrix;
    for _ in 0..100 {
        let inverse_transpose = cofactors(&q);
        let next: [[f64; 3]; 3] = std::array::from_fn(|i| {
            std::array::from_fn(|j| 0.5 * (q[i][j] + inverse_transpose[i][j]))
        });
        let change = (0..9)
            .map(|k| (next[k / 3][k % 3] - q[k / 3][k % 3]).abs())
            .fold(0.0, f64::max);
        q = next;
        if change < 1e-15 {
            break;
        }
    }
    q
}

/// Cofactors over the determinant: the transpose of the inverse.
fn cofactors(m: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cofactor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * cofactor(0, c)).sum();
    std::array::from_fn(|i| std::array::from_fn(|j| cofactor(i, j) / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skewed_direction_becomes_orthonormal_and_keeps_its_hand() {
        for hand in [1.0, -1.0] {
            let skewed = [[0.8, 0.61, 0.0], [-0.6, 0.79, 0.02], [0.01, 0.0, hand]];
            let q = nearest_rotation(skewed);
            for i in 0..3 {
                for j in 0..3 {
                    let dot: f64 = (0..3).map(|k| q[k][i] * q[k][j]).sum();
                    assert!((dot - f64::from(u8::from(i == j))).abs() < 1e-14);
                    assert!((q[i][j] - skewed[i][j]).abs() < 0.02);
                }
            }
        }
    }
}
