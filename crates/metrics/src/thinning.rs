//! Skeletons: a mask thinned to lines of one voxel, its topology kept.
//!
//! Lee, Kashyap and Chu's thinning (CVGIP 1994): voxels are removed from one side after another as
//! long as they are simple (removing them joins and parts nothing) and not the end of a line. The
//! order of the sides is that of scikit-image's `skeletonize(method="lee")`, which agrees voxel for
//! voxel but for small round pieces that scikit-image 0.26 loses.

use crate::Target;
use crate::bitmask::{Bits, Bounds};
use crate::surface::Membership;
use vesalius_volume::{Label, LabelMap};

/// The centre of a 3×3×3 neighbourhood, numbered x fastest.
const CENTRE: u32 = 13;
/// The six neighbours across faces.
const FACES: u32 = 1 << 4 | 1 << 10 | 1 << 12 | 1 << 14 | 1 << 16 | 1 << 22;
/// Neighbours of each of the 27 places: across faces, and any.
const ADJACENT: [[u32; 27]; 2] = [adjacency(1), adjacency(3)];
/// The 18 neighbours that share a face or an edge with the centre.
const EIGHTEEN: u32 = near_centre(2);

const fn steps(a: u32, b: u32) -> [u32; 3] {
    [
        (a % 3).abs_diff(b % 3),
        (a / 3 % 3).abs_diff(b / 3 % 3),
        (a / 9).abs_diff(b / 9),
    ]
}

/// Places that touch, where at most `axes` axes may differ by one.
const fn adjacency(axes: u32) -> [u32; 27] {
    let mut table = [0; 27];
    let mut a = 0;
    while a < 27 {
        let mut b = 0;
        while b < 27 {
            let [x, y, z] = steps(a, b);
            if a != b && x <= 1 && y <= 1 && z <= 1 && x + y + z <= axes {
                table[a as usize] |= 1 << b;
            }
            b += 1;
        }
        a += 1;
    }
    table
}

const fn near_centre(axes: u32) -> u32 {
    adjacency(axes)[CENTRE as usize]
}

/// A grid of bytes with a border of background, whose voxels are peeled away.
struct Body {
    voxels: Vec<u8>,
    row: usize,
    slice: usize,
}

impl Body {
    /// The neighbours of a voxel as 27 bits, the centre left out.
    fn around(&self, at: usize) -> u32 {
        let mut mask = 0;
        for dz in 0..3 {
            for dy in 0..3 {
                let start = at + dz * self.slice + dy * self.row - self.slice - self.row - 1;
                let row = &self.voxels[start..start + 3];
                let bits = u32::from(row[0]) | u32::from(row[1]) << 1 | u32::from(row[2]) << 2;
                mask |= bits << (9 * dz + 3 * dy);
            }
        }
        mask & !(1 << CENTRE)
    }
}

/// The places that are connected to the lowest place of `mask`.
fn flooded(mask: u32, seeds: u32, adjacent: &[u32; 27]) -> u32 {
    let mut reached = seeds & seeds.wrapping_neg();
    let mut fresh = reached;
    while fresh != 0 {
        let place = fresh.trailing_zeros() as usize;
        fresh &= fresh - 1;
        let next = adjacent[place] & mask & !reached;
        reached |= next;
        fresh |= next;
    }
    reached
}

/// Whether the foreground around a voxel is one piece, so that removing it parts nothing.
fn parts_nothing(around: u32) -> bool {
    around != 0 && flooded(around, around, &ADJACENT[1]) == around
}

/// Whether the background around a voxel that touches it is one piece, so that removing it opens
/// no tunnel and no cavity.
fn opens_nothing(around: u32) -> bool {
    let background = !around & EIGHTEEN;
    let touching = background & FACES;
    touching != 0 && flooded(background, touching, &ADJACENT[0]) & touching == touching
}

/// The centre line of a target: its voxels thinned to lines of one voxel, as a mask of 0 and 1.
///
/// ```
/// use vesalius_metrics::{Target, centre_line};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // A bar of 3 × 3 voxels along x.
/// let grid = Geometry::axis_aligned([12, 5, 5], [1.0; 3])?;
/// let bar = LabelMap::<u16>::from_fn(grid, |[_, y, z]| u16::from((1..4).contains(&y) && (1..4).contains(&z)));
/// let line = centre_line(&bar, &Target::of_value(1));
/// assert_eq!(line.get([6, 2, 2]), 1);
/// assert_eq!(line.get([6, 1, 2]), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn centre_line<T: Label>(map: &LabelMap<T>, target: &Target) -> LabelMap<u8> {
    let grid = *map.geometry();
    let mut out = LabelMap::background(grid);
    if grid.voxel_count() == 0 {
        return out;
    }
    let bounds = Bounds::of(grid.size());
    let member = Membership::new(&target.labels);
    let bits = Bits::build(grid.size(), bounds, |start, row| {
        let at = grid.offset(start);
        member.mark(&map.data()[at..at + row.len()], row);
    });
    let line = skeleton(&bits);
    let bytes = line.bytes();
    let rim = line.flat.map(|flat| usize::from(!flat));
    for (offset, voxel) in out.data_mut().iter_mut().enumerate() {
        let [x, y, z] = grid.index(offset);
        let at = ((z + rim[2]) * line.size[1] + y + rim[1]) * line.size[0] + x + rim[0];
        *voxel = bytes[at];
    }
    out
}

/// The skeleton of a mask.
pub(crate) fn skeleton(mask: &Bits) -> Bits {
    let [nx, ny, nz] = mask.size;
    let (row, slice) = (nx + 2, (nx + 2) * (ny + 2));
    let mut body = Body {
        voxels: vec![0; slice * (nz + 2)],
        row,
        slice,
    };
    let mut left = Vec::new();
    for (i, _) in mask.bytes().iter().enumerate().filter(|(_, b)| **b == 1) {
        let (x, y, z) = (i % nx, i / nx % ny, i / (nx * ny));
        let at = (z + 1) * slice + (y + 1) * row + x + 1;
        body.voxels[at] = 1;
        left.push(at);
    }
    // A slice has no upper and lower side to remove voxels from.
    let all = [
        (1, -(row as isize)),
        (1, row as isize),
        (0, 1),
        (0, -1),
        (2, slice as isize),
        (2, -(slice as isize)),
    ];
    let sides: Vec<isize> = all
        .into_iter()
        .filter(|(axis, _)| !mask.flat[*axis])
        .map(|(_, step)| step)
        .collect();
    loop {
        let before = left.len();
        for &side in &sides {
            peel(&mut body, &mut left, side);
        }
        if left.len() == before {
            break;
        }
    }
    let mut out = Bits {
        words: vec![0; mask.words.len()],
        ..*mask
    };
    for at in left {
        let (x, y, z) = (at % row - 1, at % slice / row - 1, at / slice - 1);
        out.words[(z * ny + y) * out.stride + x / 64] |= 1 << (x % 64);
    }
    out
}

/// Removes the removable voxels of one side.
fn peel(body: &mut Body, left: &mut Vec<usize>, side: isize) {
    let exposed = |body: &Body, at: usize| body.voxels[at.wrapping_add_signed(side)] == 0;
    let candidates: Vec<usize> = left
        .iter()
        .copied()
        .filter(|&at| {
            exposed(body, at) && {
                let around = body.around(at);
                around.count_ones() > 1 && parts_nothing(around) && opens_nothing(around)
            }
        })
        .collect();
    for at in candidates {
        // Its neighbours may have been removed since.
        if parts_nothing(body.around(at)) {
            body.voxels[at] = 0;
        }
    }
    left.retain(|&at| body.voxels[at] == 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(size: [usize; 3], inside: impl Fn([usize; 3]) -> bool + Sync) -> Bits {
        Bits::build(size, Bounds::of(size), |[_, y, z], row| {
            for (x, byte) in row.iter_mut().enumerate() {
                *byte = u8::from(inside([x, y, z]));
            }
        })
    }

    #[test]
    fn a_bar_becomes_a_line_and_a_ball_a_point() {
        let bar = mask([30, 5, 5], |_| true);
        let line = skeleton(&bar);
        assert!((20..=30).contains(&line.count()), "{}", line.count());
        assert_eq!(line.without(&bar).count(), 0);
        let ball = mask([11, 11, 11], |at| {
            at.iter().map(|&v| (v as i64 - 5).pow(2)).sum::<i64>() <= 25
        });
        // Two voxels that touch are a line whose ends both stay.
        assert!((1..=2).contains(&skeleton(&ball).count()));
    }

    #[test]
    fn a_ring_stays_a_ring() {
        let ring = mask([31, 31, 7], |[x, y, _]| {
            let r = (x as i64 - 15).pow(2) + (y as i64 - 15).pow(2);
            (64..=144).contains(&r)
        });
        let line = skeleton(&ring);
        // Every voxel of a closed line has two neighbours.
        let map = line.bytes();
        let [nx, ny, _] = line.size;
        for (i, _) in map.iter().enumerate().filter(|(_, b)| **b == 1) {
            let mut neighbours = 0;
            for d in 0..27usize {
                let step = [d % 3, d / 3 % 3, d / 9].map(|v| v as isize - 1);
                let at = i as isize + step[0] + nx as isize * (step[1] + ny as isize * step[2]);
                neighbours += usize::from(d != 13 && map[at as usize] == 1);
            }
            assert_eq!(neighbours, 2);
        }
        assert!(line.count() > 30);
    }
}
