//! An opened image: its header is read; its voxels are read later, whole or in part.

mod recognise;
mod slabs;

pub use slabs::{Slab, Slabs};

use crate::archive;
use crate::composite::Composite;
use crate::decode::{convert, decode, expectation, misfit};
use crate::layout::{Parsed, Whole};
use crate::place::Place;
use crate::source::{Source, check_packed, read_all};
use crate::streamed::{is_streamed, read_streamed};
use crate::watch::Watch;
use crate::{Error, Extension, FileVoxel, FourthAxis, ImageInfo, Layout, ReadOptions, Result};
use recognise::parse;
use std::marker::PhantomData;
use std::path::Path;
use vesalius_volume::Volume;

/// An image file whose header has been read.
///
/// ```
/// use vesalius_io::{open, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("scan.nii");
/// let grid = Geometry::axis_aligned([8, 8, 8], [1.0, 1.0, 2.0])?;
/// write(&path, &Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 100 * z) as i16))?;
///
/// let file = open(&path)?;
/// assert_eq!(file.info().geometry.size(), [8, 8, 8]);
/// // Only the region is read: 2 × 2 × 1 voxels from voxel [3, 2, 5].
/// let region = file.read_region::<i16>([3, 2, 5], [2, 2, 1])?;
/// assert_eq!(region.data(), [523, 524, 533, 534]);
/// assert_eq!(region.geometry().origin(), [3.0, 2.0, 10.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImageFile {
    parsed: Parsed,
    options: ReadOptions,
    /// Whether the values are labels, of which errors say so.
    labels: bool,
}

/// Opens an image file (NIfTI, MetaImage, NRRD, MGH, ANALYZE, NumPy), by its content, to read parts of it;
/// also the only image of a zip or tar archive.
///
/// # Errors
/// [`Error::Read`], [`Error::NotAnImage`] and errors of the format's header.
pub fn open(path: impl AsRef<Path>) -> Result<ImageFile> {
    open_with(path, &ReadOptions::default())
}

/// As [`open`], with options.
///
/// # Errors
/// As [`open`].
pub fn open_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<ImageFile> {
    open_place(&Place::on_disk(path.as_ref()), options)
}

pub(crate) fn open_place(place: &Place, options: &ReadOptions) -> Result<ImageFile> {
    let opened = archive::opened(place, options)?;
    let member = match opened.archive() {
        Some(archive) => Some(archive.lone_image(place.path(), options)?),
        None => None,
    };
    Ok(ImageFile {
        parsed: parse(member.as_ref().unwrap_or(place), options)?,
        options: options.clone(),
        labels: false,
    })
}

impl ImageFile {
    /// The header's content.
    pub fn info(&self) -> &ImageInfo {
        &self.parsed.info
    }

    /// Whether slabs are read from the file in the order in which voxels are written, channel after channel.
    pub(crate) fn is_read_in_order(&self) -> bool {
        let layout = &self.parsed.layout;
        let is_apart = !layout.interleaved || layout.channels == 1;
        is_apart && self.combined().is_none() && !layout.is_loaded_whole()
    }

    /// NIfTI's header extensions; give them to [`crate::WriteOptions::extensions`] to keep them.
    pub fn extensions(&self) -> &[Extension] {
        &self.parsed.extensions
    }

    /// All voxels, scaled as in the header, exact in `T` (floating types take the nearest), with
    /// [`Volume::warnings`]. Compressed files are read to their check sum.
    ///
    /// # Errors
    /// [`Error::FourthAxis`], [`Error::TooLarge`], [`Error::Truncated`], [`Error::Compression`],
    /// [`Error::Value`] when `T` is an integer type that a value does not fit, and [`Error::Volume`] when
    /// the machine does not have enough memory.
    pub fn read<T: FileVoxel>(&self) -> Result<Volume<T>> {
        self.refuse_undecided()?;
        let (path, layout) = (self.path(), &self.parsed.layout);
        layout.check_limit::<T>(path, self.options.max_bytes)?;
        check_packed(layout)?;
        let watch = self.watch();
        if self.combined().is_none() && is_streamed(layout) {
            layout.check_machine::<T>(path, 0)?;
            let (data, surplus) = read_streamed(path, layout, watch)?;
            return self.whole(data, surplus);
        }
        // In order or apart, the voxels are there once more.
        let copies = if layout.order.is_some() { 2 } else { 1 };
        layout.check_machine::<T>(path, copies * layout.voxel_type.bytes())?;
        let loaded = read_all(layout, watch)?;
        let data = match self.combined() {
            Some(composite) => {
                layout.check_limit::<f64>(path, self.options.max_bytes)?;
                let parts: Vec<f64> = decode(path, loaded.voxels(), layout, watch)?;
                self.combine(composite, &parts, [0; 3], layout.size)?
            }
            None => decode(path, loaded.voxels(), layout, watch)?,
        };
        self.whole(data, loaded.surplus)
    }

    /// As [`ImageFile::read`], a few slices at a time, so that the file's content is never in memory
    /// together with the voxels: with half of the memory or less. [`ImageFile::read`] does so itself for compressed
    /// files of 16 MiB of voxels or more.
    ///
    /// # Errors
    /// As [`ImageFile::read`].
    pub fn read_lean<T: FileVoxel>(&self) -> Result<Volume<T>> {
        /// Slices at a time.
        const SLICES: usize = 16;
        let (path, layout) = (self.path(), &self.parsed.layout);
        if layout.interleaved || layout.is_loaded_whole() {
            return self.read();
        }
        self.refuse_undecided()?;
        layout.check_limit::<T>(path, self.options.max_bytes)?;
        check_packed(layout)?;
        layout.check_machine::<T>(path, 0)?;
        let mut slabs = self.slabs::<T>(SLICES)?;
        let mut data = Vec::with_capacity(layout.values());
        let work = self.watch().count("reading", layout.bytes());
        for slab in &mut slabs {
            let values = slab?.volume.into_data();
            work.done((values.len() * layout.voxel_type.bytes()) as u64)?;
            data.extend(values);
        }
        let surplus = slabs.surplus;
        self.whole(data, surplus)
    }

    /// The voxels as a volume, with everything that was decided.
    fn whole<T: FileVoxel>(&self, data: Vec<T>, surplus: u64) -> Result<Volume<T>> {
        let (path, layout) = (self.path(), &self.parsed.layout);
        let behind = layout.surplus(surplus);
        self.options.admit(path, behind.as_slice())?;
        let volume = Volume::new(self.parsed.info.geometry, self.parsed.info.channels, data)
            .map_err(|source| Error::volume(path, source))?;
        let warnings = self.parsed.info.warnings.iter().cloned();
        let volume = volume.with_warnings(warnings.chain(behind));
        for warning in volume.warnings() {
            tracing::warn!(target: "vesalius", path = %path.display(), "{warning}");
        }
        Ok(volume)
    }

    /// The voxels of a region, all channels, on the region's own geometry, with the header's warnings.
    /// Files that are not compressed are mapped, so that only the region is touched; compressed files
    /// are unpacked from the front up to the end of the region, without keeping what is passed. Their
    /// check sum is not reached, so damage inside the region may pass: read the whole image, or all
    /// [`ImageFile::slabs`], where that matters.
    ///
    /// # Errors
    /// [`Error::Region`], and as [`ImageFile::read`].
    pub fn read_region<T: FileVoxel>(
        &self,
        start: [usize; 3],
        size: [usize; 3],
    ) -> Result<Volume<T>> {
        self.refuse_undecided()?;
        let mut source = self.source(Source::open)?;
        let channels = 0..self.parsed.layout.channels;
        let volume = self.region(&mut source, channels, start, size)?;
        Ok(volume.with_warnings(self.parsed.info.warnings.iter().cloned()))
    }

    /// Slabs of up to `thickness` slices, in file order: for images larger than memory, compressed
    /// ones too. Images that store channel after channel yield all slabs of one, then of the next.
    ///
    /// With the last slab a compressed file is read to its check sum: where that is wrong, an error
    /// takes the place of the last slab. Slabs carry no warnings of the header, which are in
    /// [`ImageFile::info`]; [`Slabs::finish`] returns those that only reading finds.
    ///
    /// # Errors
    /// [`Error::FourthAxis`] and what opening the file may give.
    ///
    /// ```
    /// use vesalius_io::{open, write};
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("scan.nii.gz");
    /// let grid = Geometry::axis_aligned([4, 4, 10], [1.0; 3])?;
    /// write(&path, &Volume::from_fn(grid, |[_, _, z]| z as u8))?;
    ///
    /// // The sum of all voxels, with 4 slices in memory at a time.
    /// let mut sum = 0;
    /// for slab in open(&path)?.slabs::<u8>(4)? {
    ///     sum += slab?.volume.data().iter().map(|&value| u64::from(value)).sum::<u64>();
    /// }
    /// assert_eq!(sum, 16 * 45);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn slabs<T: FileVoxel>(&self, thickness: usize) -> Result<Slabs<'_, T>> {
        self.refuse_undecided()?;
        Ok(Slabs {
            image: self,
            source: self.source(Source::open_in_order)?,
            thickness: thickness.max(1),
            channel: 0,
            z: 0,
            surplus: 0,
            voxel: PhantomData,
        })
    }

    /// A region of the image: what the options make of the voxels that are stored there.
    fn region<T: FileVoxel>(
        &self,
        source: &mut Source,
        channels: std::ops::Range<usize>,
        start: [usize; 3],
        size: [usize; 3],
    ) -> Result<Volume<T>> {
        let Some(composite) = self.combined() else {
            return self.stored_region(source, channels, start, size);
        };
        let parts: Volume<f64> = self.stored_region(source, channels, start, size)?;
        let geometry = *parts.geometry();
        let data = self.combine(composite, parts.data(), start, size)?;
        Volume::new(geometry, 1, data).map_err(|source| Error::volume(self.path(), source))
    }

    fn stored_region<T: FileVoxel>(
        &self,
        source: &mut Source,
        channels: std::ops::Range<usize>,
        start: [usize; 3],
        size: [usize; 3],
    ) -> Result<Volume<T>> {
        let (path, layout) = (self.path(), &self.parsed.layout);
        let fits = (0..3).all(|i| {
            size[i] > 0
                && start[i]
                    .checked_add(size[i])
                    .is_some_and(|end| end <= layout.size[i])
        });
        if !fits {
            return Err(Error::Region {
                path: path.to_owned(),
                start,
                region: size,
                size: layout.size,
            });
        }
        let part = Layout {
            size,
            channels: channels.len(),
            ..layout.clone()
        };
        part.check_limit::<T>(path, self.options.max_bytes)?;
        part.check_machine::<T>(path, 0)?;
        // Interleaved, the channels of a voxel are read like more voxels along x.
        let beside = if layout.interleaved {
            layout.channels
        } else {
            1
        };
        let planes = if layout.interleaved { 0..1 } else { channels };
        let width = layout.voxel_type.bytes();
        let (line, plane) = (
            layout.size[0] * beside,
            layout.size[0] * layout.size[1] * beside,
        );
        let row = size[0] * beside;
        let mut out = vec![T::default(); part.values()];
        let mut rows = out.chunks_exact_mut(row);
        for channel in planes.clone() {
            for z in start[2]..start[2] + size[2] {
                self.watch().check()?;
                let slice = channel * layout.size[2] + z;
                let first = slice * plane + start[1] * line + start[0] * beside;
                let length = (size[1] - 1) * line + row;
                let bytes = source.run(layout, (first * width) as u64, length * width)?;
                for (i, to) in rows.by_ref().take(size[1]).enumerate() {
                    let from = &bytes[i * line * width..][..row * width];
                    if let Err(at) = convert(from, layout, to) {
                        let value = &from[at * width..][..width];
                        let index = [start[0] + at / beside, start[1] + i, z];
                        return Err(misfit::<T>(
                            path,
                            value,
                            layout,
                            index,
                            channel + at % beside,
                        ));
                    }
                }
            }
        }
        if beside > 1 {
            out = separate(&out, beside);
        }
        let start = start.map(|n| n as i64);
        self.parsed
            .info
            .geometry
            .region(start, size)
            .and_then(|geometry| Volume::new(geometry, part.channels, out))
            .map_err(|source| Error::volume(path, source))
    }

    fn path(&self) -> &Path {
        &self.parsed.info.path
    }

    fn watch(&self) -> Watch<'_> {
        self.options.watch(self.path())
    }

    /// The voxels on demand; those that can only be loaded together are within the limit.
    fn source(&self, open: fn(&Layout, Watch) -> Result<Source>) -> Result<Source> {
        let layout = &self.parsed.layout;
        if layout.is_loaded_whole() {
            layout.check_limit::<u8>(self.path(), self.options.max_bytes)?;
            layout.check_machine::<u8>(self.path(), layout.voxel_type.bytes())?;
        }
        open(layout, self.watch())
    }

    /// What the parts of a voxel are, where the options make one number of them.
    fn combined(&self) -> Option<Composite> {
        let composite = self.parsed.composite;
        composite.filter(|composite| composite.combines(&self.options))
    }

    /// One number a voxel from the parts of a region.
    fn combine<T: FileVoxel>(
        &self,
        composite: Composite,
        parts: &[f64],
        start: [usize; 3],
        [x, y, _]: [usize; 3],
    ) -> Result<Vec<T>> {
        let combined = composite.combine::<T>(parts, &self.options);
        combined.map_err(|(at, value)| {
            let within = [at % x, at / x % y, at / (x * y)];
            Error::Value {
                path: self.path().to_owned(),
                value: value.to_string(),
                index: std::array::from_fn(|i| start[i] + within[i]),
                channel: 0,
                expected: expectation(T::TYPE),
            }
        })
    }

    /// Takes real numbers that are nearly whole, or all of them where the options round, as whole ones.
    pub(crate) fn take_as_whole(&mut self) {
        self.parsed.layout.whole = match self.options.round {
            true => Whole::Round,
            false => Whole::Near,
        };
    }

    /// Refuses axes and voxels that may be several things, where the options name none.
    fn refuse_undecided(&self) -> Result<()> {
        if let Some(composite) = self.parsed.composite {
            composite.check(self.path(), &self.options)?;
        }
        match (&self.parsed.fourth_axis, self.options.fourth_axis) {
            (Some(axes), FourthAxis::Refuse) => Err(Error::FourthAxis {
                path: self.path().to_owned(),
                axes: axes.clone(),
                extent: self.parsed.extent.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// Channels side by side to channels outermost.
fn separate<T: Copy>(values: &[T], channels: usize) -> Vec<T> {
    (0..channels)
        .flat_map(|channel| values[channel..].iter().step_by(channels).copied())
        .collect()
}
