//! A trained-model folder of nnU-Net v2 (`plans.json`, `dataset.json`, `fold_k/checkpoint_final.pth`)
//! as a model description and the files of its weights.

use super::configuration::Plan;
use super::folds::{CHECKPOINT, members, sibling};
use super::postprocessing;
use crate::{AxisOrder, Error, Inferer, ModelDescription, Provenance, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use vesalius_networks::{NetworkConfig, read_pytorch_values};
use vesalius_planning::nnunet::{DatasetJson, Plans};
use vesalius_transforms::Axis;

/// A folder that nnU-Net trained.
#[derive(Debug, Clone)]
pub struct NnUnetModelFolder {
    /// What the model does.
    pub description: ModelDescription,
    /// One checkpoint a member.
    pub checkpoints: Vec<PathBuf>,
    /// The folder of the model whose labels a cascade's second stage takes.
    pub previous_stage: Option<PathBuf>,
}

impl NnUnetModelFolder {
    /// Whether a folder is one of nnU-Net's.
    pub fn is_one(folder: &Path) -> bool {
        folder.join("plans.json").is_file() && folder.join("dataset.json").is_file()
    }

    /// Reads the folder; `folds` names some of its folds (`0`, `fold_1`, `all`), otherwise all that
    /// have a final checkpoint are taken.
    ///
    /// # Errors
    /// [`Error::ModelFolder`] for a fold that is missing and for plans that ask for what is not
    /// known here; [`Error::Planning`] for files that are not nnU-Net's.
    pub fn read(folder: &Path, folds: Option<&[String]>) -> Result<Self> {
        let plans = Plans::read(&folder.join("plans.json"))?;
        let dataset = DatasetJson::read(&folder.join("dataset.json"))?;
        let members = members(folder, folds)?;
        let checkpoints: Vec<PathBuf> = members
            .iter()
            .map(|member| folder.join(member).join(CHECKPOINT))
            .collect();
        // `members` is not empty.
        let told = read_pytorch_values(&checkpoints[0])?;
        let name = configuration_name(folder, &told)?;
        let configuration = plans.configuration(&name)?;
        let bad = |reason: String| Error::ModelFolder {
            path: folder.join("plans.json"),
            reason: format!(
                "{reason} (configuration {name}, planner {})",
                plans.experiment_planner_used
            ),
        };
        let plan = Plan {
            plans: &plans,
            dataset: &dataset,
            configuration: &configuration,
        };
        plan.check().map_err(bad)?;
        let labels = dataset.label_scheme()?;
        let previous_stage = configuration.previous_stage.clone();
        let coarse = match &previous_stage {
            Some(_) => dataset.foreground_labels().len(),
            None => 0,
        };
        let network = NetworkConfig::from_nnunet_plans(
            &serde_json::to_value(&configuration).map_err(|e| bad(e.to_string()))?,
            dataset.channels().len() + coarse,
            labels.channels(),
        )
        .map_err(|e| bad(e.to_string()))?;
        let description = ModelDescription {
            channels: dataset.channels(),
            labels,
            preprocessing: Default::default(),
            nnunet: Some(plan.pipeline().map_err(bad)?),
            previous_stage: previous_stage.clone(),
            region: None,
            network,
            axis_order: AxisOrder::Zyx,
            inferer: Inferer::SlidingWindow(plan.windows().map_err(bad)?),
            mirror_axes: mirror_axes(&told, plan.dimensions()),
            postprocessing: postprocessing::read(&folder.join("postprocessing.json"))?,
            members,
            checksums: Default::default(),
            companions: Vec::new(),
            combination: Default::default(),
            weights: Vec::new(),
            provenance: Provenance {
                made_by: format!("nnU-Net v2, {}", plans.plans_name),
                name: name.clone(),
                dataset: plans.dataset_name.clone(),
                ..Provenance::default()
            },
        };
        Ok(Self {
            description,
            checkpoints,
            previous_stage: previous_stage.map(|stage| sibling(folder, &name, &stage)),
        })
    }
}

/// What the checkpoint says, else what the folder's name ends with.
fn configuration_name(folder: &Path, told: &Value) -> Result<String> {
    if let Some(name) = told["init_args"]["configuration"].as_str() {
        return Ok(name.to_owned());
    }
    let own = folder.file_name().unwrap_or_default().to_string_lossy();
    let last = own.rsplit_once("__").map(|(_, name)| name.to_owned());
    last.ok_or_else(|| Error::ModelFolder {
        path: folder.to_path_buf(),
        reason: "neither its name (TRAINER__PLANS__CONFIGURATION) nor its checkpoint says which \
                 configuration of the plans it is"
            .to_owned(),
    })
}

/// The network's axes that may be mirrored: nnU-Net counts an array's.
fn mirror_axes(told: &Value, dimensions: usize) -> Vec<Axis> {
    let axes = told["inference_allowed_mirroring_axes"].as_array();
    let mut axes: Vec<Axis> = axes
        .into_iter()
        .flatten()
        .filter_map(|axis| {
            let from_last = dimensions.checked_sub(1 + axis.as_u64()? as usize)?;
            [Axis::X, Axis::Y, Axis::Z].get(from_last).copied()
        })
        .collect();
    axes.sort_by_key(|axis| axis.index());
    axes
}
