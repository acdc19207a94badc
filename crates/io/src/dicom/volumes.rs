//! The volumes of all groups: those of one series get names by which they can be told apart.

use super::group::{Group, close};
use super::part_key::part_keys;
use super::part_names::first_of;
use super::series::Series;
use super::stack::normal;
use crate::ReadOptions;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The volumes of all groups, those of one series together and in the order of their keys.
pub(super) fn volumes(groups: Vec<Group>, options: &ReadOptions) -> Vec<Series> {
    let mut by_series: BTreeMap<Arc<str>, Vec<Group>> = BTreeMap::new();
    for group in groups {
        let uid = group.first.series_uid.clone();
        by_series.entry(uid).or_default().push(group);
    }
    let of_series = |groups| parts_of_series(groups, options);
    by_series.into_values().flat_map(of_series).collect()
}

fn parts_of_series(mut groups: Vec<Group>, options: &ReadOptions) -> Vec<Series> {
    groups.sort_by_cached_key(|group| first_of(&group.frames));
    let names = group_names(&groups);
    let named = groups.into_iter().zip(names);
    let finished = named.flat_map(|(group, name)| group.finish(name.as_deref(), options));
    let mut parts: Vec<Series> = finished.collect();
    if parts.len() > 1 {
        let frames: Vec<&[_]> = parts.iter().map(|part| part.frames.as_slice()).collect();
        let keys = part_keys(&frames);
        for (part, keys) in parts.iter_mut().zip(keys) {
            part.keys = keys;
        }
    }
    parts
}

/// What tells the groups of one series apart: orientation, size, spacing, frame of reference, as few of them as
/// are needed. Nothing for a single group.
fn group_names(groups: &[Group]) -> Vec<Option<String>> {
    if groups.len() < 2 {
        return vec![None; groups.len()];
    }
    let aspects = [
        orientations(groups),
        sizes(groups),
        spacings(groups),
        frames_of_reference(groups),
        (0..groups.len())
            .map(|i| format!("group {}", i + 1))
            .collect(),
    ];
    let mut names = vec![Vec::<String>::new(); groups.len()];
    let distinct = |names: &[Vec<String>]| names.iter().collect::<BTreeSet<_>>().len();
    for aspect in aspects {
        let mut longer = names.clone();
        for (name, one) in longer.iter_mut().zip(aspect) {
            name.push(one);
        }
        if distinct(&longer) > distinct(&names) {
            names = longer;
        }
    }
    names
        .into_iter()
        .map(|name| Some(name.join(", ")))
        .collect()
}

/// Numbers from 1 in the order of the groups, equal for those that are alike.
fn numbered(groups: &[Group], alike: impl Fn(&Group, &Group) -> bool) -> Vec<usize> {
    let mut firsts: Vec<usize> = Vec::new();
    let number = |at: usize| {
        let known = firsts
            .iter()
            .position(|&first| alike(&groups[first], &groups[at]));
        known.unwrap_or_else(|| {
            firsts.push(at);
            firsts.len() - 1
        })
    };
    (0..groups.len())
        .map(number)
        .map(|number| number + 1)
        .collect()
}

/// `orientation 2 (sagittal)`.
fn orientations(groups: &[Group]) -> Vec<String> {
    let of = |group: &Group| group.frames[0].orientation.map(|o| o.to_vec());
    let numbers = numbered(groups, |a, b| {
        close(of(a).as_deref(), of(b).as_deref(), 1e-3)
    });
    let name = |(group, number): (&Group, usize)| match group.frames[0].orientation {
        Some(orientation) => format!("orientation {number} ({})", plane(&orientation)),
        None => format!("orientation {number} (none)"),
    };
    groups.iter().zip(numbers).map(name).collect()
}

/// The body's plane that a slice is nearest to, where it is within 20° of it.
fn plane(orientation: &[f64; 6]) -> &'static str {
    let normal = normal(orientation).map(f64::abs);
    let near = 20f64.to_radians().cos();
    let planes = ["sagittal", "coronal", "axial"];
    let at = normal.iter().position(|share| *share >= near);
    at.map_or("oblique", |at| planes[at])
}

/// `size 512x512`.
fn sizes(groups: &[Group]) -> Vec<String> {
    let name = |group: &Group| format!("size {}x{}", group.first.columns, group.first.rows);
    groups.iter().map(name).collect()
}

/// `spacing 0.5x0.5`, in mm along rows and columns; with a number where digits do not tell them apart.
fn spacings(groups: &[Group]) -> Vec<String> {
    let of = |group: &Group| group.frames[0].spacing.map(|s| s.to_vec());
    let numbers = numbered(groups, |a, b| {
        close(of(a).as_deref(), of(b).as_deref(), 1e-4)
    });
    let digits = |v: f64| format!("{}", (v * 1e3).round() / 1e3);
    let name = |group: &Group| match group.frames[0].spacing {
        Some([rows, columns]) => format!("spacing {}x{}", digits(columns), digits(rows)),
        None => "spacing none".to_owned(),
    };
    let names: Vec<String> = groups.iter().map(name).collect();
    let of_name = names.iter().collect::<BTreeSet<_>>().len();
    match of_name == numbers.iter().collect::<BTreeSet<_>>().len() {
        true => names,
        false => numbers
            .iter()
            .map(|number| format!("spacing {number}"))
            .collect(),
    }
}

/// `frame of reference 2`.
fn frames_of_reference(groups: &[Group]) -> Vec<String> {
    let same = |a: &Group, b: &Group| a.first.frame_of_reference == b.first.frame_of_reference;
    let numbers = numbered(groups, same);
    let name = |number: usize| format!("frame of reference {number}");
    numbers.into_iter().map(name).collect()
}
