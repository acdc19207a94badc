//! From slices of logits on the network's grid to labels (and probabilities) on the file's: resampled,
//! activated and labelled slab by slab.

use crate::memory::pending_slices;
use crate::placement::Placement;
use crate::stitch::OutputSlice;
use crate::{ProbabilityMap, Result};
use std::ops::Range;
use vesalius_tensor::{LogitsSlab, ProbabilitiesSlab};
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Volume};

/// Labels in the smallest type that holds the scheme's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LabelStore {
    U8(LabelMap<u8>),
    U16(LabelMap),
}

impl LabelStore {
    fn background(geometry: Geometry, scheme: &LabelScheme) -> Self {
        match scheme.label_values().iter().all(|&value| value < 256) {
            true => Self::U8(LabelMap::background(geometry)),
            false => Self::U16(LabelMap::background(geometry)),
        }
    }

    /// Bytes a voxel.
    pub fn bytes(scheme: &LabelScheme) -> usize {
        1 + usize::from(scheme.label_values().iter().any(|&value| value > 255))
    }

    fn write(&mut self, at: usize, labels: &[u16]) {
        match self {
            Self::U8(map) => {
                let target = &mut map.data_mut()[at..at + labels.len()];
                // `background` chose a type that holds all labels of the scheme.
                target
                    .iter_mut()
                    .zip(labels)
                    .for_each(|(to, &l)| *to = l as u8);
            }
            Self::U16(map) => map.data_mut()[at..at + labels.len()].copy_from_slice(labels),
        }
    }
}

/// What comes out of a segmentation, on the turned grid until it is finished.
pub(crate) struct Output<'a> {
    placement: &'a Placement,
    scheme: &'a LabelScheme,
    labels: LabelStore,
    probabilities: Option<Vec<f32>>,
}

impl<'a> Output<'a> {
    /// Background everywhere.
    pub fn new(placement: &'a Placement, scheme: &'a LabelScheme, keep: bool) -> Self {
        let turned = placement.turned();
        let voxels = turned.voxel_count();
        let probabilities = keep.then(|| {
            let mut values = vec![0.0; voxels * scheme.channels()];
            if matches!(scheme, LabelScheme::Exclusive { .. }) {
                values[..voxels].fill(1.0);
            }
            values
        });
        Self {
            labels: LabelStore::background(turned, scheme),
            placement,
            scheme,
            probabilities,
        }
    }

    /// Writes a slab of the box: slices from `first`, some rows, all of x.
    fn write(&mut self, first: usize, rows: &Range<usize>, logits: Vec<f32>) -> Result<()> {
        let size = self.placement.turned().size();
        let width = self.placement.parts.target_size()[0];
        let voxels = logits.len() / self.scheme.channels();
        let logits = LogitsSlab::new(self.scheme, logits)?;
        let mut labels = vec![0; voxels];
        let probabilities = match self.probabilities {
            None => {
                logits.labels_into(&mut labels)?;
                None
            }
            Some(_) => {
                let probabilities = logits.into_probabilities();
                probabilities.labels_into(&mut labels)?;
                Some(probabilities.into_data())
            }
        };
        let start = self.placement.start;
        let offset = |row: usize| {
            let (y, z) = (row % rows.len(), row / rows.len());
            ((start[2] + first + z) * size[1] + start[1] + rows.start + y) * size[0] + start[0]
        };
        for (row, labels) in labels.chunks_exact(width).enumerate() {
            self.labels.write(offset(row), labels);
        }
        if let (Some(kept), Some(values)) = (&mut self.probabilities, probabilities) {
            let all: usize = size.iter().product();
            for (channel, values) in values.chunks_exact(voxels).enumerate() {
                for (row, values) in values.chunks_exact(width).enumerate() {
                    let at = channel * all + offset(row);
                    kept[at..at + width].copy_from_slice(values);
                }
            }
        }
        Ok(())
    }

    /// Labels and probabilities on the file's grid.
    pub fn finish(self) -> Result<(LabelStore, Option<ProbabilityMap>)> {
        let labels = match self.labels {
            LabelStore::U8(map) => LabelStore::U8(self.placement.labels_back(map)?),
            LabelStore::U16(map) => LabelStore::U16(self.placement.labels_back(map)?),
        };
        let Some(values) = self.probabilities else {
            return Ok((labels, None));
        };
        let turned = self.placement.turned();
        let volume = Volume::new(turned, self.scheme.channels(), values)?;
        let back = self.placement.volume_back(volume)?;
        let slab = ProbabilitiesSlab::from_stored(self.scheme, back.into_data())?;
        let map = ProbabilityMap::new(self.placement.file, slab);
        Ok((labels, Some(map)))
    }
}

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
        let seen = output.placement.parts.seen(1, rows.clone());
        let capacity = pending_slices(&output.placement.parts, slab);
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
        let parts = &self.output.placement.parts;
        if parts.is_identity() {
            return self
                .output
                .write(slice.z, &self.rows, slice.values.to_vec());
        }
        let channels = self.output.scheme.channels();
        let plane = slice.values.len() / channels;
        if self.pending.is_empty() {
            self.pending = vec![0.0; channels * self.capacity * plane];
        }
        if self.held == self.capacity {
            self.forget(plane);
        }
        for (channel, values) in slice.values.chunks_exact(plane).enumerate() {
            let at = (channel * self.capacity + self.held) * plane;
            self.pending[at..at + plane].copy_from_slice(values);
        }
        self.held += 1;
        self.make(plane)
    }

    /// Drops the slices that no target slice to come sees.
    fn forget(&mut self, plane: usize) {
        let parts = &self.output.placement.parts;
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
        let parts = &self.output.placement.parts;
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
            let mut logits = vec![0.0; self.output.scheme.channels() * voxels];
            let sources = self.pending.chunks_exact(self.capacity * plane);
            for (values, logits) in sources.zip(logits.chunks_exact_mut(voxels)) {
                parts.part(&values[..self.held * plane], &source, logits, &target)?;
            }
            self.output.write(slices.start, &self.rows, logits)?;
            self.next = slices.end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{ImageRows, ScratchImage};
    use crate::sliding_window::WindowRun;
    use crate::{SkipWindows, SlidingWindow, WindowRule};
    use burn::tensor::{Device, Tensor};
    use vesalius_filters::LinearParts;

    /// Three channels that differ with the place in the window.
    fn network(patch: Tensor<5>) -> Tensor<5> {
        let shifted = patch.clone().flip([2]) * 0.5;
        Tensor::cat(vec![patch.clone(), shifted, patch.flip([4]) * -0.3], 1)
    }

    fn image() -> Volume<f32> {
        let grid = Geometry::axis_aligned([20, 30, 17], [1.0; 3]).unwrap();
        Volume::from_fn(grid, |[x, y, z]| {
            ((x * 7 + y * 13 + z * 29) % 37) as f32 / 37.0
        })
    }

    fn run(
        windows: &SlidingWindow,
        placement: &Placement,
        image: &dyn ImageRows,
        height: usize,
        slab: usize,
    ) -> (LabelStore, Vec<f32>) {
        let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
        let mut output = Output::new(placement, &scheme, true);
        let rows = placement.parts.target_size()[1];
        for first in (0..rows).step_by(height) {
            let stripe = first..(first + height).min(rows);
            let mut exporter = Exporter::new(&mut output, stripe, slab);
            let run = WindowRun {
                image,
                network: &network,
                device: &Device::flex(),
                rows: exporter.seen(),
                background: Some(vec![1.0, 0.0, 0.0]),
                observer: &|_, _| true,
            };
            windows
                .run_slices(&run, &mut |slice| exporter.push(slice))
                .unwrap();
        }
        let (labels, probabilities) = output.finish().unwrap();
        (labels, probabilities.unwrap().data().to_vec())
    }

    #[test]
    fn stripes_slabs_and_scratch_files_change_no_voxel() {
        let image = image();
        let scratch = ScratchImage::new(&image, &std::env::temp_dir()).unwrap();
        let windows = SlidingWindow {
            patch_size: [8, 9, 6],
            batch_size: 3,
            rule: WindowRule::Nnunet,
            ..SlidingWindow::default()
        };
        for (size, apart) in [
            ([20, 30, 17], None),
            ([31, 22, 40], None),
            ([20, 41, 9], Some(2)),
        ] {
            // The file's axes run otherwise than the network's, and the box is a part of it.
            let turned = Geometry::axis_aligned([size[0] + 3, size[1] + 1, size[2] + 2], [1.0; 3]);
            let placement = Placement {
                file: turned.unwrap().permuted([2, 0, 1]),
                order: [1, 2, 0],
                flips: [true, false, false],
                start: [2, 0, 1],
                parts: LinearParts::nnunet([20, 30, 17], size, apart).unwrap(),
            };
            let whole = run(&windows, &placement, &image, 1000, 8);
            for (height, slab) in [(7, 1), (4, 3), (1, 2)] {
                let parts = run(&windows, &placement, &scratch, height, slab);
                assert_eq!(whole.0, parts.0, "{size:?} {height} {slab}");
                assert_eq!(whole.1, parts.1, "{size:?} {height} {slab}");
            }
            let LabelStore::U8(labels) = &whole.0 else {
                panic!("labels of less than 256 take a byte");
            };
            assert_eq!(labels.geometry(), &placement.file);
            assert!(labels.counts().len() > 1);
        }
    }

    #[test]
    fn skipped_windows_are_background() {
        let mut image = image();
        let plane = 20 * 30;
        // The last windows along z start at slice 11 and see nothing.
        image.data_mut()[11 * plane..].fill(0.0);
        let all = SlidingWindow {
            patch_size: [8, 9, 6],
            overlap: 0.0,
            ..SlidingWindow::default()
        };
        let skipping = SlidingWindow {
            skip: Some(SkipWindows {
                channel: 0,
                at_most: 0.0,
            }),
            ..all.clone()
        };
        let placement = Placement::between(image.geometry(), image.geometry());
        let placement = placement.unwrap().unwrap();
        let (_, full) = run(&all, &placement, &image, 1000, 8);
        let (labels, skipped) = run(&skipping, &placement, &image, 1000, 8);
        assert_eq!(full[..11 * plane], skipped[..11 * plane]);
        let e = 1.0f32.exp();
        assert!((skipped[16 * plane] - e / (e + 2.0)).abs() < 1e-6);
        let LabelStore::U8(labels) = labels else {
            panic!("labels of less than 256 take a byte");
        };
        assert!(labels.data()[12 * plane..].iter().all(|&label| label == 0));
        let wrong = SlidingWindow {
            skip: Some(SkipWindows {
                channel: 1,
                at_most: 0.0,
            }),
            ..all
        };
        let refused = wrong.run(&image, &network, &Device::flex()).unwrap_err();
        assert!(refused.to_string().contains("skip.channel"));
    }
}
