//! Probabilities as an image, one channel a class or region: for viewers, and to be read like any image.

use crate::{ProbabilitySource, Result};
use std::io;
use std::path::Path;
use vesalius_io::WriteOptions;

/// Writes an image of 32-bit floats in the format of the name's ending, NIfTI run by run.
///
/// # Errors
/// A folder that cannot be written, probabilities that cannot be read.
pub fn write_probability_image(path: impl AsRef<Path>, map: &dyn ProbabilitySource) -> Result<()> {
    let path = path.as_ref();
    let voxels = map.geometry().voxel_count();
    let make = |first: usize, values: &mut [f32]| -> io::Result<()> {
        let mut done = 0;
        while done < values.len() {
            let (channel, voxel) = ((first + done) / voxels, (first + done) % voxels);
            let count = (voxels - voxel).min(values.len() - done);
            map.read(channel, voxel, &mut values[done..done + count])
                .map_err(io::Error::other)?;
            done += count;
        }
        Ok(())
    };
    let channels = map.scheme().channels();
    let options = WriteOptions::default();
    Ok(vesalius_io::write_made(
        path,
        map.geometry(),
        channels,
        &make,
        &options,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProbabilityMap;
    use vesalius_tensor::ProbabilitiesSlab;
    use vesalius_volume::{Geometry, LabelScheme};

    #[test]
    fn channels_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let geometry = Geometry::axis_aligned([5, 4, 3], [1.0; 3]).unwrap();
        let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
        let values: Vec<f32> = (0..180).map(|i| i as f32 / 180.0).collect();
        let slab = ProbabilitiesSlab::from_stored(&scheme, values.clone()).unwrap();
        let path = folder.path().join("p.nii.gz");
        write_probability_image(&path, &ProbabilityMap::new(geometry, slab)).unwrap();
        let options = vesalius_io::ReadOptions {
            fourth_axis: vesalius_io::FourthAxis::Channels,
            ..Default::default()
        };
        let read = vesalius_io::read_with(&path, &options).unwrap();
        assert_eq!((read.channels(), read.data()), (3, &values[..]));
    }
}
