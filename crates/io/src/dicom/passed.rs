//! DICOM files that are no image that is read: broken, in colour, whole slides, reports. What they are decides whether
//! the series that is asked for may lack one of them.

use super::file::DicomFile;
use super::series::Series;
use super::{SliceProblem, tags};
use crate::place::Place;
use crate::{Error, ReadOptions, Result};
use std::path::{Path, PathBuf};
use vesalius_volume::Warning;

/// Why a file is none of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It cannot be read.
    Broken,
    /// An image that is no volume: in colour, a whole slide.
    NoVolume,
    /// A report, a plan, an image without its pixels.
    NoImage,
}

/// A file that is none of the images.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    pub file: PathBuf,
    /// Where it is read, if not by its path.
    place: Option<Box<Place>>,
    pub reason: String,
    kind: Kind,
    /// SeriesInstanceUID, SeriesNumber, SeriesDescription and SOPInstanceUID, as far as the file could be read.
    series_uid: Option<String>,
    number: Option<String>,
    description: Option<String>,
    instance_uid: Option<String>,
    /// Whether it says where it lies.
    placed: bool,
}

impl Passed {
    /// A file of which nothing can be read.
    pub fn unknown(file: PathBuf, reason: String) -> Self {
        Self {
            file,
            place: None,
            reason,
            kind: Kind::Broken,
            series_uid: None,
            number: None,
            description: None,
            instance_uid: None,
            placed: false,
        }
    }

    /// A file of another series.
    pub fn other(file: PathBuf, reason: String) -> Self {
        Self {
            kind: Kind::NoImage,
            ..Self::unknown(file, reason)
        }
    }

    /// A file that could not be read, or is no image; `kind` where the reason does not say it.
    pub fn of(place: &Place, reason: String, kind: Option<Kind>, options: &ReadOptions) -> Self {
        let unknown = Self {
            place: place.is_in_memory().then(|| Box::new(place.clone())),
            ..Self::unknown(place.path().to_owned(), reason)
        };
        let Some(file) = DicomFile::open_damaged(place, options.max_bytes) else {
            return unknown;
        };
        let text = |tag| file.text(&file.set, tag);
        let in_colour = file
            .u16(&file.set, tags::SAMPLES)
            .is_some_and(|samples| samples > 1);
        let no_volume = in_colour || super::facts::is_whole_slide(&file);
        let broken = || match no_volume {
            true => Kind::NoVolume,
            false => Kind::Broken,
        };
        Self {
            kind: kind.unwrap_or_else(broken),
            series_uid: text(tags::SERIES_UID),
            number: text(tags::SERIES_NUMBER),
            description: text(tags::SERIES_DESCRIPTION),
            instance_uid: text(tags::SOP_INSTANCE),
            placed: file.set.get(tags::POSITION).is_some(),
            ..unknown
        }
    }

    /// File and reason, as they are listed.
    pub fn listed(&self) -> (PathBuf, String) {
        (self.file.clone(), self.reason.clone())
    }

    /// Whether a name is that of its series.
    fn is_called(&self, name: &str) -> bool {
        let same = |value: &Option<String>| {
            value
                .as_deref()
                .is_some_and(|value| value.eq_ignore_ascii_case(name))
        };
        self.kind != Kind::NoImage
            && (same(&self.series_uid) || same(&self.number) || same(&self.description))
    }

    fn is_of(&self, series: &Series) -> bool {
        self.series_uid.as_deref() == Some(&series.uid)
    }
}

/// The error of a series of this name that cannot be read: that of its first file.
///
/// # Errors
/// That error, where there is such a series.
pub(super) fn refuse_called(passed: &[Passed], name: &str, options: &ReadOptions) -> Result<()> {
    match passed.iter().find(|passed| passed.is_called(name)) {
        Some(passed) => Err(own_error(passed, options)),
        None => Ok(()),
    }
}

/// The error where there is no image at all: that of the file, where one is.
pub(super) fn refuse_all(path: &Path, passed: &[Passed], options: &ReadOptions) -> Result<()> {
    let images: Vec<&Passed> = passed.iter().filter(|p| p.kind != Kind::NoImage).collect();
    match images[..] {
        [] => Ok(()),
        [first, ..] if images.iter().all(|passed| passed.kind == Kind::NoVolume) => {
            Err(own_error(first, options))
        }
        _ => Err(unreadable(path, &images)),
    }
}

fn own_error(passed: &Passed, options: &ReadOptions) -> Error {
    let on_disk = || Box::new(Place::on_disk(passed.file.clone()));
    let place = passed.place.clone().unwrap_or_else(on_disk);
    match super::listing::header(&place, options) {
        Err(error) => error,
        Ok(_) => unreadable(&passed.file, &[passed]),
    }
}

fn unreadable(path: &Path, files: &[&Passed]) -> Error {
    Error::Unreadable {
        path: path.to_owned(),
        count: files.len(),
        file: files[0].file.clone(),
        reason: files[0].reason.clone(),
    }
}

/// Tells the series that is read what was passed over.
///
/// # Errors
/// [`Error::Unreadable`] for files that belong to it, or may fill a gap that it has.
pub(super) fn tell(
    path: &Path,
    chosen: &mut [Series],
    passed: &[Passed],
    instances: &[String],
) -> Result<()> {
    let Some(first) = chosen.first() else {
        return Ok(());
    };
    let missing = |passed: &&Passed| {
        // A damaged copy of a file that is there leaves no gap.
        let is_there = passed
            .instance_uid
            .as_ref()
            .is_some_and(|uid| instances.contains(uid));
        let belongs = match passed.kind {
            Kind::NoImage => false,
            Kind::NoVolume => passed.placed,
            Kind::Broken => !is_there,
        };
        belongs && passed.is_of(first)
    };
    let lost: Vec<&Passed> = passed.iter().filter(missing).collect();
    if !lost.is_empty() {
        return Err(unreadable(path, &lost));
    }
    let unknown = |passed: &&Passed| passed.kind == Kind::Broken && passed.series_uid.is_none();
    let may_belong = |passed: &&Passed| {
        let of_series = passed.kind != Kind::NoImage && passed.is_of(first);
        unknown(passed) || of_series
    };
    let unknown: Vec<&Passed> = passed.iter().filter(unknown).collect();
    let has_gap = |series: &Series| {
        let gap = |problem: &SliceProblem| {
            matches!(
                problem,
                SliceProblem::Missing { .. } | SliceProblem::VariableGap { .. }
            )
        };
        series.problem.as_ref().is_some_and(gap)
    };
    if !unknown.is_empty() && chosen.iter().any(has_gap) {
        return Err(unreadable(path, &unknown));
    }
    let left_out: Vec<&Passed> = passed.iter().filter(may_belong).collect();
    let over: Vec<&Passed> = passed.iter().filter(|p| !may_belong(p)).collect();
    // Files without pixels of this series are told where the series is listed.
    let of_other = |passed: &&&Passed| !passed.is_of(&chosen[0]);
    let over: Vec<&Passed> = over.iter().filter(of_other).copied().collect();
    let told = [
        left_out.first().map(|first| Warning::FilesLeftOut {
            count: left_out.len(),
            first: first.file.clone(),
            reason: format!("they may belong to the image: {}", first.reason),
        }),
        over.first().map(|first| Warning::FilesPassedOver {
            count: over.len(),
            first: first.file.clone(),
            reason: first.reason.clone(),
        }),
    ];
    add(&mut chosen[0], told.into_iter().flatten().collect());
    Ok(())
}

/// Puts warnings before those that a series has.
pub(super) fn add(series: &mut Series, warnings: Vec<Warning>) {
    series.of_files.splice(0..0, warnings.clone());
    series.warnings.splice(0..0, warnings);
}
