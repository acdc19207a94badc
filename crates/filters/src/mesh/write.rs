//! Meshes as binary STL, text OBJ and binary PLY; to any writer.

use super::{Mesh, length, normal};
use crate::{Error, Result};
use std::io::Write;

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |reason| Error::Io {
        what: format!("writing a mesh as {what}"),
        reason: reason.to_string(),
    }
}

/// Binary STL, in RAS+ mm.
///
/// # Errors
/// [`Error::Io`]; [`Error::BadOption`] for 2³² triangles or more, which STL cannot count.
///
/// ```
/// use vesalius_filters::{Mesh, write_stl};
///
/// let corners = vec![[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
/// let mesh = Mesh::new(corners, vec![[0, 1, 2]])?;
/// let mut bytes = Vec::new();
/// write_stl(&mesh, &mut bytes)?;
/// // An 80-byte header, the number of triangles, 50 bytes for each.
/// assert_eq!(bytes.len(), 80 + 4 + 50);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_stl(mesh: &Mesh, to: &mut impl Write) -> Result<()> {
    let count = u32::try_from(mesh.triangles.len()).map_err(|_| {
        let found = mesh.triangles.len();
        Error::option("write_stl", "triangles", found, "fewer than 2^32")
    })?;
    let mut bytes = Vec::with_capacity(84 + 50 * mesh.triangles.len());
    let mut header = [0u8; 80];
    header[..17].copy_from_slice(b"surface in RAS mm");
    bytes.extend(header);
    bytes.extend(count.to_le_bytes());
    for triangle in &mesh.triangles {
        let corners = mesh.corners(triangle);
        let normal = normal(corners);
        let size = length(normal);
        let unit = normal.map(|v| if size > 0.0 { v / size } else { 0.0 });
        for vector in std::iter::once(unit).chain(corners) {
            vector
                .iter()
                .for_each(|v| bytes.extend((*v as f32).to_le_bytes()));
        }
        bytes.extend([0, 0]);
    }
    to.write_all(&bytes).map_err(failed("STL"))
}

/// Wavefront OBJ, in RAS+ mm.
///
/// # Errors
/// [`Error::Io`].
///
/// ```
/// use vesalius_filters::{Mesh, write_obj};
///
/// let corners = vec![[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
/// let mesh = Mesh::new(corners, vec![[0, 1, 2]])?;
/// let mut text = Vec::new();
/// write_obj(&mesh, &mut text)?;
/// // OBJ counts vertices from 1.
/// assert!(String::from_utf8(text)?.contains("f 1 2 3"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_obj(mesh: &Mesh, to: &mut impl Write) -> Result<()> {
    let mut text = String::from("# surface in RAS mm\n");
    for [x, y, z] in &mesh.vertices {
        text.push_str(&format!("v {x} {y} {z}\n"));
    }
    for triangle in &mesh.triangles {
        let [a, b, c] = triangle.map(|i| u64::from(i) + 1);
        text.push_str(&format!("f {a} {b} {c}\n"));
    }
    to.write_all(text.as_bytes()).map_err(failed("OBJ"))
}

/// Binary little-endian PLY, in RAS+ mm.
///
/// # Errors
/// [`Error::Io`].
pub fn write_ply(mesh: &Mesh, to: &mut impl Write) -> Result<()> {
    let header = format!(
        "ply\nformat binary_little_endian 1.0\ncomment surface in RAS mm\nelement vertex {}\n\
         property float x\nproperty float y\nproperty float z\nelement face {}\n\
         property list uchar uint vertex_indices\nend_header\n",
        mesh.vertices.len(),
        mesh.triangles.len()
    );
    let mut bytes = header.into_bytes();
    for vertex in &mesh.vertices {
        vertex
            .iter()
            .for_each(|v| bytes.extend((*v as f32).to_le_bytes()));
    }
    for triangle in &mesh.triangles {
        bytes.push(3);
        triangle.iter().for_each(|i| bytes.extend(i.to_le_bytes()));
    }
    to.write_all(&bytes).map_err(failed("PLY"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_length_their_headers_say() {
        let mesh = Mesh {
            vertices: vec![[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.5]],
            triangles: vec![[0, 1, 2]],
        };
        let (mut stl, mut obj, mut ply) = (Vec::new(), Vec::new(), Vec::new());
        write_stl(&mesh, &mut stl).unwrap();
        write_obj(&mesh, &mut obj).unwrap();
        write_ply(&mesh, &mut ply).unwrap();
        assert_eq!(stl.len(), 134);
        assert_eq!(&stl[80..84], &1u32.to_le_bytes());
        assert_eq!(
            String::from_utf8(obj).unwrap(),
            "# surface in RAS mm\nv 0 0 0\nv 1 0 0\nv 0 2 0.5\nf 1 2 3\n"
        );
        let start = ply.windows(11).position(|w| w == b"end_header\n").unwrap() + 11;
        assert_eq!(ply.len() - start, 36 + 13);
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("disk full"))
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        assert!(
            write_ply(&mesh, &mut Full)
                .unwrap_err()
                .to_string()
                .contains("disk full")
        );
    }
}
