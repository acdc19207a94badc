//! Growing and shrinking each label of a map by itself, and who gets a voxel that two labels claim.
//!
//! A voxel that has a label keeps it or loses it; another label never takes it. A voxel of the background
//! that several labels claim goes to the one whose nearest voxel within the element is nearest in
//! millimetres, and to the lowest of those that are equally near.

use super::bits::BitMask;
use super::element::{Element, Row};
use super::operation::Operation;
use crate::Result;
use crate::each_label::{Foreground, cut, label_boxes, rows};
use crate::grid::Bounds;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_volume::{Geometry, Label, LabelMap, limits};

/// Contested voxels that are decided between two checks.
const CHUNK: usize = 256;

/// Applies an operation of masks to each label; counts slices.
pub(super) fn each_label<T: Label>(
    input: &LabelMap<T>,
    element: &Element,
    operation: Operation,
    work: &Work,
) -> Result<LabelMap<T>> {
    let size = input.geometry().size();
    let reached = element.rows(input.geometry().spacing())?;
    let values = match Foreground::of(input.data()) {
        Foreground::Nothing => {
            work.set_total(0);
            vec![T::default(); input.data().len()]
        }
        Foreground::One(label) => {
            work.set_total(operation.slices(size[2], &reached));
            let mask = BitMask::pack(input.data(), size);
            let mask = operation.apply(&mask, &reached, work);
            work.check()?;
            let pick = |bit: u8| if bit != 0 { label } else { T::default() };
            mask.unpack().into_iter().map(pick).collect()
        }
        Foreground::Several => several(input, element, &reached, operation, work)?,
    };
    work.finish()?;
    Ok(LabelMap::new(*input.geometry(), values)?)
}

fn several<T: Label>(
    input: &LabelMap<T>,
    element: &Element,
    reached: &[Row],
    operation: Operation,
    work: &Work,
) -> Result<Vec<T>> {
    let (size, background) = (input.geometry().size(), T::default());
    let reach = element.reach(input.geometry().spacing())?;
    // What the operation does to a label stays within its region, and the border of the region is that of the image
    // or out of the element's reach.
    let regions: Vec<(T, Bounds)> = label_boxes(input)
        .into_iter()
        .map(|(label, bounds)| (label, bounds.grown(reach, size)))
        .collect();
    let slices = |(_, region): &(T, Bounds)| operation.slices(region.size[2], reached);
    let slices = regions.iter().map(slices).sum();
    // Where labels meet, it takes about as long again to decide between them.
    let settling = if operation.grows() { slices } else { 0 };
    work.set_total(slices + settling);
    let mut out = vec![background; input.data().len()];
    // The second and further claims to a voxel of the background; the first is in `out`.
    let mut further: Vec<(usize, T)> = Vec::new();
    for (label, region) in regions {
        let mask = BitMask::pack(&cut(input, region, label), region.size);
        let mask = operation.apply(&mask, reached, work);
        work.check()?;
        let claimed = mask.unpack();
        for (row, claimed) in rows(size, region).zip(claimed.chunks(region.size[0])) {
            for (offset, _) in row.zip(claimed).filter(|(_, claimed)| **claimed != 0) {
                let here = input.data()[offset];
                if here == label || (here == background && out[offset] == background) {
                    out[offset] = label;
                } else if here == background {
                    further.push((offset, label));
                }
            }
        }
    }
    settle(input, element, &mut out, further, (settling, work))?;
    Ok(out)
}

/// Gives each voxel with several claims to the label that is nearest; counts so many parts.
fn settle<T: Label>(
    input: &LabelMap<T>,
    element: &Element,
    out: &mut [T],
    mut further: Vec<(usize, T)>,
    (parts, work): (usize, &Work),
) -> Result<()> {
    if further.is_empty() {
        return Ok(());
    }
    let steps = steps(element, input.geometry())?;
    further.par_sort_unstable();
    let contested: Vec<&[(usize, T)]> = further.chunk_by(|a, b| a.0 == b.0).collect();
    let decide = |claims: &&[(usize, T)]| {
        let offset = claims[0].0;
        let first = out[offset];
        let claims = |label: T| label == first || claims.iter().any(|claim| claim.1 == label);
        let winner = nearest(input, &steps, offset, claims);
        // Every claim comes from a voxel within the element's reach.
        (offset, winner.unwrap_or(first))
    };
    let decided: Vec<Vec<(usize, T)>> = contested
        .par_chunks(CHUNK)
        .map(|chunk| {
            let mut decided = Vec::new();
            work.part(parts * chunk.len() / contested.len(), || {
                decided.extend(chunk.iter().map(decide));
            });
            decided
        })
        .collect();
    work.check()?;
    for (offset, label) in decided.into_iter().flatten() {
        out[offset] = label;
    }
    Ok(())
}

/// The steps of an element with their squared lengths in mm², rising.
fn steps(element: &Element, grid: &Geometry) -> Result<Vec<(f64, [i64; 3])>> {
    let linear = grid.affine().linear();
    let squared = |step: [i64; 3]| -> f64 {
        let along = |row: [f64; 3]| -> f64 { (0..3).map(|a| row[a] * step[a] as f64).sum() };
        linear.iter().map(|row| along(*row).powi(2)).sum()
    };
    let mut steps = Vec::new();
    for row in element.rows(grid.spacing())? {
        let reach = row.reach as i64;
        let across = (-reach..=reach).map(|x| [x, row.y as i64, row.z as i64]);
        steps.extend(across.map(|step| (squared(step), step)));
    }
    steps.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    Ok(steps)
}

/// The label that is nearest to a voxel among those that claim it, the lowest of equally near ones.
fn nearest<T: Label>(
    input: &LabelMap<T>,
    steps: &[(f64, [i64; 3])],
    offset: usize,
    claims: impl Fn(T) -> bool,
) -> Option<T> {
    let grid = input.geometry();
    let (index, size) = (grid.index(offset), grid.size());
    let mut best: Option<(f64, T)> = None;
    for &(squared, step) in steps {
        if best.is_some_and(|(least, _)| limits::exceeds(squared, least)) {
            break;
        }
        let to: [i64; 3] = std::array::from_fn(|a| index[a] as i64 + step[a]);
        if (0..3).any(|a| to[a] < 0 || to[a] >= size[a] as i64) {
            continue;
        }
        let label = input.get(to.map(|v| v as usize));
        if claims(label) {
            best = match best {
                Some((least, lowest)) => Some((least, lowest.min(label))),
                None => Some((squared, label)),
            };
        }
    }
    best.map(|(_, label)| label)
}

#[cfg(test)]
mod tests {
    use super::super::{Border, Shape, closing, dilate, erode, opening};
    use super::*;
    use proptest::prelude::*;

    fn row(values: &[u16], spacing: f64) -> LabelMap {
        let grid = Geometry::axis_aligned([values.len(), 1, 1], [spacing, 1.0, 1.0]).unwrap();
        LabelMap::new(grid, values.to_vec()).unwrap()
    }

    fn reach(voxels: usize) -> Element {
        Element::voxels(Shape::Box, [voxels, 0, 0])
    }

    #[test]
    fn labels_grow_up_to_each_other_and_the_nearer_one_wins() {
        let map = row(&[4, 0, 0, 0, 0, 2, 2, 0, 7, 0], 1.0);
        let grown = dilate(&map, &reach(2)).unwrap();
        // Voxel 7 is as far from 2 as from 7: the lower label takes it.
        assert_eq!(grown.data(), [4, 4, 4, 2, 2, 2, 2, 2, 7, 7]);
        let wide = dilate(&map, &reach(3)).unwrap();
        assert_eq!(wide.data(), [4, 4, 4, 2, 2, 2, 2, 2, 7, 7]);
        let high = row(&[9, 0, 0, 0, 3], 1.0);
        assert_eq!(dilate(&high, &reach(4)).unwrap().data(), [9, 9, 3, 3, 3]);
        // In millimetres: along y the neighbour is nearer.
        let grid = Geometry::axis_aligned([3, 3, 1], [2.0, 1.0, 1.0]).unwrap();
        let cross = LabelMap::new(grid, vec![0u16, 5, 0, 1, 0, 0, 0, 0, 0]).unwrap();
        let element = Element::voxels(Shape::Cross, [1, 1, 0]);
        assert_eq!(dilate(&cross, &element).unwrap().get([1, 1, 0]), 5);
    }

    #[test]
    fn each_label_shrinks_opens_and_closes_by_itself() {
        let map = row(&[2, 2, 2, 4, 4, 4, 4, 0, 4, 0, 0], 1.0);
        let by = |border| erode(&map, &reach(1), border).unwrap().into_data();
        assert_eq!(by(Border::Foreground), [2, 2, 0, 0, 4, 4, 0, 0, 0, 0, 0]);
        assert_eq!(by(Border::Background), [0, 2, 0, 0, 4, 4, 0, 0, 0, 0, 0]);
        let opened = opening(&map, &reach(1)).unwrap();
        assert_eq!(opened.data(), [2, 2, 2, 4, 4, 4, 4, 0, 0, 0, 0]);
        let closed = closing(&map, &reach(1)).unwrap();
        assert_eq!(closed.data(), [2, 2, 2, 4, 4, 4, 4, 4, 4, 0, 0]);
        // 1 closes over 3, which keeps its voxel; the gap between two pairs goes to the nearer one.
        let over = row(&[1, 3, 1, 0, 5, 0, 1, 5], 1.0);
        let closed = closing(&over, &reach(2)).unwrap();
        assert_eq!(closed.data(), [1, 3, 1, 1, 5, 1, 1, 5]);
    }

    /// The rule, voxel by voxel: `claimed` lists the labels that reach each voxel.
    fn brute(map: &LabelMap, claimed: &[(u16, Vec<u8>)], element: &Element) -> Vec<u16> {
        let grid = map.geometry();
        let place = |offset: usize| grid.index_to_world(grid.index(offset).map(|v| v as f64));
        let apart = |a: usize, b: usize| {
            let (a, b) = (place(a), place(b));
            (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>()
        };
        (0..map.data().len())
            .map(|offset| {
                let here = map.data()[offset];
                let wanted = |label: u16| claimed.iter().any(|c| c.0 == label && c.1[offset] != 0);
                if here != 0 {
                    return if wanted(here) { here } else { 0 };
                }
                let held = |&other: &usize| {
                    let (a, b) = (grid.index(offset), grid.index(other));
                    let step = std::array::from_fn(|i| b[i] as i64 - a[i] as i64);
                    element.contains(step, grid.spacing())
                };
                let far = |label: u16| {
                    let voxels = (0..map.data().len()).filter(|&o| map.data()[o] == label);
                    let voxels = voxels.filter(held);
                    voxels
                        .map(|o| apart(offset, o))
                        .fold(f64::INFINITY, f64::min)
                };
                let labels = claimed.iter().map(|c| c.0).filter(|&l| wanted(l));
                let nearest = labels.clone().map(far).fold(f64::INFINITY, f64::min);
                let mut near = labels.filter(|&l| limits::same(far(l), nearest));
                near.next().unwrap_or(0)
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_operation_is_that_of_each_mask(
            size in (1usize..14, 1usize..8, 1usize..6),
            seed in any::<u64>(),
            share in 5u64..70,
            radius in prop::sample::select(vec![[1usize, 1, 1], [2, 1, 0], [3, 2, 1]]),
            shape in prop::sample::select(vec![Shape::Ball, Shape::Box, Shape::Cross]),
        ) {
            let (c, s) = (0.4f64.cos(), 0.4f64.sin());
            let direction = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]];
            let grid = Geometry::from_parts(
                [size.0, size.1, size.2], [0.7, 0.7, 2.0], [5.0; 3], direction,
            ).unwrap();
            let mut state = seed | 1;
            let map = LabelMap::from_fn(grid, |_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let draw = state >> 33;
                if draw % 100 < share { [2u16, 4, 300][(draw / 100 % 3) as usize] } else { 0 }
            });
            let element = Element::voxels(shape, radius);
            type Operation = fn(&LabelMap<u16>, &Element) -> crate::Result<LabelMap<u16>>;
            let operations: [Operation; 5] = [
                dilate,
                |m, e| erode(m, e, Border::Foreground),
                |m, e| erode(m, e, Border::Background),
                opening,
                closing,
            ];
            for operation in operations {
                let alone = |label: u16| {
                    let mask = map.map(|v| u16::from(v == label));
                    let found = operation(&mask, &element).unwrap();
                    (label, found.into_data().into_iter().map(|v| v as u8).collect())
                };
                let expected = brute(&map, &[2, 4, 300].map(alone), &element);
                let found = operation(&map, &element).unwrap();
                prop_assert_eq!(found.data(), &expected[..]);
            }
        }
    }
}
