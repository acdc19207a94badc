//! Which slices of a volume are shown, and their orientation: the only place with the convention.

use vesalius_volume::Geometry;

/// A plane through the body.
///
/// ```
/// use vesalius_view::Plane;
///
/// // Left, right, top and bottom edge: the patient's right is on the left of the picture.
/// assert_eq!(Plane::Axial.letters(), ['R', 'L', 'A', 'P']);
/// assert_eq!(Plane::Coronal.letters(), ['R', 'L', 'S', 'I']);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// Seen from the feet: the patient's right on the left, anterior up.
    Axial,
    /// Seen from the front: the patient's right on the left, superior up.
    Coronal,
    /// Seen from the patient's left: anterior on the left, superior up.
    Sagittal,
}

impl Plane {
    /// The three planes in the usual order of radiology.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// Its name in captions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// World axes (0 left–right, 1 posterior–anterior, 2 inferior–superior) that run to the right
    /// of the picture, down the picture, and through it. In RAS the first two run backwards:
    /// towards L or P, and towards P or I.
    fn world_axes(self) -> [usize; 3] {
        match self {
            Self::Axial => [0, 1, 2],
            Self::Coronal => [0, 2, 1],
            Self::Sagittal => [1, 2, 0],
        }
    }

    /// Letters at the left, right, top and bottom edge of the picture.
    pub fn letters(self) -> [char; 4] {
        match self {
            Self::Axial => ['R', 'L', 'A', 'P'],
            Self::Coronal => ['R', 'L', 'S', 'I'],
            Self::Sagittal => ['A', 'P', 'S', 'I'],
        }
    }
}

/// How a grid is cut into the slices of a plane. A tilted grid is cut along its nearest axes,
/// so that every pixel is a voxel and nothing is interpolated across slices.
///
/// ```
/// use vesalius_view::{Plane, Slicing};
/// use vesalius_volume::Geometry;
///
/// let grid = Geometry::axis_aligned([32, 24, 10], [1.0, 1.0, 3.0])?;
/// let axial = Slicing::new(&grid, Plane::Axial);
/// assert_eq!((axial.count(), axial.size()), (10, [32, 24]));
/// // The upper left pixel of slice 4 is the patient's right and anterior corner.
/// assert_eq!(axial.index(0, 0, 4), [31, 23, 4]);
/// assert_eq!(axial.place([31, 23, 4]), [0, 0, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slicing {
    plane: Plane,
    geometry: Geometry,
    /// Index axes to the right, down and through the picture.
    axes: [usize; 3],
    /// Which of them run against the index.
    backwards: [bool; 3],
}

impl Slicing {
    /// The slices of `geometry` in `plane`.
    pub fn new(geometry: &Geometry, plane: Plane) -> Self {
        let codes = geometry.orientation().0;
        let world = plane.world_axes();
        // An orientation names each world axis once, so one of the three always matches.
        let axes = world.map(|w| (0..3).find(|&j| codes[j].world_axis == w).unwrap_or(w));
        // Right and down run towards L, P, I: against RAS. Slices are numbered along RAS.
        let backwards = [
            codes[axes[0]].positive,
            codes[axes[1]].positive,
            !codes[axes[2]].positive,
        ];
        Self {
            plane,
            geometry: *geometry,
            axes,
            backwards,
        }
    }

    /// The plane.
    pub fn plane(&self) -> Plane {
        self.plane
    }

    /// Number of slices, counted towards R, A or S.
    pub fn count(&self) -> usize {
        self.geometry.size()[self.axes[2]]
    }

    /// Voxels across and down a slice.
    pub fn size(&self) -> [usize; 2] {
        [0, 1].map(|i| self.geometry.size()[self.axes[i]])
    }

    /// Millimetres per voxel, across and down a slice.
    pub fn spacing(&self) -> [f64; 2] {
        [0, 1].map(|i| self.geometry.spacing()[self.axes[i]])
    }

    /// Voxel index of pixel (`right`, `down`) of a slice.
    pub fn index(&self, right: usize, down: usize, slice: usize) -> [usize; 3] {
        let mut index = [0; 3];
        for (i, place) in [right, down, slice].into_iter().enumerate() {
            let axis = self.axes[i];
            index[axis] = if self.backwards[i] {
                self.geometry.size()[axis] - 1 - place
            } else {
                place
            };
        }
        index
    }

    /// Where a voxel lies: how far to the right and down, and in which slice.
    pub fn place(&self, index: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|i| {
            let axis = self.axes[i];
            if self.backwards[i] {
                self.geometry.size()[axis] - 1 - index[axis]
            } else {
                index[axis]
            }
        })
    }

    /// The slice that a voxel lies in.
    pub fn slice_of(&self, index: [usize; 3]) -> usize {
        self.place(index)[2]
    }

    /// Where a slice lies, for its caption: `axial 12/50, S 31.5 mm`.
    pub fn caption(&self, slice: usize) -> String {
        let [across, down] = self.size();
        let centre = self.index(across / 2, down / 2, slice).map(|v| v as f64);
        let axis = self.plane.world_axes()[2];
        let position = self.geometry.index_to_world(centre)[axis];
        let letter = [['L', 'R'], ['P', 'A'], ['I', 'S']][axis][usize::from(position >= 0.0)];
        format!(
            "{} {}/{}, {letter} {:.1} mm",
            self.plane.name(),
            slice + 1,
            self.count(),
            position.abs()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Affine;

    /// World position of a pixel of the middle slice.
    fn world(slicing: &Slicing, right: usize, down: usize) -> [f64; 3] {
        let index = slicing.index(right, down, 0);
        slicing.geometry.index_to_world(index.map(|v| v as f64))
    }

    #[test]
    fn the_patient_lies_the_same_way_whatever_the_storage() {
        let grid = Geometry::axis_aligned([5, 6, 7], [1.0, 2.0, 3.0]).unwrap();
        for order in [[0, 1, 2], [2, 0, 1], [1, 0, 2]] {
            for flips in [[false; 3], [true, false, true], [true; 3]] {
                let stored = grid.permuted(order).flipped(flips);
                let axial = Slicing::new(&stored, Plane::Axial);
                assert_eq!((axial.size(), axial.count()), ([5, 6], 7));
                assert_eq!(world(&axial, 0, 0), [4.0, 10.0, 0.0], "right and anterior");
                assert_eq!(world(&axial, 4, 5), [0.0, 0.0, 0.0], "left and posterior");
                let coronal = Slicing::new(&stored, Plane::Coronal);
                assert_eq!(
                    world(&coronal, 0, 0),
                    [4.0, 0.0, 18.0],
                    "right and superior"
                );
                let sagittal = Slicing::new(&stored, Plane::Sagittal);
                assert_eq!(
                    world(&sagittal, 0, 0),
                    [0.0, 10.0, 18.0],
                    "anterior, superior"
                );
                assert_eq!(sagittal.spacing(), [2.0, 3.0]);
                let index = axial.index(1, 2, 3);
                assert_eq!(axial.place(index), [1, 2, 3]);
                assert_eq!(axial.slice_of(index), 3);
            }
        }
    }

    #[test]
    fn captions_say_where() {
        let affine = Affine::from_linear(
            [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]],
            [10.0, 5.0, -31.5],
        )
        .unwrap();
        let grid = Geometry::new([4, 4, 4], affine).unwrap();
        let caption = Slicing::new(&grid, Plane::Axial).caption(1);
        assert_eq!(caption, "axial 2/4, I 29.5 mm");
    }
}
