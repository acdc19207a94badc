//! Shapes of labels and masks: dilation, erosion, opening, closing, holes, reconstruction.
//!
//! The result for a label map is a label map: each label is one mask. Masks are packed to one bit per voxel, so a row
//! is a few machine words and moving it is a shift.

pub(crate) mod bits;
mod claims;
mod element;
mod holes;
mod operation;
mod reconstruct;

pub use element::{Element, Shape};
pub use holes::{HoleOptions, fill_holes, fill_holes_with};
pub(crate) use reconstruct::neighbours;
pub use reconstruct::{Reconstruction, reconstruct, reconstruct_with};

use crate::Result;
use crate::work::Work;
use claims::each_label;
use operation::Operation;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// What counts as foreground outside of the image while eroding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Border {
    /// Foreground: the border of the image does not erode (ITK).
    #[default]
    Foreground,
    /// Background: it does (scipy).
    Background,
}

/// Each label grown by an element: it takes the voxels where the element, centred there, touches it
/// (of a mask: ITK `BinaryDilate`).
///
/// A voxel that has a label keeps it. Where several labels reach a voxel of the background, the one
/// with the nearest voxel in millimetres takes it, the lowest of equally near ones. To grow all labels as one mask, use
/// [`LabelMap::foreground`]; for one label alone [`LabelMap::mask`].
///
/// # Errors
/// [`crate::Error::BadOption`] when the element's radius is not usable.
///
/// ```
/// use vesalius_filters::{Element, Shape, dilate};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([7, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![1, 0, 0, 0, 0, 0, 2])?;
/// let grown = dilate(&labels, &Element::voxels(Shape::Box, [2, 0, 0]))?;
/// assert_eq!(grown.data(), [1, 1, 1, 0, 2, 2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn dilate<T: Label>(input: &LabelMap<T>, element: &Element) -> Result<LabelMap<T>> {
    each_label(input, element, Operation::Dilate, &Work::unwatched())
}

/// As [`dilate`], cancelled and followed through a control, in the stage `slices`.
///
/// # Errors
/// As [`dilate`]; [`crate::Error::Cancelled`].
pub fn dilate_with<T: Label>(
    input: &LabelMap<T>,
    element: &Element,
    control: &Control,
) -> Result<LabelMap<T>> {
    let work = Work::without_total(control, "slices");
    each_label(input, element, Operation::Dilate, &work)
}

/// Each label shrunk by an element: it keeps the voxels where the element, centred there, lies within it
/// (of a mask: ITK `BinaryErode`). To a label, every other one is background.
///
/// # Errors
/// As [`dilate`].
///
/// ```
/// use vesalius_filters::{Border, Element, Shape, erode};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![1, 1, 1, 1, 0])?;
/// let element = Element::voxels(Shape::Box, [1, 0, 0]);
/// assert_eq!(erode(&labels, &element, Border::Foreground)?.data(), [1, 1, 1, 0, 0]);
/// assert_eq!(erode(&labels, &element, Border::Background)?.data(), [0, 1, 1, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn erode<T: Label>(
    input: &LabelMap<T>,
    element: &Element,
    border: Border,
) -> Result<LabelMap<T>> {
    each_label(input, element, Operation::Erode(border), &Work::unwatched())
}

/// As [`erode`], cancelled and followed through a control, in the stage `slices`.
///
/// # Errors
/// As [`erode`]; [`crate::Error::Cancelled`].
pub fn erode_with<T: Label>(
    input: &LabelMap<T>,
    element: &Element,
    border: Border,
    control: &Control,
) -> Result<LabelMap<T>> {
    let work = Work::without_total(control, "slices");
    each_label(input, element, Operation::Erode(border), &work)
}

/// Erosion, then dilation of each label by itself: what is thinner than the element is removed (of a mask: ITK
/// `BinaryMorphologicalOpening`).
///
/// # Errors
/// As [`dilate`].
///
/// ```
/// use vesalius_filters::{Element, Shape, opening};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![0, 1, 0, 1, 1, 1, 1, 0])?;
/// let opened = opening(&labels, &Element::voxels(Shape::Box, [1, 0, 0]))?;
/// assert_eq!(opened.data(), [0, 0, 0, 1, 1, 1, 1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn opening<T: Label>(input: &LabelMap<T>, element: &Element) -> Result<LabelMap<T>> {
    each_label(input, element, Operation::Open, &Work::unwatched())
}

/// As [`opening`], cancelled and followed through a control, in the stage `slices`.
///
/// # Errors
/// As [`opening`]; [`crate::Error::Cancelled`].
pub fn opening_with<T: Label>(
    input: &LabelMap<T>,
    element: &Element,
    control: &Control,
) -> Result<LabelMap<T>> {
    let work = Work::without_total(control, "slices");
    each_label(input, element, Operation::Open, &work)
}

/// Dilation, then erosion of each label by itself: gaps thinner than the element close. The image is
/// padded meanwhile, so its border has no effect (of a mask: ITK `BinaryMorphologicalClosing` with its
/// safe border). Where labels touch, the rule of [`dilate`] applies.
///
/// # Errors
/// As [`dilate`].
///
/// ```
/// use vesalius_filters::{Element, Shape, closing};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![0, 1, 1, 0, 1, 1, 0, 0])?;
/// let closed = closing(&labels, &Element::voxels(Shape::Box, [1, 0, 0]))?;
/// assert_eq!(closed.data(), [0, 1, 1, 1, 1, 1, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn closing<T: Label>(input: &LabelMap<T>, element: &Element) -> Result<LabelMap<T>> {
    each_label(input, element, Operation::Close, &Work::unwatched())
}

/// As [`closing`], cancelled and followed through a control, in the stage `slices`.
///
/// # Errors
/// As [`closing`]; [`crate::Error::Cancelled`].
pub fn closing_with<T: Label>(
    input: &LabelMap<T>,
    element: &Element,
    control: &Control,
) -> Result<LabelMap<T>> {
    let work = Work::without_total(control, "slices");
    each_label(input, element, Operation::Close, &work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vesalius_volume::Geometry;

    fn noise(size: [usize; 3], seed: u64, share: u64) -> LabelMap<u8> {
        let grid = Geometry::axis_aligned(size, [0.7, 1.0, 2.5]).unwrap();
        let mut state = seed | 1;
        LabelMap::from_fn(grid, |_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            u8::from((state >> 33) % 100 < share)
        })
    }

    fn brute(mask: &LabelMap<u8>, element: &Element, erode: Option<Border>) -> Vec<u8> {
        let grid = mask.geometry();
        let (size, spacing) = (grid.size().map(|n| n as i64), grid.spacing());
        let reach = element.reach(spacing).unwrap().map(|r| r as i64);
        (0..mask.data().len())
            .map(|offset| {
                let index = grid.index(offset).map(|v| v as i64);
                let mut any = false;
                let mut all = true;
                for dz in -reach[2]..=reach[2] {
                    for dy in -reach[1]..=reach[1] {
                        for dx in -reach[0]..=reach[0] {
                            if !element.contains([dx, dy, dz], spacing) {
                                continue;
                            }
                            let at: [i64; 3] = [index[0] + dx, index[1] + dy, index[2] + dz];
                            let inside = (0..3).all(|a| (0..size[a]).contains(&at[a]));
                            let set = match inside {
                                true => mask.get(at.map(|v| v as usize)) == 1,
                                false => erode == Some(Border::Foreground),
                            };
                            any |= set;
                            all &= set;
                        }
                    }
                }
                u8::from(if erode.is_some() { all } else { any })
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn words_agree_with_voxels(
            size in (1usize..140, 1usize..7, 1usize..6),
            seed in any::<u64>(),
            share in 1u64..100,
            shape in prop::sample::select(vec![Shape::Ball, Shape::Box, Shape::Cross]),
            radius in prop::sample::select(vec![[0usize, 0, 0], [1, 1, 1], [2, 1, 0], [3, 2, 1], [70, 1, 0]]),
            mm in any::<bool>(),
        ) {
            let mask = noise([size.0, size.1, size.2], seed, share);
            let element = match mm {
                true => Element::millimetres(shape, radius.map(|r| r.min(3) as f64 * 1.1 + 0.1)),
                false => Element::voxels(shape, radius),
            };
            let dilated = dilate(&mask, &element).unwrap();
            prop_assert_eq!(dilated.data(), &brute(&mask, &element, None)[..]);
            for border in [Border::Foreground, Border::Background] {
                let eroded = erode(&mask, &element, border).unwrap();
                prop_assert_eq!(eroded.data(), &brute(&mask, &element, Some(border))[..]);
            }
            let closed = closing(&mask, &element).unwrap();
            let opened = opening(&mask, &element).unwrap();
            for i in 0..mask.data().len() {
                prop_assert!(opened.data()[i] <= mask.data()[i] && mask.data()[i] <= closed.data()[i]);
            }
        }
    }

    #[test]
    fn an_unusable_radius_is_refused() {
        let mask = noise([4, 4, 4], 1, 50);
        let element = Element::millimetres(Shape::Ball, [f64::NAN, 1.0, 1.0]);
        assert!(dilate(&mask, &element).is_err());
        assert!(dilate(&mask, &Element::voxels(Shape::Box, [1 << 40, 1, 1])).is_err());
    }
}
