//! The series, and the part of it, that the options ask for.

use super::Series;
use super::series::{header, list};
use crate::place::Place;
use crate::{Error, ReadOptions, Result, VolumeChoice};

/// The volume that the options select, or all volumes of one series where they ask for these.
pub(super) fn choose(place: &Place, options: &ReadOptions) -> Result<Vec<Series>> {
    let path = place.path();
    let list = list(place, options)?;
    if let Some((file, reason)) = list.unreadable.first() {
        if !place.is_folder() && file == path {
            // The error is that of the file itself, not of one among many.
            header(place, options)?;
        }
        return Err(Error::Unreadable {
            path: path.to_owned(),
            count: list.unreadable.len(),
            file: file.clone(),
            reason: reason.clone(),
        });
    }
    let all = labels(&list.series);
    let mut matching = match &options.series {
        Some(name) => called(list.series, name),
        None => list.series,
    };
    let several = |matching: &[Series]| Error::SeveralSeries {
        path: path.to_owned(),
        found: labels(matching),
    };
    if matching.is_empty() {
        return Err(match &options.series {
            None => Error::NotAnImage {
                path: path.to_owned(),
                found: "no DICOM file with pixels".to_owned(),
            },
            Some(name) => Error::NoSuchSeries {
                path: path.to_owned(),
                name: name.clone(),
                found: all,
            },
        });
    }
    if let VolumeChoice::Named(name) = &options.volume {
        let of_series = labels(&matching);
        matching = volumes_called(matching, name);
        if matching.is_empty() {
            return Err(Error::NoSuchVolume {
                path: path.to_owned(),
                name: name.clone(),
                found: of_series,
            });
        }
    }
    let of_one = || matching.iter().all(|one| one.uid == matching[0].uid);
    match options.volume {
        _ if matching.len() == 1 => Ok(matching),
        VolumeChoice::All if of_one() => Ok(matching),
        _ => Err(several(&matching)),
    }
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
