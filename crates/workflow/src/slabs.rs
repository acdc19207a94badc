//! An image file as a source of slabs, for filters that run in bounded memory.

use vesalius_filters::{Error, Result, SlabSource};
use vesalius_io::{FileVoxel, ImageFile, Slabs};
use vesalius_volume::{Geometry, Warning};

/// Slices read at once.
const THICKNESS: usize = 8;

/// The slices of a file of one channel, read once from the first to the last, compressed or not; memory holds
/// those that the filter still needs. Slabs must be read in rising order, as
/// [`vesalius_filters::resample_slabs`] does when the slices of both grids run the same way.
pub struct FileSlabs<'a, T: FileVoxel> {
    geometry: Geometry,
    slabs: Slabs<'a, T>,
    /// The first slice held.
    first: usize,
    held: Vec<T>,
}

impl<'a, T: FileVoxel> FileSlabs<'a, T> {
    /// A file opened with [`vesalius_io::open`].
    ///
    /// # Errors
    /// [`Error::Io`] as [`ImageFile::slabs`], and for a file of several channels.
    pub fn new(file: &'a ImageFile) -> Result<Self> {
        let info = file.info();
        let failed = |reason: String| Error::Io {
            what: format!("reading {} slab by slab", info.path.display()),
            reason,
        };
        if info.channels > 1 {
            return Err(failed(format!(
                "the image has {} channels; give each a file of its own, or read it whole",
                info.channels
            )));
        }
        Ok(Self {
            geometry: info.geometry,
            slabs: file
                .slabs(THICKNESS)
                .map_err(|error| failed(error.to_string()))?,
            first: 0,
            held: Vec::new(),
        })
    }
}

impl<T: FileVoxel> FileSlabs<'_, T> {
    /// Reads the rest of the file, up to the checksum of a compressed one, and returns the warnings that only
    /// reading finds. Without this call a filter that ends before the last slice has not checked the file.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that is damaged.
    pub fn finish(self) -> Result<Vec<Warning>> {
        self.slabs.finish().map_err(|error| Error::Io {
            what: "reading the file to its end".to_owned(),
            reason: error.to_string(),
        })
    }
}

impl<T: FileVoxel> SlabSource<T> for FileSlabs<'_, T> {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&mut self, first: usize, last: usize) -> Result<Vec<T>> {
        let failed = |reason: String| Error::Io {
            what: format!("reading slices {first}..{last}"),
            reason,
        };
        let [x, y, _] = self.geometry.size();
        let slice = x * y;
        if first < self.first {
            return Err(failed(format!(
                "slices before {} are passed; read the image whole instead",
                self.first
            )));
        }
        let mut end = self.first + self.held.len() / slice.max(1);
        while end < last {
            let passed = first.min(end) - self.first;
            self.held.drain(..passed * slice);
            self.first += passed;
            let Some(slab) = self.slabs.next() else {
                return Err(failed(format!("the file ends at slice {end}")));
            };
            let slab = slab.map_err(|error| failed(error.to_string()))?;
            let values = slab.volume.into_data();
            end += values.len() / slice.max(1);
            self.held.extend(values);
        }
        Ok(self.held[(first - self.first) * slice..(last - self.first) * slice].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_filters::{ResampleOptions, resample, resample_slabs};
    use vesalius_volume::Volume;

    #[test]
    fn a_file_resampled_in_slabs_is_the_file_resampled_whole() {
        let folder = tempfile::tempdir().unwrap();
        let grid = Geometry::axis_aligned([9, 7, 61], [1.0, 1.0, 1.5]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, z]| ((x * 7 + y * 5 + z * 11) % 13) as f32);
        let fine = vesalius_filters::target_grid(&grid, [0.8, 1.1, 1.0], Default::default());
        let fine = fine.unwrap();
        for name in ["a.nii", "a.nii.gz"] {
            let path = folder.path().join(name);
            vesalius_io::write(&path, &image).unwrap();
            let file = vesalius_io::open(&path).unwrap();
            let mut source = FileSlabs::<f32>::new(&file).unwrap();
            let mut joined = Vec::new();
            let options = ResampleOptions::default();
            resample_slabs(&mut source, &fine, 10, &options, |_, slab| {
                joined.extend_from_slice(slab.data());
                Ok(())
            })
            .unwrap();
            assert_eq!(joined, resample(&image, &fine, &options).unwrap().data());
            // No more is held than one slab and its margins.
            assert!(source.held.len() <= 9 * 7 * 24, "{}", source.held.len());
            assert!(
                source
                    .read(0, 1)
                    .unwrap_err()
                    .to_string()
                    .contains("passed")
            );
        }
    }
}
