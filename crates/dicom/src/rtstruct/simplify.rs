//! Outlines with fewer corners (Douglas and Peucker 1973) that neither cross nor change what lies within what.

use super::polygon::{area, contains, crossing_loops};
use super::trace::Corner;
use std::collections::{BTreeMap, BTreeSet};

/// By how much of its area an outline may change.
const SHARE: f64 = 0.25;

/// Outlines of one frame without the corners that lie within `tolerance` mm of the line between those that are kept.
///
/// Corners that several outlines share are kept with their neighbours. Where an outline would cross itself or another,
/// come to lie within another than before, or change by more than a quarter of its area, half the tolerance is taken for
/// it, then a quarter and so on, and at last it stays as it is.
pub(super) fn simplify(
    loops: &[Vec<Corner>],
    spacing: [f64; 2],
    tolerance: f64,
) -> Vec<Vec<Corner>> {
    let shared = shared(loops);
    let finest = spacing[0].min(spacing[1]) / 4.0;
    let mut tolerances = vec![tolerance; loops.len()];
    let simpler = |number: usize, tolerance: f64| match tolerance > finest {
        true => reduced(&loops[number], &shared, spacing, tolerance),
        false => loops[number].clone(),
    };
    let mut found: Vec<Vec<Corner>> = (0..loops.len()).map(|i| simpler(i, tolerance)).collect();
    loop {
        let mut bad = crossing_loops(&found);
        bad.extend((0..loops.len()).filter(|&i| has_another_area(&loops[i], &found[i])));
        bad.extend(elsewhere(loops, &found));
        // The outlines of pixels do not cross.
        bad.retain(|&i| tolerances[i] > finest);
        if bad.is_empty() {
            return found;
        }
        for number in bad {
            tolerances[number] /= 2.0;
            found[number] = simpler(number, tolerances[number]);
        }
    }
}

/// Corners that occur more than once.
fn shared(loops: &[Vec<Corner>]) -> BTreeSet<Corner> {
    let mut counts: BTreeMap<Corner, usize> = BTreeMap::new();
    for &corner in loops.iter().flatten() {
        *counts.entry(corner).or_default() += 1;
    }
    let shared = counts.into_iter().filter(|(_, count)| *count > 1);
    shared.map(|(corner, _)| corner).collect()
}

fn has_another_area(before: &[Corner], after: &[Corner]) -> bool {
    let (before, after) = (area(before) as f64, area(after) as f64);
    (after - before).abs() > SHARE * before.abs()
}

/// Outlines that lie within others than before, and those others.
fn elsewhere(before: &[Vec<Corner>], after: &[Vec<Corner>]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let boxes: Vec<[Corner; 2]> = before.iter().map(|corners| bounds(corners)).collect();
    for (other, [low, high]) in boxes.iter().enumerate() {
        let own: BTreeSet<Corner> = before[other].iter().copied().collect();
        for (number, corners) in after.iter().enumerate() {
            let [from, to] = boxes[number];
            let apart = (0..2).any(|i| to[i] < low[i] || from[i] > high[i]);
            if number == other || apart {
                continue;
            }
            let Some(&corner) = corners.iter().find(|corner| !own.contains(*corner)) else {
                continue;
            };
            if contains(&before[other], corner) != contains(&after[other], corner) {
                found.extend([number, other]);
            }
        }
    }
    found
}

fn bounds(corners: &[Corner]) -> [Corner; 2] {
    corners
        .iter()
        .fold([[i32::MAX; 2], [i32::MIN; 2]], |[low, high], c| {
            [
                [low[0].min(c[0]), low[1].min(c[1])],
                [high[0].max(c[0]), high[1].max(c[1])],
            ]
        })
}

/// A closed outline with fewer corners, at least three.
fn reduced(
    corners: &[Corner],
    shared: &BTreeSet<Corner>,
    spacing: [f64; 2],
    tolerance: f64,
) -> Vec<Corner> {
    let count = corners.len();
    let place = |i: usize| -> [f64; 2] {
        let corner = corners[i % count];
        [0, 1].map(|axis| f64::from(corner[axis]) * spacing[axis])
    };
    let mut kept = vec![false; count + 1];
    (kept[0], kept[count]) = (true, true);
    let from_first = |i: usize| {
        let (a, b) = (place(0), place(i));
        (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
    };
    let far = (0..count).max_by(|&a, &b| from_first(a).total_cmp(&from_first(b)));
    kept[far.unwrap_or(0)] = true;
    for (i, corner) in corners.iter().enumerate() {
        if shared.contains(corner) {
            for near in [i + count - 1, i, i + 1] {
                kept[near % count] = true;
            }
        }
    }
    let anchors: Vec<usize> = (0..=count).filter(|&i| kept[i]).collect();
    let mut parts: Vec<[usize; 2]> = anchors.windows(2).map(|pair| [pair[0], pair[1]]).collect();
    let mut widest = (0, f64::NEG_INFINITY);
    while let Some([first, last]) = parts.pop() {
        let ends = [place(first), place(last)];
        let inner = (first + 1..last).map(|i| (i, from_line(place(i), ends)));
        let Some((middle, away)) = inner.max_by(|a, b| a.1.total_cmp(&b.1)) else {
            continue;
        };
        if away > tolerance {
            kept[middle] = true;
            parts.extend([[first, middle], [middle, last]]);
        } else if away > widest.1 {
            widest = (middle, away);
        }
    }
    // Two corners are no outline.
    if kept[..count].iter().filter(|kept| **kept).count() < 3 {
        kept[widest.0] = true;
    }
    let all = corners.iter().zip(&kept).filter(|(_, kept)| **kept);
    all.map(|(corner, _)| *corner).collect()
}

/// The distance of a point from a line between two others, mm.
fn from_line([x, y]: [f64; 2], [[x0, y0], [x1, y1]]: [[f64; 2]; 2]) -> f64 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let squared = dx * dx + dy * dy;
    let along = match squared > 0.0 {
        true => (((x - x0) * dx + (y - y0) * dy) / squared).clamp(0.0, 1.0),
        false => 0.0,
    };
    (x - x0 - along * dx).hypot(y - y0 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::super::polygon::fill;
    use super::super::trace::{HoleRule, trace};
    use super::*;

    fn real(loops: &[Vec<Corner>]) -> Vec<Vec<[f64; 2]>> {
        let real = |corners: &Vec<Corner>| corners.iter().map(|c| c.map(f64::from)).collect();
        loops.iter().map(real).collect()
    }

    /// The number of parts that touch at sides, of pixels inside or outside.
    fn parts(mask: &[bool], columns: usize, inside: bool) -> usize {
        let mut seen = vec![false; mask.len()];
        let mut count = 0;
        for start in 0..mask.len() {
            if mask[start] != inside || seen[start] {
                continue;
            }
            count += 1;
            let mut queue = vec![start];
            seen[start] = true;
            while let Some(at) = queue.pop() {
                let (x, y) = (at % columns, at / columns);
                let mut near = Vec::new();
                near.extend((x > 0).then(|| at - 1));
                near.extend((x + 1 < columns).then_some(at + 1));
                near.extend((y > 0).then(|| at - columns));
                near.extend((at + columns < mask.len()).then_some(at + columns));
                for next in near {
                    if mask[next] == inside && !seen[next] {
                        seen[next] = true;
                        queue.push(next);
                    }
                }
            }
        }
        count
    }

    #[test]
    fn a_ring_keeps_its_hole_and_most_of_its_pixels_with_few_corners() {
        let (columns, rows) = (80, 70);
        let ring: Vec<bool> = (0..columns * rows)
            .map(|i| {
                let (x, y) = ((i % columns) as f64 - 40.0, (i / columns) as f64 - 34.0);
                let squared = x * x + y * y;
                squared < 900.0 && (x - 5.0).powi(2) + y * y > 300.0
            })
            .collect();
        let loops = trace(&ring, columns, HoleRule::Nested);
        let corners: usize = loops.iter().map(Vec::len).sum();
        for (tolerance, most) in [(0.8, 2), (2.0, 4)] {
            let simple = simplify(&loops, [1.0, 1.0], tolerance);
            assert_eq!(simple.len(), 2);
            let fewer: usize = simple.iter().map(Vec::len).sum();
            assert!(fewer * most < corners, "{fewer} of {corners}");
            let filled = fill(&real(&simple), columns, rows);
            let differ = ring.iter().zip(&filled).filter(|(a, b)| a != b).count();
            assert!(
                differ * 10 < ring.iter().filter(|v| **v).count(),
                "{differ}"
            );
            assert_eq!(
                (
                    parts(&filled, columns, true),
                    parts(&filled, columns, false)
                ),
                (1, 2)
            );
        }
        assert_eq!(
            simplify(&loops, [1.0, 1.0], 0.0),
            loops,
            "0 changes nothing"
        );
    }

    #[test]
    fn no_corner_lies_farther_from_the_new_outline_than_the_tolerance() {
        let (columns, rows) = (60, 60);
        let blob: Vec<bool> = (0..columns * rows)
            .map(|i| {
                let (x, y) = ((i % columns) as f64 - 30.0, (i / columns) as f64 - 30.0);
                x.hypot(y) < 20.0 + 4.0 * (5.0 * y.atan2(x)).sin()
            })
            .collect();
        let spacing = [0.7, 1.3];
        let loops = trace(&blob, columns, HoleRule::Nested);
        for tolerance in [0.5, 1.0, 3.0] {
            let simple = simplify(&loops, spacing, tolerance);
            for (before, after) in loops.iter().zip(&simple) {
                let scaled = |c: Corner| [0, 1].map(|i| f64::from(c[i]) * spacing[i]);
                for corner in before {
                    let lines = after.iter().zip(after.iter().cycle().skip(1));
                    let away =
                        lines.map(|(a, b)| from_line(scaled(*corner), [scaled(*a), scaled(*b)]));
                    assert!(away.fold(f64::INFINITY, f64::min) <= tolerance + 1e-9);
                }
            }
        }
    }

    #[test]
    fn random_masks_do_not_cross_and_keep_what_lies_within_what() {
        let mut state = 3u32;
        for (columns, rows) in [(9, 7), (20, 31), (41, 40)] {
            for share in [30, 128, 200, 240] {
                let mask: Vec<bool> = (0..columns * rows)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (state >> 24) < share
                    })
                    .collect();
                let loops = trace(&mask, columns, HoleRule::Nested);
                for tolerance in [0.8, 1.5, 10.0] {
                    let simple = simplify(&loops, [1.0, 1.0], tolerance);
                    assert_eq!(simple.len(), loops.len());
                    assert!(crossing_loops(&simple).is_empty());
                    assert!(elsewhere(&loops, &simple).is_empty());
                    for (before, after) in loops.iter().zip(&simple) {
                        assert_eq!(area(before) > 0, area(after) > 0);
                        assert!(after.len() >= 3);
                    }
                }
            }
        }
    }
}
