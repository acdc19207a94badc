//! Where a grid of voxels lies in the world: a size and an affine, so that shear is kept.

use crate::{Affine, Error, Orientation, Result, limits};
use serde::{Deserialize, Serialize};

/// Two grids are the same when all their corners agree within this fraction of the smallest spacing.
pub const SAME_GRID_TOLERANCE: f64 = 0.01;

/// Size and position of a grid of voxels; world coordinates are RAS+ millimetres.
///
/// As JSON: `{"size": [x, y, z], "spacing": […], "origin": […], "direction": rows, "affine": 4×4,
/// "world": "RAS"}`. Reading needs `size` and `affine`; the rest is derived.
///
/// ```
/// use vesalius_volume::Geometry;
///
/// // 512 columns, 512 rows, 80 slices; voxels of 0.5 × 0.5 × 2 mm.
/// let grid = Geometry::axis_aligned([512, 512, 80], [0.5, 0.5, 2.0])?
///     .with_origin([-128.0, -128.0, 0.0])?;
/// assert_eq!(grid.voxel_count(), 512 * 512 * 80);
/// assert_eq!(grid.index_to_world([256.0, 256.0, 40.0]), [0.0, 0.0, 80.0]);
/// assert_eq!(grid.world_to_index([0.0, 0.0, 1.0]), [256.0, 256.0, 0.5]);
/// assert_eq!(grid.voxel_volume(), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Geometry {
    size: [usize; 3],
    affine: Affine,
}

impl Geometry {
    /// A grid of `size` voxels `[x, y, z]` that `affine` places in the world (index → RAS+ mm).
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the number of voxels overflows.
    pub fn new(size: [usize; 3], affine: Affine) -> Result<Self> {
        size.iter()
            .try_fold(1usize, |product, &n| product.checked_mul(n))
            .filter(|&n| n <= isize::MAX as usize)
            .ok_or(Error::TooLarge(size))?;
        Ok(Self { size, affine })
    }

    /// A grid from spacing (mm), origin (centre of the first voxel, RAS+ mm) and direction (rows;
    /// columns are the index axes).
    ///
    /// # Errors
    /// [`Error::BadSpacing`], [`Error::BadAffine`] or [`Error::TooLarge`].
    ///
    /// ```
    /// use vesalius_volume::Geometry;
    ///
    /// // An LPS grid, as DICOM has it: x grows to the left and y to the back.
    /// let direction = [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]];
    /// let grid = Geometry::from_parts([4, 4, 4], [1.0, 1.0, 3.0], [90.0, 120.0, -40.0], direction)?;
    /// assert_eq!(grid.orientation().to_string(), "LPS");
    /// assert_eq!(grid.index_to_world([1.0, 2.0, 3.0]), [89.0, 118.0, -31.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_parts(
        size: [usize; 3],
        spacing: [f64; 3],
        origin: [f64; 3],
        direction: [[f64; 3]; 3],
    ) -> Result<Self> {
        check_spacing(spacing)?;
        let linear = std::array::from_fn(|i| std::array::from_fn(|j| direction[i][j] * spacing[j]));
        Self::new(size, Affine::from_linear(linear, origin)?)
    }

    /// An axis-aligned RAS grid with its first voxel at the world's origin: for made images and tests.
    ///
    /// # Errors
    /// As [`Geometry::from_parts`].
    pub fn axis_aligned(size: [usize; 3], spacing: [f64; 3]) -> Result<Self> {
        const IDENTITY: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        Self::from_parts(size, spacing, [0.0; 3], IDENTITY)
    }

    /// The same grid with the centre of its first voxel elsewhere (RAS+ mm).
    ///
    /// # Errors
    /// [`Error::BadAffine`] for a number that is not finite.
    pub fn with_origin(self, origin: [f64; 3]) -> Result<Self> {
        Self::new(
            self.size,
            Affine::from_linear(self.affine.linear(), origin)?,
        )
    }

    /// Number of voxels along `[x, y, z]`.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Number of voxels in all.
    pub fn voxel_count(&self) -> usize {
        self.size.iter().product()
    }

    /// The map from voxel index to RAS+ millimetres.
    pub fn affine(&self) -> &Affine {
        &self.affine
    }

    /// Distance between neighbouring voxels along each index axis, in millimetres.
    pub fn spacing(&self) -> [f64; 3] {
        self.affine.column_lengths()
    }

    /// World position of the centre of voxel `[0, 0, 0]`, RAS+ mm.
    pub fn origin(&self) -> [f64; 3] {
        self.affine.translation()
    }

    /// Unit vectors of the index axes, as columns of the returned rows.
    pub fn direction(&self) -> [[f64; 3]; 3] {
        let (linear, spacing) = (self.affine.linear(), self.spacing());
        std::array::from_fn(|i| std::array::from_fn(|j| linear[i][j] / spacing[j]))
    }

    /// Volume of one voxel in mm³.
    pub fn voxel_volume(&self) -> f64 {
        self.affine.determinant().abs()
    }

    /// World position of a voxel index, RAS+ mm.
    pub fn index_to_world(&self, index: [f64; 3]) -> [f64; 3] {
        self.affine.apply(index)
    }

    /// Voxel index of a world position; it may lie between voxels or outside the grid.
    pub fn world_to_index(&self, world: [f64; 3]) -> [f64; 3] {
        self.affine.inverse().apply(world)
    }

    /// Which way each index axis mostly points, such as `RAS` or `LPS`.
    pub fn orientation(&self) -> Orientation {
        Orientation::of(&self.affine)
    }

    /// Offset of voxel `[x, y, z]` in a channel's buffer.
    ///
    /// ```
    /// use vesalius_volume::Geometry;
    ///
    /// let grid = Geometry::axis_aligned([4, 3, 2], [1.0; 3])?;
    /// assert_eq!(grid.offset([1, 2, 1]), 1 + 4 * (2 + 3 * 1));
    /// assert_eq!(grid.index(21), [1, 2, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn offset(&self, index: [usize; 3]) -> usize {
        (index[2] * self.size[1] + index[1]) * self.size[0] + index[0]
    }

    /// Voxel `[x, y, z]` at an offset in a channel's buffer.
    pub fn index(&self, offset: usize) -> [usize; 3] {
        let row = self.size[0];
        let slice = row * self.size[1];
        [offset % row, offset % slice / row, offset / slice]
    }

    /// The grid of `size` voxels that starts at voxel `start` of this one; `start` may be negative
    /// and the region may reach outside, which is what padding does.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    ///
    /// ```
    /// use vesalius_volume::Geometry;
    ///
    /// let grid = Geometry::axis_aligned([10, 10, 10], [2.0, 2.0, 4.0])?;
    /// let crop = grid.region([3, 0, 5], [4, 10, 5])?;
    /// assert_eq!(crop.origin(), [6.0, 0.0, 20.0]);
    ///
    /// // Two voxels of padding on every side.
    /// let padded = grid.region([-2; 3], [14; 3])?;
    /// assert_eq!(padded.origin(), [-4.0, -4.0, -8.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn region(&self, start: [i64; 3], size: [usize; 3]) -> Result<Self> {
        let origin = self.index_to_world(start.map(|v| v as f64));
        Self::new(size, Affine::from_linear(self.affine.linear(), origin)?)
    }

    /// The same voxels in reverse order along each axis that `axes` marks.
    ///
    /// ```
    /// use vesalius_volume::Geometry;
    ///
    /// let grid = Geometry::axis_aligned([5, 5, 5], [2.0; 3])?;
    /// let flipped = grid.flipped([true, false, false]);
    /// assert_eq!(flipped.orientation().to_string(), "LAS");
    /// // The last voxel along x is the first one now.
    /// assert_eq!(flipped.origin(), [8.0, 0.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flipped(&self, axes: [bool; 3]) -> Self {
        let mut rows = self.affine.rows();
        for (j, _) in axes.iter().enumerate().filter(|(_, flip)| **flip) {
            let last = self.size[j].saturating_sub(1) as f64;
            for row in rows.iter_mut().take(3) {
                row[3] += row[j] * last;
                row[j] = -row[j];
            }
        }
        // Negating columns keeps them independent and finite.
        Self {
            size: self.size,
            affine: Affine::new(rows).unwrap_or(self.affine),
        }
    }

    /// The same voxels with axis `i` of the result being axis `order[i]` of this grid.
    ///
    /// # Panics
    /// When `order` is not a permutation of 0, 1, 2.
    ///
    /// ```
    /// use vesalius_volume::Geometry;
    ///
    /// let grid = Geometry::axis_aligned([10, 20, 30], [1.0, 2.0, 3.0])?;
    /// let permuted = grid.permuted([2, 0, 1]);
    /// assert_eq!(permuted.size(), [30, 10, 20]);
    /// assert_eq!(permuted.spacing(), [3.0, 1.0, 2.0]);
    /// assert_eq!(permuted.orientation().to_string(), "SRA");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn permuted(&self, order: [usize; 3]) -> Self {
        let mut seen = order;
        seen.sort_unstable();
        assert_eq!(
            seen,
            [0, 1, 2],
            "an order of axes names each of 0, 1, 2 once"
        );
        let rows = self.affine.rows();
        let permuted = std::array::from_fn(|i| {
            [
                rows[i][order[0]],
                rows[i][order[1]],
                rows[i][order[2]],
                rows[i][3],
            ]
        });
        Self {
            size: order.map(|j| self.size[j]),
            // Reordering columns keeps them independent and finite.
            affine: Affine::new(permuted).unwrap_or(self.affine),
        }
    }

    /// World positions of the eight corners (centres of the corner voxels).
    pub fn corners(&self) -> [[f64; 3]; 8] {
        std::array::from_fn(|corner| {
            self.index_to_world(std::array::from_fn(|axis| {
                if corner >> axis & 1 == 1 {
                    self.size[axis].saturating_sub(1) as f64
                } else {
                    0.0
                }
            }))
        })
    }

    /// Whether two grids are the same: equal sizes, corners within 0.01 of the smallest spacing.
    pub fn is_same(&self, other: &Self) -> bool {
        self.difference(other).is_none()
    }

    /// Checks that the two grids are the same; the error names `what`.
    ///
    /// # Errors
    /// [`Error::GeometryMismatch`], with how they differ.
    ///
    /// ```
    /// use vesalius_volume::{Error, Geometry};
    ///
    /// let image = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
    /// let rounded = image.with_origin([0.001, 0.0, 0.0])?;
    /// assert!(image.is_same(&rounded), "within a hundredth of a voxel");
    ///
    /// let label = image.with_origin([0.5, 0.0, 0.0])?;
    /// let error = image.check_same(&label, "image and label").unwrap_err();
    /// assert!(matches!(error, Error::GeometryMismatch { .. }));
    /// assert!(error.to_string().contains("image and label"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_same(&self, other: &Self, what: &str) -> Result<()> {
        match self.difference(other) {
            None => Ok(()),
            Some(difference) => Err(Error::GeometryMismatch {
                what: what.to_owned(),
                difference,
            }),
        }
    }

    /// How two grids differ, in words; `None` when they are the same.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.size != other.size {
            return Some(format!("sizes {:?} and {:?} voxels", self.size, other.size));
        }
        let smallest = self
            .spacing()
            .into_iter()
            .chain(other.spacing())
            .fold(f64::INFINITY, f64::min);
        let apart = self
            .corners()
            .iter()
            .zip(other.corners())
            .map(|(a, b)| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt())
            .fold(0.0, f64::max);
        if limits::at_most(apart, SAME_GRID_TOLERANCE * smallest) {
            return None;
        }
        let (s, t) = (self.spacing(), other.spacing());
        Some(format!(
            "corners up to {apart:.3} mm apart (spacing {s:.3?} and {t:.3?}, origin {:.3?} and {:.3?})",
            self.origin(),
            other.origin()
        ))
    }
}

fn check_spacing(spacing: [f64; 3]) -> Result<()> {
    if spacing.iter().all(|s| s.is_finite() && *s > 0.0) {
        Ok(())
    } else {
        Err(Error::BadSpacing(spacing))
    }
}

/// The JSON form of a geometry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    size: [usize; 3],
    #[serde(default)]
    spacing: [f64; 3],
    #[serde(default)]
    origin: [f64; 3],
    #[serde(default)]
    direction: [[f64; 3]; 3],
    affine: Affine,
    #[serde(default = "ras")]
    world: String,
}

fn ras() -> String {
    "RAS".to_owned()
}

impl From<Geometry> for Stored {
    fn from(g: Geometry) -> Self {
        Self {
            size: g.size,
            spacing: g.spacing(),
            origin: g.origin(),
            direction: g.direction(),
            affine: g.affine,
            world: ras(),
        }
    }
}

impl TryFrom<Stored> for Geometry {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self> {
        if stored.world != "RAS" {
            return Err(Error::BadOrientation(stored.world));
        }
        Self::new(stored.size, stored.affine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oblique() -> Geometry {
        let (c, s) = (0.3f64.cos(), 0.3f64.sin());
        Geometry::from_parts(
            [5, 7, 3],
            [0.5, 0.7, 3.0],
            [-12.0, 30.0, 8.0],
            [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, -1.0]],
        )
        .unwrap()
    }

    fn close(a: [f64; 3], b: [f64; 3]) -> bool {
        (0..3).all(|i| (a[i] - b[i]).abs() < 1e-9)
    }

    #[test]
    fn parts_come_back_from_the_affine() {
        let g = oblique();
        assert!(close(g.spacing(), [0.5, 0.7, 3.0]));
        assert!(close(g.origin(), [-12.0, 30.0, 8.0]));
        assert!(close(
            g.world_to_index(g.index_to_world([1.5, 2.0, 0.25])),
            [1.5, 2.0, 0.25]
        ));
        assert!((g.voxel_volume() - 0.5 * 0.7 * 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_flip_and_a_permutation_keep_every_voxel_in_its_place() {
        let g = oblique();
        let flipped = g.flipped([true, false, true]);
        assert!(close(
            flipped.index_to_world([0.0, 2.0, 0.0]),
            g.index_to_world([4.0, 2.0, 2.0])
        ));
        assert!(flipped.flipped([true, false, true]).is_same(&g));
        let permuted = g.permuted([2, 0, 1]);
        assert_eq!(permuted.size(), [3, 5, 7]);
        assert!(close(
            permuted.index_to_world([1.0, 4.0, 6.0]),
            g.index_to_world([4.0, 6.0, 1.0])
        ));
    }

    #[test]
    fn a_region_may_reach_outside() {
        let g = oblique();
        let padded = g.region([-2, 1, 0], [9, 4, 3]).unwrap();
        assert!(close(
            padded.index_to_world([2.0, 0.0, 0.0]),
            g.index_to_world([0.0, 1.0, 0.0])
        ));
    }

    #[test]
    fn sameness_is_judged_at_the_corners() {
        let g = oblique();
        let mut rows = g.affine().rows();
        rows[0][3] += 0.004; // less than 0.01 × 0.5 mm
        assert!(g.is_same(&Geometry::new(g.size(), Affine::new(rows).unwrap()).unwrap()));
        rows[0][3] += 0.1;
        let other = Geometry::new(g.size(), Affine::new(rows).unwrap()).unwrap();
        let message = g
            .check_same(&other, "image and label")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("image and label") && message.contains("mm apart"),
            "{message}"
        );
    }

    #[test]
    fn json_keeps_the_affine_to_the_bit() {
        let g = oblique();
        let json = serde_json::to_string(&g).unwrap();
        assert!(json.contains("\"world\":\"RAS\""));
        assert_eq!(serde_json::from_str::<Geometry>(&json).unwrap(), g);
    }

    #[test]
    fn impossible_grids_are_refused() {
        assert!(Geometry::axis_aligned([1, 1, 1], [1.0, 0.0, 1.0]).is_err());
        assert!(Geometry::axis_aligned([usize::MAX, 2, 1], [1.0; 3]).is_err());
    }

    #[test]
    fn offsets_and_indices_are_inverse() {
        let g = oblique();
        for offset in 0..g.voxel_count() {
            assert_eq!(g.offset(g.index(offset)), offset);
        }
    }
}
