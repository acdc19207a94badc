//! A transform: bright stripes along x, as metal leaves them in CT.

use serde::Deserialize;
use vesalius::prelude::*;
use vesalius::transforms::{Context, CustomTransform, Error, Result, Step, TransformRng};

/// Adds `strength` to every third row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetalStreaks {
    /// In the image's unit.
    pub strength: f32,
}

impl CustomTransform for MetalStreaks {
    fn sample(&self, _: &Context, _: &mut TransformRng) -> Result<Vec<Step>> {
        let strength = self.strength;
        let streaks = move |image: &mut Volume<f32>, _: Option<&mut LabelMap>| {
            let row = image.geometry().size()[0];
            for row in image.data_mut().chunks_exact_mut(row).step_by(3) {
                row.iter_mut().for_each(|value| *value += strength);
            }
            Ok(())
        };
        Ok(vec![Step::voxels(
            "metal_streaks",
            Default::default(),
            streaks,
        )])
    }

    fn check(&self) -> Result<()> {
        match self.strength.is_finite() {
            true => Ok(()),
            false => Err(Error::custom("metal_streaks: `strength` must be finite")),
        }
    }
}
