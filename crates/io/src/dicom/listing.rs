//! What a path holds: the headers of all files, those that are images to volumes, and what the others are.

use super::copies::{self, without_copies};
use super::examine::examine;
use super::facts::lacks_pixels;
use super::file::DicomFile;
use super::frame::{self, FileHeader};
use super::group::group;
use super::neighbours::one_of_several;
use super::passed::{self, Kind as PassedKind, Passed};
use super::search::candidates;
use super::series::SeriesList;
use super::shared::Shared;
use super::tags;
use super::volumes::volumes;
use crate::place::Place;
use crate::{ReadOptions, Result, archive};
use rayon::prelude::*;
use std::path::PathBuf;
use vesalius_volume::Warning;

/// What a path holds.
pub(super) struct Listed {
    pub list: SeriesList,
    /// Files that are none of the images, as they were found.
    pub passed: Vec<Passed>,
    /// SOPInstanceUIDs of the images.
    pub instances: Vec<String>,
}

/// The series at a place.
pub(crate) fn list_at(place: &Place, options: &ReadOptions) -> Result<SeriesList> {
    Ok(list(place, options)?.list)
}

pub(super) fn list(place: &Place, options: &ReadOptions) -> Result<Listed> {
    let place = &*archive::opened(place, options)?;
    let (files, broken) = candidates(place, options)?;
    let single = !place.holds_files() && files.len() == 1;
    let work = options
        .watch(place.path())
        .count("headers", files.len() as u64);
    let shared = Shared::default();
    let found: Vec<Option<_>> = files
        .par_iter()
        .map(|file| {
            work.done(0)?;
            let mut examined = examine(file, single, options);
            if let Some((_, Ok(Found::Image(header)))) = &mut examined {
                shared.share(header);
            }
            work.done(1)?;
            Ok(examined)
        })
        .collect::<Result<_>>()?;
    drop(work);
    let broken = broken.into_iter();
    let broken = broken.map(|(file, reason)| Passed::unknown(file, reason));
    let (mut images, mut passed, mut empty) = (Vec::new(), broken.collect::<Vec<_>>(), Vec::new());
    let mut unreadable: Vec<_> = passed.iter().map(Passed::listed).collect();
    for (file, examined) in found.into_iter().flatten() {
        match examined {
            Ok(Found::Image(header)) => images.push(header),
            Ok(Found::WithoutPixels { series_uid }) => {
                let reason = "an image without pixel data".to_owned();
                passed.push(Passed::of(file, reason, Some(PassedKind::NoImage), options));
                empty.push((file.path().to_owned(), series_uid));
            }
            Ok(Found::Archive) => {
                let reason = match place.archive() {
                    Some(_) => "an archive inside of an archive, which is not opened",
                    None => "an archive, which is read by its own path",
                };
                passed.push(Passed::other(file.path().to_owned(), reason.to_owned()));
            }
            Ok(Found::Nothing) => {
                let reason = "no image, such as a report or a plan".to_owned();
                passed.push(Passed::of(file, reason, Some(PassedKind::NoImage), options));
            }
            Err(error) => {
                let one = Passed::of(file, error, None, options);
                unreadable.push(one.listed());
                passed.push(one);
            }
        }
    }
    let own = (single && files[0].path() == place.path()).then(|| images.first());
    let alone = own
        .flatten()
        .and_then(|own| one_of_several(place, own, options));
    let (mut images, pairs) = without_copies(images, options)?;
    let instances = images.iter_mut();
    let instances = instances.map(|image| std::mem::take(&mut image.instance_uid));
    let instances = instances.collect();
    let mut series = volumes(group(images), options);
    for series in &mut series {
        copies::tell(series, &pairs);
        // Before the thickness that a single slice takes, which would be irrelevant for the whole volume.
        passed::add(series, alone.iter().cloned().collect());
        let left_out = left_out(&empty, &series.uid);
        series.of_files.extend(left_out.clone());
        series.warnings.extend(left_out);
    }
    series.sort_by_key(|series| {
        let number: Option<i64> = series.number.as_ref().and_then(|n| n.parse().ok());
        (number, series.uid.clone())
    });
    Ok(Listed {
        list: SeriesList { series, unreadable },
        passed,
        instances,
    })
}

/// What a DICOM file holds.
pub(super) enum Found {
    Image(Box<FileHeader>),
    /// The size of an image, and no pixels.
    WithoutPixels {
        series_uid: String,
    },
    /// A report, a plan.
    Nothing,
    /// An archive, which may hold images.
    Archive,
}

pub(super) fn header(place: &Place, options: &ReadOptions) -> Result<Found> {
    let file = DicomFile::open(place, options.max_bytes)?;
    Ok(match frame::read(&file)? {
        Some(header) => Found::Image(Box::new(header)),
        None if lacks_pixels(&file) => Found::WithoutPixels {
            series_uid: file.text(&file.set, tags::SERIES_UID).unwrap_or_default(),
        },
        None => Found::Nothing,
    })
}

/// The files without pixels that name a series: one that lost its pixels leaves a gap, or a stack that
/// ends early.
fn left_out(empty: &[(PathBuf, String)], uid: &str) -> Option<Warning> {
    let mut files = empty.iter().filter(|(_, series)| series == uid);
    let first = files.next()?.0.clone();
    Some(Warning::FilesLeftOut {
        count: 1 + files.count(),
        first,
        reason: "of this series, with rows and columns but without pixel data".to_owned(),
    })
}
