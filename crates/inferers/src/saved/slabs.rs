//! Our own form: one archive with a description (grid, labels) and an array for each slab of slices, so
//! that a reader needs no more than one slab at a time and no other file.

use super::latched::latched;
use super::npy::{npy_header, write_values};
use crate::{Error, ProbabilityMap, ProbabilitySource, Result};
use ndarray::Array4;
use ndarray_npy::ReadNpyExt;
use serde::{Deserialize, Serialize};
use std::io::{Cursor, Read, Seek, Write};
use std::path::Path;
use vesalius_tensor::ProbabilitiesSlab;
use vesalius_volume::{Geometry, LabelScheme};
use zip::write::SimpleFileOptions;

/// What such a file's name ends with.
pub const SLABS_SUFFIX: &str = ".probabilities.zip";

const DESCRIPTION: &str = "probabilities.json";
/// Slices of a slab.
const THICKNESS: usize = 16;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    geometry: Geometry,
    labels: LabelScheme,
    /// Slices of each slab but the last.
    slices: usize,
}

fn bad(path: &Path, reason: impl ToString) -> Error {
    Error::Probabilities {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

fn name(first: usize) -> String {
    format!("slices_{first:05}.npy")
}

/// Writes probabilities slab by slab; no more than a run of one stands in memory.
///
/// # Errors
/// A folder that cannot be written, probabilities that cannot be read.
pub fn write_slabs(path: &Path, map: &dyn ProbabilitySource) -> Result<()> {
    let description = Description {
        geometry: *map.geometry(),
        labels: map.scheme().clone(),
        slices: THICKNESS,
    };
    let text = serde_json::to_vec(&description).map_err(|e| bad(path, e))?;
    let [x, y, z] = map.geometry().size();
    let (channels, plane) = (map.scheme().channels(), x * y);
    let written = vesalius_io::write_atomically(path, |file| {
        latched(file, |file| {
            let options = SimpleFileOptions::default().large_file(true);
            let mut archive = zip::ZipWriter::new(file);
            archive.start_file(DESCRIPTION, options)?;
            archive.write_all(&text)?;
            for first in (0..z).step_by(THICKNESS) {
                let last = (first + THICKNESS).min(z);
                archive.start_file(name(first), options)?;
                archive.write_all(&npy_header([channels, last - first, y, x]))?;
                write_values(&mut archive, map, first * plane..last * plane)?;
            }
            archive.finish()?;
            Ok(())
        })
    });
    Ok(written?)
}

fn entry<R: Read + Seek>(
    archive: &mut zip::ZipArchive<R>,
    name: &str,
    path: &Path,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut entry = archive
        .by_name(name)
        .map_err(|e| bad(path, format!("has no `{name}` ({e})")))?;
    entry.read_to_end(&mut bytes).map_err(|e| bad(path, e))?;
    Ok(bytes)
}

/// Reads a file of [`write_slabs`].
///
/// # Errors
/// [`Error::Probabilities`] for a file that is none, or whose slabs have another shape than it says.
pub fn read_slabs(path: &Path) -> Result<ProbabilityMap> {
    let file = std::fs::File::open(path).map_err(|e| bad(path, e))?;
    let mut archive =
        zip::ZipArchive::new(file).map_err(|e| bad(path, format!("is no archive ({e})")))?;
    let text = entry(&mut archive, DESCRIPTION, path)?;
    let told: Description = serde_json::from_slice(&text).map_err(|e| bad(path, e))?;
    let [x, y, z] = told.geometry.size();
    let (channels, plane) = (told.labels.channels(), x * y);
    let mut values = vec![0.0f32; channels * z * plane];
    for first in (0..z).step_by(told.slices.max(1)) {
        let bytes = entry(&mut archive, &name(first), path)?;
        let slab: Array4<f32> = Array4::read_npy(Cursor::new(bytes)).map_err(|e| bad(path, e))?;
        let depth = told.slices.max(1).min(z - first);
        if slab.shape() != [channels, depth, y, x] {
            let found = slab.shape().to_vec();
            return Err(bad(
                path,
                format!("the slab from slice {first} is {found:?}"),
            ));
        }
        let slab: Vec<f32> = slab.into_iter().collect();
        for (channel, slab) in slab.chunks_exact(depth * plane).enumerate() {
            let at = (channel * z + first) * plane;
            values[at..at + slab.len()].copy_from_slice(slab);
        }
    }
    let slab = ProbabilitiesSlab::from_stored(&told.labels, values)?;
    Ok(ProbabilityMap::new(told.geometry, slab))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read_npz, write_npz};

    #[test]
    fn both_forms_come_back_as_they_went() {
        let folder = tempfile::tempdir().unwrap();
        let geometry = Geometry::axis_aligned([3, 4, 37], [1.0, 0.7, 2.0]).unwrap();
        let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let voxels = geometry.voxel_count();
        let values = (0..2 * voxels).map(|i| (i % 97) as f32 / 97.0).collect();
        let slab = ProbabilitiesSlab::from_stored(&scheme, values).unwrap();
        let map = ProbabilityMap::new(geometry, slab);
        let ours = folder.path().join(format!("a{SLABS_SUFFIX}"));
        write_slabs(&ours, &map).unwrap();
        let read = read_slabs(&ours).unwrap();
        assert_eq!((read.geometry(), read.data()), (&geometry, map.data()));
        let theirs = folder.path().join("a.npz");
        write_npz(&theirs, &map).unwrap();
        let read = read_npz(&theirs, &scheme, geometry).unwrap();
        assert_eq!(read.data(), map.data());
        assert!(folder.path().join("a.pkl").is_file());
        let other = Geometry::axis_aligned([3, 4, 36], [1.0; 3]).unwrap();
        let message = read_npz(&theirs, &scheme, other).unwrap_err().to_string();
        assert!(message.contains("[2, 36, 4, 3]"), "{message}");
        std::fs::write(&ours, "no archive").unwrap();
        assert!(
            read_slabs(&ours)
                .unwrap_err()
                .to_string()
                .contains("archive")
        );
    }
}
