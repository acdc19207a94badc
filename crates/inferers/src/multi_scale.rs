//! A volume through a network at several zooms, its outputs brought back to the volume's grid and averaged.

use crate::inferer::{Extent, Pass, add_to, mean_of};
use crate::{Error, Inferer, PatchNetwork, Result};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vesalius_filters::{ResampleOptions, resample, resized_grid};
use vesalius_volume::Volume;

/// Runs another inferer over the volume at each scale and averages the outputs.
///
/// A scale of 2 has twice the voxels along each axis over the same field of view. Image and outputs are
/// interpolated linearly; scale 1 is the volume itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MultiScale {
    /// The zooms.
    pub scales: Vec<f64>,
    /// The inferer of each zoom.
    pub inferer: Box<Inferer>,
}

impl Default for MultiScale {
    fn default() -> Self {
        Self {
            scales: vec![0.75, 1.0, 1.25],
            inferer: Box::default(),
        }
    }
}

impl MultiScale {
    /// Checks that the values are valid.
    ///
    /// # Errors
    /// [`Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        let usable = |scale: &f64| (0.05..=20.0).contains(scale);
        if self.scales.is_empty() || !self.scales.iter().all(usable) {
            return Err(Error::BadValue {
                key: "multi_scale.scales",
                found: format!("{:?}", self.scales),
                expected: "at least one zoom, each from 0.05 to 20",
            });
        }
        self.inferer.check()
    }

    /// The network's mean output on the volume's own grid.
    ///
    /// # Errors
    /// What the inferer within gives; a volume without voxels.
    pub fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
    ) -> Result<Volume<f32>> {
        Inferer::MultiScale(self.clone()).run(image, network, device)
    }

    /// As [`MultiScale::run`], for a pass.
    pub(crate) fn pass(&self, image: &Volume<f32>, pass: &Pass) -> Result<Volume<f32>> {
        self.check()?;
        let (grid, divisor) = (*image.geometry(), pass.network.divisor());
        if grid.size().contains(&0) {
            return Err(Error::EmptyVolume { size: grid.size() });
        }
        let (mut sum, mut done) = (None, pass.windows.done());
        for &scale in &self.scales {
            let size = scaled(grid.size(), scale);
            let output = match size == grid.size() {
                true => self.inferer.pass(image, pass),
                false => {
                    let zoomed = resized_grid(&grid, size)?;
                    let image = resample(image, &zoomed, &ResampleOptions::monai())?;
                    self.inferer.pass(&image, pass)
                }
            };
            let output = output.map_err(|e| e.of_pass(|| format!("at scale {scale}")))?;
            let output = match size == grid.size() {
                true => output.with_geometry(grid)?,
                false => resample(&output, &grid, &ResampleOptions::monai())?,
            };
            add_to(&mut sum, output);
            done += self.inferer.extent(size, divisor).windows;
            pass.windows.reach(done);
        }
        mean_of(sum, self.scales.len())
    }

    /// What is known of a run before it starts.
    pub(crate) fn extent(&self, size: [usize; 3], divisor: [usize; 3]) -> Extent {
        let largest = self.scales.iter().copied().fold(1.0, f64::max);
        let within = |scale: f64| self.inferer.extent(scaled(size, scale), divisor);
        let all = within(largest);
        // Voxels of the largest zoom for each of the volume's.
        let times = largest.powi(3).ceil() as usize;
        Extent {
            windows: self.scales.iter().fold(0, |all: usize, &scale| {
                all.saturating_add(within(scale).windows)
            }),
            // The sum, and an output while it is inverted.
            outputs: all.outputs.saturating_mul(times).saturating_add(2),
            images: all.images.saturating_mul(times).saturating_add(1),
            ..all
        }
    }
}

/// A size at a zoom, at least a voxel along each axis.
fn scaled(size: [usize; 3], scale: f64) -> [usize; 3] {
    size.map(|n| ((n as f64 * scale).round() as usize).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tensor;
    use std::sync::Mutex;
    use vesalius_volume::Geometry;

    /// A volume that is linear in the world goes through a network that changes nothing: linear
    /// interpolation there and back gives it again, except next to the border.
    #[test]
    fn every_scale_sees_the_same_field_of_view() {
        let grid = Geometry::axis_aligned([16, 12, 10], [1.0, 2.0, 1.5]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, z]| (x + 2 * y) as f32 + 0.5 * z as f32);
        let sizes = Mutex::new(Vec::new());
        let same = |patch: Tensor<5>| {
            sizes.lock().unwrap().push(patch.dims());
            patch
        };
        let inferer = MultiScale {
            scales: vec![0.5, 1.0, 2.0],
            inferer: Box::new(Inferer::Simple(crate::Simple {})),
        };
        let output = inferer.run(&image, &same, &Device::flex()).unwrap();
        assert_eq!(output.geometry(), &grid);
        assert_eq!(
            *sizes.lock().unwrap(),
            [[1, 1, 5, 6, 8], [1, 1, 10, 12, 16], [1, 1, 20, 24, 32]]
        );
        for z in 2..8 {
            for y in 2..10 {
                for x in 2..14 {
                    let at = grid.offset([x, y, z]);
                    let difference = (output.data()[at] - image.data()[at]).abs();
                    assert!(difference < 1e-4, "{difference} at {:?}", [x, y, z]);
                }
            }
        }
    }
}
