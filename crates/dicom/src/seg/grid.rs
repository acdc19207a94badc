//! Labels on the frames of the source: by affines alone, never by the name of a plane or a modality.

use crate::source::Source;
use crate::space::{Plane, Point, flip, length};
use crate::{Error, Result};
use std::borrow::Cow;
use vesalius_volume::{Geometry, Voxel};

/// How far from a voxel's centre the centre of a pixel may lie, in voxels: headers round places.
const OFF: f64 = 0.05;

/// What becomes of labels that are not on the source's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum GridRule {
    /// They are refused, with how far they are off.
    #[default]
    Exact,
    /// Each pixel of the source takes the nearest label, which is told.
    Nearest,
}

/// Where a frame's pixels lie in the buffer of a label map.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Steps {
    first: usize,
    column: isize,
    row: isize,
}

/// How frames take their pixels.
#[derive(Debug, Clone)]
pub(crate) struct OnSource {
    /// Columns and rows.
    size: [usize; 2],
    grid: Geometry,
    /// Of each frame, where all lie on the grid.
    steps: Vec<Steps>,
    /// The planes, where the nearest voxel is taken.
    planes: Vec<Plane>,
    /// How the grids differ, where they do.
    pub difference: Option<String>,
}

/// What hinders a frame from lying on a grid.
struct Off {
    /// mm
    distance: f64,
}

impl OnSource {
    /// # Errors
    /// [`Error::OtherGrid`].
    pub fn of(source: &Source, grid: &Geometry, rule: GridRule) -> Result<Self> {
        let size = source.size;
        let planes: Option<Vec<Plane>> = source.frames.iter().map(|frame| frame.plane).collect();
        let Some(planes) = planes else {
            return Self::by_order(source, grid);
        };
        let frames: Vec<std::result::Result<Steps, Off>> = planes
            .iter()
            .map(|plane| steps(plane, size, grid))
            .collect();
        let distance = frames
            .iter()
            .filter_map(|frame| frame.as_ref().err())
            .map(|off| off.distance);
        let distance = distance.fold(0.0, f64::max);
        let on_grid: std::result::Result<Vec<Steps>, Off> = frames.into_iter().collect();
        let (steps, difference) = match on_grid {
            Ok(steps) => (steps, None),
            Err(_) => {
                let difference = format!(
                    "its pixels lie up to {distance:.3} mm from the centre of the nearest label"
                );
                if rule == GridRule::Exact {
                    return Err(Error::OtherGrid {
                        distance,
                        difference,
                    });
                }
                (Vec::new(), Some(difference))
            }
        };
        Ok(Self {
            size,
            grid: *grid,
            steps,
            planes,
            difference,
        })
    }

    /// A source without places: its frames in their order, as the reader gives them with an assumed spacing.
    fn by_order(source: &Source, grid: &Geometry) -> Result<Self> {
        let [columns, rows] = source.size;
        let wanted = [columns, rows, source.frames.len()];
        let linear = grid.affine().linear();
        let plain = (0..3).all(|i| {
            (0..3).all(|j| {
                if i == j {
                    linear[i][j] > 0.0
                } else {
                    linear[i][j] == 0.0
                }
            })
        });
        if grid.size() != wanted || !plain {
            let difference = format!(
                "the source says no places, so that only {wanted:?} voxels in the order of its files fit, and there are {:?}{}",
                grid.size(),
                if plain { "" } else { " along other axes" }
            );
            return Err(Error::OtherGrid {
                distance: f64::INFINITY,
                difference,
            });
        }
        let steps = (0..source.frames.len()).map(|frame| Steps {
            first: frame * columns * rows,
            column: 1,
            row: columns as isize,
        });
        Ok(Self {
            size: source.size,
            grid: *grid,
            steps: steps.collect(),
            planes: Vec::new(),
            difference: None,
        })
    }

    /// The pixels of a frame, row by row; outside of the grid the default value.
    pub fn frame<'a, T: Voxel>(&self, data: &'a [T], frame: usize) -> Cow<'a, [T]> {
        match self.steps.get(frame) {
            Some(steps) => self.along(data, *steps),
            None => Cow::Owned(self.nearest(data, &self.planes[frame])),
        }
    }

    /// Whether each frame's pixels lie in one slice of the grid.
    pub fn lies_in_slices(&self) -> bool {
        let [columns, rows] = self.size;
        let inside = |step: isize, count: usize| {
            step.unsigned_abs() * count.saturating_sub(1) < self.slice_length()
        };
        self.difference.is_none()
            && self.slice_length() > 0
            && self
                .steps
                .iter()
                .all(|steps| inside(steps.column, columns) && inside(steps.row, rows))
    }

    /// The slice in which a frame lies, where [`OnSource::lies_in_slices`].
    pub fn slice(&self, frame: usize) -> usize {
        self.steps[frame].first / self.slice_length()
    }

    /// The slice whose voxels are a frame's pixels in their order.
    pub fn whole_slice(&self, frame: usize) -> Option<usize> {
        let steps = self.steps[frame];
        let [columns, rows] = self.size;
        let whole = steps.column == 1
            && (steps.row == columns as isize || rows == 1)
            && columns * rows == self.slice_length();
        whole.then(|| self.slice(frame))
    }

    /// The pixels of a frame, from the voxels of its slice.
    pub fn frame_in_slice<'a, T: Voxel>(&self, slice: &'a [T], frame: usize) -> Cow<'a, [T]> {
        let steps = self.steps[frame];
        let first = steps.first % self.slice_length();
        self.along(slice, Steps { first, ..steps })
    }

    fn slice_length(&self) -> usize {
        self.grid.size()[0] * self.grid.size()[1]
    }

    fn along<'a, T: Voxel>(&self, data: &'a [T], steps: Steps) -> Cow<'a, [T]> {
        let [columns, rows] = self.size;
        if steps.column == 1 && (steps.row == columns as isize || rows == 1) {
            return Cow::Borrowed(&data[steps.first..steps.first + columns * rows]);
        }
        let mut pixels = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            let first = steps.first.wrapping_add_signed(steps.row * row as isize);
            pixels.extend(
                (0..columns)
                    .map(|column| data[first.wrapping_add_signed(steps.column * column as isize)]),
            );
        }
        Cow::Owned(pixels)
    }

    fn nearest<T: Voxel>(&self, data: &[T], plane: &Plane) -> Vec<T> {
        let [columns, rows] = self.size;
        let inverse = self.grid.affine().inverse();
        let first = inverse.apply(flip(plane.position));
        let along =
            |direction: Point, step: f64| inverse.apply_vector(flip(direction).map(|v| v * step));
        let (u, v) = (
            along(plane.row, plane.spacing[0]),
            along(plane.column, plane.spacing[1]),
        );
        let size = self.grid.size();
        let mut pixels = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                let index: Point =
                    std::array::from_fn(|i| first[i] + u[i] * column as f64 + v[i] * row as f64);
                let index = index.map(|v| (v + 0.5).floor());
                let inside = (0..3).all(|i| index[i] >= 0.0 && index[i] < size[i] as f64);
                pixels.push(match inside {
                    true => data[self.grid.offset(index.map(|v| v as usize))],
                    false => T::default(),
                });
            }
        }
        pixels
    }
}

/// Where the pixels of a plane lie in a grid's buffer, or how far from it.
fn steps(plane: &Plane, size: [usize; 2], grid: &Geometry) -> std::result::Result<Steps, Off> {
    let inverse = grid.affine().inverse();
    let extent = grid.size();
    let mut distance = 0.0f64;
    let mut whole = true;
    let corners = plane.corners(size).map(|corner| {
        let index = inverse.apply(flip(corner));
        let near: Point = std::array::from_fn(|i| {
            index[i]
                .round()
                .clamp(0.0, extent[i].saturating_sub(1) as f64)
        });
        let off: Point = std::array::from_fn(|i| index[i] - near[i]);
        whole &= off.iter().all(|v| v.abs() <= OFF);
        distance = distance.max(length(grid.affine().apply_vector(off)));
        near.map(|v| v as isize)
    });
    let [first, right, down, _] = corners;
    let [columns, rows] = size.map(|n| n as isize);
    // Each step is one voxel along one axis, or corners agree by chance.
    let step = |end: [isize; 3], count: isize| {
        let way: [isize; 3] = std::array::from_fn(|i| end[i] - first[i]);
        let long: isize = way.iter().map(|v| v.abs()).sum();
        let straight = way.iter().filter(|v| **v != 0).count() <= 1;
        (straight && long == count - 1).then(|| way.map(|v| v.signum()))
    };
    let offsets = [1, extent[0] as isize, (extent[0] * extent[1]) as isize];
    let along = |unit: [isize; 3]| (0..3).map(|i| unit[i] * offsets[i]).sum::<isize>();
    match (step(right, columns), step(down, rows)) {
        (Some(u), Some(v)) if whole => Ok(Steps {
            first: grid.offset(first.map(|v| v as usize)),
            column: along(u),
            row: along(v),
        }),
        // A grid of another step: how far the worst pixel is off is not seen in the corners.
        (u, v) => {
            let apart = grid.spacing().into_iter().fold(f64::INFINITY, f64::min) / 2.0;
            let distance = if u.is_none() || v.is_none() {
                distance.max(apart)
            } else {
                distance
            };
            Err(Off { distance })
        }
    }
}
