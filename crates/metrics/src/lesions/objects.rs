//! The objects of reference and prediction, and which of them overlap by how much.

use super::numbered::Numbered;
use crate::bitmask::{Bits, Bounds};
use crate::rows::Metric;
use crate::surface::Masks;
use crate::{Result, Target};
use std::collections::HashMap;
use vesalius_filters::Connectivity;
use vesalius_volume::{Label, LabelMap};

/// Two objects that share voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shared {
    pub reference: usize,
    pub prediction: usize,
    pub voxels: u64,
}

/// The objects (lesions, cells, …) of one target in one case, in the reference and in the prediction: what every
/// measure by lesion needs.
///
/// Objects are the connected components of a target ([`Objects::of_target`]) or come numbered
/// ([`Objects::of_instances`]). They are counted from 0, in the order of their first voxels (x fastest) or of their
/// numbers.
///
/// ```
/// use vesalius_metrics::{Connectivity, HitRule, Objects, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // Two lesions; the prediction touches the first and has a false one.
/// let grid = Geometry::axis_aligned([10, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![1_u16, 1, 0, 1, 1, 0, 0, 0, 0, 0])?;
/// let prediction = LabelMap::new(grid, vec![0_u16, 1, 0, 0, 0, 0, 0, 1, 0, 0])?;
/// let objects = Objects::of_target(&reference, &prediction, &Target::of_value(1), None, Connectivity::Corners)?;
/// assert_eq!((objects.reference(), objects.prediction()), (2, 2));
/// let hits = HitRule::default().of(&objects);
/// assert_eq!((hits.found, hits.right, hits.false_lesions()), (1, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Objects {
    pub(crate) reference: Numbered,
    pub(crate) prediction: Numbered,
    /// Sorted by the prediction's object, then by the reference's.
    pub(crate) shared: Vec<Shared>,
    /// Of the box that both are numbered in.
    pub(crate) size: [usize; 3],
    pub(crate) metric: Metric,
    /// mm³.
    pub(crate) voxel_volume: f64,
}

impl Objects {
    /// The connected components of a target. Voxels whose reference is `ignore` are background in both.
    ///
    /// # Errors
    /// [`crate::Error::Volume`] when the label maps lie on different grids, [`crate::Error::Components`] for masks with
    /// more runs of voxels than can be numbered.
    pub fn of_target<R: Label, P: Label>(
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
        target: &Target,
        ignore: Option<u32>,
        connectivity: Connectivity,
    ) -> Result<Self> {
        let grid = reference.geometry();
        grid.check_same(prediction.geometry(), "reference and prediction")?;
        if grid.voxel_count() == 0 {
            return Ok(Self::new(
                Numbered::instances(reference),
                Numbered::instances(prediction),
                grid.size(),
                Metric::of(grid.affine()),
            ));
        }
        let all = Bounds::of(grid.size());
        let masks = Masks::cut(reference, prediction, target, ignore, all);
        Self::of_masks(&masks, connectivity)
    }

    /// The objects of maps that number them (0 is background); voxels of one number need not touch.
    ///
    /// # Errors
    /// [`crate::Error::Volume`] when the maps lie on different grids.
    pub fn of_instances<R: Label, P: Label>(
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
    ) -> Result<Self> {
        let grid = reference.geometry();
        grid.check_same(prediction.geometry(), "reference and prediction")?;
        Ok(Self::new(
            Numbered::instances(reference),
            Numbered::instances(prediction),
            grid.size(),
            Metric::of(grid.affine()),
        ))
    }

    pub(crate) fn of_masks(masks: &Masks, connectivity: Connectivity) -> Result<Self> {
        let numbered = |bits: &Bits| Numbered::components(bits, connectivity);
        let (reference, prediction) = rayon::join(
            || numbered(&masks.reference),
            || numbered(&masks.prediction),
        );
        Ok(Self::new(
            reference?,
            prediction?,
            masks.reference.size,
            masks.metric,
        ))
    }

    fn new(reference: Numbered, prediction: Numbered, size: [usize; 3], metric: Metric) -> Self {
        Self {
            shared: overlaps(&reference.numbers, &prediction.numbers),
            reference,
            prediction,
            size,
            metric,
            voxel_volume: metric.voxel_volume(),
        }
    }

    /// How many objects the reference has.
    pub fn reference(&self) -> usize {
        self.reference.count()
    }

    /// How many objects the prediction has.
    pub fn prediction(&self) -> usize {
        self.prediction.count()
    }

    /// The volumes of the reference's objects in mm³.
    pub fn reference_volumes(&self) -> Vec<f64> {
        self.volumes(&self.reference)
    }

    /// The volumes of the prediction's objects in mm³.
    pub fn prediction_volumes(&self) -> Vec<f64> {
        self.volumes(&self.prediction)
    }

    fn volumes(&self, objects: &Numbered) -> Vec<f64> {
        let voxels = objects.voxels.iter();
        voxels.map(|&n| n as f64 * self.voxel_volume).collect()
    }

    /// Masks of some objects of each side in the smallest box around them; neither list may be empty.
    pub(crate) fn masks(&self, references: &[usize], predictions: &[usize]) -> Option<Masks> {
        let around = |objects: &Numbered, chosen: &[usize]| {
            let boxes = chosen.iter().map(|&object| objects.bounds[object]);
            boxes.reduce(Bounds::join)
        };
        let bounds =
            around(&self.reference, references)?.join(around(&self.prediction, predictions)?);
        let mask = |objects: &Numbered, chosen: &[usize]| {
            Bits::build(self.size, bounds, |start, row| {
                let at = (start[2] * self.size[1] + start[1]) * self.size[0] + start[0];
                let numbers = &objects.numbers[at..at + row.len()];
                for (byte, &number) in row.iter_mut().zip(numbers) {
                    *byte = u8::from(number != 0 && chosen.contains(&(number as usize - 1)));
                }
            })
        };
        Some(Masks {
            reference: mask(&self.reference, references),
            prediction: mask(&self.prediction, predictions),
            metric: self.metric,
        })
    }
}

/// The pairs of numbers other than 0 that occur together, sorted by the second, then by the first.
fn overlaps(reference: &[u32], prediction: &[u32]) -> Vec<Shared> {
    let mut counts: HashMap<(u32, u32), u64> = HashMap::new();
    const STRETCH: usize = 64;
    let mut run = ((0, 0), 0);
    for (r, p) in reference.chunks(STRETCH).zip(prediction.chunks(STRETCH)) {
        // Without an early exit, this is a few vector instructions.
        if p.iter().fold(0, |any, number| any | number) == 0 {
            continue;
        }
        for pair in r.iter().copied().zip(p.iter().copied()) {
            if pair == run.0 {
                run.1 += 1;
            } else {
                let ended = std::mem::replace(&mut run, (pair, 1));
                *counts.entry(ended.0).or_default() += ended.1;
            }
        }
    }
    *counts.entry(run.0).or_default() += run.1;
    let both = counts.into_iter().filter(|((r, p), _)| *r != 0 && *p != 0);
    let mut shared: Vec<Shared> = both
        .map(|((r, p), voxels)| Shared {
            reference: r as usize - 1,
            prediction: p as usize - 1,
            voxels,
        })
        .collect();
    shared.sort_unstable_by_key(|pair| (pair.prediction, pair.reference));
    shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn overlaps_are_counted_across_rows_and_gaps() {
        let grid = Geometry::axis_aligned([3, 70, 2], [1.0, 2.0, 0.5]).unwrap();
        let reference =
            LabelMap::from_fn(grid, |[x, y, _]| u16::from(x > 0) * (1 + u16::from(y > 40)));
        let prediction = LabelMap::from_fn(grid, |[x, y, z]| match (x, y, z) {
            (2, 39.., 0) => 9u16,
            (0, _, _) => 4,
            _ => 0,
        });
        let objects = Objects::of_instances(&reference, &prediction).unwrap();
        assert_eq!(objects.reference_volumes(), [164.0, 116.0]);
        assert_eq!(objects.prediction.voxels, [140, 31]);
        let pairs: Vec<_> = objects
            .shared
            .iter()
            .map(|s| (s.reference, s.prediction, s.voxels))
            .collect();
        assert_eq!(pairs, [(0, 1, 2), (1, 1, 29)]);
        assert_eq!(objects.prediction.bounds[1].first, [2, 39, 0]);
    }

    #[test]
    fn other_grids_are_refused_and_empty_grids_have_no_objects() {
        let map =
            |size| LabelMap::<u16>::background(Geometry::axis_aligned(size, [1.0; 3]).unwrap());
        let one = Target::of_value(1);
        let found = |a, b| Objects::of_target(&map(a), &map(b), &one, None, Connectivity::Faces);
        assert!(found([3, 3, 3], [3, 3, 2]).is_err());
        assert!(Objects::of_instances(&map([3, 3, 3]), &map([2, 3, 3])).is_err());
        assert_eq!(found([3, 3, 3], [3, 3, 3]).unwrap().reference(), 0);
    }
}
