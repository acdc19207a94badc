//! A label map kept as runs, slice by slice: a hundred segments on a thousand slices in some tens of megabytes.

use crate::{Error, Result};
use std::collections::BTreeMap;
use vesalius_volume::{Geometry, Label, LabelMap};

/// A label map whose slices are kept as runs of equal labels, for [`SegWriter::write_slices`](crate::SegWriter::write_slices):
/// labels of organs need a tenth of their memory or less.
///
/// ```
/// use vesalius_dicom::LabelSlices;
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([4, 3, 2], [1.0; 3])?;
/// let labels = LabelMap::<u16>::from_fn(grid, |[x, _, z]| u16::from(x > 1 && z == 1));
/// let mut slices = LabelSlices::new(grid);
/// for slice in labels.data().chunks(4 * 3) {
///     slices.push(slice)?;
/// }
/// assert!(slices.is_whole());
/// assert_eq!(slices.to_label_map()?.get([3, 0, 1]), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LabelSlices {
    geometry: Geometry,
    /// Of each slice its runs: length, then label, each in groups of seven bits, the lowest first.
    slices: Vec<Vec<u8>>,
    counts: BTreeMap<u32, u64>,
}

impl LabelSlices {
    /// No slice yet of a map on this grid.
    pub fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            slices: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    /// The next slice along z, x fastest.
    ///
    /// # Errors
    /// [`Error::Volume`] for a slice of another size, and one more than the grid has.
    pub fn push<T: Label>(&mut self, slice: &[T]) -> Result<()> {
        let [x, y, z] = self.geometry.size();
        if slice.len() != x * y || self.slices.len() == z {
            return Err(Error::Volume(vesalius_volume::Error::WrongLength {
                size: [x, y, z],
                channels: 1,
                expected: x * y * z,
                found: self.slices.len() * x * y + slice.len(),
            }));
        }
        let mut bytes = Vec::new();
        for run in slice.chunk_by(|a, b| a == b) {
            let label: u32 = run[0].into();
            put(&mut bytes, run.len() as u64);
            put(&mut bytes, label.into());
            *self.counts.entry(label).or_default() += run.len() as u64;
        }
        bytes.shrink_to_fit();
        self.slices.push(bytes);
        Ok(())
    }

    /// The grid.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Whether every slice is there.
    pub fn is_whole(&self) -> bool {
        self.slices.len() == self.geometry.size()[2]
    }

    /// The labels that occur, the background too, each with its number of voxels.
    pub fn counts(&self) -> &BTreeMap<u32, u64> {
        &self.counts
    }

    /// All labels in memory; slices that are missing are background.
    ///
    /// # Errors
    /// [`vesalius_volume::Error::OutOfMemory`].
    pub fn to_label_map(&self) -> Result<LabelMap<u32>> {
        let size = self.geometry.size();
        vesalius_volume::check_memory("the label map", size, 1, 4, None)?;
        let mut data = Vec::with_capacity(self.geometry.voxel_count());
        for z in 0..self.slices.len() {
            data.extend(self.slice(z));
        }
        data.resize(self.geometry.voxel_count(), 0);
        Ok(LabelMap::new(self.geometry, data)?)
    }

    /// The labels of a slice.
    pub(super) fn slice(&self, z: usize) -> Vec<u32> {
        let mut labels = Vec::with_capacity(self.geometry.size()[0] * self.geometry.size()[1]);
        for (length, label) in self.runs(z) {
            labels.resize(labels.len() + length, label);
        }
        labels
    }

    /// The runs of a slice: length and label.
    pub(super) fn runs(&self, z: usize) -> impl Iterator<Item = (usize, u32)> + '_ {
        let mut bytes = self.slices.get(z).map_or(&[][..], Vec::as_slice).iter();
        std::iter::from_fn(move || {
            let length = take(&mut bytes)?;
            Some((length as usize, take(&mut bytes)? as u32))
        })
    }
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take(bytes: &mut std::slice::Iter<u8>) -> Option<u64> {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let byte = *bytes.next()?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back_from_their_runs() {
        let grid = Geometry::axis_aligned([37, 29, 5], [1.0; 3]).unwrap();
        let labels = LabelMap::<u32>::from_fn(grid, |[x, y, z]| match (x * y + z) % 11 {
            0..=6 => 0,
            7 => 127,
            8 => 128,
            9 => 70_000,
            _ => u32::MAX,
        });
        let mut slices = LabelSlices::new(grid);
        for slice in labels.data().chunks(37 * 29) {
            assert!(!slices.is_whole());
            slices.push(slice).unwrap();
        }
        assert!(slices.is_whole());
        assert_eq!(slices.to_label_map().unwrap(), labels);
        let counts = labels.counts();
        assert_eq!(slices.counts().len(), counts.len());
        for (label, count) in counts {
            assert_eq!(slices.counts()[&label], count as u64);
        }
        assert!(slices.push(&labels.data()[..37 * 29]).is_err(), "one more");
        assert!(LabelSlices::new(grid).push(&[0u8; 5]).is_err(), "too small");
    }

    #[test]
    fn organs_need_little_memory() {
        let grid = Geometry::axis_aligned([512, 512, 1], [1.0; 3]).unwrap();
        let labels = LabelMap::<u16>::from_fn(grid, |[x, y, _]| (x / 64 + y / 64 * 8) as u16);
        let mut slices = LabelSlices::new(grid);
        slices.push(labels.data()).unwrap();
        assert!(slices.slices[0].len() <= 512 * 8 * 2);
    }
}
