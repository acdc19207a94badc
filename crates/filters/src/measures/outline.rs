//! The voxels of each label that can be ends of a diameter: the corners of its convex hull in each slice.

use super::diameter::{Metric, Pair, Voxel};
use super::strip;
use crate::work::Work;
use rayon::prelude::*;
use std::collections::BTreeMap;
use vesalius_volume::{Label, LabelMap};

/// What is kept of a label.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub voxels: usize,
    /// The corners of the hulls of all slices.
    pub points: Vec<Voxel>,
    /// The longest diameter within a slice.
    pub in_slice: Option<Pair>,
}

/// The first and the last voxel of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub row: i32,
    pub first: i32,
    pub last: i32,
}

/// Each label's outline, with slices across an axis.
pub(super) fn slices<T: Label>(
    labels: &LabelMap<T>,
    axis: usize,
    metric: &Metric,
    work: &Work,
) -> BTreeMap<T, Outline> {
    let strips = match axis {
        // Values along the first axis are neighbours: one slice after another would read all memory for each.
        0 => strip::strips(labels, work),
        _ => Vec::new(),
    };
    let found: Vec<BTreeMap<T, Outline>> = (0..labels.geometry().size()[axis])
        .into_par_iter()
        .map(|slice| {
            let mut outlines = BTreeMap::new();
            work.part(1, || {
                let rows = match axis {
                    0 => strip::rows(&strips, slice),
                    _ => rows(labels, axis, slice),
                };
                outlines = one_slice(rows, axis, slice, metric);
            });
            outlines
        })
        .collect();
    let mut all: BTreeMap<T, Outline> = BTreeMap::new();
    for (label, outline) in found.into_iter().flatten() {
        let total = all.entry(label).or_default();
        total.voxels += outline.voxels;
        total.points.extend(outline.points);
        let longer = |a: &Option<Pair>, b: &Option<Pair>| {
            let squared = |pair: &Option<Pair>| pair.map_or(f64::NEG_INFINITY, |p| p.squared);
            squared(a) > squared(b)
        };
        if longer(&outline.in_slice, &total.in_slice) {
            total.in_slice = outline.in_slice;
        }
    }
    all
}

/// The voxels of each label in a slice, and the ends of its rows.
pub(super) type Rows<T> = BTreeMap<T, (usize, Vec<Ends>)>;

fn one_slice<T: Label>(
    rows: Rows<T>,
    axis: usize,
    slice: usize,
    metric: &Metric,
) -> BTreeMap<T, Outline> {
    let plane: [usize; 2] = match axis {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    };
    rows.into_iter()
        .map(|(label, (voxels, rows))| {
            let points = corners(&rows).into_iter().map(|[across, down]| {
                let mut voxel = [0; 3];
                // A grid's size fits into 32 bits with sign, or its buffer would not fit into memory.
                voxel[axis] = slice as i32;
                voxel[plane[0]] = across;
                voxel[plane[1]] = down;
                voxel
            });
            let points: Vec<Voxel> = points.collect();
            let in_slice = longest(&points, metric, &plane);
            let outline = Outline {
                voxels,
                points,
                in_slice,
            };
            (label, outline)
        })
        .collect()
}

/// The rows of a slice across the second or third axis.
fn rows<T: Label>(labels: &LabelMap<T>, axis: usize, slice: usize) -> Rows<T> {
    let [nx, ny, nz] = labels.geometry().size();
    let data = labels.data();
    let mut found: Rows<T> = BTreeMap::new();
    let (count, step, first) = match axis {
        1 => (nz, nx * ny, slice * nx),
        _ => (ny, nx, slice * nx * ny),
    };
    for row in 0..count {
        let start = first + row * step;
        let values = &data[start..start + nx];
        let mut at = 0;
        for run in values.chunk_by(|a, b| a == b) {
            let (first, last) = (at as i32, (at + run.len() - 1) as i32);
            at += run.len();
            if run[0] == T::default() {
                continue;
            }
            let (voxels, rows) = found.entry(run[0]).or_default();
            *voxels += run.len();
            let row = row as i32;
            match rows.last_mut() {
                Some(ends) if ends.row == row => ends.last = last,
                _ => rows.push(Ends { row, first, last }),
            }
        }
    }
    found
}

/// The corners of the convex hull of rows, which rise.
fn corners(rows: &[Ends]) -> Vec<[i32; 2]> {
    let left = chain(rows.iter().map(|ends| [ends.first, ends.row]), 1);
    let right = chain(rows.iter().map(|ends| [ends.last, ends.row]), -1);
    let mut all = left;
    // A row of one voxel has one corner.
    let twice: Vec<[i32; 2]> = right.into_iter().filter(|c| !all.contains(c)).collect();
    all.extend(twice);
    all
}

/// The corners of one side of a hull: those that lie towards the left (`side` 1) or the right (-1) of the line between
/// their neighbours.
fn chain(points: impl Iterator<Item = [i32; 2]>, side: i64) -> Vec<[i32; 2]> {
    let mut kept: Vec<[i32; 2]> = Vec::new();
    for point in points {
        while let [.., a, b] = kept[..] {
            let wide = |p: [i32; 2], q: [i32; 2]| [0, 1].map(|i| i64::from(q[i]) - i64::from(p[i]));
            let (line, corner) = (wide(a, point), wide(a, b));
            let lies = line[0] * corner[1] - line[1] * corner[0];
            if lies * side > 0 {
                break;
            }
            kept.pop();
        }
        kept.push(point);
    }
    kept
}

/// The longest pair among the corners of a slice.
fn longest(points: &[Voxel], metric: &Metric, plane: &[usize; 2]) -> Option<Pair> {
    let mut best: Option<Pair> = None;
    for (i, &a) in points.iter().enumerate() {
        for &b in &points[i..] {
            let pair = metric.between(a, b, plane);
            if best.is_none_or(|best| pair.squared > best.squared) {
                best = Some(pair);
            }
        }
    }
    best
}
