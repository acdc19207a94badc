//! The outlines of a mask along the edges of its pixels, so that a reader that fills them by pixel centres finds the same
//! mask.

use super::polygon::area;
use std::collections::BTreeMap;

/// A corner of pixels: column and row of the pixel right of and below it.
pub(crate) type Corner = [i32; 2];

/// How holes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HoleRule {
    /// As a part of the contour around them, joined by a line that is drawn there and back.
    #[default]
    Keyhole,
    /// As contours of their own within others.
    Nested,
}

/// Closed outlines of the pixels that are `inside`, `columns` a row; pixels that touch at a corner are apart. Corners
/// within straight lines are left out. Outer outlines have the area on their right, as rows grow downwards.
pub(crate) fn trace(inside: &[bool], columns: usize, holes: HoleRule) -> Vec<Vec<Corner>> {
    let edges = Edges {
        inside,
        columns: columns as i32,
        rows: (inside.len() / columns.max(1)) as i32,
    };
    let mut loops: Vec<Vec<Corner>> = Vec::new();
    // Left edges that belong to a loop, by the pixel on their right.
    let mut left: BTreeMap<Corner, usize> = BTreeMap::new();
    let mut seen = vec![[false; 4]; inside.len()];
    for row in 0..edges.rows {
        for column in 0..edges.columns {
            for side in [TOP, LEFT] {
                if edges.is_edge([column, row], side) && !seen[edges.at([column, row])][side] {
                    let number = loops.len();
                    loops.push(edges.walk([column, row], side, &mut seen, |pixel| {
                        left.insert(pixel, number);
                    }));
                }
            }
        }
    }
    match holes {
        HoleRule::Nested => loops,
        HoleRule::Keyhole => join(loops, &left, &edges),
    }
}

const TOP: usize = 0;
const RIGHT: usize = 1;
const BOTTOM: usize = 2;
const LEFT: usize = 3;
/// The way along each side with the pixel on the right.
const ALONG: [Corner; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];
/// The pixel across each side.
const ACROSS: [Corner; 4] = [[0, -1], [1, 0], [0, 1], [-1, 0]];

struct Edges<'a> {
    inside: &'a [bool],
    columns: i32,
    rows: i32,
}

impl Edges<'_> {
    fn at(&self, [column, row]: Corner) -> usize {
        (row * self.columns + column) as usize
    }

    fn is_inside(&self, pixel: Corner) -> bool {
        let [column, row] = pixel;
        (0..self.columns).contains(&column)
            && (0..self.rows).contains(&row)
            && self.inside[self.at(pixel)]
    }

    fn is_edge(&self, pixel: Corner, side: usize) -> bool {
        self.is_inside(pixel) && !self.is_inside(plus(pixel, ACROSS[side]))
    }

    /// The loop that begins on a side of a pixel.
    fn walk(
        &self,
        first: Corner,
        side: usize,
        seen: &mut [[bool; 4]],
        mut on_left: impl FnMut(Corner),
    ) -> Vec<Corner> {
        let (mut pixel, mut at) = (first, side);
        let mut corners = Vec::new();
        loop {
            seen[self.at(pixel)][at] = true;
            if at == LEFT {
                on_left(pixel);
            }
            let before = at;
            // Around the same pixel first, so that pixels at a corner stay apart; then straight on; then around the outside.
            let next = (at + 1) % 4;
            let ahead = plus(pixel, ALONG[at]);
            let beside = plus(ahead, ACROSS[at]);
            if !self.is_inside(ahead) {
                at = next;
            } else if !self.is_inside(beside) {
                pixel = ahead;
            } else {
                pixel = beside;
                at = (at + 3) % 4;
            }
            if at != before {
                corners.push(start(pixel, at));
            }
            if (pixel, at) == (first, side) {
                return corners;
            }
        }
    }
}

fn plus(a: Corner, b: Corner) -> Corner {
    [a[0] + b[0], a[1] + b[1]]
}

/// Where a side of a pixel begins.
fn start([x, y]: Corner, side: usize) -> Corner {
    match side {
        TOP => [x, y],
        RIGHT => [x + 1, y],
        BOTTOM => [x + 1, y + 1],
        _ => [x, y + 1],
    }
}

/// Holes as parts of the loops around them.
fn join(
    loops: Vec<Vec<Corner>>,
    left: &BTreeMap<Corner, usize>,
    edges: &Edges,
) -> Vec<Vec<Corner>> {
    // The highest, then leftmost corner of each hole.
    let top = |corners: &[Corner]| {
        corners
            .iter()
            .copied()
            .min_by_key(|&[x, y]| (y, x))
            .unwrap_or([0, 0])
    };
    let mut holes: Vec<(usize, Corner)> = loops
        .iter()
        .enumerate()
        .filter(|(_, corners)| area(corners) < 0)
        .map(|(number, corners)| (number, top(corners)))
        .collect();
    holes.sort_by_key(|(_, [x, y])| (*y, *x));
    let mut owner: Vec<usize> = (0..loops.len()).collect();
    let mut loops = loops;
    for (hole, [x, y]) in holes {
        // Along the pixels above the hole to the left, up to the first edge: that of a loop that begins higher.
        let mut column = x;
        while edges.is_inside([column - 1, y - 1]) {
            column -= 1;
        }
        let Some(&around) = left.get(&[column, y - 1]) else {
            continue;
        };
        let around = owner[around];
        let inner = std::mem::take(&mut loops[hole]);
        for owner in owner.iter_mut().filter(|owner| **owner == hole) {
            *owner = around;
        }
        splice(&mut loops[around], inner, [x, y], [column, y]);
    }
    loops.retain(|corners| !corners.is_empty());
    loops
}

/// Puts a hole into a loop: to the hole's corner from a point on the loop's edge above it, around, and back.
fn splice(outer: &mut Vec<Corner>, inner: Vec<Corner>, corner: Corner, point: Corner) {
    let count = outer.len();
    let edge = (0..count).find(|&i| {
        let (a, b) = (outer[i], outer[(i + 1) % count]);
        // A left edge goes up.
        a[0] == point[0] && b[0] == point[0] && a[1] >= point[1] && b[1] < point[1]
    });
    let first = inner.iter().position(|c| *c == corner);
    // Every hole has its corner, and its neighbour on the left this edge.
    let (Some(edge), Some(first)) = (edge, first) else {
        return;
    };
    let mut way = vec![point];
    way.extend(inner[first..].iter().chain(&inner[..first]).copied());
    way.extend([corner, point]);
    way.dedup();
    if outer[edge] == point {
        way.remove(0);
    }
    outer.splice(edge + 1..edge + 1, way);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels whose centre lies inside by the even-odd rule.
    fn fill(loops: &[Vec<Corner>], columns: usize, rows: usize) -> Vec<bool> {
        let mut mask = vec![false; columns * rows];
        for corners in loops {
            let next = corners.iter().cycle().skip(1);
            for (a, b) in corners.iter().zip(next).filter(|(a, b)| a[1] != b[1]) {
                assert_eq!(a[0], b[0], "edges are upright or level");
                for row in a[1].min(b[1])..a[1].max(b[1]) {
                    (a[0]..columns as i32)
                        .for_each(|x| mask[row as usize * columns + x as usize] ^= true);
                }
            }
        }
        mask
    }

    #[test]
    fn random_masks_with_holes_and_touching_corners_come_back() {
        let mut state = 7u32;
        for (columns, rows) in [(1, 1), (2, 3), (9, 7), (20, 31), (51, 35)] {
            for share in [30, 128, 200, 240, 256] {
                let mask: Vec<bool> = (0..columns * rows)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (state >> 24) < share
                    })
                    .collect();
                for holes in [HoleRule::Nested, HoleRule::Keyhole] {
                    let loops = trace(&mask, columns, holes);
                    assert_eq!(
                        fill(&loops, columns, rows),
                        mask,
                        "{columns} × {rows}, {share}, {holes:?}"
                    );
                    let outer = loops.iter().all(|corners| area(corners) > 0);
                    assert!(outer || holes == HoleRule::Nested);
                    assert!(loops.iter().all(|corners| corners.len() >= 4));
                }
            }
        }
    }

    #[test]
    fn a_hole_is_one_contour_by_a_keyhole_and_two_without() {
        let ring: Vec<bool> = (0..100)
            .map(|i| {
                let (x, y) = (i % 10, i / 10);
                (1..9).contains(&x)
                    && (1..9).contains(&y)
                    && !((3..6).contains(&x) && (3..6).contains(&y))
            })
            .collect();
        assert_eq!(trace(&ring, 10, HoleRule::Nested).len(), 2);
        let keyhole = trace(&ring, 10, HoleRule::Keyhole);
        assert_eq!(keyhole.len(), 1);
        assert_eq!(keyhole[0].len(), 4 + 4 + 3);
        let corner = [true, false, false, true];
        assert_eq!(
            trace(&corner, 2, HoleRule::Keyhole).len(),
            2,
            "pixels at a corner stay apart"
        );
        assert!(trace(&[], 0, HoleRule::Keyhole).is_empty());
    }
}
