//! Labels as a writer takes them: whole in memory, or as runs slice by slice.

use super::grid::OnSource;
use super::pixels::Bits;
use super::slices::LabelSlices;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use vesalius_volume::{Geometry, Label, LabelMap};

/// The labels of one layer.
pub(crate) trait Layer {
    fn geometry(&self) -> &Geometry;

    /// The labels that occur, each with its number of voxels.
    fn voxels(&self) -> BTreeMap<u32, u64>;

    /// The runs of equal labels of a frame, in the order of its pixels, which `each` takes.
    fn runs(&self, grid: &OnSource, frame: usize, each: impl FnMut(usize, u32));

    /// Writes where a frame has this label.
    fn bits(&self, grid: &OnSource, frame: usize, label: u32, to: &mut Bits) -> io::Result<()>;
}

impl<T: Label> Layer for LabelMap<T> {
    fn geometry(&self) -> &Geometry {
        LabelMap::geometry(self)
    }

    fn voxels(&self) -> BTreeMap<u32, u64> {
        let counts = self.counts().into_iter();
        counts.map(|(label, n)| (label, n as u64)).collect()
    }

    fn runs(&self, grid: &OnSource, frame: usize, mut each: impl FnMut(usize, u32)) {
        let values = grid.frame(self.data(), frame);
        for run in values.chunk_by(|a, b| a == b) {
            each(run.len(), run[0].into());
        }
    }

    fn bits(&self, grid: &OnSource, frame: usize, label: u32, to: &mut Bits) -> io::Result<()> {
        let values = grid.frame(self.data(), frame);
        match T::try_from(label) {
            Ok(label) => to.frame(&values, |value| value == label),
            // A label that the type cannot hold has no voxel.
            Err(_) => to.frame(&values, |_| false),
        }
    }
}

/// Only for frames that lie in slices, which [`OnSource::lies_in_slices`] says.
impl Layer for LabelSlices {
    fn geometry(&self) -> &Geometry {
        LabelSlices::geometry(self)
    }

    fn voxels(&self) -> BTreeMap<u32, u64> {
        self.counts().clone()
    }

    fn runs(&self, grid: &OnSource, frame: usize, mut each: impl FnMut(usize, u32)) {
        if let Some(z) = grid.whole_slice(frame) {
            LabelSlices::runs(self, z).for_each(|(length, label)| each(length, label));
            return;
        }
        for run in frame_of(self, grid, frame).chunk_by(|a, b| a == b) {
            each(run.len(), run[0]);
        }
    }

    fn bits(&self, grid: &OnSource, frame: usize, label: u32, to: &mut Bits) -> io::Result<()> {
        match grid.whole_slice(frame) {
            Some(z) => {
                let runs = LabelSlices::runs(self, z);
                to.runs(runs.map(|(length, found)| (length, found == label)))
            }
            None => to.frame(&frame_of(self, grid, frame), |found| found == label),
        }
    }
}

/// The pixels of a frame that lies in a slice in another order.
fn frame_of(labels: &LabelSlices, grid: &OnSource, frame: usize) -> Vec<u32> {
    let slice = labels.slice(grid.slice(frame));
    match grid.frame_in_slice(&slice, frame) {
        Cow::Borrowed(pixels) => pixels.to_vec(),
        Cow::Owned(pixels) => pixels,
    }
}
