//! How often each pair of labels meets: one pass over two label maps, for any number of labels.

use crate::{Overlap, Result, Target};
use rayon::prelude::*;
use std::collections::HashMap;
use vesalius_volume::{Label, LabelMap};

/// Voxels that one thread counts before it hands on what it has; a `u32` holds the count.
const CHUNK: usize = 1 << 18;
/// Neighbours that are looked at together: labels come in runs, so most blocks are of one pair.
const BLOCK: usize = 16;
/// Up to this many values are compared vector by vector instead of counted one by one.
const COMPARED_VALUES: usize = 4;
/// Voxels that are compared with every pair while they are in the nearest cache.
const STRETCH: usize = 8192;
/// Voxels whose sum fits into a byte.
const GROUP: usize = 128;
/// Up to this many rows the counts are a table, beyond it a hash map.
const TABLE_ROWS: usize = 512;

/// Voxels whose reference and prediction hold this pair of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Label in the reference; `None` for every value that was not asked for.
    pub reference: Option<u32>,
    /// Label in the prediction; `None` for every value that was not asked for.
    pub prediction: Option<u32>,
    /// How many voxels.
    pub count: u64,
}

/// The confusion matrix of two label maps, kept as its non-zero entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    entries: Vec<Entry>,
    voxels: u64,
    ignored: u64,
}

impl Confusion {
    /// Counts pairs of `values` (include 0 to tell the background from other labels) in one pass.
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
        let classes = Pairs {
            rows: Classes::new::<R>(&values, ignore),
            columns: Classes::new::<P>(&values, None),
            values: &values,
            ignore,
        };
        let counts = classes.count(reference.data(), prediction.data());
        let mut ignored = 0;
        let mut entries = Vec::with_capacity(counts.len());
        for (row, column, count) in counts {
            if row as usize == values.len() + 1 {
                ignored += count;
            } else {
                entries.push(Entry {
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
    pub fn entries(&self) -> &[Entry] {
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

/// From label value to row or column: the values asked for in order, then "other", then "ignored".
struct Classes {
    table: Vec<u32>,
    large: Vec<(u32, u32)>,
    other: u32,
}

impl Classes {
    fn new<T: Label>(values: &[u32], ignore: Option<u32>) -> Self {
        let other = values.len() as u32;
        let length = T::LARGEST.min(u32::from(u16::MAX)) as usize + 1;
        let mut classes = Self {
            table: vec![other; length],
            large: Vec::new(),
            other,
        };
        let ignored = ignore.map(|value| (value, other + 1));
        for (value, class) in values.iter().copied().zip(0..).chain(ignored) {
            match classes.table.get_mut(value as usize) {
                Some(slot) => *slot = class,
                None => classes.large.push((value, class)),
            }
        }
        classes.large.sort_unstable();
        classes
    }

    #[inline]
    fn of(&self, value: u32) -> u32 {
        match self.table.get(value as usize) {
            Some(&class) => class,
            None => match self.large.binary_search_by_key(&value, |pair| pair.0) {
                Ok(i) => self.large[i].1,
                Err(_) => self.other,
            },
        }
    }
}

/// The rows and columns of a confusion matrix.
struct Pairs<'a> {
    rows: Classes,
    columns: Classes,
    values: &'a [u32],
    ignore: Option<u32>,
}

impl Pairs<'_> {
    fn width(&self) -> usize {
        self.columns.other as usize + 1
    }

    fn height(&self) -> usize {
        self.rows.other as usize + 2
    }

    /// `(row, column, count)` of every pair that occurs, in rising order.
    fn count<R: Label, P: Label>(&self, reference: &[R], prediction: &[P]) -> Vec<(u32, u32, u64)> {
        let chunks = reference
            .par_chunks(CHUNK)
            .zip(prediction.par_chunks(CHUNK));
        let width = self.width();
        if self.height() <= TABLE_ROWS {
            let add = |mut a: Vec<u64>, b: Vec<u64>| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            };
            let zero = || vec![0u64; width * self.height()];
            let counts = chunks
                .map(|(r, p)| {
                    let mut counts = zero();
                    if self.values.len() <= COMPARED_VALUES {
                        self.compare(r, p, &mut counts);
                    } else {
                        self.tabulate(r, p, &mut counts);
                    }
                    counts
                })
                .reduce(zero, add);
            let place = |(i, &n): (usize, &u64)| ((i / width) as u32, (i % width) as u32, n);
            let found = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            return found.map(place).collect();
        }
        let merge = |mut a: HashMap<(u32, u32), u64>, b: HashMap<(u32, u32), u64>| {
            b.into_iter()
                .for_each(|(pair, n)| *a.entry(pair).or_default() += n);
            a
        };
        let counts = chunks
            .map(|(r, p)| gather(r, p, &self.rows, &self.columns))
            .reduce(HashMap::new, merge);
        let mut found: Vec<_> = counts.into_iter().map(|((r, p), n)| (r, p, n)).collect();
        found.sort_unstable();
        found
    }

    /// Counts by comparing whole vectors with each pair of a few values. What is in none of the
    /// pairs follows from how often each value occurs at all.
    fn compare<R: Label, P: Label>(&self, reference: &[R], prediction: &[P], counts: &mut [u64]) {
        let (width, other) = (self.width(), self.values.len());
        let rows: Vec<(usize, R)> = self
            .values
            .iter()
            .enumerate()
            .filter(|(_, value)| Some(**value) != self.ignore)
            .map(|(row, &value)| (row, value))
            .chain(self.ignore.map(|value| (other + 1, value)))
            .filter_map(|(row, value)| Some((row, R::try_from(value).ok()?)))
            .collect();
        let columns: Vec<(usize, P)> = self
            .values
            .iter()
            .enumerate()
            .filter_map(|(column, &value)| Some((column, P::try_from(value).ok()?)))
            .collect();
        for (r, p) in reference.chunks(STRETCH).zip(prediction.chunks(STRETCH)) {
            let mut strange_rows = r.len() as u64;
            let mut strange_columns: Vec<u64> = columns.iter().map(|c| equal(p, c.1)).collect();
            for &(row, a) in &rows {
                let mut strange = equal(r, a);
                strange_rows -= strange;
                for (&(column, b), left) in columns.iter().zip(&mut strange_columns) {
                    let both = equal_pairs(r, p, a, b);
                    counts[row * width + column] += both;
                    strange -= both;
                    *left -= both;
                }
                counts[row * width + other] += strange;
            }
            for (&(column, _), &left) in columns.iter().zip(&strange_columns) {
                counts[other * width + column] += left;
                strange_rows -= left;
            }
            counts[other * width + other] += strange_rows;
        }
    }

    /// Counts in a table. Four tables side by side, so that neighbours of one pair do not wait for
    /// each other's sum.
    fn tabulate<R: Label, P: Label>(&self, reference: &[R], prediction: &[P], sums: &mut [u64]) {
        let mut counts = vec![[0u32; 4]; sums.len()];
        let width = self.width();
        let place = |r: R, p: P| {
            self.rows.of(r.into()) as usize * width + self.columns.of(p.into()) as usize
        };
        let (r_blocks, r_rest) = reference.as_chunks::<BLOCK>();
        let (p_blocks, p_rest) = prediction.as_chunks::<BLOCK>();
        for (r, p) in r_blocks.iter().zip(p_blocks) {
            // Without a way out early, the comparison is one vector instruction.
            let same = r.iter().fold(true, |same, v| same & (*v == r[0]))
                & p.iter().fold(true, |same, v| same & (*v == p[0]));
            if same {
                counts[place(r[0], p[0])][0] += BLOCK as u32;
            } else {
                for i in 0..BLOCK {
                    counts[place(r[i], p[i])][i % 4] += 1;
                }
            }
        }
        for (r, p) in r_rest.iter().zip(p_rest) {
            counts[place(*r, *p)][0] += 1;
        }
        for (sum, lanes) in sums.iter_mut().zip(&counts) {
            *sum += lanes.iter().map(|&n| u64::from(n)).sum::<u64>();
        }
    }
}

/// How many voxels hold a value. Sums of 128 fit into a byte, so that a vector holds many.
fn equal<T: Label>(labels: &[T], value: T) -> u64 {
    let group = |group: &[T]| {
        let add = |sum: u8, label: &T| sum.wrapping_add(u8::from(*label == value));
        u64::from(group.iter().fold(0, add))
    };
    labels.chunks(GROUP).map(group).sum()
}

/// How many voxels hold a pair of values.
fn equal_pairs<R: Label, P: Label>(reference: &[R], prediction: &[P], a: R, b: P) -> u64 {
    let (r_groups, r_rest) = reference.as_chunks::<GROUP>();
    let (p_groups, p_rest) = prediction.as_chunks::<GROUP>();
    let both = |r: &R, p: &P| u8::from((*r == a) & (*p == b));
    let group = |(r, p): (&[R; GROUP], &[P; GROUP])| {
        let mut sum = 0u8;
        for i in 0..GROUP {
            sum = sum.wrapping_add(both(&r[i], &p[i]));
        }
        u64::from(sum)
    };
    let rest = r_rest
        .iter()
        .zip(p_rest)
        .map(|(r, p)| u64::from(both(r, p)));
    r_groups.iter().zip(p_groups).map(group).sum::<u64>() + rest.sum::<u64>()
}

/// Counts in a hash map, asked once a run.
fn gather<R: Label, P: Label>(
    reference: &[R],
    prediction: &[P],
    rows: &Classes,
    columns: &Classes,
) -> HashMap<(u32, u32), u64> {
    let mut counts = HashMap::new();
    let mut start = 0;
    for i in 1..=reference.len() {
        let run_ends = i == reference.len()
            || reference[i] != reference[start]
            || prediction[i] != prediction[start];
        if run_ends {
            let pair = (
                rows.of(reference[start].into()),
                columns.of(prediction[start].into()),
            );
            *counts.entry(pair).or_default() += (i - start) as u64;
            start = i;
        }
    }
    counts
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
        let counts = Confusion::count(&reference, &prediction, &[0, 1, 2], Some(255)).unwrap();
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
        let error = Confusion::count(&map(vec![0u16; 3]), &map(vec![0u16; 4]), &[0], None);
        let message = error.unwrap_err().to_string();
        assert!(message.contains("reference and prediction"), "{message}");
    }

    #[test]
    fn values_beyond_sixteen_bits_and_many_of_them_are_counted() {
        let labels: Vec<u32> = (0..3000).map(|i| i / 3 * 1_000_003).collect();
        let mut values = labels.clone();
        values.dedup();
        let counts = Confusion::count(&map(labels.clone()), &map(labels), &values, None).unwrap();
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
            // Few values are compared; the fifth is a stranger to them, or ignored.
            let few = Confusion::count(&map(r.clone()), &map(p.clone()), &[0, 1, 2, 3], None).unwrap();
            let bytes = map(r.iter().map(|&v| v as u8).collect::<Vec<u8>>());
            let ignoring = Confusion::count(&bytes, &map(p.clone()), &[0, 1], Some(4)).unwrap();
            let table = Confusion::count(&map(r.clone()), &map(p.clone()), &[0, 1, 2, 3, 4], None).unwrap();
            let hashed = Confusion::count(&map(r.clone()), &map(p.clone()), &many, None).unwrap();
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
