//! Exact Euclidean distance to a set of voxels, in millimetres.
//!
//! Squared distances are a sum over axes, so each axis is one lower envelope of parabolas; a
//! search outward from each voxel, many lines side by side, finds it and stops at the best so far.

use crate::buffer;
use crate::components::Connectivity;
use crate::contour::border_voxels;
use crate::lines::{strip_width, strips};
use crate::scalar::Real;
use crate::simd::vectorised;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap, Volume};

/// Lines that are searched side by side.
const LANES: usize = 16;

/// The squared distance (mm²) of each voxel to the nearest site, `INFINITY` when there is none.
///
/// `values` is one channel of `size` voxels, x fastest; a voxel is a site when `is_site` returns true.
/// Index axes are taken as orthogonal with `spacing` mm.
///
/// # Errors
/// [`Error::Volume`] when the buffer does not fit the size or a spacing is not positive.
///
/// ```
/// use vesalius_filters::squared_distance;
///
/// // One row of 4 voxels, 3 mm apart; the sites are the zeros.
/// let squared: Vec<f64> = squared_distance(&[0, 5, 5, 5], [4, 1, 1], [3.0, 1.0, 1.0], |v| v == 0)?;
/// assert_eq!(squared, [0.0, 9.0, 36.0, 81.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn squared_distance<R: Real, T: Copy + Sync>(
    values: &[T],
    size: [usize; 3],
    spacing: [f64; 3],
    is_site: impl Fn(T) -> bool + Sync,
) -> Result<Vec<R>> {
    squared(values, size, spacing, is_site, None)
}

/// As [`squared_distance`], cancelled and followed through a control, in the stage `distances`.
///
/// # Errors
/// As [`squared_distance`]; [`Error::Cancelled`].
pub fn squared_distance_with<R: Real, T: Copy + Sync>(
    values: &[T],
    size: [usize; 3],
    spacing: [f64; 3],
    is_site: impl Fn(T) -> bool + Sync,
    control: &Control,
) -> Result<Vec<R>> {
    squared(values, size, spacing, is_site, Some(control))
}

fn squared<R: Real, T: Copy + Sync>(
    values: &[T],
    size: [usize; 3],
    spacing: [f64; 3],
    is_site: impl Fn(T) -> bool + Sync,
    control: Option<&Control>,
) -> Result<Vec<R>> {
    let mut out = buffer::filled(R::ZERO, values.len());
    squared_distance_into(values, size, spacing, is_site, &mut out, control)?;
    Ok(out)
}

fn squared_distance_into<R: Real, T: Copy + Sync>(
    values: &[T],
    size: [usize; 3],
    spacing: [f64; 3],
    is_site: impl Fn(T) -> bool + Sync,
    out: &mut [R],
    control: Option<&Control>,
) -> Result<()> {
    let [nx, ny, nz] = size;
    if values.len() != nx * ny * nz {
        return Err(Error::Volume(vesalius_volume::Error::WrongLength {
            size,
            channels: 1,
            expected: nx * ny * nz,
            found: values.len(),
        }));
    }
    if !spacing.iter().all(|s| s.is_finite() && *s > 0.0) {
        return Err(vesalius_volume::Error::BadSpacing(spacing).into());
    }
    if values.is_empty() {
        return Ok(());
    }
    let squares: [Vec<R>; 3] = std::array::from_fn(|axis| {
        let square = |d: usize| R::from_f64((d as f64 * spacing[axis]).powi(2));
        (0..size[axis]).map(square).collect()
    });
    let width = strip_width(nx * ny, nz).next_multiple_of(LANES);
    let strip_count = if nz > 1 { (nx * ny).div_ceil(width) } else { 0 };
    let work = match control {
        Some(control) => Work::new(control, "distances", nz + strip_count),
        None => Work::unwatched(),
    };
    out.par_chunks_mut(nx * ny)
        .zip(values.par_chunks(nx * ny))
        .for_each_init(
            || Search::new(ny),
            |search, (slice, values)| {
                if !work.goes_on() {
                    return;
                }
                search.finite.clear();
                let rows = slice.chunks_mut(nx).zip(values.chunks(nx)).enumerate();
                for (y, (row, values)) in rows {
                    if row_distances(values, &is_site, &squares[0], row) {
                        search.finite.push(y);
                    }
                }
                let mut rows: Vec<&mut [R]> = slice.chunks_mut(nx).collect();
                search.run(&mut rows, &squares[1]);
                work.advance(1);
            },
        );
    work.check()?;
    if nz > 1 {
        // After two axes a slice is finite everywhere or nowhere.
        let finite: Vec<usize> = (0..nz).filter(|z| out[z * nx * ny].is_finite()).collect();
        strips(out, nx * ny, width).into_par_iter().for_each_init(
            || Search::new(nz),
            |search, mut rows| {
                work.part(1, || {
                    search.finite.clone_from(&finite);
                    search.run(&mut rows, &squares[2]);
                });
            },
        );
    }
    work.check()
}

/// Squared distances along one row; false, and infinity everywhere, when it has no site.
fn row_distances<R: Real, T: Copy>(
    values: &[T],
    is_site: &impl Fn(T) -> bool,
    squares: &[R],
    row: &mut [R],
) -> bool {
    let mut before: Option<usize> = None;
    for x in 0..values.len() {
        if !is_site(values[x]) {
            continue;
        }
        // The gap since the last site is nearer to that site in its first half.
        let gap = before.map_or(0, |b| b + (x - b) / 2 + 1);
        if let Some(before) = before {
            row[before..gap].copy_from_slice(&squares[..gap - before]);
        }
        for (value, &square) in row[gap..=x].iter_mut().rev().zip(squares) {
            *value = square;
        }
        before = Some(x);
    }
    match before {
        Some(before) => {
            let rest = row.len() - before;
            row[before..].copy_from_slice(&squares[..rest]);
            true
        }
        None => {
            row.fill(R::INFINITY);
            false
        }
    }
}

/// Finds the lower envelope along lines; kept by a thread from one block to the next.
struct Search<R> {
    /// Values along [`LANES`] lines before the search.
    before: Vec<[R; LANES]>,
    /// And after it.
    after: Vec<[R; LANES]>,
    /// The lines' positions that hold something finite, rising.
    finite: Vec<usize>,
}

impl<R: Real> Search<R> {
    fn new(length: usize) -> Self {
        Self {
            before: vec![[R::ZERO; LANES]; length],
            after: vec![[R::ZERO; LANES]; length],
            finite: Vec::with_capacity(length),
        }
    }

    /// Replaces `rows[k][lane]` with the minimum over `j` of `rows[j][lane] + squares[|j - k|]`.
    fn run(&mut self, rows: &mut [&mut [R]], squares: &[R]) {
        if self.finite.is_empty() {
            return;
        }
        for lane in (0..rows[0].len()).step_by(LANES) {
            let width = LANES.min(rows[0].len() - lane);
            for (before, row) in self.before.iter_mut().zip(rows.iter()) {
                before[..width].copy_from_slice(&row[lane..lane + width]);
                // Lanes without a line must not prolong the search.
                before[width..].fill(R::ZERO);
            }
            envelope(&self.before, &self.finite, squares, &mut self.after);
            for (after, row) in self.after.iter().zip(rows.iter_mut()) {
                row[lane..lane + width].copy_from_slice(&after[..width]);
            }
        }
    }
}

vectorised! {
    /// `after[k] = min over j in finite of before[j] + squares[|j - k|]`, lane by lane.
    fn envelope<R: Real>(
        before: &[[R; LANES]],
        finite: &[usize],
        squares: &[R],
        after: &mut [[R; LANES]],
    ) {
        let mut next = 0;
        for (k, after) in after.iter_mut().enumerate() {
            let mut below = next;
            if finite.get(next) == Some(&k) {
                next += 1;
            }
            let mut above = next;
            let mut best = before[k];
            let mut bound = R::INFINITY;
            let mut steps = 0u32;
            loop {
                let up = finite.get(above).map_or(usize::MAX, |j| j - k);
                let down = if below > 0 { k - finite[below - 1] } else { usize::MAX };
                let from = if up < down { k.wrapping_add(up) } else { k.wrapping_sub(down) };
                let distance = up.min(down);
                // Reducing the lanes costs as much as a step, so it is done every fourth.
                if steps & 3 == 0 {
                    bound = best[0];
                    for &value in &best[1..] {
                        bound = bound.max(value);
                    }
                }
                if distance == usize::MAX || squares[distance] >= bound {
                    break;
                }
                let square = squares[distance];
                above += usize::from(up < down);
                below -= usize::from(up >= down);
                steps += 1;
                for (best, &value) in best.iter_mut().zip(&before[from]) {
                    *best = best.min(value + square);
                }
            }
            *after = best;
        }
    }
}

/// The distance (mm) from each voxel to the nearest foreground voxel's centre; 0 on foreground,
/// `INFINITY` everywhere when there is none.
///
/// # Errors
/// None that a well-made input can cause.
///
/// ```
/// use vesalius_filters::distance_map;
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // 2 mm along x: distances are millimetres, not voxels.
/// let grid = Geometry::axis_aligned([4, 1, 1], [2.0, 1.0, 1.0])?;
/// let mask = LabelMap::<u8>::new(grid, vec![1, 0, 0, 0])?;
/// assert_eq!(distance_map::<u8, f32>(&mask)?.data(), [0.0, 2.0, 4.0, 6.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn distance_map<T: Label, R: Real>(mask: &LabelMap<T>) -> Result<Volume<R>> {
    to_foreground(mask, None)
}

/// As [`distance_map`], cancelled and followed through a control, in the stage `distances`.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn distance_map_with<T: Label, R: Real>(
    mask: &LabelMap<T>,
    control: &Control,
) -> Result<Volume<R>> {
    to_foreground(mask, Some(control))
}

fn to_foreground<T: Label, R: Real>(
    mask: &LabelMap<T>,
    control: Option<&Control>,
) -> Result<Volume<R>> {
    let grid = *mask.geometry();
    let background = T::default();
    let is_site = |v| v != background;
    let mut squared: Vec<R> = squared(mask.data(), grid.size(), grid.spacing(), is_site, control)?;
    squared.par_iter_mut().for_each(|v| *v = v.sqrt());
    Ok(Volume::new(grid, 1, squared)?)
}

/// The distance (mm) from each voxel to the nearest voxel on the mask's border, negative inside and
/// positive outside; the border voxels themselves, foreground with background among their 26
/// neighbours within the image, are 0 (ITK `SignedMaurerDistanceMap`).
///
/// Infinite everywhere when there is no foreground or no background.
///
/// # Errors
/// None that a well-made input can cause.
///
/// ```
/// use vesalius_filters::signed_distance;
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let mask = LabelMap::<u8>::new(grid, vec![0, 1, 1, 1, 0, 0])?;
/// assert_eq!(signed_distance::<u8, f32>(&mask)?.data(), [1.0, 0.0, -1.0, 0.0, 1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn signed_distance<T: Label, R: Real>(mask: &LabelMap<T>) -> Result<Volume<R>> {
    to_border(mask, None)
}

/// As [`signed_distance`], cancelled and followed through a control, in the stage `distances`.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn signed_distance_with<T: Label, R: Real>(
    mask: &LabelMap<T>,
    control: &Control,
) -> Result<Volume<R>> {
    to_border(mask, Some(control))
}

fn to_border<T: Label, R: Real>(
    mask: &LabelMap<T>,
    control: Option<&Control>,
) -> Result<Volume<R>> {
    let grid = *mask.geometry();
    let background = T::default();
    let border = border_voxels(mask.data(), grid.size(), Connectivity::Corners, |v| {
        v != background
    });
    let mut distances: Vec<R> = squared(&border, grid.size(), grid.spacing(), |v| v, control)?;
    distances
        .par_iter_mut()
        .zip(mask.data())
        .for_each(|(value, &label)| {
            let distance = value.sqrt();
            *value = if label != background && distance != R::ZERO {
                -distance
            } else {
                distance
            };
        });
    Ok(Volume::new(grid, 1, distances)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brute(mask: &[bool], size: [usize; 3], spacing: [f64; 3]) -> Vec<f64> {
        let at = |i: usize| [i % size[0], i / size[0] % size[1], i / (size[0] * size[1])];
        let squared = |i: usize, j: usize| -> f64 {
            let (a, b) = (at(i), at(j));
            (0..3)
                .map(|k| ((a[k] as f64 - b[k] as f64) * spacing[k]).powi(2))
                .sum()
        };
        let sites: Vec<usize> = (0..mask.len()).filter(|&i| mask[i]).collect();
        (0..mask.len())
            .map(|i| {
                sites
                    .iter()
                    .map(|&j| squared(i, j))
                    .fold(f64::INFINITY, f64::min)
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_search_agrees_with_brute_force(
            size in prop::array::uniform3(1usize..14),
            spacing in prop::array::uniform3(0.3f64..4.0),
            seed in any::<u64>(),
            share in 1u64..60,
        ) {
            let n: usize = size.iter().product();
            let mask: Vec<bool> = (0..n as u64)
                .map(|i| (i + 1).wrapping_mul(seed | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40 & 127 < share)
                .collect();
            let ours: Vec<f64> = squared_distance(&mask, size, spacing, |v| v).unwrap();
            for (a, b) in ours.iter().zip(brute(&mask, size, spacing)) {
                prop_assert!(*a == b || (a - b).abs() <= 1e-12 * b);
            }
        }
    }

    #[test]
    fn a_single_site_reaches_everywhere_and_none_nowhere() {
        let size = [37, 21, 18];
        let mut mask = vec![false; size.iter().product()];
        let empty: Vec<f32> = squared_distance(&mask, size, [1.0; 3], |v| v).unwrap();
        assert!(empty.iter().all(|v| *v == f32::INFINITY));
        mask[20 * 37 + 36] = true;
        let ours: Vec<f64> = squared_distance(&mask, size, [0.5, 2.0, 3.0], |v| v).unwrap();
        for (a, b) in ours.iter().zip(brute(&mask, size, [0.5, 2.0, 3.0])) {
            assert!((a - b).abs() <= 1e-12 * b);
        }
        assert!(squared_distance::<f32, bool>(&mask, [1, 1, 1], [1.0; 3], |v| v).is_err());
    }
}
