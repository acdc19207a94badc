//! How far each bit of one mask is from the nearest bit of another, exactly.
//!
//! Structures that are compared mostly touch, so rows around a voxel are searched from the nearest
//! outward until no row can be nearer; far voxels use a distance transform.

use crate::bitmask::Bits;
use crate::rows::{Metric, Row};
use rayon::prelude::*;
use std::collections::HashMap;
use vesalius_volume::limits;

/// Rows that are searched around each voxel before the distance transform takes over.
const NEAR_ROWS: usize = 1024;
/// Up to this many voxels a far search is cheaper than a distance transform.
const FEW: usize = 2000;
/// Rows and steps whose sums are kept in a table; others are kept in a hash map.
const TABLE_ROWS: usize = 256;
const TABLE_STEPS: i64 = 32;
/// Parts that a mask is searched in side by side, at most, and the voxels that make one worth
/// its table.
const PARTS: usize = 64;
const PART_VOXELS: usize = 1 << 14;

/// Distances (mm, rising) and how much of the surface has each.
pub(crate) type Bins = Vec<(f64, f64)>;

/// Sums of weights by distance.
struct Tally {
    table: Vec<f64>,
    rest: HashMap<(usize, i64), f64>,
    /// Voxels whose nearest is too far to be found among the rows.
    far: Vec<([usize; 3], f64)>,
}

impl Tally {
    fn new() -> Self {
        Self {
            table: vec![0.0; TABLE_ROWS * 2 * TABLE_STEPS as usize],
            rest: HashMap::new(),
            far: Vec::new(),
        }
    }

    fn add(&mut self, row: usize, step: i64, weight: f64) {
        if row < TABLE_ROWS && step.abs() < TABLE_STEPS {
            self.table[row * 2 * TABLE_STEPS as usize + (step + TABLE_STEPS) as usize] += weight;
        } else {
            *self.rest.entry((row, step)).or_default() += weight;
        }
    }
}

/// The distances from every bit of `from` to the nearest bit of `to` (masks of one size; `to` has
/// a bit at least), each weighted.
pub(crate) fn distances(
    from: &Bits,
    to: &Bits,
    metric: &Metric,
    weight: impl Fn(usize, usize, usize) -> f64 + Sync,
) -> Bins {
    let (rows, complete) = metric.rows(to.size, NEAR_ROWS);
    let search = Search::new(to, metric.spacing()[0]);
    // The parts do not depend on the number of threads, nor does the order of their sums.
    let wanted = 1 + from.count() as usize / PART_VOXELS;
    let depth = from.size[2].div_ceil(wanted.min(PARTS));
    let parts: Vec<Tally> = (0..from.size[2].div_ceil(depth))
        .into_par_iter()
        .map(|part| {
            let mut tally = Tally::new();
            for z in part * depth..((part + 1) * depth).min(from.size[2]) {
                each_bit(from, z, |x, y| {
                    let weight = weight(x, y, z);
                    match search.nearest([x, y, z], &rows, complete) {
                        Some((row, step)) => tally.add(row, step, weight),
                        None => tally.far.push(([x, y, z], weight)),
                    }
                });
            }
            tally
        })
        .collect();
    let mut sum = Tally::new();
    for tally in parts {
        let pairs = sum.table.iter_mut().zip(tally.table);
        pairs.for_each(|(a, b)| *a += b);
        for (key, weight) in tally.rest {
            *sum.rest.entry(key).or_default() += weight;
        }
        sum.far.extend(tally.far);
    }
    let length = |row: usize, step: i64| search.squared(&rows[row], step).sqrt();
    let width = 2 * TABLE_STEPS as usize;
    let in_table = sum.table.iter().enumerate().filter(|(_, w)| **w > 0.0);
    let mut bins: Bins = in_table
        .map(|(i, &w)| (length(i / width, (i % width) as i64 - TABLE_STEPS), w))
        .collect();
    bins.extend(
        sum.rest
            .into_iter()
            .map(|((row, step), w)| (length(row, step), w)),
    );
    bins.extend(far_distances(&sum.far, to, metric));
    merged(bins)
}

/// Bins in rising order, equal distances together.
fn merged(mut bins: Bins) -> Bins {
    // Weights in the order too: which of two equal distances comes first must not depend on a
    // hash map's order.
    bins.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    bins.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    bins
}

fn far_distances(far: &[([usize; 3], f64)], to: &Bits, metric: &Metric) -> Bins {
    if far.is_empty() {
        return Vec::new();
    }
    if far.len() > FEW && metric.is_orthogonal() {
        let [nx, ny, _] = to.size;
        let mut sites = vec![false; to.size.iter().product()];
        for z in 0..to.size[2] {
            each_bit(to, z, |x, y| sites[(z * ny + y) * nx + x] = true);
        }
        let squared = vesalius_filters::squared_distance::<f64, bool>(
            &sites,
            to.size,
            metric.spacing(),
            |s| s,
        );
        // The buffer fits the size and spacings come from an affine, which is all it needs; a
        // refusal leaves the search below.
        if let Ok(squared) = squared {
            let at = |[x, y, z]: [usize; 3]| squared[(z * ny + y) * nx + x].sqrt();
            return far.iter().map(|&(voxel, w)| (at(voxel), w)).collect();
        }
    }
    let (rows, complete) = metric.rows(to.size, usize::MAX / 4);
    let search = Search::new(to, metric.spacing()[0]);
    let find = |&(voxel, weight): &([usize; 3], f64)| {
        let (row, step) = search.nearest(voxel, &rows, complete)?;
        Some((search.squared(&rows[row], step).sqrt(), weight))
    };
    far.par_iter().filter_map(find).collect()
}

/// The bits of `from` that have a bit of `to` within `distance` mm.
pub(crate) fn near(from: &Bits, to: &Bits, metric: &Metric, distance: f64) -> Bits {
    let limit = distance.powi(2);
    let (mut rows, _) = metric.rows(to.size, usize::MAX / 4);
    rows.retain(|row| limits::at_most(row.across, limit));
    let search = Search::new(to, metric.spacing()[0]);
    from.by_row(|y, z, out| {
        for (i, word) in out.iter_mut().enumerate() {
            let mut left = from.row(y, z)[i];
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                let found = search.nearest([i * 64 + bit as usize, y, z], &rows, f64::INFINITY);
                let within =
                    found.is_some_and(|(k, s)| limits::at_most(search.squared(&rows[k], s), limit));
                *word |= u64::from(within) << bit;
            }
        }
    })
}

/// Calls with x and y of every bit of slice `z`.
fn each_bit(bits: &Bits, z: usize, mut visit: impl FnMut(usize, usize)) {
    for y in 0..bits.size[1] {
        for (i, &word) in bits.row(y, z).iter().enumerate() {
            let mut left = word;
            while left != 0 {
                visit(i * 64 + left.trailing_zeros() as usize, y);
                left &= left - 1;
            }
        }
    }
}

struct Search<'a> {
    to: &'a Bits,
    occupied: Vec<bool>,
    spacing: f64,
}

impl<'a> Search<'a> {
    fn new(to: &'a Bits, spacing: f64) -> Self {
        let rows = to.words.chunks(to.stride);
        Self {
            to,
            occupied: rows.map(|row| row.iter().any(|w| *w != 0)).collect(),
            spacing,
        }
    }

    /// Squared distance of the voxel `step` voxels from a row's nearest whole place.
    fn squared(&self, row: &Row, step: i64) -> f64 {
        let along = (step as f64 - row.rest) * self.spacing;
        row.across + along * along
    }

    /// The row and the step in it where the nearest bit lies; `None` when it may lie outside
    /// the rows.
    #[inline]
    fn nearest(&self, [x, y, z]: [usize; 3], rows: &[Row], complete: f64) -> Option<(usize, i64)> {
        let [_, ny, nz] = self.to.size;
        let mut best = f64::INFINITY;
        let mut found = None;
        for (k, row) in rows.iter().enumerate() {
            if row.across >= best {
                return found;
            }
            let (y, z) = (y as i64 + row.dy, z as i64 + row.dz);
            if y < 0 || z < 0 || y >= ny as i64 || z >= nz as i64 {
                continue;
            }
            let at = z as usize * ny + y as usize;
            if !self.occupied[at] {
                continue;
            }
            let words = &self.to.words[at * self.to.stride..(at + 1) * self.to.stride];
            let place = x as i64 + row.whole;
            for step in [at_or_below(words, place), above(words, place)]
                .into_iter()
                .flatten()
            {
                let squared = self.squared(row, step);
                if squared < best {
                    best = squared;
                    found = Some((k, step));
                }
            }
        }
        found.filter(|_| best <= complete)
    }
}

/// Steps (0 or less) from `place` to the nearest bit at or below it.
#[inline]
fn at_or_below(words: &[u64], place: i64) -> Option<i64> {
    if place < 0 {
        return None;
    }
    let start = place.min(words.len() as i64 * 64 - 1) as usize;
    let first = words[start / 64] << (63 - start % 64);
    if first != 0 {
        return Some(start as i64 - i64::from(first.leading_zeros()) - place);
    }
    let i = words[..start / 64].iter().rposition(|w| *w != 0)?;
    let bit = i as i64 * 64 + 63 - i64::from(words[i].leading_zeros());
    Some(bit - place)
}

/// Steps (1 or more) from `place` to the nearest bit above it.
#[inline]
fn above(words: &[u64], place: i64) -> Option<i64> {
    let start = (place + 1).max(0) as usize;
    let word = start / 64;
    let first = words.get(word)? >> (start % 64);
    if first != 0 {
        return Some(start as i64 + i64::from(first.trailing_zeros()) - place);
    }
    let i = word + 1 + words[word + 1..].iter().position(|w| *w != 0)?;
    Some(i as i64 * 64 + i64::from(words[i].trailing_zeros()) - place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitmask::Bounds;
    use proptest::prelude::*;
    use vesalius_volume::{Affine, Geometry};

    fn bits(size: [usize; 3], points: &[[usize; 3]]) -> Bits {
        Bits::build(size, Bounds::of(size), |[_, y, z], row| {
            row.fill(0);
            for point in points.iter().filter(|p| [p[1], p[2]] == [y, z]) {
                row[point[0]] = 1;
            }
        })
    }

    fn brute(from: &[[usize; 3]], to: &[[usize; 3]], affine: &Affine) -> Vec<f64> {
        let place = |p: &[usize; 3]| affine.apply(p.map(|v| v as f64));
        let distance = |a: &[usize; 3], b: &[usize; 3]| {
            let (a, b) = (place(a), place(b));
            (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
        };
        let nearest = |a| {
            to.iter()
                .map(|b| distance(a, b))
                .fold(f64::INFINITY, f64::min)
        };
        let mut all: Vec<f64> = from.iter().map(nearest).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    fn spread(bins: &Bins) -> Vec<f64> {
        let repeat = |&(distance, count): &(f64, f64)| vec![distance; count as usize];
        bins.iter().flat_map(repeat).collect()
    }

    fn check(size: [usize; 3], from: &[[usize; 3]], to: &[[usize; 3]], affine: &Affine) {
        let (a, b) = (bits(size, from), bits(size, to));
        let found = spread(&distances(&a, &b, &Metric::of(affine), |_, _, _| 1.0));
        let expected = brute(from, to, affine);
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(&expected) {
            assert!((f - e).abs() <= 1e-10 * e.max(1.0), "{f} {e}");
        }
    }

    #[test]
    fn far_voxels_are_found_one_by_one_and_by_the_distance_transform() {
        let size = [150, 80, 70];
        let grid = Geometry::axis_aligned(size, [0.5, 0.9, 2.0]).unwrap();
        let to = [[149, 79, 69], [140, 1, 2]];
        let few: Vec<[usize; 3]> = (0..5).map(|i| [i, 2 * i, 60 - i]).collect();
        check(size, &few, &to, grid.affine());
        let many: Vec<[usize; 3]> = (0..FEW + 500).map(|i| [i % 50, i / 50, 30]).collect();
        check(size, &many, &to, grid.affine());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn the_nearest_is_the_nearest(
            size in [1usize..90, 1usize..40, 1usize..40],
            places in proptest::collection::vec([0.0f64..1.0, 0.0f64..1.0, 0.0f64..1.0], 2..12),
            spacing in [0.3f64..3.0, 0.3f64..3.0, 0.3f64..3.0],
            shear in prop_oneof![Just([0.0; 3]), [-0.6f64..0.6, -0.6f64..0.6, -0.6f64..0.6]],
            angle in 0.0f64..3.0,
        ) {
            let [sx, sy, sz] = spacing;
            let (c, s) = (angle.cos(), angle.sin());
            let turned = |v: [f64; 3]| [c * v[0] - s * v[1], s * v[0] + c * v[1], v[2]];
            let columns = [[sx, 0.0, 0.0], [shear[0] * sy, sy, 0.0], [shear[1] * sz, shear[2] * sz, sz]].map(turned);
            let linear = std::array::from_fn(|i| columns.map(|column| column[i]));
            let affine = Affine::from_linear(linear, [3.0, -8.0, 1.0]).unwrap();
            let mut points: Vec<[usize; 3]> = places
                .iter()
                .map(|p| std::array::from_fn(|i| (p[i] * size[i] as f64) as usize))
                .collect();
            points.sort_unstable();
            points.dedup();
            let half = points.len() / 2;
            if half > 0 {
                check(size, &points[..half], &points[half..], &affine);
            }
        }
    }
}
