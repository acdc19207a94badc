//! How outputs of patches become one: a trait for mergers of your own, and those that are built in.

use crate::{Error, Result};
use vesalius_volume::{Geometry, Volume, check_memory};

/// The place of a patch, and the size of the network's output for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchLocation {
    /// The patch's first voxel in the volume, `[x, y, z]`, which lies within it.
    pub start: [usize; 3],
    /// Size of the patch; it may reach beyond the volume's end.
    pub patch: [usize; 3],
    /// Size of the network's output, which a merger may take to be finer or coarser than the patch.
    pub output: [usize; 3],
    /// Channels of the output.
    pub channels: usize,
}

/// Takes the outputs of patches one after another: MONAI's `Merger`.
pub trait Merger {
    /// Takes the output of a patch, `[channel][z][y][x]`.
    ///
    /// # Errors
    /// An output that the merger cannot use.
    fn add(&mut self, place: &PatchLocation, values: &[f32]) -> Result<()>;
}

/// A merger whose result is a volume.
pub trait VolumeMerger: Merger {
    /// What all outputs together give, on the grid of the volume that the patches were cut of.
    ///
    /// # Errors
    /// No output, or outputs that give no volume.
    fn finish(self: Box<Self>) -> Result<Volume<f32>>;
}

impl VolumeMerger for AverageMerger {
    fn finish(self: Box<Self>) -> Result<Volume<f32>> {
        AverageMerger::finish(*self)
    }
}

impl VolumeMerger for MaximumMerger {
    fn finish(self: Box<Self>) -> Result<Volume<f32>> {
        MaximumMerger::finish(*self)
    }
}

/// Rows of a patch's output that lie inside of the volume, each with its offset there.
fn rows<'a>(
    place: &PatchLocation,
    size: [usize; 3],
    values: &'a [f32],
) -> impl Iterator<Item = (usize, &'a [f32])> + use<'a> {
    let ([x, y, z], [wx, wy, wz], channels) = (place.start, place.output, place.channels);
    let [nx, ny, nz] = size;
    let kept = |start: usize, window: usize, length: usize| (start + window).min(length) - start;
    let (width, height, depth) = (kept(x, wx, nx), kept(y, wy, ny), kept(z, wz, nz));
    (0..channels * depth * height).map(move |row| {
        let (j, k, channel) = (row % height, row / height % depth, row / (height * depth));
        let from = ((channel * wz + k) * wy + j) * wx;
        let to = ((channel * nz + z + k) * ny + y + j) * nx + x;
        (to, &values[from..from + width])
    })
}

/// An output over the whole volume, started with a value once its channels are known; a place within the volume and
/// values of its size are what [`rows`] counts on.
fn started(
    sums: &mut Vec<f32>,
    place: &PatchLocation,
    geometry: &Geometry,
    values: &[f32],
    value: f32,
) -> Result<()> {
    let size = geometry.size();
    let ends = |axis: usize| place.start[axis].checked_add(place.output[axis]);
    if (0..3).any(|axis| place.start[axis] >= size[axis] || ends(axis).is_none()) {
        return Err(Error::BadValue {
            key: "the start of a patch",
            found: format!("{:?} in a volume of {size:?}", place.start),
            expected: "a voxel of the volume",
        });
    }
    let outputs = place
        .output
        .iter()
        .try_fold(place.channels, |n, m| n.checked_mul(*m));
    if outputs != Some(values.len()) || values.is_empty() {
        return Err(Error::BadValue {
            key: "the output of a patch",
            found: format!("{} values", values.len()),
            expected: "one for each voxel and channel of the output, and at least one",
        });
    }
    let length = place.channels.checked_mul(geometry.voxel_count());
    let alike = sums.is_empty() || Some(sums.len()) == length;
    let (Some(length), true) = (length, alike && place.output == place.patch) else {
        let shape = |[x, y, z]: [usize; 3]| [1, place.channels, z, y, x];
        return Err(Error::OutputSize {
            input: shape(place.patch),
            output: shape(place.output),
        });
    };
    if sums.is_empty() {
        let (what, width) = ("what patches are merged into", size_of::<f32>());
        // One channel more counts the patches at each voxel.
        check_memory(what, size, place.channels.saturating_add(1), width, None)?;
        sums.resize(length, value);
    }
    Ok(())
}

/// The mean of the outputs that cover a voxel.
#[derive(Debug)]
pub struct AverageMerger {
    geometry: Geometry,
    sums: Vec<f32>,
    counts: Vec<f32>,
}

impl AverageMerger {
    /// Over a volume of this grid.
    pub fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            sums: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// The means; zero where no patch was.
    ///
    /// # Errors
    /// [`Error::EmptyVolume`] when no patch was added.
    pub fn finish(mut self) -> Result<Volume<f32>> {
        let voxels = self.counts.len().max(1);
        for channel in self.sums.chunks_exact_mut(voxels) {
            for (sum, &count) in channel.iter_mut().zip(&self.counts) {
                *sum /= count.max(1.0);
            }
        }
        volume(self.geometry, self.sums)
    }
}

impl Merger for AverageMerger {
    fn add(&mut self, place: &PatchLocation, values: &[f32]) -> Result<()> {
        started(&mut self.sums, place, &self.geometry, values, 0.0)?;
        let voxels = self.geometry.voxel_count();
        self.counts.resize(voxels, 0.0);
        for (at, row) in rows(place, self.geometry.size(), values) {
            let sums = self.sums[at..at + row.len()].iter_mut();
            sums.zip(row).for_each(|(sum, value)| *sum += value);
            if at < voxels {
                let counts = &mut self.counts[at..at + row.len()];
                counts.iter_mut().for_each(|count| *count += 1.0);
            }
        }
        Ok(())
    }
}

/// The largest of the outputs that cover a voxel, channel by channel.
#[derive(Debug)]
pub struct MaximumMerger {
    geometry: Geometry,
    largest: Vec<f32>,
}

impl MaximumMerger {
    /// Over a volume of this grid.
    pub fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            largest: Vec::new(),
        }
    }

    /// The largest values; negative infinity where no patch was.
    ///
    /// # Errors
    /// [`Error::EmptyVolume`] when no patch was added.
    pub fn finish(self) -> Result<Volume<f32>> {
        volume(self.geometry, self.largest)
    }
}

impl Merger for MaximumMerger {
    fn add(&mut self, place: &PatchLocation, values: &[f32]) -> Result<()> {
        let (geometry, nothing) = (&self.geometry, f32::NEG_INFINITY);
        started(&mut self.largest, place, geometry, values, nothing)?;
        for (at, row) in rows(place, self.geometry.size(), values) {
            let largest = self.largest[at..at + row.len()].iter_mut();
            largest
                .zip(row)
                .for_each(|(largest, value)| *largest = largest.max(*value));
        }
        Ok(())
    }
}

fn volume(geometry: Geometry, values: Vec<f32>) -> Result<Volume<f32>> {
    let voxels = geometry.voxel_count();
    if values.is_empty() {
        return Err(Error::EmptyVolume {
            size: geometry.size(),
        });
    }
    Ok(Volume::new(geometry, values.len() / voxels, values)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_lengths_that_do_not_fit_are_errors() {
        let grid = Geometry::axis_aligned([4, 5, 6], [1.0; 3]).unwrap();
        let fits = PatchLocation {
            start: [2, 0, 5],
            patch: [2, 2, 2],
            output: [2, 2, 2],
            channels: 3,
        };
        let (mut average, mut maximum) = (AverageMerger::new(grid), MaximumMerger::new(grid));
        let mut mergers: [&mut dyn Merger; 2] = [&mut average, &mut maximum];
        for merger in &mut mergers {
            let mut refused = |place: PatchLocation, values: usize| {
                let added = merger.add(&place, &vec![1.0; values]);
                assert!(added.is_err(), "{place:?} {values}");
            };
            for start in [[4, 0, 0], [0, 5, 0], [0, 0, usize::MAX]] {
                refused(PatchLocation { start, ..fits }, 24);
            }
            for values in [0, 23, 25] {
                refused(fits, values);
            }
            let huge = [usize::MAX, 1, 1];
            refused(
                PatchLocation {
                    output: huge,
                    patch: huge,
                    ..fits
                },
                24,
            );
            refused(
                PatchLocation {
                    output: [2, 2, 1],
                    ..fits
                },
                12,
            );
            refused(
                PatchLocation {
                    channels: usize::MAX,
                    ..fits
                },
                24,
            );
            refused(
                PatchLocation {
                    channels: 0,
                    ..fits
                },
                0,
            );
            merger.add(&fits, &[1.0; 24]).unwrap();
            // Of other channels than the first.
            let other = merger.add(
                &PatchLocation {
                    channels: 1,
                    ..fits
                },
                &[1.0; 8],
            );
            assert!(other.is_err());
        }
        assert_eq!(average.finish().unwrap().channels(), 3);
        assert_eq!(maximum.finish().unwrap().get(2, [3, 1, 5]), 1.0);
    }
}
