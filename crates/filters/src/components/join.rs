//! Joins runs that touch into components by union–find.
//!
//! Each thread joins one slab of slices; then the slabs are joined with each other. The earlier
//! run is always the root, so the numbering does not depend on threads.

use super::Connectivity;
use super::runs::{Run, Touch, row_range};
use crate::work::Work;
use rayon::prelude::*;
use std::ops::Range;

/// Runs that are numbered between two checks.
const CHUNK: usize = 1 << 20;

/// Joins all runs that touch; counts the rows.
pub(super) fn join_all(
    runs: &[Run],
    rows: &[u32],
    parents: &mut [u32],
    size: [usize; 3],
    touch: Touch,
    work: &Work,
) {
    let [_, ny, nz] = size;
    // The number of slabs is fixed: it must not depend on the machine.
    let depth = nz.div_ceil(16).max(1);
    let first = |slab: usize| rows[(slab * depth).min(nz) * ny] as usize;
    let slabs = nz.div_ceil(depth);
    let mut parts = Vec::with_capacity(slabs);
    let mut rest = &mut *parents;
    for slab in 0..slabs {
        let (part, after) = rest.split_at_mut(first(slab + 1) - first(slab));
        parts.push((slab, part));
        rest = after;
    }
    parts.into_par_iter().for_each(|(slab, parents)| {
        let mut forest = Forest {
            parents,
            first: first(slab),
        };
        for z in slab * depth..((slab + 1) * depth).min(nz) {
            work.part(ny, || {
                join_slice(runs, rows, &mut forest, ny, z, touch, z > slab * depth);
            });
        }
    });
    let mut forest = Forest { parents, first: 0 };
    if touch.across_slices {
        for slab in 1..slabs {
            if !work.goes_on() {
                return;
            }
            for (y, &(dy, dz, reach)) in pairs(ny, touch.connectivity).filter(|p| p.1.1 > 0) {
                join_row_pair(
                    runs,
                    rows,
                    &mut forest,
                    ny,
                    y,
                    slab * depth,
                    (dy, dz, reach),
                );
            }
        }
    }
}

type Step = (isize, usize, u32);

fn pairs(ny: usize, connectivity: Connectivity) -> impl Iterator<Item = (usize, &'static Step)> {
    (0..ny).flat_map(move |y| connectivity.rows_before().iter().map(move |step| (y, step)))
}

fn join_slice(
    runs: &[Run],
    rows: &[u32],
    forest: &mut Forest,
    ny: usize,
    z: usize,
    touch: Touch,
    has_before: bool,
) {
    for (y, &step) in pairs(ny, touch.connectivity) {
        if step.1 == 0 || (has_before && touch.across_slices) {
            join_row_pair(runs, rows, forest, ny, y, z, step);
        }
    }
}

fn join_row_pair(
    runs: &[Run],
    rows: &[u32],
    forest: &mut Forest,
    ny: usize,
    y: usize,
    z: usize,
    (dy, dz, reach): Step,
) {
    if let Some(other) = y.checked_add_signed(dy).filter(|&y| y < ny && z >= dz) {
        let here = row_range(rows, z * ny + y);
        let there = row_range(rows, (z - dz) * ny + other);
        join_rows(runs, forest, here, there, reach);
    }
}

/// Joins the touching runs of two rows.
fn join_rows(
    runs: &[Run],
    forest: &mut Forest,
    mut here: Range<usize>,
    mut there: Range<usize>,
    reach: u32,
) {
    while !here.is_empty() && !there.is_empty() {
        let (a, b) = (runs[here.start], runs[there.start]);
        if a.start < b.end + reach && b.start < a.end + reach && a.class == b.class {
            forest.join(here.start, there.start);
        }
        if a.end <= b.end {
            // Runs of different classes follow each other without a gap, so one that ends with
            // `b` may also touch the one after.
            if there.len() > 1 {
                let after = runs[there.start + 1];
                if after.start < a.end + reach && after.class == a.class {
                    forest.join(here.start, there.start + 1);
                }
            }
            here.start += 1;
        } else {
            there.start += 1;
        }
    }
}

/// A union–find forest over a stretch of runs; a parent never comes after its child.
struct Forest<'a> {
    parents: &'a mut [u32],
    /// The run that `parents[0]` belongs to.
    first: usize,
}

impl Forest<'_> {
    fn root(&mut self, run: usize) -> usize {
        let mut here = run - self.first;
        loop {
            let parent = self.parents[here] as usize - self.first;
            if parent == here {
                return here + self.first;
            }
            let grandparent = self.parents[parent];
            self.parents[here] = grandparent;
            here = grandparent as usize - self.first;
        }
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let (early, late) = (a.min(b), a.max(b));
        self.parents[late - self.first] = early as u32;
    }
}

/// Numbers the roots in order, and counts each component's voxels.
pub(super) fn number(runs: &[Run], parents: &[u32], work: &Work) -> (Vec<u32>, Vec<usize>) {
    let mut component = vec![0u32; runs.len()];
    let mut sizes = Vec::new();
    for i in 0..runs.len() {
        if i % CHUNK == 0 && !work.goes_on() {
            break;
        }
        let parent = parents[i] as usize;
        component[i] = if parent == i {
            sizes.push(0);
            (sizes.len() - 1) as u32
        } else {
            // A parent comes earlier, so its component is known.
            component[parent]
        };
        sizes[component[i] as usize] += (runs[i].end - runs[i].start) as usize;
    }
    (component, sizes)
}
