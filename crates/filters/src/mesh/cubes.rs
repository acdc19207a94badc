//! Marching cubes: the surface where an image crosses a level.
//!
//! W. Lorensen and H. Cline, "Marching cubes", 1987. The 256 cases are derived, not listed: on each
//! face of a cube the crossings are joined so that what is inside stays apart, the same from both
//! sides, so the surface has no cracks.

use super::Mesh;
use crate::scalar::Real;
use crate::work::Work;
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::LazyLock;
use vesalius_control::Control;
use vesalius_volume::{Geometry, Label, LabelMap, Volume};

/// The corners of each face in order, counter-clockwise seen from outside; corner `i` is at
/// `[i & 1, i >> 1 & 1, i >> 2]`.
const FACES: [[usize; 4]; 6] = [
    [0, 4, 6, 2],
    [1, 3, 7, 5],
    [0, 1, 5, 4],
    [2, 6, 7, 3],
    [0, 2, 3, 1],
    [4, 5, 7, 6],
];

/// The two corners of a cube's edge, the lower first.
type Edge = (usize, usize);

/// For each set of inside corners, the triangles as triples of crossed edges.
static CASES: LazyLock<Vec<Vec<[Edge; 3]>>> = LazyLock::new(|| (0..256).map(case).collect());

fn case(inside: usize) -> Vec<[Edge; 3]> {
    let set = |corner: usize| inside >> corner & 1 == 1;
    let edge = |a: usize, b: usize| (a.min(b), a.max(b));
    let mut next: HashMap<Edge, Edge> = HashMap::new();
    for face in FACES {
        for i in 0..4 {
            // On the way around the face, each sequence of inside corners is entered and left once; the
            // surface joins the two crossings.
            let (before, here) = (face[i], face[(i + 1) % 4]);
            if !set(before) && set(here) {
                let mut j = (i + 1) % 4;
                while set(face[(j + 1) % 4]) {
                    j = (j + 1) % 4;
                }
                next.insert(edge(before, here), edge(face[j], face[(j + 1) % 4]));
            }
        }
    }
    let mut triangles = Vec::new();
    let mut starts: Vec<_> = next.keys().copied().collect();
    starts.sort_unstable();
    for start in starts {
        let mut polygon = Vec::new();
        let mut here = start;
        while let Some(after) = next.remove(&here) {
            polygon.push(here);
            here = after;
        }
        for i in 2..polygon.len() {
            triangles.push([polygon[0], polygon[i - 1], polygon[i]]);
        }
    }
    triangles
}

/// The surface of the first channel where it crosses `level`; inside is where values are at least
/// that. The surface is open at the image's border: pad first to close it.
///
/// # Errors
/// [`Error::BadOption`] when the level is not finite or the mesh outgrows `u32` indices.
///
/// ```
/// use vesalius_filters::marching_cubes;
/// use vesalius_volume::{Geometry, Volume};
///
/// // A ball of radius 8 mm as an image of distances from its centre, negative outside.
/// let grid = Geometry::axis_aligned([21, 21, 21], [1.0; 3])?;
/// let ball = Volume::from_fn(grid, |index| {
///     8.0 - index.iter().map(|&i| (i as f64 - 10.0).powi(2)).sum::<f64>().sqrt()
/// });
/// let mesh = marching_cubes(&ball, 0.0)?;
/// let exact = 4.0 / 3.0 * std::f64::consts::PI * 512.0;
/// assert!((mesh.volume() / exact - 1.0).abs() < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn marching_cubes<R: Real>(image: &Volume<R>, level: f64) -> Result<Mesh> {
    image_surface(image, level, &Work::unwatched())
}

/// As [`marching_cubes`], cancelled and followed through a control, in the stage `slices`.
///
/// # Errors
/// As [`marching_cubes`]; [`Error::Cancelled`].
pub fn marching_cubes_with<R: Real>(
    image: &Volume<R>,
    level: f64,
    control: &Control,
) -> Result<Mesh> {
    image_surface(image, level, &Work::without_total(control, "slices"))
}

fn image_surface<R: Real>(image: &Volume<R>, level: f64, work: &Work) -> Result<Mesh> {
    if !level.is_finite() {
        return Err(Error::option(
            "marching cubes",
            "level",
            level,
            "a finite number",
        ));
    }
    let values = image.channel(0);
    let value = |offset: usize| values[offset].to_f64() - level;
    surface(image.geometry(), value, work)
}

/// The surface of one label, half-way between its voxels and the others; closed also at the image's
/// border.
///
/// # Errors
/// As [`marching_cubes`].
///
/// ```
/// use vesalius_filters::label_surface;
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([10, 10, 10], [1.0, 1.0, 2.0])?;
/// let cube = LabelMap::<u16>::from_fn(grid, |i| u16::from(i.iter().all(|&i| (2..8).contains(&i))));
/// let mesh = label_surface(&cube, 1)?;
/// // 6 × 6 × 6 voxels of 2 mm³, less what the corners and edges lose.
/// assert!(mesh.volume() > 400.0 && mesh.volume() < 432.0);
/// assert!(label_surface(&cube, 7)?.triangles().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label_surface<T: Label>(labels: &LabelMap<T>, label: T) -> Result<Mesh> {
    one_surface(labels, label, &Work::unwatched())
}

/// As [`label_surface`], cancelled and followed through a control, in the stage `slices`.
///
/// # Errors
/// As [`label_surface`]; [`Error::Cancelled`].
pub fn label_surface_with<T: Label>(
    labels: &LabelMap<T>,
    label: T,
    control: &Control,
) -> Result<Mesh> {
    one_surface(labels, label, &Work::without_total(control, "slices"))
}

fn one_surface<T: Label>(labels: &LabelMap<T>, label: T, work: &Work) -> Result<Mesh> {
    work.check()?;
    let bounds = crate::bounding_box_where(labels, |v| v == label);
    let Some(bounds) = bounds else {
        work.set_total(0);
        return Ok(Mesh::default());
    };
    let start = bounds.start.map(|v| v as i64 - 1);
    let mask = labels.map(|v| u8::from(v == label));
    let around = crate::crop_or_pad(
        &mask,
        start,
        bounds.size.map(|n| n + 2),
        crate::PadMode::Constant(0),
    )?;
    let value = |offset: usize| f64::from(around.data()[offset]) - 0.5;
    surface(around.geometry(), value, work)
}

/// The surface where a value by offset passes through 0; counts the slices.
fn surface(grid: &Geometry, value: impl Fn(usize) -> f64, work: &Work) -> Result<Mesh> {
    let [nx, ny, nz] = grid.size();
    let mut mesh = Mesh::default();
    let mut known: HashMap<(usize, usize), u32> = HashMap::new();
    let step = |corner: usize| (corner & 1) + (corner >> 1 & 1) * nx + (corner >> 2) * nx * ny;
    // A grid that mirrors space would turn the triangles inside out.
    let mirrored = grid.affine().determinant() < 0.0;
    work.set_total(nz.saturating_sub(1));
    for z in 0..nz.saturating_sub(1) {
        work.check()?;
        // An edge is shared by cubes of this layer and the next only.
        known.retain(|&(low, _), _| low >= z * nx * ny);
        for y in 0..ny.saturating_sub(1) {
            for x in 0..nx.saturating_sub(1) {
                let base = (z * ny + y) * nx + x;
                let inside = (0..8).filter(|&c| value(base + step(c)) >= 0.0);
                let inside = inside.fold(0, |set, c| set | 1 << c);
                if inside == 0 || inside == 255 {
                    continue;
                }
                for triangle in &CASES[inside] {
                    let mut corners = [0u32; 3];
                    for (corner, &(a, b)) in corners.iter_mut().zip(triangle) {
                        let ends = (base + step(a), base + step(b));
                        *corner = *known.entry(ends).or_insert_with(|| {
                            mesh.vertices.push(crossing(grid, ends, &value));
                            (mesh.vertices.len() - 1) as u32
                        });
                    }
                    if mirrored {
                        corners.swap(1, 2);
                    }
                    // Crossings that coincide with a voxel leave triangles without area.
                    let [a, b, c] = corners.map(|i| mesh.vertices[i as usize]);
                    if a != b && b != c && c != a {
                        mesh.triangles.push(corners);
                    }
                }
            }
        }
        if mesh.vertices.len() >= u32::MAX as usize {
            let found = mesh.vertices.len();
            return Err(Error::option(
                "marching cubes",
                "vertices",
                found,
                "fewer than 2^32",
            ));
        }
        work.advance(1);
    }
    work.finish()?;
    Ok(mesh)
}

fn crossing(
    grid: &Geometry,
    (low, high): (usize, usize),
    value: &impl Fn(usize) -> f64,
) -> [f64; 3] {
    let (a, b) = (value(low), value(high));
    let t = a / (a - b);
    let (from, to) = (grid.index(low), grid.index(high));
    grid.index_to_world(std::array::from_fn(|axis| {
        from[axis] as f64 + t * (to[axis] as f64 - from[axis] as f64)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every edge belongs to two triangles that use it in opposite directions.
    fn closed(mesh: &Mesh) -> bool {
        let mut edges: HashMap<(u32, u32), i32> = HashMap::new();
        for t in &mesh.triangles {
            for i in 0..3 {
                let (a, b) = (t[i], t[(i + 1) % 3]);
                *edges.entry((a.min(b), a.max(b))).or_default() += if a < b { 1 } else { -1 };
            }
        }
        edges.values().all(|&n| n == 0)
    }

    #[test]
    fn a_ball_is_closed_and_has_its_volume_and_area_on_any_grid() {
        for flip in [1.0, -1.0] {
            let direction = [[flip, 0.0, 0.0], [0.0, 0.8, 0.6], [0.0, -0.6, 0.8]];
            let grid =
                Geometry::from_parts([44, 44, 36], [0.5, 0.5, 0.6], [3.0, -7.0, 2.0], direction)
                    .unwrap();
            let centre = grid.index_to_world([21.3, 21.7, 17.9]);
            let image = Volume::from_fn(grid, |i| {
                let p = grid.index_to_world(i.map(|v| v as f64));
                9.0 - (0..3)
                    .map(|a| (p[a] - centre[a]).powi(2))
                    .sum::<f64>()
                    .sqrt()
            });
            let mesh = marching_cubes(&image, 0.0).unwrap();
            assert!(closed(&mesh));
            let pi = std::f64::consts::PI;
            assert!((mesh.volume() / (4.0 / 3.0 * pi * 729.0) - 1.0).abs() < 0.005);
            assert!((mesh.area() / (4.0 * pi * 81.0) - 1.0).abs() < 0.005);
        }
    }

    #[test]
    fn noise_has_a_closed_surface_too() {
        let grid = Geometry::axis_aligned([9, 8, 7], [1.0; 3]).unwrap();
        let mut state = 5u64;
        let labels = LabelMap::from_fn(grid, |_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 62) as u8
        });
        for label in 0..4 {
            let mesh = label_surface(&labels, label).unwrap();
            assert!(closed(&mesh) && mesh.volume() > 0.0);
        }
        assert!(label_surface(&labels, 9).unwrap().triangles.is_empty());
        assert!(marching_cubes(&Volume::filled(grid, 1.0f32), f64::NAN).is_err());
    }
}
