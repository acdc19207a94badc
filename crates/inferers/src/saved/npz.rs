//! nnU-Net's form: `NAME.npz` with `probabilities` `[C, Z, Y, X]`, and `NAME.pkl` with the geometry.

use super::latched::latched;
use super::npy::{array_from_npy, npy_header, write_values};
use super::pickle;
use super::slabs::{ARRAY_HEADER_BYTES, entry};
use crate::{Error, ProbabilityMap, ProbabilitySource, Result};
use std::io::Write;
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

/// Writes `path` (`.npz`) and its `.pkl`, run by run: the array is in the order of channels, so that only a run of
/// it is in memory.
///
/// # Errors
/// A folder that cannot be written, probabilities that cannot be read.
pub fn write_npz(path: &Path, map: &dyn ProbabilitySource) -> Result<()> {
    let written = vesalius_io::write_atomically(path, |file| {
        latched(file, |file| {
            let mut archive = zip::ZipWriter::new(file);
            let options = SimpleFileOptions::default().large_file(true);
            archive.start_file(ENTRY, options)?;
            archive.write_all(&header(map))?;
            write_values(&mut archive, map, 0..map.geometry().voxel_count())?;
            archive.finish()?;
            Ok(())
        })
    });
    written?;
    let properties = pickle::properties(map.geometry());
    Ok(vesalius_io::write_bytes_atomically(
        path.with_extension("pkl"),
        &properties,
    )?)
}

fn header(map: &dyn ProbabilitySource) -> Vec<u8> {
    let [x, y, z] = map.geometry().size();
    npy_header([map.scheme().channels(), z, y, x])
}

/// Reads an `.npz` of 32-bit floats that nnU-Net or Vesalius wrote; the grid is that of the segmentation next to it.
///
/// # Errors
/// [`Error::Probabilities`] for a file that is none, or has another shape than scheme and grid.
pub fn read_npz(path: &Path, scheme: &LabelScheme, geometry: Geometry) -> Result<ProbabilityMap> {
    let file = std::fs::File::open(path).map_err(|e| bad(path, e))?;
    let mut archive =
        zip::ZipArchive::new(file).map_err(|e| bad(path, format!("is no .npz archive ({e})")))?;
    let [x, y, z] = geometry.size();
    let expected = [scheme.channels(), z, y, x];
    // Geometry and scheme were checked; an array of 64-bit floats is read to be refused by its type.
    let most = 8 * expected.iter().product::<usize>() as u64 + ARRAY_HEADER_BYTES;
    let bytes = entry(&mut archive, ENTRY, path, most)?;
    let array = array_from_npy(&bytes)
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
    let slab = ProbabilitiesSlab::from_stored(scheme, values).map_err(|e| bad(path, e))?;
    Ok(ProbabilityMap::new(geometry, slab))
}
