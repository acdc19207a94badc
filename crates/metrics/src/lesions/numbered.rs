//! The objects of one mask: a number for each voxel, and each object's size and box.

use crate::bitmask::{Bits, Bounds};
use crate::{Error, Result};
use std::collections::BTreeMap;
use vesalius_filters::{ComponentOptions, Connectivity, connected_components};
use vesalius_volume::{Geometry, Label, LabelMap};

/// Numbered voxels in a box; 0 is background, object `k` (from 0) has the number `k + 1`.
#[derive(Debug, Clone)]
pub(crate) struct Numbered {
    /// One number a voxel, x fastest, in the box of a [`Bits`], rims included.
    pub numbers: Vec<u32>,
    /// Voxels of each object.
    pub voxels: Vec<u64>,
    /// The box around each object, in the same coordinates.
    pub bounds: Vec<Bounds>,
}

impl Numbered {
    /// The connected components of a mask, in the order of their first voxels.
    ///
    /// # Errors
    /// [`Error::Components`] for a mask with more runs than `u32` counts.
    pub fn components(bits: &Bits, connectivity: Connectivity) -> Result<Self> {
        let options = ComponentOptions {
            connectivity,
            by_label: false,
        };
        // Components need no spacing.
        let grid = Geometry::axis_aligned(bits.size, [1.0; 3])?;
        let found = connected_components(&LabelMap::new(grid, bits.bytes())?, &options)
            .map_err(|error| Error::Components(error.to_string()))?;
        Ok(Self::of_numbers(found.labels.into_data(), bits.size))
    }

    /// The objects of a map that numbers them, in the order of their numbers.
    pub fn instances<T: Label>(map: &LabelMap<T>) -> Self {
        let values: BTreeMap<u32, u32> = {
            let counts = map.counts();
            let foreground = counts.into_keys().filter(|value| *value != 0);
            foreground.zip(1..).collect()
        };
        let mut last = (0, 0);
        let numbers = map.data().iter().map(|&value| {
            let value: u32 = value.into();
            if value != last.0 {
                last = (value, values.get(&value).copied().unwrap_or(0));
            }
            last.1
        });
        Self::of_numbers(numbers.collect(), map.geometry().size())
    }

    fn of_numbers(numbers: Vec<u32>, size: [usize; 3]) -> Self {
        let mut voxels: Vec<u64> = Vec::new();
        let mut bounds: Vec<Bounds> = Vec::new();
        let rows = numbers.chunks(size[0].max(1)).enumerate();
        for (i, row) in rows {
            if row.iter().all(|number| *number == 0) {
                continue;
            }
            let (y, z) = (i % size[1], i / size[1]);
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                let last = x + run.len() - 1;
                if run[0] != 0 {
                    let object = run[0] as usize - 1;
                    let around = Bounds {
                        first: [x, y, z],
                        last: [last, y, z],
                    };
                    if voxels.len() <= object {
                        voxels.resize(object + 1, 0);
                        bounds.resize(object + 1, around);
                    }
                    // Objects that come out of order get their first box here.
                    bounds[object] = match voxels[object] {
                        0 => around,
                        _ => bounds[object].join(around),
                    };
                    voxels[object] += run.len() as u64;
                }
                x = last + 1;
            }
        }
        Self {
            numbers,
            voxels,
            bounds,
        }
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.voxels.len()
    }

    /// The object of a voxel, by its offset.
    pub fn object(&self, offset: usize) -> Option<usize> {
        (self.numbers[offset] as usize).checked_sub(1)
    }
}
