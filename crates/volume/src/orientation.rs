//! The directions of a grid's index axes, in the letters of radiology.

use crate::{Affine, Error, Result};
use std::fmt;
use std::str::FromStr;

/// One end of an anatomical axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AxisCode {
    /// World axis: 0 left–right, 1 posterior–anterior, 2 inferior–superior.
    pub world_axis: usize,
    /// True when the index grows towards R, A or S.
    pub positive: bool,
}

impl AxisCode {
    fn letter(self) -> char {
        let pairs = [['L', 'R'], ['P', 'A'], ['I', 'S']];
        pairs[self.world_axis][usize::from(self.positive)]
    }

    fn from_letter(letter: char) -> Option<Self> {
        let (world_axis, positive) = match letter.to_ascii_uppercase() {
            'L' => (0, false),
            'R' => (0, true),
            'P' => (1, false),
            'A' => (1, true),
            'I' => (2, false),
            'S' => (2, true),
            _ => return None,
        };
        Some(Self {
            world_axis,
            positive,
        })
    }
}

/// The direction in which each index axis grows, such as `RAS`: x to the right, y to the front, z up.
///
/// ```
/// use vesalius_volume::{Geometry, Orientation};
///
/// let grid = Geometry::axis_aligned([4, 4, 4], [1.0; 3])?;
/// assert_eq!(grid.orientation(), "RAS".parse::<Orientation>()?);
/// assert!("RAR".parse::<Orientation>().is_err(), "one axis twice");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Orientation(pub [AxisCode; 3]);

impl Orientation {
    /// The orientation nearest to an affine: of all assignments of index axes to world axes, the
    /// one with the largest sum of direction cosines.
    pub fn of(affine: &Affine) -> Self {
        const ORDERS: [[usize; 3]; 6] = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        let (linear, lengths) = (affine.linear(), affine.column_lengths());
        let cosine = |world: usize, index: usize| linear[world][index] / lengths[index];
        let score = |order: &[usize; 3]| (0..3).map(|j| cosine(order[j], j).abs()).sum::<f64>();
        let mut best = ORDERS[0];
        for order in &ORDERS[1..] {
            if score(order) > score(&best) + 1e-12 {
                best = *order;
            }
        }
        Self(std::array::from_fn(|j| AxisCode {
            world_axis: best[j],
            positive: cosine(best[j], j) >= 0.0,
        }))
    }

    /// How to reorder a grid of orientation `self` so that it has orientation `target`: the source
    /// axis of each target axis, and which target axes are reversed.
    ///
    /// ```
    /// use vesalius_volume::Orientation;
    ///
    /// let (ras, lps): (Orientation, Orientation) = ("RAS".parse()?, "LPS".parse()?);
    /// // The axes keep their order; x and y are reversed.
    /// assert_eq!(ras.steps_to(&lps), ([0, 1, 2], [true, true, false]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn steps_to(&self, target: &Self) -> ([usize; 3], [bool; 3]) {
        let source = |code: &AxisCode| {
            // Both name each world axis once, so one of the three always matches.
            (0..3)
                .find(|&j| self.0[j].world_axis == code.world_axis)
                .unwrap_or(0)
        };
        let order = std::array::from_fn(|i| source(&target.0[i]));
        let flips = std::array::from_fn(|i| self.0[order[i]].positive != target.0[i].positive);
        (order, flips)
    }
}

impl fmt::Display for Orientation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|code| write!(f, "{}", code.letter()))
    }
}

impl FromStr for Orientation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::BadOrientation(text.to_owned());
        let codes: Vec<AxisCode> = text
            .chars()
            .map(AxisCode::from_letter)
            .collect::<Option<_>>()
            .ok_or_else(bad)?;
        let codes: [AxisCode; 3] = codes.try_into().map_err(|_| bad())?;
        let mut axes = codes.map(|code| code.world_axis);
        axes.sort_unstable();
        if axes == [0, 1, 2] {
            Ok(Self(codes))
        } else {
            Err(bad())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_round_trip_and_nonsense_is_refused() {
        for text in ["RAS", "LPS", "PIR", "SLA"] {
            assert_eq!(text.parse::<Orientation>().unwrap().to_string(), text);
        }
        for text in ["RAL", "RA", "XYZ", "RASS"] {
            assert!(text.parse::<Orientation>().is_err());
        }
    }

    #[test]
    fn a_tilted_grid_has_the_nearest_orientation() {
        let affine = Affine::from_linear(
            [[0.1, -0.9, 0.0], [0.05, 0.1, 2.9], [-0.8, 0.0, 0.3]],
            [0.0; 3],
        )
        .unwrap();
        assert_eq!(Orientation::of(&affine).to_string(), "ILA");
        let (order, flips) = Orientation::of(&affine).steps_to(&"RAS".parse().unwrap());
        assert_eq!((order, flips), ([1, 2, 0], [true, false, true]));
    }
}
