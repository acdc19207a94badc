//! The model folder: `model.yaml` with everything but the weights, and one folder a member (a fold, an ensemble
//! member) with its weights.

use crate::{
    ClickChannels, Combination, Error, Inferer, InputRule, Inverse, NnUnetPipeline,
    PostprocessingStep, RegionStage, Result,
};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_networks::NetworkConfig;
use vesalius_registry::Registry;
use vesalius_transforms::{Axis, Chain};
use vesalius_volume::{ErrorKind, LabelScheme};

/// The description's file name in a model folder.
pub const MODEL_FILE: &str = "model.yaml";

/// What a model does to an image, from the file to labels.
///
/// It is made by [`ModelDescription::builder`] or read, both of which check it; so does whatever uses it, since its
/// fields can be changed. User-defined types that a file names are made by [`ModelDescription::resolve`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
#[non_exhaustive]
pub struct ModelDescription {
    /// The name of each image channel, in order.
    pub channels: Vec<String>,
    /// Which series of a DICOM study each channel is read from; empty, or one for each channel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputRule>,
    /// What the network's channels mean.
    pub labels: LabelScheme,
    /// The preprocessing of every image.
    pub preprocessing: Chain,
    /// nnU-Net's own preprocessing and export, instead of `preprocessing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nnunet: Option<NnUnetPipeline>,
    /// The folder, next to `model.yaml`, of a coarser model whose labels are part of the network's
    /// input: one channel for each of its foreground labels, after the image's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_stage: Option<String>,
    /// A coarser model that finds the part of the image that this one segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionStage>,
    /// The network; all members share it.
    pub network: NetworkConfig,
    /// The last channels of the network's input, where they hold clicks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clicks: Option<ClickChannels>,
    /// The order in which the network takes the spatial axes.
    pub axis_order: AxisOrder,
    /// How a volume goes through the network.
    pub inferer: Inferer,
    /// Axes along which inputs are mirrored, in every combination, and outputs averaged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mirror_axes: Vec<Axis>,
    /// The way from the network's output to labels on the file's grid.
    #[serde(skip_serializing_if = "Inverse::is_usual")]
    pub inverse: Inverse,
    /// What is done to the labels on the file's grid.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub postprocessing: Vec<PostprocessingStep>,
    /// Names of the members; their logits are averaged.
    pub members: Vec<String>,
    /// The BLAKE3 hash of each member's file of weights, held against the file when it is opened; two while a
    /// run replaces the weights.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub checksums: BTreeMap<String, Vec<String>>,
    /// Folders, next to `model.yaml`, of further models of the same labels, each with a network of its own; their
    /// results and this model's are combined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<String>,
    /// How the results of companions are combined.
    pub combination: Combination,
    /// The weights of this model and of each companion, in that order; without them each weighs as much as it has
    /// members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f64>,
    /// Where the model comes from.
    pub provenance: Provenance,
}

/// A description as a file holds it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    channels: Vec<String>,
    #[serde(default)]
    inputs: Vec<InputRule>,
    labels: LabelScheme,
    #[serde(default)]
    preprocessing: Chain,
    #[serde(default)]
    nnunet: Option<NnUnetPipeline>,
    #[serde(default)]
    previous_stage: Option<String>,
    #[serde(default)]
    region: Option<RegionStage>,
    network: NetworkConfig,
    #[serde(default)]
    clicks: Option<ClickChannels>,
    #[serde(default)]
    axis_order: AxisOrder,
    inferer: Inferer,
    #[serde(default)]
    mirror_axes: Vec<Axis>,
    #[serde(default)]
    inverse: Inverse,
    #[serde(default)]
    postprocessing: Vec<PostprocessingStep>,
    members: Vec<String>,
    #[serde(default)]
    checksums: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    companions: Vec<String>,
    #[serde(default)]
    combination: Combination,
    #[serde(default)]
    weights: Vec<f64>,
    #[serde(default)]
    provenance: Provenance,
}

impl TryFrom<Unchecked> for ModelDescription {
    type Error = Error;

    fn try_from(read: Unchecked) -> Result<Self> {
        let model = Self {
            channels: read.channels,
            inputs: read.inputs,
            labels: read.labels,
            preprocessing: read.preprocessing,
            nnunet: read.nnunet,
            previous_stage: read.previous_stage,
            region: read.region,
            network: read.network,
            clicks: read.clicks,
            axis_order: read.axis_order,
            inferer: read.inferer,
            mirror_axes: read.mirror_axes,
            inverse: read.inverse,
            postprocessing: read.postprocessing,
            members: read.members,
            checksums: read.checksums,
            companions: read.companions,
            combination: read.combination,
            weights: read.weights,
            provenance: read.provenance,
        };
        model.check_named()?;
        Ok(model)
    }
}

/// The order of a network's spatial axes; weights stay as they were trained, patches are turned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AxisOrder {
    /// `[N, C, Z, Y, X]`: ours, and nnU-Net's.
    #[default]
    Zyx,
    /// `[N, C, X, Y, Z]`: MONAI's.
    Xyz,
}

/// Where a model comes from: read by people, never by the program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// The program and its version.
    pub made_by: String,
    /// The name of the run or of the model it was converted from.
    pub name: String,
    /// The dataset it was trained on.
    pub dataset: String,
    /// Steps trained.
    pub steps: u64,
    /// Mean Dice over foreground labels on the held-out cases, with these weights.
    pub validation_dice: Option<f64>,
    /// The held-out fold.
    pub validation_fold: Option<usize>,
}

impl ModelDescription {
    /// Reads a model folder's description and checks it. User-defined types are only named in it.
    ///
    /// # Errors
    /// [`Error::ModelFolder`] with the file, the key and what to do.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref().join(MODEL_FILE);
        let text = vesalius_io::read_text(&path).map_err(|e| {
            let reason = format!("cannot be read ({e}); name a model folder, which has this file");
            Error::of_folder(ErrorKind::of_io(&e), &path, reason)
        })?;
        vesalius_planning::parse_yaml(&text).map_err(|e| Error::model_folder(&path, e))
    }

    /// Makes the user-defined transforms, networks, inferers, mergers and postprocessing steps that a file named.
    ///
    /// # Errors
    /// A name that is not in the registry, or options that a type does not take.
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        self.preprocessing.resolve(registry)?;
        self.network.resolve(registry)?;
        self.inferer.resolve(registry)?;
        self.inverse.resolve(registry)?;
        let mut steps = self.postprocessing.iter_mut();
        steps.try_for_each(|step| step.resolve(registry))
    }

    /// Checks that the description is consistent and nothing in it is only named.
    ///
    /// # Errors
    /// [`Error::BadModel`] with what does not and what to do; [`Error::Registry`] for a user-defined type that
    /// nothing has made.
    pub fn check(&self) -> Result<()> {
        self.check_but_network()?;
        self.network.validate()?;
        self.check_channels()
    }

    /// The same for a description that was read: what only a name is known of is not looked into.
    fn check_named(&self) -> Result<()> {
        self.check_parts(|checked| match checked {
            Err(error) if is_only_named(&error) => Ok(()),
            checked => checked,
        })?;
        match &self.network {
            network if network.check_resolved().is_err() => Ok(()),
            network => {
                network.validate()?;
                self.check_channels()
            }
        }
    }

    /// As [`ModelDescription::check`], except for the network, which others replace.
    pub(crate) fn check_but_network(&self) -> Result<()> {
        self.check_parts(|checked| checked)
    }

    /// Checks all but the network; `judge` decides which errors of a part count.
    fn check_parts(&self, judge: impl Fn(Result<()>) -> Result<()>) -> Result<()> {
        let bad = |reason: String| Err(Error::BadModel(reason));
        if self.members.is_empty() {
            return bad("`members` is empty; name at least one folder under `members/`".to_owned());
        }
        judge(self.preprocessing.check().map_err(Error::from))?;
        judge(self.inferer.check())?;
        judge(self.inverse.check(&self.labels))?;
        for step in &self.postprocessing {
            judge(step.check())?;
        }
        if self.nnunet.is_some() && !self.preprocessing.0.is_empty() {
            return bad("has both `preprocessing` and `nnunet`; keep one of them".to_owned());
        }
        if self.nnunet.is_some() && !self.inverse.is_usual() {
            return bad(
                "has both `nnunet`, which has an inverse of its own, and `inverse`; keep one of them"
                    .to_owned(),
            );
        }
        if let Some(region) = &self.region {
            region.check()?;
        }
        if let Some(clicks) = &self.clicks {
            clicks.check()?;
        }
        if self.clicks.is_some() && self.nnunet.is_some() {
            return bad(
                "has both `nnunet`, whose preprocessing adds no channels, and `clicks`; keep one of them"
                    .to_owned(),
            );
        }
        if !self.inputs.is_empty() && self.inputs.len() != self.channels.len() {
            return bad(format!(
                "has {} `inputs` for {}; give one for each, in their order, or none",
                self.inputs.len(),
                vesalius_volume::counted(self.channels.len(), "channel")
            ));
        }
        if let Some((what, name)) = self.names().find(|(_, name)| !is_plain_name(name)) {
            return bad(format!("{what} `{name}` is not a plain folder name"));
        }
        if !self.weights.is_empty() && self.weights.len() != 1 + self.companions.len() {
            return bad(format!(
                "has {} `weights` for a model with {}; give one for each, its own first",
                self.weights.len(),
                vesalius_volume::counted(self.companions.len(), "companion")
            ));
        }
        Ok(())
    }

    /// Checks that the network has an output channel for each of the labels'.
    fn check_channels(&self) -> Result<()> {
        let (found, expected) = (
            self.network.architecture().out_channels(),
            self.inverse.needed_channels(&self.labels),
        );
        match found.cmp(&expected) {
            Ordering::Equal => Ok(()),
            // Channels behind those that are named are left out.
            Ordering::Greater if !self.inverse.channels.is_empty() => Ok(()),
            _ => Err(Error::BadModel(format!(
                "the network has {}, but `labels` needs {expected}; one of them is of another model",
                vesalius_volume::counted(found, "output channel")
            ))),
        }
    }

    /// All names of folders, each with what it is of.
    fn names(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let stage = self.previous_stage.iter();
        let stage = stage.map(|name| ("previous_stage", name));
        let region = self.region.iter();
        let region = region.map(|region| ("region.model", &region.model));
        let companions = self.companions.iter().map(|name| ("companion", name));
        let members = self.members.iter().map(|name| ("member", name));
        stage.chain(region).chain(companions).chain(members)
    }

    /// Writes the description whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let path = folder.as_ref().join(MODEL_FILE);
        let text = vesalius_planning::to_yaml(self).map_err(|reason| Error::ModelFolder {
            kind: ErrorKind::BadInput,
            path: path.clone(),
            reason,
        })?;
        Ok(vesalius_io::write_bytes_atomically(&path, text.as_bytes())?)
    }
}

/// Where a member's weights are.
pub fn weights_path(folder: impl AsRef<Path>, member: &str) -> PathBuf {
    let folder = folder.as_ref();
    folder
        .join("members")
        .join(member)
        .join("weights.safetensors")
}

/// Whether a user-defined type was only named.
fn is_only_named(error: &Error) -> bool {
    use vesalius_registry::Error as Registry;
    use vesalius_transforms::Error as Transform;
    matches!(
        error,
        Error::Registry(Registry::Unresolved { .. })
            | Error::Transform(Transform::Registry(Registry::Unresolved { .. }))
    )
}

/// A name that stays inside its folder.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(std::path::Component::Normal(_)), None)
    )
}
