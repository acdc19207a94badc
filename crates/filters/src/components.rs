//! Connected components: which foreground voxels hang together.
//!
//! Rows are cut into runs of equal voxels; runs that touch are joined (union–find); a component's
//! number is the order in which its first voxel comes, x fastest.

use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_volume::{Label, LabelMap};

/// Which neighbours of a voxel touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connectivity {
    /// The 6 that share a face.
    Faces,
    /// The 18 that share a face or an edge.
    Edges,
    /// All 26.
    #[default]
    Corners,
}

impl Connectivity {
    /// Rows that come earlier in memory, as steps in y and z, and how far runs may miss each other
    /// along x and still touch.
    fn rows_before(self) -> &'static [(isize, usize, u32)] {
        match self {
            Self::Faces => &[(-1, 0, 0), (0, 1, 0)],
            Self::Edges => &[(-1, 0, 1), (0, 1, 1), (-1, 1, 0), (1, 1, 0)],
            Self::Corners => &[(-1, 0, 1), (0, 1, 1), (-1, 1, 1), (1, 1, 1)],
        }
    }
}

/// Options of [`connected_components`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComponentOptions {
    /// Which neighbours touch.
    pub connectivity: Connectivity,
    /// Voxels of different labels never touch (cc3d); otherwise all foreground is one (ITK).
    pub by_label: bool,
}

/// A numbering of components.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// 0 in the background, 1 to [`Components::count`] in the components.
    pub labels: LabelMap<u32>,
    /// Number of components.
    pub count: usize,
    /// Voxels of each component, the first component first.
    pub sizes: Vec<usize>,
}

/// A stretch of equal foreground voxels in a row.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
    /// The label where labels are kept apart, 1 otherwise.
    value: u32,
}

/// The runs of a mask, joined into components.
pub(crate) struct RunComponents {
    runs: Vec<Run>,
    /// Index of each row's first run, and one past the last run.
    rows: Vec<u32>,
    /// The component of each run, from 0.
    component: Vec<u32>,
    /// Voxels of each component.
    pub sizes: Vec<usize>,
    row_length: usize,
}

/// Numbers the connected components of the foreground (labels other than 0).
///
/// # Errors
/// [`Error::BadOption`] when the grid has more rows or runs than `u32` counts.
pub fn connected_components<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
) -> Result<Components> {
    let joined = RunComponents::new(input.data(), input.geometry().size(), options)?;
    let labels = joined.paint(|component| component + 1);
    Ok(Components {
        labels: LabelMap::new(*input.geometry(), labels)?,
        count: joined.sizes.len(),
        sizes: joined.sizes,
    })
}

/// The voxels of the largest component as a mask of 0 and 1; the first one where sizes are equal,
/// nothing where there is no foreground.
///
/// # Errors
/// As [`connected_components`].
pub fn largest_component<T: Label>(
    input: &LabelMap<T>,
    connectivity: Connectivity,
) -> Result<LabelMap<u8>> {
    let options = ComponentOptions {
        connectivity,
        by_label: false,
    };
    let joined = RunComponents::new(input.data(), input.geometry().size(), &options)?;
    let largest = joined.largest();
    let mask = joined.paint(|component| u8::from(Some(component) == largest));
    Ok(LabelMap::new(*input.geometry(), mask)?)
}

/// The labels of the largest component of the foreground; everything else becomes background.
///
/// # Errors
/// As [`connected_components`].
pub fn keep_largest<T: Label>(
    input: &LabelMap<T>,
    connectivity: Connectivity,
) -> Result<LabelMap<T>> {
    let kept = largest_component(input, connectivity)?;
    let values = input.data().par_iter().zip(kept.data());
    let values = values.map(|(&v, &keep)| if keep == 1 { v } else { T::default() });
    Ok(LabelMap::new(*input.geometry(), values.collect())?)
}

impl RunComponents {
    pub(crate) fn new<T: Label>(
        values: &[T],
        size: [usize; 3],
        options: &ComponentOptions,
    ) -> Result<Self> {
        let [nx, ny, nz] = size;
        if ny * nz >= u32::MAX as usize || nx >= u32::MAX as usize {
            return Err(Error::option(
                "components",
                "size",
                size,
                "fewer than 2^32 rows",
            ));
        }
        let (runs, rows) = find_runs(values, size, options.by_label);
        if runs.len() >= u32::MAX as usize {
            return Err(Error::option(
                "components",
                "runs",
                runs.len(),
                "fewer than 2^32",
            ));
        }
        let mut parents: Vec<u32> = (0..runs.len() as u32).collect();
        for z in 0..nz {
            for y in 0..ny {
                let here = row_range(&rows, z * ny + y);
                if here.is_empty() {
                    continue;
                }
                for &(dy, dz, reach) in options.connectivity.rows_before() {
                    let Some(y) = y.checked_add_signed(dy).filter(|&y| y < ny && z >= dz) else {
                        continue;
                    };
                    let there = row_range(&rows, (z - dz) * ny + y);
                    join_rows(&runs, &mut parents, here.clone(), there, reach);
                }
            }
        }
        let (component, sizes) = number(&runs, &mut parents);
        Ok(Self {
            runs,
            rows,
            component,
            sizes,
            row_length: nx,
        })
    }

    /// The largest component, the first of equals.
    pub fn largest(&self) -> Option<u32> {
        let best = self.sizes.iter().max()?;
        self.sizes.iter().position(|s| s == best).map(|i| i as u32)
    }

    /// A buffer with a value for each voxel of a component, and the default elsewhere.
    pub fn paint<T: Copy + Default + Send + Sync>(
        &self,
        value: impl Fn(u32) -> T + Sync,
    ) -> Vec<T> {
        let mut out = vec![T::default(); (self.rows.len() - 1) * self.row_length];
        if self.row_length == 0 {
            return out;
        }
        out.par_chunks_mut(self.row_length)
            .enumerate()
            .with_min_len(64)
            .for_each(|(row, out)| {
                for i in row_range(&self.rows, row) {
                    let run = self.runs[i];
                    out[run.start as usize..run.end as usize].fill(value(self.component[i]));
                }
            });
        out
    }
}

fn row_range(rows: &[u32], row: usize) -> std::ops::Range<usize> {
    rows[row] as usize..rows[row + 1] as usize
}

/// The runs of each row in order, and where each row's runs begin.
fn find_runs<T: Label>(values: &[T], size: [usize; 3], by_label: bool) -> (Vec<Run>, Vec<u32>) {
    let [nx, ny, nz] = size;
    if values.is_empty() {
        return (Vec::new(), vec![0; ny * nz + 1]);
    }
    let parts: Vec<(Vec<Run>, Vec<u32>)> = values
        .par_chunks(nx * ny)
        .map(|slice| {
            let (mut runs, mut counts) = (Vec::new(), Vec::with_capacity(ny));
            for row in slice.chunks(nx) {
                let before = runs.len();
                row_runs(row, by_label, &mut runs);
                counts.push((runs.len() - before) as u32);
            }
            (runs, counts)
        })
        .collect();
    let mut runs = Vec::with_capacity(parts.iter().map(|p| p.0.len()).sum());
    let mut rows = Vec::with_capacity(ny * nz + 1);
    let mut total = 0u32;
    rows.push(0);
    for (part, counts) in parts {
        runs.extend(part);
        for count in counts {
            total = total.saturating_add(count);
            rows.push(total);
        }
    }
    (runs, rows)
}

fn row_runs<T: Label>(row: &[T], by_label: bool, runs: &mut Vec<Run>) {
    let background = T::default();
    let mut x = 0;
    while x < row.len() {
        let Some(skip) = row[x..].iter().position(|&v| v != background) else {
            return;
        };
        let start = x + skip;
        let first = row[start];
        let length = row[start..]
            .iter()
            .position(|&v| v == background || (by_label && v != first));
        x = length.map_or(row.len(), |n| start + n);
        runs.push(Run {
            start: start as u32,
            end: x as u32,
            value: if by_label { first.into() } else { 1 },
        });
    }
}

/// Joins the touching runs of two rows.
fn join_rows(
    runs: &[Run],
    parents: &mut [u32],
    mut here: std::ops::Range<usize>,
    mut there: std::ops::Range<usize>,
    reach: u32,
) {
    while !here.is_empty() && !there.is_empty() {
        let (a, b) = (runs[here.start], runs[there.start]);
        if a.start < b.end + reach && b.start < a.end + reach && a.value == b.value {
            join(parents, here.start as u32, there.start as u32);
        }
        if a.end <= b.end {
            // Runs of different labels follow each other without a gap, so one that ends with `b`
            // may also touch the one after.
            if let Some(after) = there.clone().nth(1).map(|i| (i, runs[i]))
                && after.1.start < a.end + reach
                && after.1.value == a.value
            {
                join(parents, here.start as u32, after.0 as u32);
            }
            here.start += 1;
        } else {
            there.start += 1;
        }
    }
}

fn root(parents: &mut [u32], mut run: u32) -> u32 {
    while parents[run as usize] != run {
        let grandparent = parents[parents[run as usize] as usize];
        parents[run as usize] = grandparent;
        run = grandparent;
    }
    run
}

/// The earlier root wins, so that a root is its component's first run.
fn join(parents: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(parents, a), root(parents, b));
    if a < b {
        parents[b as usize] = a;
    } else {
        parents[a as usize] = b;
    }
}

/// Numbers the roots in order, and counts each component's voxels.
fn number(runs: &[Run], parents: &mut [u32]) -> (Vec<u32>, Vec<usize>) {
    let mut component = vec![0u32; runs.len()];
    let mut sizes = Vec::new();
    for i in 0..runs.len() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vesalius_volume::Geometry;

    /// Flood fill, voxel by voxel.
    fn flood(labels: &LabelMap<u8>, options: &ComponentOptions) -> Vec<u32> {
        let size = labels.geometry().size().map(|n| n as i64);
        let reach = match options.connectivity {
            Connectivity::Faces => 1,
            Connectivity::Edges => 2,
            Connectivity::Corners => 3,
        };
        let mut out = vec![0; labels.data().len()];
        let mut count = 0;
        for seed in 0..out.len() {
            if labels.data()[seed] == 0 || out[seed] != 0 {
                continue;
            }
            count += 1;
            out[seed] = count;
            let mut stack = vec![seed];
            while let Some(at) = stack.pop() {
                let index = labels.geometry().index(at).map(|v| v as i64);
                for step in 0..27 {
                    let d = [step % 3 - 1, step / 3 % 3 - 1, step / 9 - 1];
                    let to: [i64; 3] = std::array::from_fn(|a| index[a] + d[a]);
                    if d.iter().map(|v| v.abs()).sum::<i64>() > reach
                        || (0..3).any(|a| to[a] < 0 || to[a] >= size[a])
                    {
                        continue;
                    }
                    let to = labels.geometry().offset(to.map(|v| v as usize));
                    let (here, there) = (labels.data()[at], labels.data()[to]);
                    if there != 0 && out[to] == 0 && (!options.by_label || here == there) {
                        out[to] = count;
                        stack.push(to);
                    }
                }
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn runs_agree_with_flood_fill(
            size in prop::array::uniform3(1usize..9),
            seed in any::<u64>(),
            share in 1u64..100,
        ) {
            let grid = Geometry::axis_aligned(size, [1.0; 3]).unwrap();
            let mut state = seed | 1;
            let labels = LabelMap::from_fn(grid, |_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let draw = state >> 33;
                if draw % 100 < share { (1 + draw / 100 % 2) as u8 } else { 0 }
            });
            for connectivity in [Connectivity::Faces, Connectivity::Edges, Connectivity::Corners] {
                for by_label in [false, true] {
                    let options = ComponentOptions { connectivity, by_label };
                    let ours = connected_components(&labels, &options).unwrap();
                    prop_assert_eq!(ours.labels.data(), &flood(&labels, &options)[..]);
                    prop_assert_eq!(ours.sizes.len(), ours.count);
                    prop_assert_eq!(ours.sizes.iter().sum::<usize>(), labels.data().iter().filter(|&&v| v != 0).count());
                }
            }
        }
    }

    #[test]
    fn the_largest_stays_with_its_labels() {
        let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3]).unwrap();
        let labels = LabelMap::new(grid, vec![5u16, 5, 0, 1, 2, 3, 0, 4]).unwrap();
        let kept = keep_largest(&labels, Connectivity::Faces).unwrap();
        assert_eq!(kept.data(), [0, 0, 0, 1, 2, 3, 0, 0]);
        let empty = LabelMap::<u16>::background(grid);
        assert_eq!(keep_largest(&empty, Connectivity::Faces).unwrap(), empty);
    }
}
