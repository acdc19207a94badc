//! Labels on a grid: whole numbers that are never interpolated.

use crate::{Error, Geometry, Result, Voxel, Warning};
use ndarray::ArrayView3;
use std::collections::BTreeMap;

/// An integer type that labels are stored in.
///
/// `u16` is the default and enough for every segmentation scheme in use; `u8` saves memory on very
/// large volumes, `u32` numbers the components of a noisy mask or the regions of an atlas.
pub trait Label: Voxel + Ord + Eq + std::hash::Hash + Into<u32> + TryFrom<u32> {
    /// The largest label of this type.
    const LARGEST: u32;
}

impl Label for u8 {
    const LARGEST: u32 = u8::MAX as u32;
}
impl Label for u16 {
    const LARGEST: u32 = u16::MAX as u32;
}
impl Label for u32 {
    const LARGEST: u32 = u32::MAX;
}

/// A segmentation: one label per voxel on one [`Geometry`]; 0 is background.
///
/// ```
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([4, 4, 4], [1.0; 3])?;
/// let labels = LabelMap::<u16>::from_fn(grid, |[x, _, z]| if z == 0 { 0 } else if x < 3 { 1 } else { 2 });
/// assert_eq!(labels.get([3, 0, 1]), 2);
/// assert_eq!(labels.counts().into_iter().collect::<Vec<_>>(), [(0, 16), (1, 36), (2, 12)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LabelMap<T: Label = u16> {
    geometry: Geometry,
    data: Vec<T>,
    warnings: Vec<Warning>,
}

/// Grid and labels; what was decided on reading is not compared.
impl<T: Label> PartialEq for LabelMap<T> {
    fn eq(&self, other: &Self) -> bool {
        self.geometry == other.geometry && self.data == other.data
    }
}

impl<T: Label> LabelMap<T> {
    /// A label map over a buffer with one label per voxel, x fastest.
    ///
    /// # Errors
    /// [`Error::WrongLength`] when the buffer has another length.
    ///
    /// ```
    /// use vesalius_volume::{Error, Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// assert_eq!(LabelMap::<u16>::new(grid, vec![0, 7])?.get([1, 0, 0]), 7);
    /// assert!(matches!(LabelMap::<u16>::new(grid, vec![0, 7, 7]), Err(Error::WrongLength { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(geometry: Geometry, data: Vec<T>) -> Result<Self> {
        if data.len() != geometry.voxel_count() {
            return Err(Error::WrongLength {
                size: geometry.size(),
                channels: 1,
                expected: geometry.voxel_count(),
                found: data.len(),
            });
        }
        Ok(Self {
            geometry,
            data,
            warnings: Vec::new(),
        })
    }

    /// A label map from a function of the voxel index `[x, y, z]`.
    pub fn from_fn(geometry: Geometry, mut label: impl FnMut([usize; 3]) -> T) -> Self {
        let data = (0..geometry.voxel_count())
            .map(|i| label(geometry.index(i)))
            .collect();
        Self {
            geometry,
            data,
            warnings: Vec::new(),
        }
    }

    /// A label map that is background everywhere.
    pub fn background(geometry: Geometry) -> Self {
        Self {
            geometry,
            data: vec![T::default(); geometry.voxel_count()],
            warnings: Vec::new(),
        }
    }

    /// Where the voxels lie.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The labels, x fastest.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// The labels, to change in place.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The buffer itself.
    pub fn into_data(self) -> Vec<T> {
        self.data
    }

    /// The label at voxel `[x, y, z]`.
    ///
    /// # Panics
    /// When the index lies outside.
    pub fn get(&self, index: [usize; 3]) -> T {
        self.data[self.geometry.offset(index)]
    }

    /// The labels as a C-order array indexed `[z, y, x]`, without a copy.
    pub fn view_zyx(&self) -> ArrayView3<'_, T> {
        let [x, y, z] = self.geometry.size();
        // The constructor made the buffer one label per voxel long.
        ArrayView3::from_shape((z, y, x), &self.data).expect("length is z·y·x")
    }

    /// How many voxels hold each label that occurs, background included, in rising order.
    pub fn counts(&self) -> BTreeMap<u32, usize> {
        let mut counts = BTreeMap::new();
        // Labels come in long runs, so the tree is read once per run, not once per voxel.
        for run in self.data.chunk_by(|a, b| a == b) {
            *counts.entry(run[0].into()).or_insert(0) += run.len();
        }
        counts
    }

    /// The same grid with every label replaced.
    ///
    /// ```
    /// use vesalius_volume::{Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
    /// let labels = LabelMap::<u16>::new(grid, vec![0, 1, 2, 4])?;
    /// // Label 4 becomes 3, the rest stays.
    /// assert_eq!(labels.map(|label| if label == 4 { 3_u16 } else { label }).data(), [0, 1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<U: Label>(&self, label: impl FnMut(T) -> U) -> LabelMap<U> {
        LabelMap {
            geometry: self.geometry,
            data: self.data.iter().copied().map(label).collect(),
            warnings: self.warnings.clone(),
        }
    }

    /// One label as a mask: 1 where it is, 0 elsewhere.
    ///
    /// ```
    /// use vesalius_volume::{Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
    /// let labels = LabelMap::<u16>::new(grid, vec![0, 1, 2, 2])?;
    /// assert_eq!(labels.mask(2).data(), [0, 0, 1, 1]);
    /// assert_eq!(labels.foreground().data(), [0, 1, 1, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mask(&self, label: T) -> LabelMap<u8> {
        self.map(|value| u8::from(value == label))
    }

    /// All labels other than 0 as one mask of 0 and 1.
    pub fn foreground(&self) -> LabelMap<u8> {
        self.map(|value| u8::from(value != T::default()))
    }

    /// The same labels in another integer type.
    ///
    /// # Errors
    /// [`Error::NotALabel`] when a label does not fit.
    ///
    /// ```
    /// use vesalius_volume::{Error, Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// let small = LabelMap::<u16>::new(grid, vec![0, 255])?.convert::<u8>()?;
    /// assert_eq!(small.data(), [0_u8, 255]);
    ///
    /// let refused = LabelMap::<u16>::new(grid, vec![0, 256])?.convert::<u8>();
    /// assert!(matches!(refused, Err(Error::NotALabel { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn convert<U: Label>(&self) -> Result<LabelMap<U>> {
        let fit = |&label: &T| {
            let value: u32 = label.into();
            U::try_from(value).map_err(|_| Error::NotALabel {
                value: value.to_string(),
                max: U::LARGEST,
            })
        };
        let data = self.data.iter().map(fit).collect::<Result<_>>()?;
        Ok(LabelMap {
            geometry: self.geometry,
            data,
            warnings: self.warnings.clone(),
        })
    }

    /// The same labels on another grid of the same size: for what changes the position alone.
    ///
    /// # Errors
    /// [`Error::WrongLength`] when the size differs.
    pub fn with_geometry(self, geometry: Geometry) -> Result<Self> {
        let warnings = self.warnings;
        Ok(Self::new(geometry, self.data)?.with_warnings(warnings))
    }

    /// What was decided where the file was ambiguous or wrong, in the order in which it was found.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The same label map with these warnings added.
    #[must_use]
    pub fn with_warnings(mut self, warnings: impl IntoIterator<Item = Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_every_label() {
        let g = Geometry::axis_aligned([4, 1, 2], [1.0; 3]).unwrap();
        let labels = LabelMap::new(g, vec![0u16, 0, 7, 7, 7, 0, 300, 0]).unwrap();
        assert_eq!(labels.counts(), BTreeMap::from([(0, 4), (7, 3), (300, 1)]));
        assert!(
            labels
                .convert::<u8>()
                .unwrap_err()
                .to_string()
                .contains("300")
        );
        assert_eq!(labels.convert::<u32>().unwrap().get([2, 0, 1]), 300);
    }

    #[test]
    fn masks_are_asked_for_by_name() {
        let g = Geometry::axis_aligned([4, 1, 1], [1.0; 3]).unwrap();
        let labels = LabelMap::new(g, vec![0u16, 7, 300, 7]).unwrap();
        assert_eq!(labels.mask(7).data(), [0, 1, 0, 1]);
        assert_eq!(labels.mask(0).data(), [1, 0, 0, 0]);
        assert_eq!(labels.foreground().data(), [0, 1, 1, 1]);
    }
}
