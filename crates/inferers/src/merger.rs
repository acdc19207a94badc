//! How outputs of patches become one: a trait for mergers of your own, and those that are built in.

use crate::{Error, Result};
use vesalius_volume::{Geometry, Volume};

/// The place of a patch, and the size of the network's output for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchLocation {
    /// The patch's first voxel in the volume, `[x, y, z]`.
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

/// An output over the whole volume, started with a value once its channels are known.
fn started(
    sums: &mut Vec<f32>,
    place: &PatchLocation,
    geometry: &Geometry,
    value: f32,
) -> Result<()> {
    let length = place.channels * geometry.voxel_count();
    if sums.is_empty() {
        sums.resize(length, value);
    }
    if place.output != place.patch || sums.len() != length {
        let shape = |[x, y, z]: [usize; 3]| [1, place.channels, z, y, x];
        return Err(Error::OutputSize {
            input: shape(place.patch),
            output: shape(place.output),
        });
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
            counts: vec![0.0; geometry.voxel_count()],
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
        started(&mut self.sums, place, &self.geometry, 0.0)?;
        let voxels = self.counts.len();
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
        started(&mut self.largest, place, &self.geometry, f32::NEG_INFINITY)?;
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
