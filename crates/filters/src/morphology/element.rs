//! Structuring elements: a ball, a box or a cross of a radius in voxels or millimetres.

use crate::{Error, Result};
use vesalius_volume::limits;

/// The shape of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Shape {
    /// An ellipsoid. In voxels its radii are half a voxel more than given, as in ITK; in
    /// millimetres they are exact.
    #[default]
    Ball,
    /// A cuboid.
    Box,
    /// The three axes alone.
    Cross,
}

/// A radius along `[x, y, z]`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Radius {
    Voxels([usize; 3]),
    Millimetres([f64; 3]),
}

/// A structuring element, symmetric about its centre.
///
/// ```
/// use vesalius_filters::{Element, Shape};
///
/// // 3 mm in every direction: 3 voxels of 1 mm, 1 voxel of 3 mm.
/// let ball = Element::millimetres(Shape::Ball, [3.0; 3]);
/// assert!(ball.contains([3, 0, 0], [1.0, 1.0, 3.0]));
/// assert!(ball.contains([0, 0, 1], [1.0, 1.0, 3.0]));
/// assert!(!ball.contains([1, 0, 1], [1.0, 1.0, 3.0]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Element {
    shape: Shape,
    radius: Radius,
}

/// How far a row of the element, at a step in y and z, reaches along x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub y: isize,
    pub z: isize,
    pub reach: usize,
}

/// Radii beyond this are a mistake of units.
const LARGEST: usize = 4096;

impl Element {
    /// An element of a radius in voxels along `[x, y, z]`.
    pub fn voxels(shape: Shape, radius: [usize; 3]) -> Self {
        Self {
            shape,
            radius: Radius::Voxels(radius),
        }
    }

    /// An element of a radius in millimetres along `[x, y, z]`: the voxels whose centres lie within.
    pub fn millimetres(shape: Shape, radius: [f64; 3]) -> Self {
        Self {
            shape,
            radius: Radius::Millimetres(radius),
        }
    }

    /// Radii in voxels, whole for boxes and crosses, and as a ball's semi-axes.
    fn radii(&self, spacing: [f64; 3]) -> ([i64; 3], [f64; 3]) {
        match self.radius {
            Radius::Voxels(r) => (r.map(|r| r as i64), r.map(|r| r as f64 + 0.5)),
            Radius::Millimetres(r) => {
                let axes: [f64; 3] = std::array::from_fn(|a| r[a] / spacing[a]);
                (axes.map(|a| limits::floor(a) as i64), axes)
            }
        }
    }

    /// Whether the element holds the voxel at an offset from its centre.
    pub fn contains(&self, offset: [i64; 3], spacing: [f64; 3]) -> bool {
        let (whole, axes) = self.radii(spacing);
        let within = (0..3).all(|a| offset[a].abs() <= whole[a]);
        within
            && match self.shape {
                Shape::Box => true,
                Shape::Cross => offset.iter().filter(|v| **v != 0).count() <= 1,
                Shape::Ball => {
                    let part = |a: usize| match offset[a] {
                        0 => 0.0,
                        o => (o as f64 / axes[a]).powi(2),
                    };
                    limits::at_most(part(0) + part(1) + part(2), 1.0)
                }
            }
    }

    /// How many voxels the element reaches along each axis.
    ///
    /// # Errors
    /// [`Error::BadOption`] when a radius is negative, not finite or beyond 4096 voxels.
    pub(crate) fn reach(&self, spacing: [f64; 3]) -> Result<[usize; 3]> {
        let sound = match self.radius {
            Radius::Voxels(r) => r.iter().all(|&r| r <= LARGEST),
            Radius::Millimetres(r) => (0..3)
                .all(|a| r[a].is_finite() && r[a] >= 0.0 && r[a] / spacing[a] <= LARGEST as f64),
        };
        if !sound {
            return Err(Error::option(
                "morphology",
                "radius",
                self.radius,
                "0 or more, and at most 4096 voxels",
            ));
        }
        Ok(self.radii(spacing).0.map(|r| r as usize))
    }

    /// The rows that the element is made of.
    ///
    /// # Errors
    /// As [`Element::reach`].
    pub(crate) fn rows(&self, spacing: [f64; 3]) -> Result<Vec<Row>> {
        let reach = self.reach(spacing)?.map(|r| r as i64);
        let mut rows = Vec::new();
        for z in -reach[2]..=reach[2] {
            for y in -reach[1]..=reach[1] {
                // An element is convex, so its widest voxel gives a row's width.
                let widest = (0..=reach[0])
                    .rev()
                    .find(|&x| self.contains([x, y, z], spacing));
                if let Some(x) = widest {
                    rows.push(Row {
                        y: y as isize,
                        z: z as isize,
                        reach: x as usize,
                    });
                }
            }
        }
        Ok(rows)
    }
}
