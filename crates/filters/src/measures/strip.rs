//! The rows of slices across the first axis, found in the order in which voxels lie in memory.

use super::outline::{Ends, Rows};
use crate::work::Work;
use rayon::prelude::*;
use std::collections::BTreeMap;
use vesalius_volume::{Label, LabelMap};

/// What lies along the second axis at one place of the first and the third.
#[derive(Debug, Clone, Copy, Default)]
struct Column {
    voxels: u32,
    first: i32,
    last: i32,
}

/// The columns of a label in a slice across the third axis, from a place of the first axis on.
#[derive(Debug, Default)]
pub(super) struct Strip {
    from: usize,
    columns: Vec<Column>,
}

/// The strips of all labels in each slice across the third axis.
pub(super) fn strips<T: Label>(labels: &LabelMap<T>, work: &Work) -> Vec<BTreeMap<T, Strip>> {
    let [nx, ny, _] = labels.geometry().size();
    let slices = labels.data().par_chunks((nx * ny).max(1));
    slices
        .map(|slice| {
            let mut strips: BTreeMap<T, Strip> = BTreeMap::new();
            if work.goes_on() {
                for (y, row) in slice.chunks(nx).enumerate() {
                    add_row(&mut strips, y as i32, row);
                }
                strips.values_mut().for_each(Strip::shorten);
            }
            strips
        })
        .collect()
}

fn add_row<T: Label>(strips: &mut BTreeMap<T, Strip>, y: i32, row: &[T]) {
    let mut at = 0;
    for run in row.chunk_by(|a, b| a == b) {
        let start = at;
        at += run.len();
        if run[0] == T::default() {
            continue;
        }
        let strip = strips.entry(run[0]).or_default();
        strip.columns.resize(row.len(), Column::default());
        for column in &mut strip.columns[start..at] {
            if column.voxels == 0 {
                column.first = y;
            }
            column.last = y;
            column.voxels += 1;
        }
    }
}

impl Strip {
    /// Forgets what has no voxel on both sides.
    fn shorten(&mut self) {
        let has_voxels = |column: &Column| column.voxels > 0;
        let last = self.columns.iter().rposition(has_voxels);
        self.columns.truncate(last.map_or(0, |last| last + 1));
        self.from = self.columns.iter().position(has_voxels).unwrap_or(0);
        self.columns = self.columns[self.from..].to_vec();
    }
}

/// The rows of a slice across the first axis.
pub(super) fn rows<T: Label>(strips: &[BTreeMap<T, Strip>], x: usize) -> Rows<T> {
    let mut found: Rows<T> = BTreeMap::new();
    for (z, strips) in strips.iter().enumerate() {
        for (&label, strip) in strips {
            let column = x
                .checked_sub(strip.from)
                .and_then(|at| strip.columns.get(at));
            let Some(column) = column.filter(|column| column.voxels > 0) else {
                continue;
            };
            let (voxels, rows) = found.entry(label).or_default();
            *voxels += column.voxels as usize;
            rows.push(Ends {
                row: z as i32,
                first: column.first,
                last: column.last,
            });
        }
    }
    found
}
