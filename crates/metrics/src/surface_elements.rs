//! The area of the surface inside a cell between eight voxels.
//!
//! The cell's surface is that of marching cubes with its vertices in the middle of the edges: the
//! foreground corners of a cell (or the background ones, where they are fewer) fall into pieces
//! that are connected along edges, and each piece is cut off by a polygon of known area. The
//! numbers agree with DeepMind's `surface-distance` 0.1 for all 256 cells and any spacing.

/// The area in mm² of each of the 256 cells, indexed as `Bits::code` has it; `spacing` in mm.
pub(crate) fn areas(spacing: [f64; 3]) -> [f64; 256] {
    let [x, y, z] = spacing;
    // Areas of the cell's faces across each axis.
    let faces = [y * z, x * z, x * y];
    std::array::from_fn(|code| {
        let code = code as u8;
        let smaller = if code.count_ones() > 4 { !code } else { code };
        pieces(smaller).map(|piece| area(piece, faces)).sum()
    })
}

/// Corners that are connected along edges, as masks.
fn pieces(mut corners: u8) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        if corners == 0 {
            return None;
        }
        let mut piece = 1u8 << corners.trailing_zeros();
        loop {
            let grown = (0..3).fold(piece, |grown, axis| grown | mirrored(piece, axis)) & corners;
            if grown == piece {
                break;
            }
            piece = grown;
        }
        corners &= !piece;
        Some(piece)
    })
}

/// Corners seen from the other side of the cell along an axis: each moves along its edge.
fn mirrored(corners: u8, axis: usize) -> u8 {
    const LOWER: [u8; 3] = [0b0101_0101, 0b0011_0011, 0b0000_1111];
    let step = 1 << axis;
    (corners & LOWER[axis]) << step | (corners >> step) & LOWER[axis]
}

/// How many edges along each axis have both ends in the piece.
fn edges(piece: u8) -> [u32; 3] {
    [0, 1, 2].map(|axis| (piece & mirrored(piece, axis)).count_ones() / 2)
}

/// The area that cuts one piece of at most four corners off the cell.
fn area(piece: u8, faces: [f64; 3]) -> f64 {
    let length = |axes: &[usize]| {
        axes.iter()
            .map(|&i| faces[i] * faces[i])
            .sum::<f64>()
            .sqrt()
    };
    let diagonal = length(&[0, 1, 2]);
    let edges = edges(piece);
    let others = |axis: usize| [(axis + 1) % 3, (axis + 2) % 3];
    // The counts of edges guarantee that each index exists.
    let axis_with = |count: u32| edges.iter().position(|&n| n == count).unwrap_or(0);
    match (piece.count_ones(), edges.iter().sum()) {
        (1, _) => diagonal / 8.0,
        (2, _) => length(&others(axis_with(1))) / 2.0,
        // Three corners of a face.
        (3, _) => faces[axis_with(0)] / 2.0 + 3.0 / 8.0 * diagonal,
        // All four corners of a face.
        (_, 4) => faces[axis_with(0)],
        _ => four(piece, faces, diagonal, length),
    }
}

/// Four corners joined by three edges, one along each axis: about one corner, or a twisted path.
fn four(piece: u8, faces: [f64; 3], diagonal: f64, length: impl Fn(&[usize]) -> f64) -> f64 {
    let neighbours = |corner: usize| {
        let steps = (0..3).filter(|axis| piece >> (corner ^ 1 << axis) & 1 == 1);
        steps.collect::<Vec<usize>>()
    };
    let corners: Vec<usize> = (0..8).filter(|corner| piece >> corner & 1 == 1).collect();
    if corners.iter().any(|&corner| neighbours(corner).len() == 3) {
        return 0.75 * diagonal;
    }
    // The path's middle edge joins the two corners that have two neighbours.
    let inner: Vec<usize> = corners
        .into_iter()
        .filter(|&corner| neighbours(corner).len() == 2)
        .collect();
    let middle = (inner[0] ^ inner[1]).trailing_zeros() as usize;
    debug_assert!(faces[middle] > 0.0);
    let [a, b] = [(middle + 1) % 3, (middle + 2) % 3];
    diagonal / 2.0 + (length(&[middle, a]) + length(&[middle, b])) / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_cells_of_a_unit_cube() {
        let areas = areas([1.0; 3]);
        let close = |code: usize, area: f64| assert!((areas[code] - area).abs() < 1e-12, "{code}");
        close(0, 0.0);
        close(255, 0.0);
        close(0b1, 3f64.sqrt() / 8.0);
        close(0b11, 2f64.sqrt() / 2.0);
        close(0b1111, 1.0);
        close(0b0001_0111, 0.75 * 3f64.sqrt());
        close(0b1001, 3f64.sqrt() / 4.0);
        close(0b1000_0001, 3f64.sqrt() / 4.0);
    }

    #[test]
    fn foreground_and_background_share_their_surface() {
        let areas = areas([0.7, 1.3, 2.1]);
        for code in 0..256 {
            let (a, b) = (areas[code], areas[255 - code]);
            assert!((a - b).abs() < 1e-12 * a.max(1.0), "{code}: {a} {b}");
        }
    }

    #[test]
    fn flat_faces_have_the_area_of_the_voxel_face() {
        let areas = areas([0.5, 2.0, 3.0]);
        assert_eq!(areas[0b0101_0101], 6.0);
        assert_eq!(areas[0b0011_0011], 1.5);
        assert_eq!(areas[0b0000_1111], 1.0);
    }
}
