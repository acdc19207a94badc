//! Betti numbers: how many pieces, tunnels and cavities a mask has, whatever its shape.

use crate::bitmask::{Bits, Bounds};
use crate::lesions::Numbered;
use crate::surface::Membership;
use crate::{Result, Target};
use vesalius_filters::Connectivity;
use vesalius_volume::{Label, LabelMap};

/// The Betti numbers of a mask. Foreground voxels touch at faces, edges and corners (26, in a single slice 8), background
/// voxels at faces (6 or 4); outside of the image is background. GUDHI's cubical complexes and scikit-image's Euler
/// number have the same convention.
///
/// ```
/// use vesalius_metrics::{BettiNumbers, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // A ring around z, and a voxel apart from it.
/// let grid = Geometry::axis_aligned([6, 6, 6], [1.0; 3])?;
/// let ring = LabelMap::<u16>::from_fn(grid, |[x, y, z]| {
///     let around = (1..4).contains(&x) && (1..4).contains(&y) && (x, y) != (2, 2);
///     u16::from((around && z == 2) || [x, y, z] == [5, 5, 5])
/// });
/// let betti = BettiNumbers::of(&ring, &Target::of_value(1))?;
/// assert_eq!((betti.pieces, betti.tunnels, betti.cavities), (2, 1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BettiNumbers {
    /// b0: connected pieces.
    pub pieces: u64,
    /// b1: tunnels through the mask, holes in a single slice.
    pub tunnels: u64,
    /// b2: enclosed cavities; 0 in a single slice.
    pub cavities: u64,
}

/// Which Betti number an error is of: the absolute difference between reference and prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BettiError {
    /// b0.
    Pieces,
    /// b1.
    Tunnels,
    /// b2.
    Cavities,
    /// The sum of the three (as Hu et al., arXiv 1906.05404, of the whole image instead of patches).
    All,
}

impl BettiNumbers {
    /// The Betti numbers of a target.
    ///
    /// # Errors
    /// [`crate::Error::Components`] for a mask with more runs of voxels than can be numbered.
    pub fn of<T: Label>(map: &LabelMap<T>, target: &Target) -> Result<Self> {
        let grid = map.geometry();
        if grid.voxel_count() == 0 {
            return Ok(Self::default());
        }
        let member = Membership::new(&target.labels);
        let bits = Bits::build(grid.size(), Bounds::of(grid.size()), |start, row| {
            let at = grid.offset(start);
            member.mark(&map.data()[at..at + row.len()], row);
        });
        Self::of_bits(&bits)
    }

    pub(crate) fn of_bits(bits: &Bits) -> Result<Self> {
        let flat = bits.flat.contains(&true);
        let pieces = || Ok(Numbered::components(bits, Connectivity::Corners)?.count() as i64);
        let cavities = || match flat {
            true => Ok(0),
            // The rim is the background outside.
            false => {
                Ok(Numbered::components(&bits.inverse(), Connectivity::Faces)?.count() as i64 - 1)
            }
        };
        let (pieces, cavities): (Result<i64>, Result<i64>) = rayon::join(pieces, cavities);
        let (pieces, cavities) = (pieces?, cavities?.max(0));
        // Euler and Poincaré: the alternating sum of Betti numbers is that of the cells.
        let tunnels = pieces + cavities - bits.euler_characteristic();
        Ok(Self {
            pieces: pieces as u64,
            tunnels: tunnels.max(0) as u64,
            cavities: cavities as u64,
        })
    }

    /// pieces - tunnels + cavities.
    pub fn euler_characteristic(&self) -> i64 {
        self.pieces as i64 - self.tunnels as i64 + self.cavities as i64
    }
}

impl BettiError {
    /// The error of a prediction.
    ///
    /// ```
    /// use vesalius_metrics::{BettiError, BettiNumbers, Target};
    /// use vesalius_volume::{Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
    /// let [whole, broken] = [[1u16; 5], [1, 0, 1, 0, 1]].map(|values| {
    ///     let labels = LabelMap::new(grid, values.to_vec()).unwrap();
    ///     BettiNumbers::of(&labels, &Target::of_value(1)).unwrap()
    /// });
    /// assert_eq!(BettiError::Pieces.between(&whole, &broken), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn between(self, reference: &BettiNumbers, prediction: &BettiNumbers) -> u64 {
        let pieces = reference.pieces.abs_diff(prediction.pieces);
        let tunnels = reference.tunnels.abs_diff(prediction.tunnels);
        let cavities = reference.cavities.abs_diff(prediction.cavities);
        match self {
            Self::Pieces => pieces,
            Self::Tunnels => tunnels,
            Self::Cavities => cavities,
            Self::All => pieces + tunnels + cavities,
        }
    }

    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Pieces => "betti0_error",
            Self::Tunnels => "betti1_error",
            Self::Cavities => "betti2_error",
            Self::All => "betti_error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vesalius_volume::Geometry;

    fn betti(size: [usize; 3], inside: impl Fn([usize; 3]) -> bool) -> [u64; 3] {
        let grid = Geometry::axis_aligned(size, [1.0; 3]).unwrap();
        let map = LabelMap::from_fn(grid, |at| u8::from(inside(at)));
        let found = BettiNumbers::of(&map, &Target::of_value(1)).unwrap();
        [found.pieces, found.tunnels, found.cavities]
    }

    #[test]
    fn known_shapes() {
        assert_eq!(betti([4, 4, 4], |_| false), [0, 0, 0]);
        assert_eq!(betti([4, 4, 4], |_| true), [1, 0, 0]);
        assert_eq!(betti([0, 4, 4], |_| true), [0, 0, 0]);
        let hollow = |at: [usize; 3]| at.iter().any(|&v| v == 0 || v == 2);
        assert_eq!(betti([3, 3, 3], hollow), [1, 0, 1]);
        // Two tunnels that cross, through a block of 70 voxels.
        let crossed = |[x, y, z]: [usize; 3]| !((y, z) == (2, 2) || (x, z) == (66, 2));
        assert_eq!(betti([70, 5, 5], crossed), [1, 3, 0]);
        // Diagonal voxels touch.
        assert_eq!(betti([2, 2, 2], |[x, y, z]| x == y && y == z), [1, 0, 0]);
    }

    #[test]
    fn a_slice_has_holes_and_a_line_has_pieces() {
        let ring = |[x, y, _]: [usize; 3]| (x, y) != (1, 1);
        assert_eq!(betti([3, 3, 1], ring), [1, 1, 0]);
        // The same ring across another axis.
        assert_eq!(betti([1, 3, 3], |[_, y, z]| (y, z) != (1, 1)), [1, 1, 0]);
        assert_eq!(betti([1, 5, 1], |[_, y, _]| y % 2 == 0), [3, 0, 0]);
        assert_eq!(betti([1, 1, 1], |_| true), [1, 0, 0]);
    }

    proptest! {
        #[test]
        fn the_characteristic_is_that_of_cells_counted_one_by_one(
            size in [1usize..70, 1usize..5, 1usize..5], seed in any::<u64>(),
        ) {
            let inside = |[x, y, z]: [usize; 3]| {
                let n = (x + 100 * y + 1000 * z) as u64;
                (n.wrapping_mul(seed | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60) > 7
            };
            // Closed cubes: a cell of the doubled grid is inside when a voxel around it is.
            let mut sum = 0i64;
            let doubled = size.map(|n| 2 * n + 1);
            for z in 0..doubled[2] { for y in 0..doubled[1] { for x in 0..doubled[0] {
                let cell = [x, y, z];
                let around = |axis: usize| match cell[axis] % 2 {
                    1 => vec![cell[axis] / 2],
                    _ => (cell[axis] / 2).checked_sub(1).into_iter().chain([cell[axis] / 2])
                        .filter(|&at| at < size[axis]).collect(),
                };
                let (xs, ys, zs) = (around(0), around(1), around(2));
                let any = zs.iter().any(|&z| ys.iter().any(|&y| xs.iter().any(|&x| inside([x, y, z]))));
                let dimension = cell.iter().filter(|v| *v % 2 == 1).count();
                if any { sum += if dimension % 2 == 0 { 1 } else { -1 }; }
            }}}
            let [pieces, tunnels, cavities] = betti(size, inside).map(|n| n as i64);
            prop_assert_eq!(pieces - tunnels + cavities, sum);
        }
    }
}
