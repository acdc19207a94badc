//! Counting pairs of labels: by comparing vectors for a few values, in a table for some hundreds,
//! in a hash map for more.

use rayon::prelude::*;
use std::collections::HashMap;
use vesalius_volume::Label;

/// Voxels that one thread counts before it passes its counts on; a `u32` holds them.
const CHUNK: usize = 1 << 18;
/// Neighbours that are compared together: labels come in runs, so most blocks are of one pair.
const BLOCK: usize = 16;
/// Up to this many values are compared vector by vector instead of counted one by one.
const COMPARED_VALUES: usize = 4;
/// Voxels that are compared with every pair while they are in the nearest cache.
const STRETCH: usize = 8192;
/// Voxels whose sum fits into a byte.
const GROUP: usize = 128;
/// Up to this many rows the counts are a table, beyond it a hash map.
const TABLE_ROWS: usize = 512;

/// From label value to row or column: the requested values in order, then "other", then "ignored".
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
pub(crate) struct Pairs<'a> {
    rows: Classes,
    columns: Classes,
    values: &'a [u32],
    ignore: Option<u32>,
}

impl<'a> Pairs<'a> {
    /// Rows and columns for `values` (rising, each once), what is none of them, and in the
    /// reference what is ignored.
    pub fn new<R: Label, P: Label>(values: &'a [u32], ignore: Option<u32>) -> Self {
        Self {
            rows: Classes::new::<R>(values, ignore),
            columns: Classes::new::<P>(values, None),
            values,
            ignore,
        }
    }

    fn width(&self) -> usize {
        self.columns.other as usize + 1
    }

    fn height(&self) -> usize {
        self.rows.other as usize + 2
    }

    /// `(row, column, count)` of every pair that occurs, in rising order.
    pub fn count<R: Label, P: Label>(
        &self,
        reference: &[R],
        prediction: &[P],
    ) -> Vec<(u32, u32, u64)> {
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
            // Without an early exit, the comparison is one vector instruction.
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

/// Counts in a hash map, with one look-up per run.
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
