//! A sampler: patches that all begin at one height of their case.

use serde::Deserialize;
use vesalius::transforms::{CustomSampler, PatchPlace, Result, SampledCase, TransformRng};

/// Options of the sampler.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtHeight {
    /// The share of the case below the patch, 0 to 1.
    pub share: f64,
}

impl CustomSampler for AtHeight {
    fn place(
        &self,
        case: &SampledCase,
        size: [usize; 3],
        _: &mut TransformRng,
    ) -> Result<PatchPlace> {
        let free = case.geometry.size()[2].saturating_sub(size[2]);
        Ok(PatchPlace {
            start: [0, 0, (self.share * free as f64) as i64],
            ..PatchPlace::default()
        })
    }
}
