//! nnU-Net's form: `NAME.npz` with `probabilities` `[C, Z, Y, X]`, and `NAME.pkl` with the geometry.

use super::pickle;
use crate::{Error, ProbabilityMap, Result};
use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{ReadNpyExt, WriteNpyExt};
use std::io::{Cursor, Read, Write};
use std::path::Path;
use vesalius_tensor::ProbabilitiesSlab;
use vesalius_volume::{Geometry, LabelScheme};
use zip::write::SimpleFileOptions;

/// The array's name within the archive.
const ENTRY: &str = "probabilities.npy";

fn bad(path: &Path, reason: impl ToString) -> Error {
    Error::Probabilities {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

/// Writes `path` (`.npz`) and its `.pkl`.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_npz(path: &Path, map: &ProbabilityMap) -> Result<()> {
    let [x, y, z] = map.geometry().size();
    let shape = IxDyn(&[map.scheme().channels(), z, y, x]);
    let array = ArrayD::from_shape_vec(shape, map.data().to_vec()).map_err(|e| bad(path, e))?;
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().large_file(true);
    archive
        .start_file(ENTRY, options)
        .map_err(|e| bad(path, e))?;
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).map_err(|e| bad(path, e))?;
    archive.write_all(&bytes).map_err(|e| bad(path, e))?;
    let archive = archive.finish().map_err(|e| bad(path, e))?.into_inner();
    vesalius_io::write_bytes_atomically(path, &archive)?;
    let properties = pickle::properties(map.geometry());
    Ok(vesalius_io::write_bytes_atomically(
        path.with_extension("pkl"),
        &properties,
    )?)
}

/// Reads an `.npz` of 32- or 16-bit floats that nnU-Net or we wrote; the grid is that of the
/// segmentation beside it.
///
/// # Errors
/// [`Error::Probabilities`] for a file that is none, or has another shape than scheme and grid.
pub fn read_npz(path: &Path, scheme: &LabelScheme, geometry: Geometry) -> Result<ProbabilityMap> {
    let file = std::fs::File::open(path).map_err(|e| bad(path, e))?;
    let mut archive =
        zip::ZipArchive::new(file).map_err(|e| bad(path, format!("is no .npz archive ({e})")))?;
    let mut bytes = Vec::new();
    let mut entry = archive
        .by_name(ENTRY)
        .map_err(|e| bad(path, format!("has no `probabilities` ({e})")))?;
    entry.read_to_end(&mut bytes).map_err(|e| bad(path, e))?;
    let [x, y, z] = geometry.size();
    let expected = [scheme.channels(), z, y, x];
    let array: ArrayD<f32> = ArrayD::read_npy(Cursor::new(&bytes))
        .map_err(|e| bad(path, format!("its array is not of 32-bit floats ({e})")))?;
    if array.shape() != expected {
        return Err(bad(
            path,
            format!(
                "its array is {:?}; the label scheme and the grid want {expected:?}",
                array.shape()
            ),
        ));
    }
    let values = array.into_iter().collect();
    let slab = ProbabilitiesSlab::from_stored(scheme, values)?;
    Ok(ProbabilityMap::new(geometry, slab))
}
