//! Descriptions of models made by a program: labels and a network, and defaults for all else.

use crate::{
    AxisOrder, ClickChannels, Combination, Inferer, InputRule, Inverse, ModelDescription,
    PostprocessingStep, Provenance, Result,
};
use vesalius_networks::NetworkConfig;
use vesalius_transforms::{Axis, Chain};
use vesalius_volume::LabelScheme;

/// Makes a [`ModelDescription`] whose parts are checked together; see [`ModelDescription::builder`].
#[derive(Debug, Clone)]
pub struct ModelBuilder(ModelDescription);

impl ModelDescription {
    /// Starts a description: one member `member`, channels called after their numbers, a sliding window of 96 voxels,
    /// and no preprocessing.
    ///
    /// ```
    /// use vesalius_inferers::{Inferer, ModelDescription, SlidingWindow};
    /// use vesalius_networks::NetworkConfig;
    /// use vesalius_volume::LabelScheme;
    ///
    /// let labels = LabelScheme::exclusive(&[("liver", 1)])?;
    /// let windows = SlidingWindow { patch_size: [32; 3], ..SlidingWindow::default() };
    /// let model = ModelDescription::builder(labels, NetworkConfig::default().with_channels(1, 2))
    ///     .channels(["CT"])
    ///     .inferer(Inferer::SlidingWindow(windows))
    ///     .build()?;
    /// assert_eq!(model.channels, ["CT"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(labels: LabelScheme, network: NetworkConfig) -> ModelBuilder {
        let channels = 0..network.architecture().in_channels().max(1);
        ModelBuilder(Self {
            channels: channels.map(|number| format!("channel {number}")).collect(),
            inputs: Vec::new(),
            labels,
            preprocessing: Chain::default(),
            nnunet: None,
            previous_stage: None,
            region: None,
            network,
            clicks: None,
            axis_order: AxisOrder::default(),
            inferer: Inferer::default(),
            mirror_axes: Vec::new(),
            inverse: Inverse::default(),
            postprocessing: Vec::new(),
            members: vec!["member".to_owned()],
            checksums: Default::default(),
            companions: Vec::new(),
            combination: Combination::default(),
            weights: Vec::new(),
            provenance: Provenance::default(),
        })
    }
}

impl ModelBuilder {
    /// The name of each image channel, in order.
    #[must_use]
    pub fn channels<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.0.channels = names.into_iter().map(Into::into).collect();
        self
    }

    /// Which series of a DICOM study each channel is read from, in the order of the channels.
    #[must_use]
    pub fn inputs(mut self, rules: impl IntoIterator<Item = InputRule>) -> Self {
        self.0.inputs = rules.into_iter().collect();
        self
    }

    /// The preprocessing of every image.
    #[must_use]
    pub fn preprocessing(mut self, chain: Chain) -> Self {
        self.0.preprocessing = chain;
        self
    }

    /// The last channels of the network's input, where they hold clicks.
    #[must_use]
    pub fn clicks(mut self, clicks: ClickChannels) -> Self {
        self.0.clicks = Some(clicks);
        self
    }

    /// The order in which the network takes the spatial axes.
    #[must_use]
    pub fn axis_order(mut self, order: AxisOrder) -> Self {
        self.0.axis_order = order;
        self
    }

    /// How a volume goes through the network.
    #[must_use]
    pub fn inferer(mut self, inferer: Inferer) -> Self {
        self.0.inferer = inferer;
        self
    }

    /// Axes along which inputs are mirrored, in every combination, and outputs averaged.
    #[must_use]
    pub fn mirror_axes(mut self, axes: impl IntoIterator<Item = Axis>) -> Self {
        self.0.mirror_axes = axes.into_iter().collect();
        self
    }

    /// The way from the network's output to labels on the file's grid.
    #[must_use]
    pub fn inverse(mut self, inverse: Inverse) -> Self {
        self.0.inverse = inverse;
        self
    }

    /// What is done to the labels on the file's grid.
    #[must_use]
    pub fn postprocessing(mut self, steps: impl IntoIterator<Item = PostprocessingStep>) -> Self {
        self.0.postprocessing = steps.into_iter().collect();
        self
    }

    /// Names of the members, whose logits are averaged.
    #[must_use]
    pub fn members<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.0.members = names.into_iter().map(Into::into).collect();
        self
    }

    /// Where the model comes from.
    #[must_use]
    pub fn provenance(mut self, provenance: Provenance) -> Self {
        self.0.provenance = provenance;
        self
    }

    /// The description.
    ///
    /// # Errors
    /// [`crate::Error::BadModel`] with what makes no sense and what to do.
    pub fn build(self) -> Result<ModelDescription> {
        self.0.check()?;
        Ok(self.0)
    }
}
