//! Slices of logits, or of their probabilities, on the network's grid, gathered until a slab of the file's can be made of
//! them.

use super::Output;
use crate::Result;
use crate::memory::pending_slices;
use crate::nnunet::Spline;
use crate::stitch::{OutputSlice, to_half};
use std::ops::Range;
use vesalius_filters::resample_nnunet_with;
use vesalius_volume::{Geometry, Volume};

/// Takes the slices of one stripe and writes their labels.
pub(crate) struct Exporter<'a, 'b> {
    output: &'a mut Output<'b>,
    /// Rows of the box that are made, and the rows of the network's grid that they see.
    rows: Range<usize>,
    seen: Range<usize>,
    slab: usize,
    /// `[channel][slice][y][x]` of up to `capacity` slices from `first` on.
    pending: Vec<f32>,
    capacity: usize,
    first: usize,
    held: usize,
    next: usize,
}

impl<'a, 'b> Exporter<'a, 'b> {
    pub fn new(output: &'a mut Output<'b>, rows: Range<usize>, slab: usize) -> Self {
        let parts = output.parts();
        let [_, height, depth] = parts.source_size();
        let (seen, capacity) = match output.spline() {
            Some(_) => (0..height, depth),
            None => (parts.seen(1, rows.clone()), pending_slices(parts, slab)),
        };
        Self {
            output,
            rows,
            seen,
            slab,
            pending: Vec::new(),
            capacity,
            first: 0,
            held: 0,
            next: 0,
        }
    }

    /// The rows of the network's grid that slices must have.
    pub fn seen(&self) -> Range<usize> {
        self.seen.clone()
    }

    /// Takes the next slice.
    pub fn push(&mut self, slice: OutputSlice) -> Result<()> {
        let parts = self.output.parts();
        let meaning = self.output.meaning();
        let carried = meaning.carried(slice.values)?;
        if parts.is_identity() {
            return self.output.write(slice.z, &self.rows, carried.into_owned());
        }
        let channels = self.output.channels();
        let plane = carried.len() / channels;
        if self.pending.is_empty() {
            self.pending = vec![0.0; channels * self.capacity * plane];
        }
        if self.held == self.capacity {
            self.forget(plane);
        }
        for (channel, values) in carried.chunks_exact(plane).enumerate() {
            let at = (channel * self.capacity + self.held) * plane;
            self.pending[at..at + plane].copy_from_slice(values);
        }
        self.held += 1;
        match self.output.spline() {
            Some(spline) if self.held == self.capacity => self.make_whole(spline),
            Some(_) => Ok(()),
            None => self.make(plane),
        }
    }

    /// Makes all slices at once, a channel at a time in double precision.
    fn make_whole(&mut self, spline: Spline) -> Result<()> {
        let parts = self.output.parts();
        let (from, to) = (parts.source_size(), parts.target_size());
        let grid = Geometry::axis_aligned(from, spline.from)?;
        let voxels: usize = to.iter().product();
        let mut logits = Vec::with_capacity(self.output.channels() * voxels);
        let pending = std::mem::take(&mut self.pending);
        for channel in pending.chunks_exact(from.iter().product()) {
            let values = channel.iter().map(|&value| f64::from(value)).collect();
            let channel = Volume::new(grid, 1, values)?;
            let control = self.output.control();
            let made = resample_nnunet_with(&channel, to, spline.to, &spline.options, control)?;
            logits.extend(made.data().iter().map(|&value| to_half(value as f32)));
        }
        self.output.write(0, &self.rows, logits)
    }

    /// Drops the slices that no later target slice needs.
    fn forget(&mut self, plane: usize) {
        let parts = self.output.parts();
        let end = parts.target_size()[2];
        let needed = match self.next < end {
            true => parts.seen(2, self.next..self.next + 1).start,
            false => self.first + self.held,
        };
        let passed = needed.saturating_sub(self.first).min(self.held);
        for channel in self.pending.chunks_exact_mut(self.capacity * plane) {
            channel.copy_within(passed * plane..self.held * plane, 0);
        }
        self.first += passed;
        self.held -= passed;
    }

    /// Makes the slabs whose slices are all there.
    fn make(&mut self, plane: usize) -> Result<()> {
        let parts = self.output.parts();
        let [width, _, depth] = parts.target_size();
        while self.next < depth {
            let slices = self.next..(self.next + self.slab).min(depth);
            if parts.seen(2, slices.clone()).end > self.first + self.held {
                return Ok(());
            }
            let target = [0..width, self.rows.clone(), slices.clone()];
            let across = plane / self.seen.len().max(1);
            let held = self.first..self.first + self.held;
            let source = [0..across, self.seen.clone(), held];
            let voxels = width * self.rows.len() * slices.len();
            let mut logits = vec![0.0; self.output.channels() * voxels];
            let sources = self.pending.chunks_exact(self.capacity * plane);
            for (values, logits) in sources.zip(logits.chunks_exact_mut(voxels)) {
                parts.part(&values[..self.held * plane], &source, logits, &target)?;
            }
            if self.output.half() {
                logits.iter_mut().for_each(|value| *value = to_half(*value));
            }
            self.output.write(slices.start, &self.rows, logits)?;
            self.next = slices.end;
        }
        Ok(())
    }
}
