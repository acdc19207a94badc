//! Counts of each pair of labels: one pass over two label maps, for any number of labels.

use crate::label_pairs::Pairs;
use crate::{Overlap, Result, Target};
use vesalius_volume::{Label, LabelMap};

/// Voxels whose reference and prediction hold this pair of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfusionEntry {
    /// Label in the reference; `None` for every value that was not requested.
    pub reference: Option<u32>,
    /// Label in the prediction; `None` for every value that was not requested.
    pub prediction: Option<u32>,
    /// How many voxels.
    pub count: u64,
}

/// The confusion matrix of two label maps, kept as its non-zero entries.
///
/// ```
/// use vesalius_metrics::{ConfusionMatrix, Outcome, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![0_u16, 1, 1, 2, 255])?;
/// let prediction = LabelMap::new(grid, vec![0_u16, 1, 2, 2, 1])?;
/// // Voxels whose reference is 255 are not counted.
/// let counts = ConfusionMatrix::count(&reference, &prediction, &[0, 1, 2], Some(255))?;
/// assert_eq!((counts.voxels(), counts.ignored()), (4, 1));
/// assert_eq!(counts.get(1, 2), 1);
/// assert_eq!(counts.overlap(&Target::of_value(1)).dice(), Outcome::Value(2.0 / 3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    entries: Vec<ConfusionEntry>,
    voxels: u64,
    ignored: u64,
}

impl ConfusionMatrix {
    /// Counts pairs of `values` (include 0 to count the background apart from other labels) in one pass.
    /// Voxels whose reference is `ignore` are left out.
    ///
    /// # Errors
    /// [`crate::Error::Volume`] when the label maps lie on different grids.
    pub fn count<R: Label, P: Label>(
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
        values: &[u32],
        ignore: Option<u32>,
    ) -> Result<Self> {
        let what = "reference and prediction";
        let grid = reference.geometry();
        grid.check_same(prediction.geometry(), what)?;
        let mut values = values.to_vec();
        values.sort_unstable();
        values.dedup();
        let pairs = Pairs::new::<R, P>(&values, ignore);
        let counts = pairs.count(reference.data(), prediction.data());
        let mut ignored = 0;
        let mut entries = Vec::with_capacity(counts.len());
        for (row, column, count) in counts {
            if row as usize == values.len() + 1 {
                ignored += count;
            } else {
                entries.push(ConfusionEntry {
                    reference: values.get(row as usize).copied(),
                    prediction: values.get(column as usize).copied(),
                    count,
                });
            }
        }
        Ok(Self {
            entries,
            voxels: grid.voxel_count() as u64 - ignored,
            ignored,
        })
    }

    /// The pairs that occur.
    pub fn entries(&self) -> &[ConfusionEntry] {
        &self.entries
    }

    /// Voxels counted.
    pub fn voxels(&self) -> u64 {
        self.voxels
    }

    /// Voxels left out because the reference ignores them.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Voxels with this pair of labels.
    pub fn get(&self, reference: u32, prediction: u32) -> u64 {
        let wanted = (Some(reference), Some(prediction));
        self.entries
            .iter()
            .find(|entry| (entry.reference, entry.prediction) == wanted)
            .map_or(0, |entry| entry.count)
    }

    /// The counts of one target: a label, or a region whose labels are one.
    pub fn overlap(&self, target: &Target) -> Overlap {
        let inside = |value: Option<u32>| value.is_some_and(|v| target.labels.contains(&v));
        let mut overlap = Overlap {
            both: 0,
            reference: 0,
            prediction: 0,
            voxels: self.voxels,
        };
        for entry in &self.entries {
            let (r, p) = (inside(entry.reference), inside(entry.prediction));
            overlap.reference += u64::from(r) * entry.count;
            overlap.prediction += u64::from(p) * entry.count;
            overlap.both += u64::from(r && p) * entry.count;
        }
        overlap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vesalius_volume::Geometry;

    fn map<T: Label>(values: Vec<T>) -> LabelMap<T> {
        let grid = Geometry::axis_aligned([values.len(), 1, 1], [1.0; 3]).unwrap();
        LabelMap::new(grid, values).unwrap()
    }

    #[test]
    fn ignored_voxels_count_nowhere_and_strangers_as_other() {
        let reference = map(vec![0u16, 1, 1, 2, 255, 255, 9]);
        let prediction = map(vec![0u8, 1, 0, 2, 1, 2, 1]);
        let counts =
            ConfusionMatrix::count(&reference, &prediction, &[0, 1, 2], Some(255)).unwrap();
        assert_eq!((counts.voxels(), counts.ignored()), (5, 2));
        assert_eq!(
            (counts.get(1, 1), counts.get(1, 0), counts.get(2, 2)),
            (1, 1, 1)
        );
        let stranger = counts.entries().iter().find(|e| e.reference.is_none());
        assert_eq!(
            stranger.map(|e| (e.prediction, e.count)),
            Some((Some(1), 1))
        );
    }

    #[test]
    fn other_grids_are_refused() {
        let error = ConfusionMatrix::count(&map(vec![0u16; 3]), &map(vec![0u16; 4]), &[0], None);
        let message = error.unwrap_err().to_string();
        assert!(message.contains("reference and prediction"), "{message}");
    }

    #[test]
    fn values_beyond_sixteen_bits_and_many_of_them_are_counted() {
        let labels: Vec<u32> = (0..3000).map(|i| i / 3 * 1_000_003).collect();
        let mut values = labels.clone();
        values.dedup();
        let counts =
            ConfusionMatrix::count(&map(labels.clone()), &map(labels), &values, None).unwrap();
        assert_eq!(counts.entries().len(), 1000);
        assert_eq!(counts.get(999 * 1_000_003, 999 * 1_000_003), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn table_and_hash_map_agree_with_counting_by_hand(
            runs in proptest::collection::vec((0u16..5, 0u16..5, 1usize..40), 1..60)
        ) {
            let spread = |which: fn(&(u16, u16, usize)) -> u16| -> Vec<u16> {
                runs.iter().flat_map(|run| vec![which(run); run.2]).collect()
            };
            let (r, p) = (spread(|run| run.0), spread(|run| run.1));
            let many: Vec<u32> = (0..600).collect();
            // Few values are compared; the fifth is not among them, or ignored.
            let few = ConfusionMatrix::count(&map(r.clone()), &map(p.clone()), &[0, 1, 2, 3], None).unwrap();
            let bytes = map(r.iter().map(|&v| v as u8).collect::<Vec<u8>>());
            let ignoring = ConfusionMatrix::count(&bytes, &map(p.clone()), &[0, 1], Some(4)).unwrap();
            let table = ConfusionMatrix::count(&map(r.clone()), &map(p.clone()), &[0, 1, 2, 3, 4], None).unwrap();
            let hashed = ConfusionMatrix::count(&map(r.clone()), &map(p.clone()), &many, None).unwrap();
            prop_assert_eq!(table.entries(), hashed.entries());
            let ignored = r.iter().filter(|&&v| v == 4).count() as u64;
            prop_assert_eq!(ignoring.ignored(), ignored);
            prop_assert_eq!(ignoring.voxels() + ignored, r.len() as u64);
            let all: u64 = few.entries().iter().map(|e| e.count).sum();
            prop_assert_eq!(all, r.len() as u64);
            for a in 0..5u16 {
                for b in 0..5u16 {
                    let by_hand = r.iter().zip(&p).filter(|&(&x, &y)| (x, y) == (a, b)).count();
                    prop_assert_eq!(table.get(a.into(), b.into()), by_hand as u64);
                    if a < 4 && b < 4 {
                        prop_assert_eq!(few.get(a.into(), b.into()), by_hand as u64);
                    }
                    if a < 2 && b < 2 {
                        prop_assert_eq!(ignoring.get(a.into(), b.into()), by_hand as u64);
                    }
                }
            }
        }
    }
}
