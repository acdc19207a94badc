//! A volume as a DICOM image series that is derived from another: its patient, study and frame of reference, one file a
//! slice.

mod files;
mod folder;
mod modality;
mod scale;
mod slices;

use crate::identity::{self, Moment};
use crate::source::Source;
use crate::space::{distance, outline};
use crate::text::Charset;
use crate::uid::new_uid;
use crate::{Error, Result};
use files::Job;
use folder::{Staged, check_target};
use modality::Class;
use scale::Rules;
use slices::Slices;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_io::{FileVoxel, Scaling, Series};
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
