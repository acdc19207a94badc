//! The series, and the part of it, that the options ask for.

use super::Series;
use super::listing::{header, list};
use super::passed::{self, Passed};
use crate::place::Place;
use crate::{Error, OnWarning, ReadOptions, Result, VolumeChoice, archive};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The volume that the options select, or all volumes of one series where they ask for these.
///
/// # Errors
/// No such series or volume, or several; files that cannot be read and belong to it.
pub(super) fn choose(place: &Place, options: &ReadOptions) -> Result<Vec<Series>> {
    let place = &*archive::opened(place, options)?;
    let path = place.path();
    let listed = list(place, options)?;
    let of_itself = |passed: &Passed| !place.holds_files() && passed.file == path;
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

/// The series, parts and segments of this name, else the part of this number behind the name of its series.
fn called(series: Vec<Series>, name: &str) -> Vec<Series> {
    let by_name = |one: &Series| match one.is_called(name) {
        true => Some(one.clone()),
        false => one.segment_called(name),
    };
    let by_number = |one: &Series, number: &str| {
        let mut parts = one.after_name(name).into_iter().flatten();
        parts.any(|part| part.trim() == number)
    };
    named_or_numbered(series, by_name, by_number)
}

/// The parts of this name, else the one of this number in its series.
fn volumes_called(series: Vec<Series>, name: &str) -> Vec<Series> {
    let by_name = |one: &Series| match one.is_part(name) {
        true => Some(one.clone()),
        false => one.segment_part(name),
    };
    named_or_numbered(series, by_name, |_, number| name.trim() == number)
}

/// What `by_name` makes of the volumes, else those whose number within their series, from 1, `by_number` takes.
fn named_or_numbered(
    series: Vec<Series>,
    by_name: impl Fn(&Series) -> Option<Series>,
    by_number: impl Fn(&Series, &str) -> bool,
) -> Vec<Series> {
    let named: Vec<Series> = series.iter().filter_map(by_name).collect();
    if !named.is_empty() {
        return named;
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut is_meant = |one: &Series| {
        let count = counts.entry(one.uid.clone()).or_default();
        *count += 1;
        by_number(one, &count.to_string())
    };
    series.into_iter().filter(|one| is_meant(one)).collect()
}

fn labels(series: &[Series]) -> String {
    let labels: Vec<String> = series.iter().map(Series::label).collect();
    labels.join("; ")
}
