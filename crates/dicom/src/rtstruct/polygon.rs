//! Closed outlines: area, what lies inside, crossings, pixels inside, and holes joined to the outlines around them.

use super::trace::Corner;
use std::collections::BTreeSet;

/// A place in columns and rows from the upper left corner of a frame.
pub(super) type Place = [f64; 2];

/// Twice the area, positive where it lies on the right of the way around, as rows grow downwards.
pub(super) fn area(corners: &[Corner]) -> i64 {
    let next = corners.iter().cycle().skip(1);
    corners
        .iter()
        .zip(next)
        .map(|(a, b)| i64::from(a[0]) * i64::from(b[1]) - i64::from(b[0]) * i64::from(a[1]))
        .sum()
}

/// On which side of the line from `a` to `b` a point lies.
fn side(a: Corner, b: Corner, point: Corner) -> i64 {
    let part = |i: usize, p: Corner| i64::from(p[i]) - i64::from(a[i]);
    (part(0, b) * part(1, point) - part(1, b) * part(0, point)).signum()
}

/// Whether a point lies inside, by the even-odd rule.
pub(super) fn contains(corners: &[Corner], point: Corner) -> bool {
    let next = corners.iter().cycle().skip(1);
    let mut inside = false;
    for (&a, &b) in corners.iter().zip(next) {
        let (low, high) = if a[1] <= b[1] { (a, b) } else { (b, a) };
        // Half open, so that an end counts for one of the two lines that meet in it.
        if low[1] <= point[1] && point[1] < high[1] && side(low, high, point) > 0 {
            inside = !inside;
        }
    }
    inside
}

/// The numbers of outlines of which a line crosses another, ends within it or lies on it, apart from lines that meet in
/// a corner.
pub(super) fn crossing_loops(loops: &[Vec<Corner>]) -> BTreeSet<usize> {
    let mut lines: Vec<(usize, Corner, Corner)> = Vec::new();
    for (number, corners) in loops.iter().enumerate() {
        let next = corners.iter().cycle().skip(1);
        lines.extend(corners.iter().zip(next).map(|(&a, &b)| match a <= b {
            true => (number, a, b),
            false => (number, b, a),
        }));
    }
    lines.sort_unstable_by_key(|(_, a, _)| a[0]);
    let mut found = BTreeSet::new();
    for (i, &(number, a, b)) in lines.iter().enumerate() {
        for &(other, c, d) in lines[i + 1..].iter().take_while(|(_, c, _)| c[0] <= b[0]) {
            let apart = a[1].max(b[1]) < c[1].min(d[1]) || c[1].max(d[1]) < a[1].min(b[1]);
            if !apart && cross([a, b], [c, d]) {
                found.extend([number, other]);
            }
        }
    }
    found
}

/// Whether two lines have more in common than one corner.
fn cross([a, b]: [Corner; 2], [c, d]: [Corner; 2]) -> bool {
    let (from_c, from_d) = (side(a, b, c), side(a, b, d));
    let (from_a, from_b) = (side(c, d, a), side(c, d, b));
    if from_c * from_d < 0 && from_a * from_b < 0 {
        return true;
    }
    // An end strictly within the other line: on it, and between its ends.
    let within = |p: Corner, [q, r]: [Corner; 2], on: i64| on == 0 && q < p && p < r;
    let ends = [
        within(a, [c, d], from_a),
        within(b, [c, d], from_b),
        within(c, [a, b], from_c),
        within(d, [a, b], from_d),
    ];
    ends.contains(&true) || (a, b) == (c, d)
}

/// The pixels whose centre lies inside by the even-odd rule, row by row.
pub(super) fn fill(loops: &[Vec<Place>], columns: usize, rows: usize) -> Vec<bool> {
    let mut crossings: Vec<Vec<f64>> = vec![Vec::new(); rows];
    for corners in loops {
        let next = corners.iter().cycle().skip(1);
        for (a, b) in corners.iter().zip(next) {
            let (low, high) = if a[1] <= b[1] { (a, b) } else { (b, a) };
            // Rows whose centre the line passes.
            let first = (low[1] - 0.5).ceil().clamp(0.0, rows as f64) as usize;
            let last = (high[1] - 0.5).ceil().clamp(0.0, rows as f64) as usize;
            for (row, crossings) in crossings.iter_mut().enumerate().take(last).skip(first) {
                let share = (row as f64 + 0.5 - low[1]) / (high[1] - low[1]);
                crossings.push(low[0] + share * (high[0] - low[0]));
            }
        }
    }
    let mut mask = vec![false; columns * rows];
    for (row, crossings) in crossings.iter_mut().enumerate() {
        crossings.sort_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            let column = |x: f64| (x - 0.5).ceil().clamp(0.0, columns as f64) as usize;
            mask[row * columns..][column(pair[0])..column(pair[1])].fill(true);
        }
    }
    mask
}

/// Outlines with holes as parts of those around them, joined by level lines that are drawn there and back.
pub(super) fn keyholes(loops: &[Vec<Corner>]) -> Vec<Vec<Place>> {
    let real = |corners: &Vec<Corner>| corners.iter().map(|c| c.map(f64::from)).collect();
    let mut joined: Vec<Vec<Place>> = loops.iter().map(real).collect();
    let top = |number: &usize| {
        let corners = loops[*number].iter().copied();
        corners.min_by_key(|&[x, y]| (y, x)).unwrap_or_default()
    };
    let mut holes: Vec<usize> = (0..loops.len()).filter(|&i| area(&loops[i]) < 0).collect();
    // Whatever lies on the left of a hole's first corner begins higher, or as high and farther left.
    holes.sort_by_key(|number| {
        let [x, y] = top(number);
        (y, x)
    });
    for hole in holes {
        let [x, y] = top(&hole).map(f64::from);
        let mut nearest: Option<(f64, usize, usize)> = None;
        for (number, corners) in joined.iter().enumerate().filter(|(i, _)| *i != hole) {
            for edge in 0..corners.len() {
                let (a, b) = (corners[edge], corners[(edge + 1) % corners.len()]);
                let (low, high) = if a[1] <= b[1] { (a, b) } else { (b, a) };
                if low[1] > y || y >= high[1] {
                    continue;
                }
                let at = low[0] + (y - low[1]) / (high[1] - low[1]) * (high[0] - low[0]);
                if at <= x && nearest.is_none_or(|(best, ..)| at > best) {
                    nearest = Some((at, number, edge));
                }
            }
        }
        // A hole lies within an outline.
        let Some((at, around, edge)) = nearest else {
            continue;
        };
        let inner = std::mem::take(&mut joined[hole]);
        let first = inner
            .iter()
            .position(|corner| *corner == [x, y])
            .unwrap_or(0);
        let mut way = vec![[at, y]];
        way.extend(inner[first..].iter().chain(&inner[..first]).copied());
        way.extend([[x, y], [at, y]]);
        way.dedup();
        joined[around].splice(edge + 1..edge + 1, way);
        joined[around].dedup();
    }
    joined.retain(|corners| !corners.is_empty());
    joined
}

#[cfg(test)]
mod tests {
    use super::super::trace::{HoleRule, trace};
    use super::*;

    #[test]
    fn outlines_joined_by_keyholes_have_the_same_pixels() {
        let mut state = 11u32;
        for (columns, rows) in [(2, 3), (9, 7), (31, 20), (51, 35)] {
            for share in [128, 200, 240] {
                let mask: Vec<bool> = (0..columns * rows)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (state >> 24) < share
                    })
                    .collect();
                let loops = trace(&mask, columns, HoleRule::Nested);
                let joined = keyholes(&loops);
                assert_eq!(fill(&joined, columns, rows), mask);
                let outer = loops.iter().filter(|corners| area(corners) > 0).count();
                assert_eq!(joined.len(), outer);
            }
        }
    }

    #[test]
    fn lines_that_meet_in_a_corner_do_not_cross() {
        let square = |x: i32, y: i32| vec![[x, y], [x + 2, y], [x + 2, y + 2], [x, y + 2]];
        assert!(crossing_loops(&[square(0, 0), square(2, 2)]).is_empty());
        assert_eq!(crossing_loops(&[square(0, 0), square(1, 1)]).len(), 2);
        assert_eq!(
            crossing_loops(&[square(0, 0), square(2, 1)]).len(),
            2,
            "one lies on the other"
        );
        assert!(crossing_loops(&[square(0, 0), square(5, 0)]).is_empty());
        assert!(contains(&square(0, 0), [1, 1]) && !contains(&square(0, 0), [3, 1]));
    }
}
