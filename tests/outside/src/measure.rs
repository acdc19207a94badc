//! A measure: how many voxels more the prediction has than the reference.

use serde::Deserialize;
use vesalius::metrics::{Better, CustomMeasure};
use vesalius::prelude::*;

/// The difference of volumes in voxels.
#[derive(Deserialize)]
pub struct Surplus;

impl CustomMeasure for Surplus {
    fn value(&self, reference: &LabelMap<u8>, prediction: &LabelMap<u8>) -> Option<f64> {
        let voxels = |mask: &LabelMap<u8>| mask.data().iter().filter(|&&voxel| voxel != 0).count();
        Some(voxels(prediction) as f64 - voxels(reference) as f64)
    }

    fn better(&self) -> Better {
        Better::NearZero
    }
}
