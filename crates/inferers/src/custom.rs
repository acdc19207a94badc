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

/// A user-defined inferer, for [`Inferer::custom`]: computes a network's output for a whole volume.
pub trait CustomInferer: Send + Sync {
    /// The network's output for `image`, the volume after preprocessing. The result has the network's output
    /// channels and the grid of `image`; another grid, and values that are not finite, are errors for the caller.
    /// `network` takes and returns tensors `[N, C, Z, Y, X]` on `device`. If `run` takes long, it should call
    /// [`Control::check`] between its parts; it may open stages for its progress.
    ///
    /// # Errors
    /// The errors of the network; [`Error::custom`] makes an error of a text or of another error.
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
    /// An error that names the option that is not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// Runs a user-defined inferer and checks that its output is finite and on the grid of `image`.
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

/// A user-defined merger, for [`PatchMerger::custom`]: combines the network's outputs for patches to one volume.
pub trait CustomMerger: Send + Sync {
    /// A new merger, to which no patch was added, for a volume with the grid `geometry`.
    ///
    /// # Errors
    /// A grid for which it cannot merge.
    fn begin(&self, geometry: &Geometry) -> Result<Box<dyn VolumeMerger>>;

    /// Checks that every option is in range.
    ///
    /// # Errors
    /// An error that names the option that is not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A user-defined postprocessing step, for [`PostprocessingStep::custom`].
pub trait CustomPostprocessing: Send + Sync {
    /// The labels after the step. The result must have the grid of `labels`, which is that of the file.
    ///
    /// # Errors
    /// [`Error::custom`] makes an error of a text or of another error.
    fn apply(&self, labels: LabelMap) -> Result<LabelMap>;

    /// Checks that every option is in range.
    ///
    /// # Errors
    /// An error that names the option that is not.
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
    /// A user-defined inferer. Only `name` is written into files; to read them again, use a
    /// [`vesalius_registry::Registry`] that has the name.
    pub fn custom(name: impl Into<String>, inferer: impl CustomInferer + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(inferer)))
    }
}

impl PatchMerger {
    /// A user-defined merger. `name` is used as in [`Inferer::custom`].
    pub fn custom(name: impl Into<String>, merger: impl CustomMerger + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(merger)))
    }
}

impl PostprocessingStep {
    /// A user-defined step. `name` is used as in [`Inferer::custom`].
    pub fn custom(name: impl Into<String>, step: impl CustomPostprocessing + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(step)))
    }
}

vesalius_registry::registered! {
    /// Adds user-defined inferers, mergers and postprocessing steps to a [`vesalius_registry::Registry`]. After
    /// that, `custom: name` in a file means the added type, whose options serde reads.
    pub trait RegisterInference {
        /// Adds an inferer.
        fn inferer => CustomInferer, "inferer";

        /// Adds a merger.
        fn merger => CustomMerger, "merger";

        /// Adds a postprocessing step.
        fn postprocessing => CustomPostprocessing, "postprocessing step";
    }
}
