//! The series, and the part of it, that the options ask for.

use super::Series;
use super::listing::{header, list};
use super::passed::{self, Passed};
use crate::place::Place;
use crate::{Error, OnWarning, ReadOptions, Result, VolumeChoice};
use std::path::{Path, PathBuf};

/// The volume that the options select, or all volumes of one series where they ask for these.
///
/// # Errors
/// No such series or volume, or several; files that cannot be read and belong to it.
pub(super) fn choose(place: &Place, options: &ReadOptions) -> Result<Vec<Series>> {
    let path = place.path();
    let listed = list(place, options)?;
    let of_itself = |passed: &Passed| !place.is_folder() && passed.file == path;
    if listed.passed.iter().any(of_itself) {
        // The error is that of the file itself, not of one among many.
        header(place, options)?;
    }
    if listed.list.series.is_empty() && super::structures::are_in(place) {
        return Err(Error::Contours {
            path: path.to_owned(),
        });
    }
    let mut chosen = matching(path, listed.list.series, &listed.passed, options)?;
    let passed_over = match chosen.len() {
        1 => Vec::new(),
        _ => without_localizers(&mut chosen, options),
    };
    let of_one = chosen.iter().all(|one| one.uid == chosen[0].uid);
    if chosen.len() > 1 && !(of_one && options.volume == VolumeChoice::All) {
        let (path, found) = (path.to_owned(), labels(&chosen));
        return Err(match of_one {
            true => Error::SeveralVolumes { path, found },
            false => Error::SeveralSeries { path, found },
        });
    }
    let passed = [passed_over, listed.passed].concat();
    passed::tell(path, &mut chosen, &passed, &listed.instances)?;
    Ok(chosen)
}

/// The volumes of the name that the options give, at least one.
fn matching(
    path: &Path,
    series: Vec<Series>,
    passed: &[Passed],
    options: &ReadOptions,
) -> Result<Vec<Series>> {
    let all = labels(&series);
    let matching = match &options.series {
        Some(name) => called(series, name),
        None => series,
    };
    if matching.is_empty() {
        return Err(match &options.series {
            None => {
                passed::refuse_all(path, passed, options)?;
                Error::NotAnImage {
                    path: path.to_owned(),
                    found: "no DICOM file with pixels".to_owned(),
                }
            }
            Some(name) => {
                passed::refuse_called(passed, name, options)?;
                Error::NoSuchSeries {
                    path: path.to_owned(),
                    name: name.clone(),
                    found: all,
                }
            }
        });
    }
    let VolumeChoice::Named(name) = &options.volume else {
        return Ok(matching);
    };
    let of_series = labels(&matching);
    let named = volumes_called(matching, name);
    match named.is_empty() {
        false => Ok(named),
        true => Err(Error::NoSuchVolume {
            path: path.to_owned(),
            name: name.clone(),
            found: of_series,
        }),
    }
}

/// Takes scouts away where something else remains; returns their files.
fn without_localizers(chosen: &mut Vec<Series>, options: &ReadOptions) -> Vec<Passed> {
    let scouts = chosen.iter().filter(|one| one.is_localizer()).count();
    let decides = options.on_warning == OnWarning::Collect;
    if scouts == 0 || scouts == chosen.len() || !decides {
        return Vec::new();
    }
    let (scouts, others) = std::mem::take(chosen)
        .into_iter()
        .partition(Series::is_localizer);
    *chosen = others;
    let scouts: Vec<Series> = scouts;
    let files = scouts.iter().flat_map(|scout| {
        let reason = format!("a localizer: series {}", scout.label());
        let of_scout = move |file: &PathBuf| Passed::other(file.clone(), reason.clone());
        scout.files.iter().map(of_scout)
    });
    files.collect()
}

/// The series, parts and segments of this name.
fn called(series: Vec<Series>, name: &str) -> Vec<Series> {
    let numbers = part_numbers(&series);
    let by_number = |one: &Series, number: usize| {
        let mut parts = one.after_name(name).into_iter().flatten();
        parts.any(|part| part.trim() == number.to_string())
    };
    let named: Vec<Series> = series
        .iter()
        .filter_map(|one| match one.is_called(name) {
            true => Some(one.clone()),
            false => one.segment_called(name),
        })
        .collect();
    if !named.is_empty() {
        return named;
    }
    let numbered = series.into_iter().zip(numbers);
    numbered
        .filter(|(one, number)| by_number(one, *number))
        .map(|(one, _)| one)
        .collect()
}

/// The parts of this name, else the one of this number in its series.
fn volumes_called(series: Vec<Series>, name: &str) -> Vec<Series> {
    let named: Vec<Series> = series
        .iter()
        .filter_map(|one| match one.is_part(name) {
            true => Some(one.clone()),
            false => one.segment_part(name),
        })
        .collect();
    if !named.is_empty() {
        return named;
    }
    let numbers = part_numbers(&series);
    let numbered = series.into_iter().zip(numbers);
    numbered
        .filter(|(_, number)| name.trim() == number.to_string())
        .map(|(one, _)| one)
        .collect()
}

/// The number of each volume within its series, from 1.
fn part_numbers(series: &[Series]) -> Vec<usize> {
    let number = |(at, one): (usize, &Series)| {
        let before = series[..at].iter().filter(|other| other.uid == one.uid);
        before.count() + 1
    };
    series.iter().enumerate().map(number).collect()
}

fn labels(series: &[Series]) -> String {
    let labels: Vec<String> = series.iter().map(Series::label).collect();
    labels.join("; ")
}
