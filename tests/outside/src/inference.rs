//! How a volume becomes labels: a runtime, an inferer, a merger, a postprocessing step.

use serde::Deserialize;
use vesalius::inferers::{
    CustomInferer, CustomMerger, CustomPostprocessing, Error, Merger, PatchLocation, PatchNetwork,
    Result, VolumeMerger,
};
use vesalius::prelude::*;
use vesalius::tensor::{tensor_from_volume, volume_from_tensor};

// ANCHOR: runtime
/// A runtime without weights: two logits whose difference is the image's value less a threshold.
pub struct Threshold(pub f32);

impl PatchNetwork for Threshold {
    fn forward(&self, patches: Tensor<5>) -> vesalius::networks::Result<Tensor<5>> {
        let foreground = patches - self.0;
        Ok(Tensor::cat(vec![foreground.clone().neg(), foreground], 1))
    }

    fn parameters(&self) -> Option<u64> {
        Some(0)
    }

    /// Two channels of four bytes a voxel, once more beside the output.
    fn memory(&self, batch: usize, _: usize, size: [usize; 3]) -> Option<u64> {
        let voxels = size.iter().product::<usize>();
        Some(8 * batch as u64 * voxels as u64)
    }
}
// ANCHOR_END: runtime

// ANCHOR: inferer
/// The whole volume in one pass.
#[derive(Deserialize)]
pub struct Tiles;

impl CustomInferer for Tiles {
    fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
        control: &Control,
    ) -> Result<Volume<f32>> {
        control.check()?;
        let output = network.forward(tensor_from_volume(image, device))?;
        Ok(volume_from_tensor(output, *image.geometry())?)
    }
}
// ANCHOR_END: inferer

// ANCHOR: merger
/// A merger that keeps the output of the last patch that covers a voxel.
#[derive(Deserialize)]
pub struct Latest;

struct LatestValues {
    geometry: Geometry,
    values: Vec<f32>,
}

impl CustomMerger for Latest {
    fn begin(&self, geometry: &Geometry) -> Result<Box<dyn VolumeMerger>> {
        Ok(Box::new(LatestValues {
            geometry: *geometry,
            values: Vec::new(),
        }))
    }
}

impl Merger for LatestValues {
    fn add(&mut self, place: &PatchLocation, values: &[f32]) -> Result<()> {
        let size = self.geometry.size();
        let voxels = size.iter().product::<usize>();
        self.values.resize(voxels * place.channels, 0.0);
        let [width, height, depth] = place.output;
        for (row, values) in values.chunks_exact(width).enumerate() {
            let (y, z, channel) = (row % height, row / height % depth, row / (height * depth));
            let [x, y, z] = [place.start[0], place.start[1] + y, place.start[2] + z];
            let kept = width.min(size[0].saturating_sub(x));
            if y < size[1] && z < size[2] {
                let at = ((channel * size[2] + z) * size[1] + y) * size[0] + x;
                self.values[at..at + kept].copy_from_slice(&values[..kept]);
            }
        }
        Ok(())
    }
}

impl VolumeMerger for LatestValues {
    fn finish(self: Box<Self>) -> Result<Volume<f32>> {
        let voxels = self.geometry.size().iter().product::<usize>();
        if self.values.is_empty() {
            return Err(Error::custom("no patch was merged"));
        }
        let channels = self.values.len() / voxels;
        Ok(Volume::new(self.geometry, channels, self.values)?)
    }
}
// ANCHOR_END: merger

// ANCHOR: postprocessing
/// Labels with fewer voxels than this become background.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithoutSmall {
    /// The fewest voxels that are kept.
    pub voxels: usize,
}

impl CustomPostprocessing for WithoutSmall {
    fn apply(&self, mut labels: LabelMap) -> Result<LabelMap> {
        let counts = labels.counts();
        for label in labels.data_mut() {
            if *label != 0
                && counts
                    .get(&u32::from(*label))
                    .is_none_or(|&count| count < self.voxels)
            {
                *label = 0;
            }
        }
        Ok(labels)
    }
}
// ANCHOR_END: postprocessing
