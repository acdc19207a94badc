//! A volume as a DICOM image series that is derived from another: its patient, study and frame of reference, one file a
//! slice.

mod modality;
mod scale;
mod slices;

use crate::identity::{self, Moment};
use crate::set::Set;
use crate::source::Source;
use crate::space::{Plane, distance, dot, outline};
use crate::text::Charset;
use crate::uid::new_uid;
use crate::{Error, Result, file, raw};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use modality::{Class, Describe};
use scale::{Rules, Storage};
use slices::Slices;
use std::io::Write;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_io::{FileVoxel, Scaling, Series, write_atomically};
use vesalius_volume::{Volume, Warning};

/// Writes volumes as series derived from a source series.
///
/// Patient, study and frame of reference are the source's, byte for byte; series and instances have new identifiers. The
/// class is that of the source for CT, MR and PET (also where it is an enhanced one), else secondary capture with a
/// place. Slices have the source's orientation: axes are exchanged and turned, but no value is interpolated. Integers
/// and whole numbers that fit into 16 bits are stored as they are, other values as finely as 16 bits allow, with the
/// largest error told. An MR image has a rescale slope only where its values need one, which is outside of the
/// standard's list of attributes (`dciodvfy` warns) and what scanners do.
///
/// ```
/// use vesalius_dicom::SeriesWriter;
/// use vesalius_io::{ReadOptions, list_series, read_series};
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "MR", [6, 5, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let volume = read_series::<f32>(series, &ReadOptions::default())?;
/// let smoothed = volume.map(|value| value * 0.7 + 0.1);
///
/// let output = folder.path().join("smoothed");
/// let written = SeriesWriter::new(series)?.description("smoothed").write(&smoothed, &output)?;
/// assert_eq!(written.files.len(), 4);
///
/// let again = &list_series(&output)?.series[0];
/// assert_eq!(again.frame_of_reference, series.frame_of_reference);
/// let back = read_series::<f32>(again, &ReadOptions::default())?;
/// for (a, b) in back.data().iter().zip(smoothed.data()) {
///     assert!(f64::from((a - b).abs()) <= written.largest_error + 1e-4);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SeriesWriter {
    source: Source,
    scaling: Option<Scaling>,
    series_number: Option<u32>,
    description: String,
    derivation: String,
    channel: Option<usize>,
    not_finite: Option<f64>,
    control: Control,
}

/// A series that was written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WrittenSeries {
    /// The files, by rising place along the slices' normal.
    pub files: Vec<PathBuf>,
    /// SeriesInstanceUID.
    pub series_uid: String,
    /// How stored integers become values.
    pub scaling: Scaling,
    /// The largest difference between a value and what is read back; 0 where all are exact.
    pub largest_error: f64,
    /// What was decided where the source or the volume left something open.
    pub warnings: Vec<Warning>,
}

impl SeriesWriter {
    /// A writer of series derived from `series`.
    ///
    /// # Errors
    /// [`Error::Source`] for a source without patient, study or places, [`Error::MixedSource`].
    pub fn new(series: &Series) -> Result<Self> {
        let control = Control::new();
        let source = Source::open(series, &control)?;
        if source.frame_of_reference().is_none() {
            let what = "it has no frame of reference or its frames no place, so that a volume cannot be placed beside it; choose a series with places";
            return Err(Error::source(source.path(), what));
        }
        Ok(Self {
            source,
            scaling: series.scaling(),
            series_number: None,
            description: String::new(),
            derivation: format!("Processed by Vesalius {}", identity::VERSION),
            channel: None,
            not_finite: None,
            control,
        })
    }

    /// SeriesNumber; otherwise the source's and 500.
    pub fn series_number(mut self, number: u32) -> Self {
        self.series_number = Some(number);
        self
    }

    /// SeriesDescription, at most 64 characters; otherwise the source's and `derived`.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// DerivationDescription: how the volume was made.
    pub fn derivation(mut self, text: impl Into<String>) -> Self {
        self.derivation = text.into();
        self
    }

    /// The channel to write, from 0; needed for a volume of several.
    pub fn channel(mut self, channel: usize) -> Self {
        self.channel = Some(channel);
        self
    }

    /// The value for voxels that are not finite, which are refused otherwise.
    pub fn not_finite(mut self, value: f64) -> Self {
        self.not_finite = Some(value);
        self
    }

    /// For progress and cancellation.
    pub fn control(mut self, control: Control) -> Self {
        self.control = control;
        self
    }

    /// Writes a volume into a new folder, which appears when all files are complete.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Channels`], [`Error::Sheared`], [`Error::NotFinite`], [`Error::Range`],
    /// [`Error::Elsewhere`] for a volume that does not overlap with the source, [`Error::Text`], [`Error::Cancelled`],
    /// and [`Error::Io`] for a disk that is full.
    pub fn write<T: FileVoxel>(
        &self,
        volume: &Volume<T>,
        folder: impl AsRef<Path>,
    ) -> Result<WrittenSeries> {
        let folder = folder.as_ref();
        check_target(folder)?;
        let channel = match (self.channel, volume.channels()) {
            (None, 1) => 0,
            (Some(channel), count) if channel < count => channel,
            (_, channels) => return Err(Error::Channels { channels }),
        };
        let data = volume.channel(channel);
        let like = self.source.frames[0].plane.unwrap_or(slices::NOWHERE);
        let slices = Slices::of(volume.geometry(), &like)?;
        let mut warnings: Vec<Warning> = self.check_place(volume)?.into_iter().collect();
        let class = Class::of(&self.source.modality);
        let rules = Rules {
            source: self.scaling,
            not_finite: self.not_finite,
            intercept: class != Class::Pet,
        };
        let storage = rules.storage(data)?;
        let largest_error = storage.largest_error;
        if largest_error > 0.0 {
            let slope = storage.slope;
            warnings.push(Warning::ValuesRounded {
                slope,
                largest_error,
            });
        }
        let job = Job {
            writer: self,
            slices: &slices,
            class,
            storage,
            charset: Charset::of(self.source.head(), &[&self.description, &self.derivation]),
            moment: Moment::now(),
            series_uid: new_uid()?,
        };
        let staged = Staged::beside(folder)?;
        let stage = self.control.stage("slices", slices.count() as u64);
        let mut names = Vec::with_capacity(slices.count());
        for slice in 0..slices.count() {
            self.control.check()?;
            let name = format!("{:05}.dcm", slice + 1);
            let values = slices
                .values(data, slice)
                .map(|value| storage.stored(rules.value(value)));
            let told = job.write(slice, values, &staged.path().join(&name))?;
            warnings.extend(told.into_iter().filter(|_| slice == 0));
            names.push(name);
            stage.advance(1);
        }
        staged.publish(folder)?;
        Ok(WrittenSeries {
            files: names.iter().map(|name| folder.join(name)).collect(),
            series_uid: job.series_uid,
            scaling: Scaling {
                slope: storage.slope,
                intercept: storage.intercept,
            },
            largest_error,
            warnings,
        })
    }

    /// Refuses a volume that lies elsewhere, and tells of one that lies mostly so.
    fn check_place<T: FileVoxel>(&self, volume: &Volume<T>) -> Result<Option<Warning>> {
        let (corners, outline) = (self.source.corners(), outline(volume.geometry()));
        let apart = distance(&corners, &outline);
        // Slices are as thick as the volume's voxels at least.
        let thick = volume.geometry().spacing().into_iter().fold(0.0, f64::max);
        if apart > thick {
            return Err(Error::Elsewhere { distance: apart });
        }
        let middle = std::array::from_fn(|i| {
            outline.iter().map(|p| p[i]).sum::<f64>() / outline.len() as f64
        });
        let beside = distance(&corners, &[middle]);
        Ok((beside > thick).then_some(Warning::MostlyElsewhere { distance: beside }))
    }
}

/// What the files of a series have in common.
struct Job<'a> {
    writer: &'a SeriesWriter,
    slices: &'a Slices,
    class: Class,
    storage: Storage,
    charset: Charset,
    moment: Moment,
    series_uid: String,
}

impl Job<'_> {
    fn write(
        &self,
        slice: usize,
        values: impl Iterator<Item = i32>,
        path: &Path,
    ) -> Result<Vec<Warning>> {
        let instance = new_uid()?;
        let (set, told) = self.header(slice, &instance)?;
        let [columns, rows] = self.slices.plane_size();
        let length = (columns * rows * 2) as u32;
        let mut bytes = Vec::with_capacity(length as usize);
        // Both kinds of words have the same low bits.
        values.for_each(|value| bytes.extend((value as u16).to_le_bytes()));
        write_atomically(path, |to| {
            file::begin(to, self.class.uid(), &instance, file::EXPLICIT)?;
            file::elements(to, set.object())?;
            to.write_all(&file::long_header(tags::PIXEL_DATA, VR::OW, length))?;
            to.write_all(&bytes)
        })?;
        Ok(told)
    }

    fn header(&self, slice: usize, instance: &str) -> Result<(Set<'_>, Vec<Warning>)> {
        let source = &self.writer.source;
        let mut set = Set::new(&self.charset);
        identity::patient_and_study(&mut set, source);
        identity::frame_of_reference(&mut set, source);
        identity::equipment(&mut set)?;
        identity::lossy(&mut set, source)?;
        set.text(tags::SOP_CLASS_UID, self.class.uid())?;
        set.text(tags::SOP_INSTANCE_UID, instance)?;
        let plane = self.slices.plane(slice);
        let origins = self.origins(&plane);
        let describe = Describe {
            source,
            class: self.class,
            slices: self.slices.count(),
        };
        let nearest = origins.first().copied().unwrap_or(0);
        let told = describe.describe(&mut set, nearest, slice)?;
        self.series(&mut set, slice)?;
        self.derived_from(&mut set, origins)?;
        self.place(&mut set, &plane);
        self.pixels(&mut set)?;
        Ok((set, told))
    }

    fn series(&self, set: &mut Set, slice: usize) -> Result<()> {
        let (writer, head) = (self.writer, self.writer.source.head());
        let modality = if self.class == Class::Other {
            "OT"
        } else {
            &writer.source.modality
        };
        set.text(tags::MODALITY, modality)?;
        set.text(tags::SERIES_INSTANCE_UID, &self.series_uid)?;
        let number = raw::numbers::<1>(head, tags::SERIES_NUMBER).map_or(0.0, |[n]| n);
        let number = writer.series_number.map_or(number as i64 + 500, i64::from);
        set.integer(tags::SERIES_NUMBER, number);
        match writer.description.is_empty() {
            true => set.text(tags::SERIES_DESCRIPTION, "derived")?,
            false => set.text(tags::SERIES_DESCRIPTION, &writer.description)?,
        };
        set.integer(tags::INSTANCE_NUMBER, slice as i64 + 1);
        let Moment { date, time } = &self.moment;
        for tag in [
            tags::SERIES_DATE,
            tags::CONTENT_DATE,
            tags::INSTANCE_CREATION_DATE,
        ] {
            set.text(tag, date)?;
        }
        for tag in [
            tags::SERIES_TIME,
            tags::CONTENT_TIME,
            tags::INSTANCE_CREATION_TIME,
        ] {
            set.text(tag, time)?;
        }
        set.text(tags::DERIVATION_DESCRIPTION, &writer.derivation)?;
        Ok(())
    }

    /// The files whose frames cross the slice, or the nearest where none does; the nearest first.
    fn origins(&self, plane: &Plane) -> Vec<usize> {
        let source = &self.writer.source;
        let up = plane.normal();
        let step = self.slices.grid.spacing()[2];
        let at = plane.height(up);
        let away = |number: &usize| {
            let frame = source.frames[*number].plane.unwrap_or(*plane);
            let heights = frame
                .corners(source.size)
                .map(|corner| dot(corner, up) - at);
            let (low, high) = heights
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &h| {
                    (a.min(h), b.max(h))
                });
            low.max(-high).max(0.0)
        };
        let mut near: Vec<(f64, usize)> = (0..source.frames.len()).map(|i| (away(&i), i)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        // A slice on a frame has no part of the next one.
        let limit = near
            .first()
            .map_or(0.0, |(nearest, _)| (step * 0.5).max(*nearest))
            - step * 1e-3;
        let mut found: Vec<usize> = Vec::new();
        for (i, (away, frame)) in near.iter().enumerate() {
            let instance = source.frames[*frame].instance;
            if (i == 0 || *away < limit) && !found.contains(&instance) {
                found.push(instance);
            }
        }
        found
    }

    fn derived_from(&self, set: &mut Set, origins: Vec<usize>) -> Result<()> {
        let source = &self.writer.source;
        let items = origins.iter().map(|&i| {
            let instance = &source.instances[i];
            let mut item = identity::reference(set, &instance.class, &instance.uid)?;
            let purpose = identity::code_item(
                set,
                "121322",
                "DCM",
                "Source image for image processing operation",
            )?;
            item.items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![purpose]);
            Ok(item)
        });
        let items = items.collect::<Result<Vec<_>>>()?;
        set.items(tags::SOURCE_IMAGE_SEQUENCE, items);
        identity::referenced_series(set, source, &origins)
    }

    fn place(&self, set: &mut Set, plane: &Plane) {
        let step = self.slices.grid.spacing()[2];
        let cosines = [plane.row, plane.column].concat();
        set.decimals(tags::IMAGE_POSITION_PATIENT, &plane.position);
        set.decimals(tags::IMAGE_ORIENTATION_PATIENT, &cosines);
        set.decimals(tags::PIXEL_SPACING, &[plane.spacing[1], plane.spacing[0]]);
        set.decimals(tags::SLICE_THICKNESS, &[step]);
        if self.class == Class::Mr {
            set.decimals(tags::SPACING_BETWEEN_SLICES, &[step]);
        }
        if self.class != Class::Other {
            set.decimals(tags::SLICE_LOCATION, &[plane.height(plane.normal())]);
        }
    }

    fn pixels(&self, set: &mut Set) -> Result<()> {
        let [columns, rows] = self.slices.plane_size();
        let size = |n: usize| {
            u16::try_from(n).map_err(|_| {
            Error::source("", format!("{columns} × {rows} pixels are more than the 65535 that a slice may have; crop the volume"))
        })
        };
        set.words(tags::SAMPLES_PER_PIXEL, &[1]);
        set.text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")?;
        set.words(tags::ROWS, &[size(rows)?]);
        set.words(tags::COLUMNS, &[size(columns)?]);
        set.words(tags::BITS_ALLOCATED, &[16]);
        set.words(tags::BITS_STORED, &[16]);
        set.words(tags::HIGH_BIT, &[15]);
        set.words(
            tags::PIXEL_REPRESENTATION,
            &[u16::from(self.storage.signed)],
        );
        if self.class != Class::Mr || !self.storage.is_plain() {
            set.decimals(tags::RESCALE_INTERCEPT, &[self.storage.intercept]);
            set.decimals(tags::RESCALE_SLOPE, &[self.storage.slope]);
        }
        let [centre, width] = self.storage.window();
        set.decimals(tags::WINDOW_CENTER, &[centre]);
        set.decimals(tags::WINDOW_WIDTH, &[width]);
        Ok(())
    }
}

/// A folder that takes the name of the target when all is in it.
struct Staged(tempfile::TempDir);

impl Staged {
    fn beside(target: &Path) -> Result<Self> {
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".writing-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The umask removes its bits, as for any new folder.
            builder.permissions(std::fs::Permissions::from_mode(0o777));
        }
        builder
            .tempdir_in(parent)
            .map(Self)
            .map_err(|source| write_error(target, source))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn publish(self, target: &Path) -> Result<()> {
        // A folder that was made meanwhile is only replaced where it is empty.
        std::fs::rename(self.0.path(), target).map_err(|source| write_error(target, source))?;
        let _ = self.0.keep();
        Ok(())
    }
}

fn write_error(path: &Path, source: std::io::Error) -> Error {
    Error::Io(vesalius_io::Error::Write {
        path: path.to_owned(),
        source,
    })
}

fn check_target(folder: &Path) -> Result<()> {
    let empty = || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    match folder.symlink_metadata() {
        Ok(_) if !empty() => Err(Error::Exists {
            path: folder.to_owned(),
        }),
        _ => Ok(()),
    }
}
