//! Vectors in LPS millimetres, and the plane in which the pixels of a frame lie.

use vesalius_volume::Geometry;

pub(crate) type Point = [f64; 3];

pub(crate) fn dot(a: Point, b: Point) -> f64 {
    (0..3).map(|i| a[i] * b[i]).sum()
}

pub(crate) fn cross(a: Point, b: Point) -> Point {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

pub(crate) fn length(a: Point) -> f64 {
    dot(a, a).sqrt()
}

/// From LPS to RAS or back.
pub(crate) fn flip([x, y, z]: Point) -> Point {
    [-x, -y, z]
}

/// The plane of a frame (PS3.3 C.7.6.2.1.1), LPS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plane {
    /// Centre of the first pixel, mm.
    pub position: Point,
    /// Unit direction of growing column index.
    pub row: Point,
    /// Unit direction of growing row index.
    pub column: Point,
    /// Between columns, then between rows, mm.
    pub spacing: [f64; 2],
}

impl Plane {
    pub fn normal(&self) -> Point {
        let normal = cross(self.row, self.column);
        let size = length(normal);
        normal.map(|v| v / size)
    }

    /// Distance from the origin along a direction.
    pub fn height(&self, up: Point) -> f64 {
        dot(self.position, up)
    }

    /// Centre of the pixel in a column and a row.
    pub fn pixel(&self, column: f64, row: f64) -> Point {
        std::array::from_fn(|i| {
            self.position[i]
                + self.row[i] * self.spacing[0] * column
                + self.column[i] * self.spacing[1] * row
        })
    }

    /// Centres of the pixels in the corners of a frame.
    pub fn corners(&self, [columns, rows]: [usize; 2]) -> [Point; 4] {
        let [c, r] = [columns, rows].map(|n| n.saturating_sub(1) as f64);
        [[0.0, 0.0], [c, 0.0], [0.0, r], [c, r]].map(|[c, r]| self.pixel(c, r))
    }
}

/// The distance of two boxes along the axes of the world, mm; 0 where they touch.
pub(crate) fn distance(a: &[Point], b: &[Point]) -> f64 {
    let range = |points: &[Point], i: usize| {
        points
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| {
                (low.min(p[i]), high.max(p[i]))
            })
    };
    let gaps: Point = std::array::from_fn(|i| {
        let ((low, high), (from, to)) = (range(a, i), range(b, i));
        (from - high).max(low - to).max(0.0)
    });
    length(gaps)
}

/// The corners of a grid, at the outer faces of its voxels, LPS.
pub(crate) fn outline(grid: &Geometry) -> Vec<Point> {
    let ends = grid.size().map(|n| [-0.5, n as f64 - 0.5]);
    (0..8)
        .map(|corner| {
            let index = std::array::from_fn(|axis| ends[axis][corner >> axis & 1]);
            flip(grid.index_to_world(index))
        })
        .collect()
}
