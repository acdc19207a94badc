//! The model folder: `model.yaml`, which says everything but the weights, and one folder a member
//! (a fold, an ensemble member) with its weights.

use crate::{Combination, Error, Inferer, NnUnetPipeline, PostprocessingStep, RegionStage, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_networks::NetworkConfig;
use vesalius_transforms::{Axis, Chain, with_suggestion};
use vesalius_volume::LabelScheme;

/// The description's file name in a model folder.
pub const MODEL_FILE: &str = "model.yaml";

/// What a model does to an image, from the file to labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelDescription {
    /// The name of each image channel, in order.
    pub channels: Vec<String>,
    /// What the network's channels mean.
    pub labels: LabelScheme,
    /// Done to every image before the network sees it.
    #[serde(default)]
    pub preprocessing: Chain,
    /// nnU-Net's own way from the file to the network and back, instead of `preprocessing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nnunet: Option<NnUnetPipeline>,
    /// The folder, beside `model.yaml`, of a coarser model whose labels are part of the network's
    /// input: one channel for each of its foreground labels, after the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_stage: Option<String>,
    /// A coarser model that finds the part of the image that this one segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionStage>,
    /// The network; all members share it.
    pub network: NetworkConfig,
    /// The order in which the network takes the spatial axes.
    #[serde(default)]
    pub axis_order: AxisOrder,
    /// How a volume goes through the network.
    pub inferer: Inferer,
    /// Axes along which inputs are mirrored, in every combination, and outputs averaged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirror_axes: Vec<Axis>,
    /// What is done to the labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub postprocessing: Vec<PostprocessingStep>,
    /// Names of the members; their logits are averaged.
    pub members: Vec<String>,
    /// The BLAKE3 hash of each member's file of weights, held against the file when it is opened; two while a
    /// run replaces the weights.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checksums: BTreeMap<String, Vec<String>>,
    /// Folders, beside `model.yaml`, of further models of the same labels, each with a network of its
    /// own; their answers and this model's are put together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<String>,
    /// How the answers of companions are put together.
    #[serde(default)]
    pub combination: Combination,
    /// How much this model and each companion count, in that order; without it as much as each has
    /// members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f64>,
    /// Where the model comes from.
    #[serde(default)]
    pub provenance: Provenance,
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
    /// Reads a model folder's description and checks it.
    ///
    /// # Errors
    /// [`Error::ModelFolder`] with the file, the key and what to do.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(MODEL_FILE);
        let bad = |reason: String| Error::ModelFolder {
            path: path.clone(),
            reason,
        };
        let text = std::fs::read_to_string(&path).map_err(|e| {
            bad(format!(
                "cannot be read ({e}); `--model` wants the folder that `vesalius train` wrote"
            ))
        })?;
        let model: Self =
            serde_saphyr::from_str(&text).map_err(|e| bad(with_suggestion(&e.to_string())))?;
        model.check().map_err(bad)?;
        model.check_channels().map_err(bad)?;
        Ok(model)
    }

    /// Nothing when the description makes sense, else what does not and what to do.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        if self.members.is_empty() {
            return Err("`members` is empty; name at least one folder under `members/`".to_owned());
        }
        self.preprocessing.check().map_err(|e| text(&e))?;
        self.inferer.check().map_err(|e| text(&e))?;
        for step in &self.postprocessing {
            step.check().map_err(|e| text(&e))?;
        }
        if self.nnunet.is_some() && !self.preprocessing.0.is_empty() {
            return Err("has both `preprocessing` and `nnunet`; keep one of them".to_owned());
        }
        if let Some(region) = &self.region {
            region.check().map_err(|e| text(&e))?;
        }
        if let Some((what, name)) = self.names().find(|(_, name)| !is_plain_name(name)) {
            return Err(format!("{what} `{name}` is not a plain folder name"));
        }
        if !self.weights.is_empty() && self.weights.len() != 1 + self.companions.len() {
            return Err(format!(
                "has {} `weights` for a model with {} companion(s); give one for each, its own first",
                self.weights.len(),
                self.companions.len()
            ));
        }
        Ok(())
    }

    /// Nothing when the network puts out a channel for each of the labels'.
    fn check_channels(&self) -> std::result::Result<(), String> {
        let (found, expected) = (
            self.network.architecture().out_channels(),
            self.labels.channels(),
        );
        match found == expected {
            true => Ok(()),
            false => Err(format!(
                "the network has {found} output channel(s), but `labels` needs {expected}; one of them is of another model"
            )),
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
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(MODEL_FILE);
        let text = serde_saphyr::to_string(self).map_err(|e| Error::ModelFolder {
            path: path.clone(),
            reason: e.to_string(),
        })?;
        Ok(vesalius_io::write_bytes_atomically(&path, text.as_bytes())?)
    }
}

/// Where a member's weights are.
pub fn weights_path(folder: &Path, member: &str) -> PathBuf {
    folder
        .join("members")
        .join(member)
        .join("weights.safetensors")
}

/// A name that stays inside its folder.
fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(std::path::Component::Normal(_)), None)
    )
}
