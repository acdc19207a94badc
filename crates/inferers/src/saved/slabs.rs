//! Our own form: one archive with a description (grid, labels) and an array for each slab of slices, so
//! that a reader needs no more than one slab at a time and no other file.

use super::latched::latched;
use super::npy::{array_from_npy, npy_header, write_values};
use crate::{Error, ProbabilityMap, ProbabilitySource, Result};
use serde::{Deserialize, Serialize};
use std::io::{Read, Seek, Write};
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

/// Writes probabilities slab by slab; at most a run of one is in memory.
///
/// # Errors
/// A folder that cannot be written, probabilities that cannot be read.
pub fn write_slabs(path: impl AsRef<Path>, map: &dyn ProbabilitySource) -> Result<()> {
    let path = path.as_ref();
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

/// The bytes of an entry, of which there may be at most so many.
pub(super) fn entry<R: Read + Seek>(
    archive: &mut zip::ZipArchive<R>,
    name: &str,
    path: &Path,
    most: u64,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let entry = archive
        .by_name(name)
        .map_err(|e| bad(path, format!("has no `{name}` ({e})")))?;
    let mut limited = entry.take(most + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|e| bad(path, format!("`{name}` cannot be read: {e}")))?;
    match bytes.len() as u64 > most {
        true => Err(bad(
            path,
            format!("`{name}` is larger than the {most} bytes that its description allows"),
        )),
        false => Ok(bytes),
    }
}

/// The largest description.
const DESCRIPTION_BYTES: u64 = 16 << 20;
/// The largest header of a NumPy array.
pub(super) const ARRAY_HEADER_BYTES: u64 = 1 << 16;

/// Reads a file of [`write_slabs`].
///
/// # Errors
/// [`Error::Probabilities`] for a file that is none, whose description is inconsistent, or whose slabs have
/// another shape than the description.
pub fn read_slabs(path: impl AsRef<Path>) -> Result<ProbabilityMap> {
    let path = path.as_ref();
    let file = std::fs::File::open(path).map_err(|e| bad(path, e))?;
    let mut archive =
        zip::ZipArchive::new(file).map_err(|e| bad(path, format!("is no archive ({e})")))?;
    let text = entry(&mut archive, DESCRIPTION, path, DESCRIPTION_BYTES)?;
    let told: Description = serde_json::from_slice(&text).map_err(|e| bad(path, e))?;
    let labels = told.labels;
    let [x, y, z] = told.geometry.size();
    let channels = labels.channels();
    let length = [x, y, z, 4]
        .into_iter()
        .try_fold(channels, |product, n| product.checked_mul(n));
    let Some(length) = length else {
        return Err(bad(
            path,
            format!("describes {channels} channels of {x} × {y} × {z} voxels, which no file holds"),
        ));
    };
    let (thickness, plane) = (told.slices.max(1), x * y);
    let mut slabs = Vec::new();
    for first in (0..z).step_by(thickness) {
        let depth = thickness.min(z - first);
        let most = (channels * depth * plane * 4) as u64 + ARRAY_HEADER_BYTES;
        // What is there is read before memory for all is taken: a description may be wrong.
        let bytes = entry(&mut archive, &name(first), path, most)?;
        let slab = array_from_npy(&bytes).map_err(|e| bad(path, e))?;
        if slab.shape() != [channels, depth, y, x] {
            let found = slab.shape().to_vec();
            return Err(bad(
                path,
                format!("the slab from slice {first} is {found:?}"),
            ));
        }
        slabs.push((first, slab));
    }
    let mut values = vec![0.0f32; length / 4];
    for (first, slab) in slabs {
        let depth = slab.shape()[1];
        let slab: Vec<f32> = slab.into_iter().collect();
        for (channel, slab) in slab.chunks_exact((depth * plane).max(1)).enumerate() {
            let at = (channel * z + first) * plane;
            values[at..at + slab.len()].copy_from_slice(slab);
        }
    }
    let slab = ProbabilitiesSlab::from_stored(&labels, values).map_err(|e| bad(path, e))?;
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

    /// A file as [`write_slabs`] writes it, with another description.
    fn described(folder: &Path, description: &str) -> std::path::PathBuf {
        let path = folder.join(format!("b{SLABS_SUFFIX}"));
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        let options = SimpleFileOptions::default();
        archive.start_file(DESCRIPTION, options).unwrap();
        archive.write_all(description.as_bytes()).unwrap();
        archive.start_file(name(0), options).unwrap();
        archive.write_all(&npy_header([2, 1, 1, 1])).unwrap();
        archive.write_all(&[0; 8]).unwrap();
        archive.finish().unwrap();
        path
    }

    #[test]
    fn a_description_that_lies_is_an_error_and_no_allocation() {
        let folder = tempfile::tempdir().unwrap();
        let geometry = |size: [usize; 3]| {
            let grid = Geometry::axis_aligned(size, [1.0; 3]).unwrap();
            serde_json::to_string(&grid).unwrap()
        };
        let two = "{\"exclusive\": {\"classes\": [{\"name\": \"b\", \"value\": 0}, {\"name\": \"a\", \"value\": 1}]}}";
        let none = "{\"regions\": {\"regions\": []}}";
        let text = |size, labels: &str, slices: u64| {
            let geometry = geometry(size);
            format!("{{\"geometry\": {geometry}, \"labels\": {labels}, \"slices\": {slices}}}")
        };
        let one = [1, 1, 1];
        let read = |text: &str| read_slabs(described(folder.path(), text));
        assert!(read(&text(one, two, 16)).is_ok());
        for lie in [
            text(one, none, 16),
            text([60_000; 3], two, 16),
            text([60_000; 3], two, 60_000),
            text([2, 1, 1], two, 16),
            text([1, 1, 2], two, 0),
        ] {
            let refused = read(&lie).unwrap_err().to_string();
            assert!(refused.contains(SLABS_SUFFIX), "{refused}");
        }
        let nan = [f32::NAN.to_le_bytes(), 0f32.to_le_bytes()].concat();
        let path = folder.path().join(format!("c{SLABS_SUFFIX}"));
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        let options = SimpleFileOptions::default();
        archive.start_file(DESCRIPTION, options).unwrap();
        archive.write_all(text(one, two, 16).as_bytes()).unwrap();
        archive.start_file(name(0), options).unwrap();
        archive.write_all(&npy_header([2, 1, 1, 1])).unwrap();
        archive.write_all(&nan).unwrap();
        archive.finish().unwrap();
        let refused = read_slabs(&path).unwrap_err().to_string();
        assert!(refused.contains("not finite"), "{refused}");
    }
}
