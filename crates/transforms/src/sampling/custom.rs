//! User-defined samplers: which case a draw takes, and where in it the patch lies.

use super::{LabelIndex, PatchConfig, PatchSampling};
use crate::{Result, TransformRng};
use std::sync::Arc;
use vesalius_registry::{Custom, Registry};
use vesalius_volume::Geometry;

/// A case that a patch is to be cut from.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SampledCase<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its grid after preprocessing.
    pub geometry: &'a Geometry,
    /// Where its labelled voxels are.
    pub index: &'a LabelIndex,
}

impl<'a> SampledCase<'a> {
    /// A case.
    pub fn new(name: &'a str, geometry: &'a Geometry, index: &'a LabelIndex) -> Self {
        Self {
            name,
            geometry,
            index,
        }
    }
}

/// Where a patch lies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchPlace {
    /// Its first voxel `[x, y, z]`; the part outside of the case is zero and background.
    pub start: [i64; 3],
    /// The preferred classes that the case does not have; reported at the end of a run.
    pub absent: Vec<String>,
}

/// A user-defined sampler: `sampling: {custom: {name: my_sampler, …}}` under `patch`. Its results depend on
/// its arguments only, so that batches are the same for any number of threads and after a resume.
///
/// ```
/// use vesalius_registry::Registry;
/// use vesalius_transforms::{
///     CustomSampler, PatchConfig, PatchPlace, PatchPlacer, RegisterSampler, Result, SampledCase, Stream,
///     TransformRng, LabelIndex, keyed,
/// };
/// use vesalius_volume::{Geometry, LabelScheme};
///
/// /// Every patch at the same height of its case, as a share of it.
/// #[derive(serde::Deserialize)]
/// struct AtHeight {
///     share: f64,
/// }
///
/// impl CustomSampler for AtHeight {
///     fn place(&self, case: &SampledCase, size: [usize; 3], _: &mut TransformRng) -> Result<PatchPlace> {
///         let free = case.geometry.size()[2].saturating_sub(size[2]);
///         let start = [0, 0, (self.share * free as f64) as i64];
///         Ok(PatchPlace { start, ..PatchPlace::default() })
///     }
/// }
///
/// let mut registry = Registry::default();
/// registry.sampler::<AtHeight>("at_height");
/// let text = "size: [4, 4, 4]\nsampling: {custom: {name: at_height, share: 0.5}}";
/// let mut patch: PatchConfig = serde_saphyr::from_str(text)?;
/// patch.resolve(&registry)?;
/// let placer = PatchPlacer::new(&patch, &LabelScheme::exclusive(&[("liver", 1)])?)?;
/// let grid = Geometry::axis_aligned([4, 4, 24], [1.0; 3])?;
/// let index = LabelIndex::default();
/// let case = SampledCase::new("a", &grid, &index);
/// assert_eq!(placer.sample(&case, &mut keyed(0, 0, Stream::Patch))?.steps.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CustomSampler: Send + Sync {
    /// Where the patch of `size` voxels `[x, y, z]` lies; the random numbers follow from the seed and the draw.
    ///
    /// # Errors
    /// Any error of sampling; [`crate::Error::custom`] makes an error from a text or another error.
    fn place(
        &self,
        case: &SampledCase<'_>,
        size: [usize; 3],
        rng: &mut TransformRng,
    ) -> Result<PatchPlace>;

    /// The number of the case, among these, that draw `draw` of a run takes; `None` for the order of the run, in which
    /// every case comes once per epoch. The random numbers follow from the seed and the draw.
    fn case(&self, _cases: &[String], _draw: u64, _rng: &mut TransformRng) -> Option<usize> {
        None
    }

    /// Checks that every option is in range.
    ///
    /// # Errors
    /// The option that is not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

vesalius_registry::registered! {
    /// Adds user-defined samplers to a [`Registry`].
    pub trait RegisterSampler {
        /// Makes `sampling: {custom: name}` mean this type; its options are read by serde.
        fn sampler => CustomSampler, "sampler";
    }
}

impl PatchSampling {
    /// A user-defined sampler. Files that are written hold the name, so that reading them again needs a
    /// [`Registry`] that has it.
    pub fn custom(name: impl Into<String>, sampler: impl CustomSampler + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(sampler)))
    }
}

impl PatchConfig {
    /// Makes the user-defined sampler that a file names.
    ///
    /// # Errors
    /// [`crate::Error::Registry`] for an unknown name, or options that the sampler does not take.
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        match &mut self.sampling {
            PatchSampling::Custom(custom) => Ok(custom.resolve(registry)?),
            _ => Ok(()),
        }
    }
}
