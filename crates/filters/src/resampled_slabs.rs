//! Resampling in bounded memory: some slices of the result at a time, with the same numbers as the whole.

use crate::resample::label_parts::LabelParts;
use crate::resample::parts::{ImageParts, Parts, turned};
use crate::resample::{IndexBox, Interpolation, resample};
use crate::resample::{LabelResampleOptions, ResampleOptions};
use crate::scalar::Sample;
use crate::slabs::{SlabSource, load, values};
use crate::work::Work;
use crate::{Error, Result};
use std::ops::Range;
use vesalius_control::Control;
use vesalius_volume::{Geometry, Label, LabelMap, Volume, Voxel};

/// Slices beyond which a spline prefilter's response to a voxel is below 1e-15.
const SPLINE_REACH: usize = 28;
/// Slices that are read at once where only a part of each is needed.
const PIECE: usize = 4;

/// A resample of a one-channel volume that is larger than memory: nearest or linear, and labels by any rule. The
/// result is that of [`resample()`] or [`crate::resample_labels`] to the bit.
///
/// ```
/// use vesalius_control::Control;
/// use vesalius_filters::{Convention, ResampleOptions, SlabResampler, resample, target_grid};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([20, 20, 30], [1.0, 1.0, 2.5])?;
/// let image = Volume::from_fn(grid, |[x, y, z]| (x * y + 7 * z) as i16);
/// let target = target_grid(&grid, [1.0; 3], Convention::SimpleItk)?;
/// let options = ResampleOptions::default();
///
/// let resampler = SlabResampler::<i16>::image(&grid, &target, &options)?.within(100_000)?;
/// let mut joined = Vec::new();
/// for slab in resampler.slabs(&mut &image, &Control::new()) {
///     // One slab after another: a writer would take them here.
///     joined.extend(slab?);
/// }
/// assert_eq!(joined, resample(&image, &target, &options)?.into_data());
/// // A grid that is turned by 90 degrees may need more of the source for each slice.
/// assert!(SlabResampler::<i16>::image(&grid, &target, &options)?.within(1000).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct SlabResampler<T> {
    parts: Box<dyn Parts<T> + Send + Sync>,
    target: Geometry,
    slices: usize,
}

impl<T> std::fmt::Debug for SlabResampler<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, slices, .. } = self;
        write!(
            formatter,
            "SlabResampler({slices} slices of {:?})",
            target.size()
        )
    }
}

impl<T: Sample> SlabResampler<T> {
    /// Of an image on `source` to `target`, a slice at a time.
    ///
    /// # Errors
    /// [`Error::NoVoxels`] for a source without voxels; [`Error::BadOption`] for [`Interpolation::Cubic`], whose
    /// coefficients depend on all slices.
    pub fn image(source: &Geometry, target: &Geometry, options: &ResampleOptions) -> Result<Self> {
        Ok(Self {
            parts: Box::new(ImageParts::<T>::new(source, target, *options)?),
            target: *target,
            slices: 1,
        })
    }
}

impl<T: Label> SlabResampler<T> {
    /// Of a label map on `source` to `target`, a slice at a time.
    ///
    /// # Errors
    /// As [`crate::resample_labels`].
    pub fn labels(
        source: &Geometry,
        target: &Geometry,
        options: &LabelResampleOptions,
    ) -> Result<Self> {
        Ok(Self {
            parts: Box::new(LabelParts::<T>::new(source, target, *options)?),
            target: *target,
            slices: 1,
        })
    }
}

impl<T: Voxel> SlabResampler<T> {
    /// So many slices of the result at a time.
    ///
    /// # Errors
    /// [`Error::BadOption`] for none.
    pub fn slices(mut self, slices: usize) -> Result<Self> {
        if slices == 0 {
            return Err(Error::option("slabs", "slices", slices, "1 or more"));
        }
        self.slices = slices;
        Ok(self)
    }

    /// As many slices at a time as fit into so many bytes, with the voxels of the source that they depend on; what
    /// reads the source and what writes the result come on top.
    ///
    /// # Errors
    /// [`Error::BadOption`], with the bytes that a slice needs, where not even one fits.
    pub fn within(mut self, bytes: u64) -> Result<Self> {
        let depth = self.target.size()[2].max(1);
        let (mut low, mut high) = (0, depth);
        while low < high {
            let middle = (low + high).div_ceil(2);
            match self.needed(middle) <= bytes {
                true => low = middle,
                false => high = middle - 1,
            }
        }
        if low == 0 {
            let found = format!("{bytes} bytes, where {} are needed", self.needed(1));
            return Err(Error::option(
                "resample by slabs",
                "memory",
                found,
                "enough for a slice of the result and what it depends on",
            ));
        }
        self.slices = low;
        Ok(self)
    }

    /// The most bytes that slabs of so many slices take with what they depend on.
    fn needed(&self, slices: usize) -> u64 {
        let [x, y, depth] = self.target.size();
        let [of_source, of_target] = self.parts.bytes().map(|bytes| bytes as u64);
        let needed = |z: Range<usize>| {
            let made = (x * y * z.len()) as u64;
            let seen = self.parts.seen(z).map_or(0, |part| voxels(&part));
            // The source's voxels are there once more while their axes are put in order.
            let turned = match self.parts.between().order {
                [0, 1, 2] => 0,
                _ => size_of::<T>() as u64,
            };
            seen * (of_source + turned) + made * of_target
        };
        ranges(depth, slices).map(needed).max().unwrap_or(0)
    }

    /// The result, slab after slab: the voxels of some slices, x fastest. The source must be the one whose grid was
    /// given. Cancelled and followed through a control, in the stage `resampling`.
    ///
    /// Slices of the source are requested in rising order where its z axis runs along that of the target, else from the
    /// first to the last for each slab.
    pub fn slabs<'a, S: SlabSource<T> + ?Sized>(
        &'a self,
        source: &'a mut S,
        control: &'a Control,
    ) -> ResampledSlabs<'a, T, S> {
        let [_, y, z] = self.target.size();
        ResampledSlabs {
            resampler: self,
            source,
            work: Work::new(control, "resampling", y * z),
            next: 0,
        }
    }
}

fn voxels(part: &IndexBox) -> u64 {
    part.iter().map(|range| range.len() as u64).product()
}

/// Stretches of `depth` slices.
fn ranges(depth: usize, slices: usize) -> impl Iterator<Item = Range<usize>> {
    let first = (0..depth).step_by(slices.max(1));
    first.map(move |first| first..(first + slices).min(depth))
}

/// The slabs of a result, from [`SlabResampler::slabs`].
pub struct ResampledSlabs<'a, T, S: ?Sized> {
    resampler: &'a SlabResampler<T>,
    source: &'a mut S,
    work: Work<'a>,
    next: usize,
}

impl<T: Voxel, S: SlabSource<T> + ?Sized> ResampledSlabs<'_, T, S> {
    fn slab(&mut self, z: Range<usize>) -> Result<Vec<T>> {
        let parts = &self.resampler.parts;
        let [_, y, _] = self.resampler.target.size();
        self.work.check()?;
        let Some(seen) = parts.seen(z.clone()) else {
            self.work.advance(y * z.len());
            return Ok(parts.nothing(z.len()));
        };
        let order = parts.between().order;
        // Axis i of the box is axis `order[i]` of the source.
        let mut part: IndexBox = [0..0, 0..0, 0..0];
        for (axis, range) in order.into_iter().zip(&seen) {
            part[axis] = range.clone();
        }
        let size = std::array::from_fn(|axis| part[axis].len());
        let source = turned(load_box(self.source, &part)?, size, order);
        let made = parts.make(&source, &seen, z, &self.work);
        self.work.check()?;
        Ok(made)
    }
}

impl<T: Voxel, S: SlabSource<T> + ?Sized> Iterator for ResampledSlabs<'_, T, S> {
    type Item = Result<Vec<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        let [x, y, depth] = self.resampler.target.size();
        if self.next >= depth || x * y == 0 {
            return None;
        }
        let z = self.next..(self.next + self.resampler.slices).min(depth);
        self.next = z.end;
        let slab = self.slab(z);
        if slab.is_err() {
            self.next = depth;
        }
        Some(slab)
    }
}

/// The voxels of a box of the source.
fn load_box<T: Voxel, S: SlabSource<T> + ?Sized>(
    source: &mut S,
    part: &IndexBox,
) -> Result<Vec<T>> {
    let [x, y, _] = source.geometry().size();
    let [across, down, along] = part;
    if *across == (0..x) && *down == (0..y) {
        return values(source, along.start, along.end);
    }
    let mut found = Vec::with_capacity(voxels(part) as usize);
    for first in along.clone().step_by(PIECE) {
        let last = (first + PIECE).min(along.end);
        let piece = values(source, first, last)?;
        for slice in piece.chunks_exact(x * y) {
            for row in down.clone() {
                found.extend_from_slice(&slice[row * x..][across.clone()]);
            }
        }
    }
    Ok(found)
}

/// [`resample()`] by slabs of `slices` slices of the target, each passed to `write` with its first slice's number.
///
/// Nearest and linear give the same numbers as the whole ([`SlabResampler`], which also keeps to a number of bytes).
/// Cubic agrees with the whole to 1e-9 of the range: its coefficients depend on all slices, and those within 28 of the
/// ones that are made are taken.
///
/// Memory: the slab, and the source slices that it depends on (all of them, where the target's slices are
/// not parallel to the source's).
///
/// # Errors
/// As [`crate::filter_slabs`] and [`resample()`].
pub fn resample_slabs<T: Sample>(
    source: &mut impl SlabSource<T>,
    target: &Geometry,
    slices: usize,
    options: &ResampleOptions,
    mut write: impl FnMut(usize, &Volume<T>) -> Result<()>,
) -> Result<()> {
    if options.interpolation == Interpolation::Cubic {
        return spline_slabs(source, target, slices, options, write);
    }
    let resampler = SlabResampler::image(&source.geometry(), target, options)?.slices(slices)?;
    let parts = ranges(target.size()[2], slices);
    for (z, slab) in parts.zip(resampler.slabs(source, &Control::new())) {
        write(z.start, &Volume::new(region(target, &z)?, 1, slab?)?)?;
    }
    Ok(())
}

/// [`crate::resample_labels`] by slabs of `slices` slices of the target; memory as in [`resample_slabs`].
///
/// # Errors
/// As [`crate::filter_slabs`] and [`crate::resample_labels`].
pub fn resample_labels_slabs<T: Label>(
    source: &mut impl SlabSource<T>,
    target: &Geometry,
    slices: usize,
    options: &LabelResampleOptions,
    mut write: impl FnMut(usize, &LabelMap<T>) -> Result<()>,
) -> Result<()> {
    let resampler = SlabResampler::labels(&source.geometry(), target, options)?.slices(slices)?;
    let parts = ranges(target.size()[2], slices);
    for (z, slab) in parts.zip(resampler.slabs(source, &Control::new())) {
        write(z.start, &LabelMap::new(region(target, &z)?, slab?)?)?;
    }
    Ok(())
}

/// The grid of some slices.
fn region(target: &Geometry, z: &Range<usize>) -> Result<Geometry> {
    let [x, y, _] = target.size();
    Ok(target.region([0, 0, z.start as i64], [x, y, z.len()])?)
}

/// A cubic resample of each slab from the source's slices around it.
fn spline_slabs<T: Sample>(
    source: &mut impl SlabSource<T>,
    target: &Geometry,
    slices: usize,
    options: &ResampleOptions,
    mut write: impl FnMut(usize, &Volume<T>) -> Result<()>,
) -> Result<()> {
    if slices == 0 {
        return Err(Error::option("slabs", "slices", slices, "1 or more"));
    }
    const MARGIN: usize = SPLINE_REACH + 2;
    let whole = source.geometry();
    let size = whole.size();
    if whole.voxel_count() == 0 {
        let filter = "resample";
        return Err(Error::NoVoxels { filter, size });
    }
    for z in ranges(target.size()[2], slices) {
        let part = region(target, &z)?;
        // The map is affine, so the slices needed lie between those that the corners need.
        let seen = part.corners().map(|corner| whole.world_to_index(corner)[2]);
        let low = seen.iter().copied().fold(f64::INFINITY, f64::min);
        let high = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let from = (low.floor().max(0.0) as usize).min(size[2] - 1);
        let from = from.saturating_sub(MARGIN);
        let to = (high.ceil().max(0.0) as usize + 1 + MARGIN).min(size[2]);
        let slab = load(source, from, to.max(from + 1))?;
        write(z.start, &resample(&slab, &part, options)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
