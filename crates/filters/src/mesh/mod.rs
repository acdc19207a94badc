//! Surfaces as triangle meshes: marching cubes, and the formats that other programs read.

mod cubes;
mod write;

pub use cubes::{label_surface, label_surface_with, marching_cubes, marching_cubes_with};
pub use write::{write_obj, write_ply, write_stl};

use crate::{Error, Result};

/// A triangle mesh in the world, RAS+ mm; triangles run counter-clockwise seen from outside.
///
/// ```
/// use vesalius_filters::Mesh;
///
/// let corners = vec![[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
/// let mesh = Mesh::new(corners.clone(), vec![[0, 1, 2]])?;
/// assert_eq!(mesh.area(), 0.5);
/// assert!(Mesh::new(corners, vec![[0, 1, 3]]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mesh {
    vertices: Vec<[f64; 3]>,
    triangles: Vec<[u32; 3]>,
}

impl Mesh {
    /// A mesh of corner positions and of triangles, each with three indices into them.
    ///
    /// # Errors
    /// [`Error::BadOption`] for an index that no corner has.
    pub fn new(vertices: Vec<[f64; 3]>, triangles: Vec<[u32; 3]>) -> Result<Self> {
        let mut corners = triangles.iter().flatten();
        match corners.find(|&&corner| corner as usize >= vertices.len()) {
            None => Ok(Self {
                vertices,
                triangles,
            }),
            Some(corner) => Err(Error::option(
                "mesh",
                "triangles",
                format_args!("corner {corner} of {}", vertices.len()),
                "indices of corners, counted from 0",
            )),
        }
    }

    /// Corner positions.
    pub fn vertices(&self) -> &[[f64; 3]] {
        &self.vertices
    }

    /// Three corners each, as indices into the vertices.
    pub fn triangles(&self) -> &[[u32; 3]] {
        &self.triangles
    }

    fn corners(&self, triangle: &[u32; 3]) -> [[f64; 3]; 3] {
        triangle.map(|i| self.vertices[i as usize])
    }

    /// Surface area in mm².
    pub fn area(&self) -> f64 {
        let area = |t: &[u32; 3]| 0.5 * length(normal(self.corners(t)));
        self.triangles.iter().map(area).sum()
    }

    /// Enclosed volume in mm³, for a closed mesh (divergence theorem).
    pub fn volume(&self) -> f64 {
        let part = |t: &[u32; 3]| {
            let [a, b, c] = self.corners(t);
            dot(a, cross(b, c)) / 6.0
        };
        self.triangles.iter().map(part).sum()
    }
}

fn difference(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|i| a[i] - b[i])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|i| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        a[j] * b[k] - a[k] * b[j]
    })
}

fn length(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

/// Twice the area, along the outward normal.
fn normal([a, b, c]: [[f64; 3]; 3]) -> [f64; 3] {
    cross(difference(b, a), difference(c, a))
}
