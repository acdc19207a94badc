//! Where each target lies: the smallest box around each, for all of them in one pass.

use crate::Targets;
use crate::bitmask::Bounds;
use rayon::prelude::*;
use vesalius_volume::{Label, LabelMap};

/// Neighbours that are compared together: labels come in runs.
const BLOCK: usize = 16;

/// The box around each target of a label map; `None` for a target that does not occur.
pub(crate) fn bounding_boxes<T: Label>(
    map: &LabelMap<T>,
    targets: &Targets,
) -> Vec<Option<Bounds>> {
    let values: Vec<u32> = targets.values();
    let [nx, ny, _] = map.geometry().size();
    if map.data().is_empty() {
        return vec![None; targets.list().len()];
    }
    let classes = Classes::new(&values, T::LARGEST);
    let slices = map.data().par_chunks(nx * ny).enumerate();
    let boxes = slices
        .map(|(z, slice)| {
            let mut found = vec![None; values.len()];
            for (y, row) in slice.chunks(nx).enumerate() {
                scan(row, y, z, &classes, &mut found);
            }
            found
        })
        .reduce(|| vec![None; values.len()], merged);
    let of_target = |labels: &[u32]| {
        let places = labels.iter().filter_map(|v| values.binary_search(v).ok());
        places.filter_map(|i| boxes[i]).reduce(Bounds::join)
    };
    targets
        .list()
        .iter()
        .map(|t| of_target(&t.labels))
        .collect()
}

fn merged(mut a: Vec<Option<Bounds>>, b: Vec<Option<Bounds>>) -> Vec<Option<Bounds>> {
    for (a, b) in a.iter_mut().zip(b) {
        *a = join(*a, b);
    }
    a
}

pub(crate) fn join(a: Option<Bounds>, b: Option<Bounds>) -> Option<Bounds> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.join(b)),
        (a, b) => a.or(b),
    }
}

fn scan<T: Label>(row: &[T], y: usize, z: usize, classes: &Classes, found: &mut [Option<Bounds>]) {
    let mut grow = |value: T, first: usize, last: usize| {
        let Some(class) = classes.of(value.into()) else {
            return;
        };
        let run = Bounds {
            first: [first, y, z],
            last: [last, y, z],
        };
        found[class] = join(found[class], Some(run));
    };
    let (blocks, rest) = row.as_chunks::<BLOCK>();
    for (i, block) in blocks.iter().enumerate() {
        let start = i * BLOCK;
        // Without an early exit, the comparison is one vector instruction.
        if block.iter().fold(true, |same, v| same & (*v == block[0])) {
            grow(block[0], start, start + BLOCK - 1);
        } else {
            runs(block, start, &mut grow);
        }
    }
    runs(rest, blocks.len() * BLOCK, &mut grow);
}

fn runs<T: Label>(labels: &[T], start: usize, grow: &mut impl FnMut(T, usize, usize)) {
    let mut at = start;
    for run in labels.chunk_by(|a, b| a == b) {
        grow(run[0], at, at + run.len() - 1);
        at += run.len();
    }
}

/// From label value to its place among the values; background has none.
struct Classes<'a> {
    values: &'a [u32],
    table: Vec<u32>,
}

impl<'a> Classes<'a> {
    const NONE: u32 = u32::MAX;

    fn new(values: &'a [u32], largest: u32) -> Self {
        let mut table = vec![Self::NONE; largest.min(u32::from(u16::MAX)) as usize + 1];
        for (class, &value) in values.iter().enumerate().filter(|(_, v)| **v != 0) {
            if let Some(slot) = table.get_mut(value as usize) {
                *slot = class as u32;
            }
        }
        Self { values, table }
    }

    #[inline]
    fn of(&self, value: u32) -> Option<usize> {
        match self.table.get(value as usize) {
            Some(&Self::NONE) => None,
            Some(&class) => Some(class as usize),
            None => self.values.binary_search(&value).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn boxes_are_tight_for_labels_and_regions() {
        let grid = Geometry::axis_aligned([50, 6, 7], [1.0; 3]).unwrap();
        let map = LabelMap::from_fn(grid, |at| match at {
            [3..=40, 2, 1..=3] => 1u32,
            [20, 3..=5, 6] => 70_000,
            _ => 0,
        });
        let mut list = Targets::of_values(&[1, 70_000, 9]).unwrap().list().to_vec();
        list.push(crate::Target {
            key: "both".into(),
            name: "both".into(),
            labels: vec![70_000, 1],
        });
        let found = bounding_boxes(&map, &Targets::new(list, None).unwrap());
        let bounds = |first, last| Some(Bounds { first, last });
        assert_eq!(found[0], bounds([3, 2, 1], [40, 2, 3]));
        assert_eq!(found[1], bounds([20, 3, 6], [20, 5, 6]));
        assert_eq!(found[2], None);
        assert_eq!(found[3], bounds([3, 2, 1], [40, 5, 6]));
    }
}
