//! Rows cut into runs of equal voxels, which [`super::join`] joins where they touch.

use super::Connectivity;
use super::join::{join_all, number};
use crate::buffer;
use crate::morphology::bits::pack_row;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use vesalius_volume::Label;

/// A stretch of equal voxels in a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub start: u32,
    pub end: u32,
    /// What must be equal for runs to touch; never 0.
    pub class: u32,
}

/// The runs of an image, joined into components.
pub(crate) struct RunComponents {
    runs: Vec<Run>,
    /// Index of each row's first run, and one past the last run.
    rows: Vec<u32>,
    /// The component of each run, from 0, in order of the components' first voxels.
    component: Vec<u32>,
    /// Voxels of each component.
    pub sizes: Vec<usize>,
    size: [usize; 3],
}

/// Which runs touch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Touch {
    pub connectivity: Connectivity,
    /// Whether slices touch each other.
    pub across_slices: bool,
}

impl RunComponents {
    /// The parts that joining counts: each row twice.
    pub fn parts([_, ny, nz]: [usize; 3]) -> usize {
        2 * ny * nz
    }

    /// Joins the foreground (labels other than 0), or the background.
    ///
    /// # Errors
    /// [`Error::BadOption`] when there are more rows or runs than `u32` counts; [`Error::Cancelled`].
    pub fn of_mask<T: Label>(
        values: &[T],
        size: [usize; 3],
        touch: Touch,
        background: bool,
        work: &Work,
    ) -> Result<Self> {
        let words = size[0].div_ceil(64).max(1);
        let invert = if background { u64::MAX } else { 0 };
        let row_runs = |row: &[T], bits: &mut Vec<u64>, runs: &mut Vec<Run>| {
            bits.resize(words, 0);
            pack_row(row, bits);
            bit_runs(bits, invert, row.len(), runs);
        };
        Self::join(values, size, touch, row_runs, work)
    }

    /// Joins the voxels of each label other than 0.
    ///
    /// # Errors
    /// As [`RunComponents::of_mask`].
    pub fn of_labels<T: Label>(
        values: &[T],
        size: [usize; 3],
        touch: Touch,
        work: &Work,
    ) -> Result<Self> {
        let background = T::default();
        let row_runs = |row: &[T], _: &mut Vec<u64>, runs: &mut Vec<Run>| {
            let mut start = 0;
            for stretch in row.chunk_by(|a, b| a == b) {
                let end = start + stretch.len();
                if stretch[0] != background {
                    runs.push(Run {
                        start: start as u32,
                        end: end as u32,
                        class: stretch[0].into(),
                    });
                }
                start = end;
            }
        };
        Self::join(values, size, touch, row_runs, work)
    }

    fn join<T: Label>(
        values: &[T],
        size: [usize; 3],
        touch: Touch,
        row_runs: impl Fn(&[T], &mut Vec<u64>, &mut Vec<Run>) + Sync,
        work: &Work,
    ) -> Result<Self> {
        let [nx, ny, nz] = size;
        if ny * nz >= u32::MAX as usize || nx >= u32::MAX as usize {
            return Err(Error::option(
                "components",
                "size",
                size,
                "fewer than 2^32 rows",
            ));
        }
        let (runs, rows) = find_runs(values, size, row_runs, work);
        work.check()?;
        if runs.len() >= u32::MAX as usize {
            return Err(Error::option(
                "components",
                "runs",
                runs.len(),
                "fewer than 2^32",
            ));
        }
        let mut parents: Vec<u32> = (0..runs.len() as u32).collect();
        join_all(&runs, &rows, &mut parents, size, touch, work);
        work.check()?;
        let (component, sizes) = number(&runs, &parents, work);
        work.check()?;
        Ok(Self {
            runs,
            rows,
            component,
            sizes,
            size,
        })
    }

    /// Marks the largest component of each class, the first of equals.
    pub fn largest_of_each(&self) -> Vec<bool> {
        let mut best: BTreeMap<u32, u32> = BTreeMap::new();
        for (run, &component) in self.runs.iter().zip(&self.component) {
            let largest = best.entry(run.class).or_insert(component);
            // Components come in the order of their first runs, so of equals the first stays.
            if self.sizes[component as usize] > self.sizes[*largest as usize] {
                *largest = component;
            }
        }
        let mut marked = vec![false; self.sizes.len()];
        best.into_values()
            .for_each(|component| marked[component as usize] = true);
        marked
    }

    /// The same runs, all of one class.
    pub fn of_class(mut self, class: u32) -> Self {
        self.runs.iter_mut().for_each(|run| run.class = class);
        self
    }

    /// Every run with its row's y and z and its component.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, Run, u32)> + '_ {
        let ny = self.size[1].max(1);
        (0..self.rows.len() - 1).flat_map(move |row| {
            row_range(&self.rows, row)
                .map(move |i| (row % ny, row / ny, self.runs[i], self.component[i]))
        })
    }

    /// The component of a voxel.
    pub fn at(&self, [x, y, z]: [usize; 3]) -> Option<u32> {
        let range = row_range(&self.rows, z * self.size[1] + y);
        let before = self.runs[range.clone()].partition_point(|run| run.end as usize <= x);
        let found = range.start + before;
        let within = found < range.end && self.runs[found].start as usize <= x;
        within.then(|| self.component[found])
    }

    /// A buffer with a value for each voxel of a component, and the default elsewhere; counts the rows.
    pub fn paint<T: Copy + Default + Send + Sync>(
        &self,
        value: impl Fn(u32) -> T + Sync,
        work: &Work,
    ) -> Vec<T> {
        let mut out = buffer::filled(T::default(), self.size.iter().product());
        self.paint_over(&mut out, |component| Some(value(component)), work);
        out
    }

    /// Writes a value over each voxel of a component that has one; counts the rows.
    pub fn paint_over<T: Copy + Send>(
        &self,
        out: &mut [T],
        value: impl Fn(u32) -> Option<T> + Sync,
        work: &Work,
    ) {
        if out.is_empty() {
            return;
        }
        let rows = out
            .par_chunks_mut(self.size[0])
            .enumerate()
            .with_min_len(64);
        rows.for_each(|(row, out)| {
            work.part(1, || {
                for i in row_range(&self.rows, row) {
                    let run = self.runs[i];
                    if let Some(value) = value(self.component[i]) {
                        out[run.start as usize..run.end as usize].fill(value);
                    }
                }
            });
        });
    }
}

pub(super) fn row_range(rows: &[u32], row: usize) -> Range<usize> {
    rows[row] as usize..rows[row + 1] as usize
}

/// The runs of each row in order, and where each row's runs begin.
fn find_runs<T: Label>(
    values: &[T],
    size: [usize; 3],
    row_runs: impl Fn(&[T], &mut Vec<u64>, &mut Vec<Run>) + Sync,
    work: &Work,
) -> (Vec<Run>, Vec<u32>) {
    let [nx, ny, nz] = size;
    if values.is_empty() {
        return (Vec::new(), vec![0; ny * nz + 1]);
    }
    let parts: Vec<(Vec<Run>, Vec<u32>)> = values
        .par_chunks(nx * ny)
        .map(|slice| {
            let (mut runs, mut counts) = (Vec::new(), Vec::with_capacity(ny));
            let mut bits = Vec::new();
            if !work.goes_on() {
                return (runs, counts);
            }
            for row in slice.chunks(nx) {
                let before = runs.len();
                row_runs(row, &mut bits, &mut runs);
                counts.push((runs.len() - before) as u32);
            }
            work.advance(ny);
            (runs, counts)
        })
        .collect();
    let mut runs = buffer::with_room(parts.iter().map(|p| p.0.len()).sum());
    let mut rows = Vec::with_capacity(ny * nz + 1);
    let mut total = 0u32;
    rows.push(0);
    for (part, counts) in parts {
        runs.extend(part);
        for count in counts {
            total = total.saturating_add(count);
            rows.push(total);
        }
    }
    (runs, rows)
}

/// The runs of set bits in a row of `length` bits, after XOR with `invert`.
fn bit_runs(words: &[u64], invert: u64, length: usize, runs: &mut Vec<Run>) {
    let mut start = None;
    for (i, word) in words.iter().enumerate() {
        let base = 64 * i;
        let word = word ^ invert;
        // Bits where the value differs from the one before.
        let mut changes = word ^ (word << 1 | u64::from(start.is_some()));
        while changes != 0 {
            let at = base + changes.trailing_zeros() as usize;
            changes &= changes - 1;
            match start {
                None => start = Some(at),
                Some(first) if at <= length => {
                    push_run(first, at, runs);
                    start = None;
                }
                // What lies beyond the row's end is no voxel.
                Some(_) => break,
            }
        }
    }
    if let Some(first) = start.filter(|&first| first < length) {
        push_run(first, length, runs);
    }
}

fn push_run(start: usize, end: usize, runs: &mut Vec<Run>) {
    runs.push(Run {
        start: start as u32,
        end: end as u32,
        class: 1,
    });
}
