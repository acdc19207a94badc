//! Which object each voxel is nearest to: the Voronoi regions of objects.
//!
//! One axis after another (Maurer, Qi and Raghavan, 10.1109/TPAMI.2003.1177156): along x the nearest voxel of an object
//! in the row, then along y the nearest of those of the column's rows, then along z. Of voxels at equal distances
//! the first in memory wins, as in SciPy's `distance_transform_edt` of an array with the axes x, y, z.

use super::objects::Objects;
use rayon::prelude::*;

/// No object in the row or slice.
const NONE: u32 = u32::MAX;

/// The nearest voxel of the reference's objects, by axes that are searched one after another.
pub(crate) struct NearestObject<'a> {
    objects: &'a Objects,
    /// Squared step along each axis.
    squared: [f64; 3],
    /// For each voxel the offset of the nearest voxel of an object in its slice.
    in_slice: Vec<u32>,
}

/// A place where the lower envelope of a line's parabolas changes.
#[derive(Clone, Copy)]
struct Site {
    /// Along the line.
    at: f64,
    /// Squared distance across the line.
    across: f64,
    offset: u32,
}

impl<'a> NearestObject<'a> {
    /// Searches the slices. The box must have fewer than 2³² - 1 voxels.
    pub fn new(objects: &'a Objects, spacing: [f64; 3]) -> Self {
        let [nx, ny, _] = objects.size;
        let squared = spacing.map(|s| s * s);
        let mut in_slice = vec![NONE; objects.reference.numbers.len()];
        let slices = in_slice.par_chunks_mut((nx * ny).max(1)).enumerate();
        slices.for_each(|(z, slice)| {
            let first = z * nx * ny;
            let numbers = &objects.reference.numbers[first..first + slice.len()];
            let mut occupied = false;
            for (y, row) in slice.chunks_mut(nx).enumerate() {
                occupied |= along_row(&numbers[y * nx..(y + 1) * nx], (first + y * nx) as u32, row);
            }
            if occupied {
                along_columns(slice, nx, first as u32, squared);
            }
        });
        Self {
            objects,
            squared,
            in_slice,
        }
    }

    /// The objects nearest to the voxels of column (`x`, `y`), for each z; `None` where there is no object.
    pub fn column(&self, x: usize, y: usize, found: &mut Vec<Option<usize>>) {
        let [nx, ny, nz] = self.objects.size;
        let step = nx * ny;
        let sites = (0..nz).filter_map(|z| {
            let offset = self.in_slice[z * step + y * nx + x];
            (offset != NONE).then(|| {
                let at = offset as usize % step;
                let (dx, dy) = ((at % nx).abs_diff(x) as f64, (at / nx).abs_diff(y) as f64);
                Site {
                    at: z as f64,
                    across: dx * dx * self.squared[0] + dy * dy * self.squared[1],
                    offset,
                }
            })
        });
        let mut envelope = Vec::new();
        lower_envelope(sites, self.squared[2], &mut envelope);
        found.clear();
        let object = |site: u32| self.objects.reference.object(site as usize);
        each_nearest(&envelope, nz, self.squared[2], |_, site| {
            found.push(site.and_then(object))
        });
    }
}

/// The nearest voxel of an object in a row, the earlier of two. Returns whether there is any.
fn along_row(numbers: &[u32], first: u32, out: &mut [u32]) -> bool {
    let mut before = None;
    let mut place = 0;
    while place < numbers.len() {
        if numbers[place] != 0 {
            out[place] = first + place as u32;
            before = Some(place);
            place += 1;
            continue;
        }
        let gap = numbers[place..]
            .iter()
            .take_while(|number| **number == 0)
            .count();
        let after = Some(place + gap).filter(|&at| at < numbers.len());
        for (x, out) in out.iter_mut().enumerate().skip(place).take(gap) {
            let nearest = match (before, after) {
                (Some(before), Some(after)) => Some(if x - before <= after - x {
                    before
                } else {
                    after
                }),
                (before, after) => before.or(after),
            };
            if let Some(nearest) = nearest {
                *out = first + nearest as u32;
            }
        }
        place += gap;
    }
    before.is_some()
}

/// From the nearest in the row to the nearest in the slice.
fn along_columns(slice: &mut [u32], nx: usize, first: u32, squared: [f64; 3]) {
    let ny = slice.len() / nx;
    let mut envelope = Vec::with_capacity(ny);
    for x in 0..nx {
        let sites = (0..ny).filter_map(|y| {
            let offset = slice[y * nx + x];
            (offset != NONE).then(|| {
                let dx = ((offset - first) as usize % nx).abs_diff(x) as f64;
                Site {
                    at: y as f64,
                    across: dx * dx * squared[0],
                    offset,
                }
            })
        });
        lower_envelope(sites, squared[1], &mut envelope);
        each_nearest(&envelope, ny, squared[1], |y, site| {
            slice[y * nx + x] = site.unwrap_or(NONE)
        });
    }
}

/// The sites that are nearest to some place of the line; those equally near stay.
fn lower_envelope(sites: impl Iterator<Item = Site>, squared: f64, envelope: &mut Vec<Site>) {
    envelope.clear();
    for site in sites {
        while let [.., u, v] = envelope[..] {
            let (a, b) = (v.at - u.at, site.at - v.at);
            let c = a + b;
            if c * v.across - b * u.across - a * site.across - a * b * c * squared <= 0.0 {
                break;
            }
            envelope.pop();
        }
        envelope.push(site);
    }
}

/// Calls with each place of the line and the offset of the site nearest to it.
fn each_nearest(
    envelope: &[Site],
    length: usize,
    squared: f64,
    mut visit: impl FnMut(usize, Option<u32>),
) {
    let mut current = 0;
    for place in 0..length {
        let distance = |site: &Site| {
            let along = site.at - place as f64;
            site.across + along * along * squared
        };
        while let [here, next, ..] = &envelope[current.min(envelope.len())..] {
            if distance(here) <= distance(next) {
                break;
            }
            current += 1;
        }
        visit(place, envelope.get(current).map(|site| site.offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vesalius_volume::{Geometry, LabelMap};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn the_nearest_object_is_that_of_the_nearest_voxel_that_comes_first(
            size in [1usize..9, 1usize..8, 1usize..7],
            places in proptest::collection::vec([0.0f64..1.0, 0.0f64..1.0, 0.0f64..1.0], 1..12),
            whole in any::<bool>(),
        ) {
            let spacing = if whole { [1.0; 3] } else { [0.5, 1.25, 2.0] };
            let grid = Geometry::axis_aligned(size, spacing).unwrap();
            let sites: Vec<[usize; 3]> = places.iter().map(|p| std::array::from_fn(|i| (p[i] * size[i] as f64) as usize)).collect();
            let map = LabelMap::from_fn(grid, |at| sites.iter().position(|s| *s == at).map_or(0u16, |i| i as u16 + 1));
            let objects = Objects::of_instances(&map, &map).unwrap();
            let nearest = NearestObject::new(&objects, spacing);
            let mut found = Vec::new();
            for y in 0..size[1] { for x in 0..size[0] {
                nearest.column(x, y, &mut found);
                for (z, &object) in found.iter().enumerate() {
                    let squared = |site: [usize; 3]| (0..3)
                        .map(|i| (site[i].abs_diff([x, y, z][i]) as f64 * spacing[i]).powi(2)).sum::<f64>();
                    let best = (0..map.data().len())
                        .filter(|&offset| map.data()[offset] != 0)
                        .min_by(|&a, &b| squared(grid.index(a)).total_cmp(&squared(grid.index(b))));
                    prop_assert_eq!(object, best.and_then(|offset| objects.reference.object(offset)));
                }
            }}
        }
    }
}
