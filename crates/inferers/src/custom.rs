//! User-defined inferers, mergers and postprocessing steps.

use crate::inferer::Pass;
use crate::merger::VolumeMerger;
use crate::patches::PatchMerger;
use crate::{Error, Inferer, PatchNetwork, PostprocessingStep, Result};
use burn::tensor::Device;
use std::sync::Arc;
use vesalius_control::Control;
use vesalius_registry::Custom;
use vesalius_tensor::{all_finite, on_device};
use vesalius_volume::{Geometry, LabelMap, Volume};

/// A user-defined inferer, for [`Inferer::custom`]: how a volume goes through a network.
pub trait CustomInferer: Send + Sync {
    /// The network's output on the volume's own grid. A long run looks at `control`, and may open stages of its own.
    ///
    /// # Errors
    /// What the network gives; [`Error::custom`] makes an error of a text or of another error.
    fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
        control: &Control,
    ) -> Result<Volume<f32>>;

    /// Checks that every option is in range.
    ///
    /// # Errors
    /// The option that is not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Runs a user-defined inferer, and checks its output as that of any inferer.
pub(crate) fn run_custom(
    inferer: &dyn CustomInferer,
    image: &Volume<f32>,
    pass: &Pass,
) -> Result<Volume<f32>> {
    pass.windows.between()?;
    let run = || inferer.run(image, pass.network, pass.device, pass.windows.control());
    let output = on_device(pass.device, run)??;
    image
        .geometry()
        .check_same(output.geometry(), "what a custom inferer put out")?;
    if !all_finite(output.data()) {
        return Err(Error::custom(
            "a custom inferer put out values that are not finite",
        ));
    }
    pass.windows.advance(1);
    pass.windows.tell();
    Ok(output)
}

/// A user-defined merger, for [`PatchMerger::custom`]: makes one volume of the outputs of patches.
pub trait CustomMerger: Send + Sync {
    /// A merger without a patch, over a volume of this grid.
    ///
    /// # Errors
    /// A grid that it cannot merge on.
    fn begin(&self, geometry: &Geometry) -> Result<Box<dyn VolumeMerger>>;

    /// Checks that every option is in range.
    ///
    /// # Errors
    /// The option that is not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A user-defined postprocessing step, for [`PostprocessingStep::custom`].
pub trait CustomPostprocessing: Send + Sync {
    /// The labels after the step, on the same grid.
    ///
    /// # Errors
    /// [`Error::custom`] makes an error of a text or of another error.
    fn apply(&self, labels: LabelMap) -> Result<LabelMap>;

    /// Checks that every option is in range.
    ///
    /// # Errors
    /// The option that is not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl<F: Fn(LabelMap) -> Result<LabelMap> + Send + Sync> CustomPostprocessing for F {
    fn apply(&self, labels: LabelMap) -> Result<LabelMap> {
        self(labels)
    }
}

impl Inferer {
    /// A user-defined inferer. Files that are written hold the name, so that reading them again needs a
    /// [`vesalius_registry::Registry`] that has it.
    pub fn custom(name: impl Into<String>, inferer: impl CustomInferer + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(inferer)))
    }
}

impl PatchMerger {
    /// A user-defined merger; as [`Inferer::custom`].
    pub fn custom(name: impl Into<String>, merger: impl CustomMerger + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(merger)))
    }
}

impl PostprocessingStep {
    /// A user-defined step; as [`Inferer::custom`].
    pub fn custom(name: impl Into<String>, step: impl CustomPostprocessing + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(step)))
    }
}

vesalius_registry::registered! {
    /// Adds user-defined inferers, mergers and postprocessing steps to a [`vesalius_registry::Registry`]; each
    /// makes `custom: name` in its place mean a type whose options are read by serde.
    pub trait RegisterInference {
        /// Adds an inferer.
        fn inferer => CustomInferer, "inferer";

        /// Adds a merger.
        fn merger => CustomMerger, "merger";

        /// Adds a postprocessing step.
        fn postprocessing => CustomPostprocessing, "postprocessing step";
    }
}
