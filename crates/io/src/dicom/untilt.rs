//! Stacks of a tilted gantry brought to right angles: each slice is moved within its plane.

use super::series::Series;
use super::stack::dot;

/// How far slices of a stack are moved within their planes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Untilt {
    /// Column and row of the volume's first voxel, counted from that of the lowest slice.
    pub first: [i64; 2],
    /// Columns and rows by which each slice's first voxel lies from that of the lowest slice, in the order of slices.
    pub shifts: Vec<[f64; 2]>,
}

impl Untilt {
    /// The movement of slices at these positions, the lowest first, and columns and rows of a volume that holds all of
    /// them.
    pub fn of(
        positions: &[[f64; 3]],
        o: &[f64; 6],
        [between_rows, between_columns]: [f64; 2],
        plane: [usize; 2],
    ) -> (Self, [usize; 2]) {
        /// Less of a voxel is rounding of the positions.
        const NOISE: f64 = 1e-3;
        let shift = |position: &[f64; 3]| {
            let away: [f64; 3] = std::array::from_fn(|i| position[i] - positions[0][i]);
            [
                dot(away, [o[0], o[1], o[2]]) / between_columns,
                dot(away, [o[3], o[4], o[5]]) / between_rows,
            ]
        };
        let shifts: Vec<[f64; 2]> = positions.iter().map(shift).collect();
        let ends = [0, 1].map(|axis| {
            let along = shifts.iter().map(|shift| shift[axis]);
            let (low, high) = along.fold((0f64, 0f64), |(l, h), v| (l.min(v), h.max(v)));
            ((low + NOISE).floor() as i64, (high - NOISE).ceil() as i64)
        });
        let first = ends.map(|(low, _)| low);
        let size = [0, 1].map(|axis| {
            let (low, high) = ends[axis];
            plane[axis] + (high - low).unsigned_abs() as usize
        });
        (Self { first, shifts }, size)
    }
}

/// The value at a place between voxels of a plane, in voxels from the centre of the first; nothing outside of all voxels.
pub(super) fn linear(plane: &[f64], [columns, rows]: [usize; 2], [x, y]: [f64; 2]) -> Option<f64> {
    let inside = |v: f64, count: usize| v >= -0.5 && v < count as f64 - 0.5;
    if !inside(x, columns) || !inside(y, rows) {
        return None;
    }
    let about = |v: f64, count: usize| {
        let v = v.clamp(0.0, (count - 1) as f64);
        let low = v.floor() as usize;
        (low, (low + 1).min(count - 1), v - v.floor())
    };
    let (left, right, along) = about(x, columns);
    let (above, below, down) = about(y, rows);
    let row = |y: usize| {
        let (a, b) = (plane[left + columns * y], plane[right + columns * y]);
        a + along * (b - a)
    };
    let (a, b) = (row(above), row(below));
    Some(a + down * (b - a))
}

/// What stands where a stack that was brought to right angles has no voxel: air in a CT whose numbers are Hounsfield
/// units, as those of a scanner that writes values below 0 are, else the lowest value.
pub(super) fn padding(series: &Series, lowest: f64) -> f64 {
    match is_hounsfield(series) {
        true => AIR.min(lowest),
        false => lowest,
    }
}

/// Air outside of what a CT has measured, Hounsfield units.
pub(super) const AIR: f64 = -1024.0;

fn is_hounsfield(series: &Series) -> bool {
    let below_zero = series
        .frames
        .iter()
        .any(|frame| frame.scaling.intercept < 0.0);
    series.modality == "CT" && below_zero
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_linear_between_voxels_and_ends_half_a_voxel_outside() {
        let plane = [0.0, 10.0, 20.0, 100.0, 110.0, 120.0];
        let at = |x, y| linear(&plane, [3, 2], [x, y]);
        assert_eq!(at(1.25, 0.0), Some(12.5));
        assert_eq!(at(1.0, 0.5), Some(60.0));
        assert_eq!(at(0.5, 0.25), Some(30.0));
        assert_eq!([at(-0.5, 0.0), at(2.49, 1.4)], [Some(0.0), Some(120.0)]);
        assert_eq!([at(-0.51, 0.0), at(2.5, 0.0), at(0.0, 1.5)], [None; 3]);
    }
}
