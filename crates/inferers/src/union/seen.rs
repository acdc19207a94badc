//! Where a member of a union found its labels: the boxes and volumes that later members look at.

use super::Watch;
use std::collections::BTreeMap;
use vesalius_filters::Bounds;
use vesalius_volume::{Geometry, limits};

/// Where a member found each of its labels, on the grid of the whole image.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(BTreeMap<u16, Extent>);

#[derive(Debug, Clone, Copy)]
struct Extent {
    first: [usize; 3],
    last: [usize; 3],
    voxels: usize,
}

impl Seen {
    /// Notes a row of labels along x that starts at a voxel.
    pub fn note(&mut self, row: &[u16], start: [usize; 3]) {
        let mut at = start[0];
        for run in row.chunk_by(|a, b| a == b) {
            let (first, last) = (at, at + run.len() - 1);
            at += run.len();
            if run[0] == 0 {
                continue;
            }
            let (first, last) = ([first, start[1], start[2]], [last, start[1], start[2]]);
            let extent = self.0.entry(run[0]).or_insert(Extent {
                first,
                last,
                voxels: 0,
            });
            extent.voxels += run.len();
            for axis in 0..3 {
                extent.first[axis] = extent.first[axis].min(first[axis]);
                extent.last[axis] = extent.last[axis].max(last[axis]);
            }
        }
    }

    fn of(&self, watch: &Watch) -> impl Iterator<Item = Extent> {
        let found = self.0.iter();
        let found = found.filter(|(value, _)| watch.values.contains(value));
        found.map(|(_, extent)| *extent)
    }

    /// The box around the labels that are looked at, with a margin in mm; `None` where there are none.
    pub fn bounds(&self, watch: &Watch, margin: f64, grid: &Geometry) -> Option<Bounds> {
        let all = self.of(watch).reduce(|a, b| Extent {
            first: std::array::from_fn(|axis| a.first[axis].min(b.first[axis])),
            last: std::array::from_fn(|axis| a.last[axis].max(b.last[axis])),
            voxels: a.voxels + b.voxels,
        })?;
        let bounds = Bounds {
            start: all.first,
            size: std::array::from_fn(|axis| all.last[axis] - all.first[axis] + 1),
        };
        let (size, spacing) = (grid.size(), grid.spacing());
        let voxels = std::array::from_fn(|axis| {
            limits::voxels_covering(margin, spacing[axis]).min(size[axis])
        });
        Some(bounds.grown(voxels, size))
    }

    /// Whether there is so much of the labels that are looked at, and one voxel at least.
    pub fn has(&self, watch: &Watch, millilitres: f64, grid: &Geometry) -> bool {
        let voxels: usize = self.of(watch).map(|extent| extent.voxels).sum();
        voxels > 0 && voxels as f64 * grid.voxel_volume() / 1000.0 >= millilitres
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_and_volumes_are_of_the_labels_that_are_looked_at() {
        let grid = Geometry::axis_aligned([10, 10, 10], [1.0, 1.0, 2.0]).unwrap();
        let mut seen = Seen::default();
        seen.note(&[0, 1, 1, 0, 2], [2, 3, 4]);
        seen.note(&[1], [5, 6, 4]);
        let watch = |values: &[u16]| Watch {
            member: 0,
            values: values.iter().copied().collect(),
        };
        let bounds = seen.bounds(&watch(&[1]), 0.0, &grid).unwrap();
        assert_eq!((bounds.start, bounds.size), ([3, 3, 4], [3, 4, 1]));
        let bounds = seen.bounds(&watch(&[1, 2]), 3.0, &grid).unwrap();
        assert_eq!((bounds.start, bounds.size), ([0, 0, 2], [10, 10, 5]));
        assert!(seen.bounds(&watch(&[3]), 3.0, &grid).is_none());
        assert!(seen.has(&watch(&[1]), 0.006, &grid) && !seen.has(&watch(&[1]), 0.0061, &grid));
        assert!(!seen.has(&watch(&[3]), 0.0, &grid));
    }
}
