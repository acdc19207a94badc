//! A trained-model folder of nnU-Net v2 (`plans.json`, `dataset.json`, `fold_k/checkpoint_final.pth`)
//! as a model description and the files of its weights.

use super::configuration::Plan;
use super::folds::{CHECKPOINT, members, sibling};
use super::postprocessing;
use super::trainer::{self, Trainer};
use crate::{AxisOrder, Error, Inferer, ModelDescription, Provenance, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use vesalius_networks::{NetworkConfig, read_pytorch_values};
use vesalius_planning::nnunet::{Configuration, DatasetJson, Plans};
use vesalius_transforms::Axis;
use vesalius_volume::{ErrorKind, Warning};

/// What a checkpoint calls the axes that its trainer mirrored.
const MIRROR_AXES: &str = "inference_allowed_mirroring_axes";

/// A folder that nnU-Net trained.
#[derive(Debug, Clone)]
pub struct NnUnetModelFolder {
    /// What the model does.
    pub description: ModelDescription,
    /// One checkpoint a member.
    pub checkpoints: Vec<PathBuf>,
    /// The folder of the model whose labels a cascade's second stage takes.
    pub previous_stage: Option<PathBuf>,
    /// Settings of the folder that are not supported here.
    pub warnings: Vec<Warning>,
}

/// Which weights of a folder are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NnUnetFolderOptions {
    /// Some of its folds (`0`, `fold_1`, `all`), in that order; none means all that have the checkpoint.
    pub folds: Option<Vec<String>>,
    /// The file in each fold's folder; none means `checkpoint_final.pth`.
    pub checkpoint: Option<String>,
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
    /// As [`NnUnetModelFolder::read_with`].
    pub fn read(folder: &Path, folds: Option<&[String]>) -> Result<Self> {
        let options = NnUnetFolderOptions {
            folds: folds.map(<[String]>::to_vec),
            checkpoint: None,
        };
        Self::read_with(folder, &options)
    }

    /// As [`NnUnetModelFolder::read`], with a choice of the checkpoint too.
    ///
    /// # Errors
    /// [`Error::ModelFolder`] for a fold or a checkpoint that is missing and for plans with settings that are not
    /// supported; [`Error::Planning`] for files that are not nnU-Net's.
    pub fn read_with(folder: &Path, options: &NnUnetFolderOptions) -> Result<Self> {
        let plans = Plans::read(folder.join("plans.json"))?;
        let dataset = DatasetJson::read(folder.join("dataset.json"))?;
        let checkpoint = options.checkpoint.as_deref().unwrap_or(CHECKPOINT);
        let members = members(folder, options.folds.as_deref(), checkpoint)?;
        let checkpoints: Vec<PathBuf> = members
            .iter()
            .map(|member| folder.join(member).join(checkpoint))
            .collect();
        // `members` is not empty.
        let told = read_pytorch_values(&checkpoints[0])?;
        let mut warnings = Vec::new();
        let name = configuration_name(folder, &told)?;
        let trainer = trainer_name(folder, &told);
        let mut configuration = plans.configuration(&name)?;
        let bad = |reason: String| Error::ModelFolder {
            kind: ErrorKind::BadInput,
            path: folder.join("plans.json"),
            reason: format!(
                "{reason} (configuration {name}, planner {})",
                plans.experiment_planner_used
            ),
        };
        match trainer.as_deref().map(Trainer::named) {
            None | Some(Trainer::Usual) => {}
            Some(Trainer::BatchNorm) => with_batch_norm(&mut configuration),
            Some(Trainer::OwnNetwork) => {
                return Err(bad(format!(
                    "trainer {} builds a network of its own, which the plans do not describe and which is not built here",
                    trainer.unwrap_or_default()
                )));
            }
            Some(Trainer::Unknown) => warnings.extend(trainer.as_deref().map(trainer::unknown)),
        }
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
            inputs: Vec::new(),
            channels: dataset.channels(),
            labels,
            preprocessing: Default::default(),
            nnunet: Some(plan.pipeline().map_err(bad)?),
            previous_stage: previous_stage.clone(),
            region: None,
            network,
            clicks: None,
            axis_order: AxisOrder::Zyx,
            inferer: Inferer::SlidingWindow(plan.windows().map_err(bad)?),
            mirror_axes: mirror_axes(&told, plan.dimensions(), &mut warnings).map_err(
                |reason| Error::ModelFolder {
                    kind: ErrorKind::BadInput,
                    path: checkpoints[0].clone(),
                    reason,
                },
            )?,
            inverse: Default::default(),
            postprocessing: postprocessing::read(folder, &mut warnings)?,
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
            warnings,
        })
    }
}

/// The checkpoint's configuration, else the end of the folder's name.
fn configuration_name(folder: &Path, told: &Value) -> Result<String> {
    if let Some(name) = told["init_args"]["configuration"].as_str() {
        return Ok(name.to_owned());
    }
    let own = folder.file_name().unwrap_or_default().to_string_lossy();
    let last = own.rsplit_once("__").map(|(_, name)| name.to_owned());
    last.ok_or_else(|| Error::ModelFolder {
        kind: ErrorKind::BadInput,
        path: folder.to_path_buf(),
        reason: "neither its name (TRAINER__PLANS__CONFIGURATION) nor its checkpoint says which \
                 configuration of the plans it is"
            .to_owned(),
    })
}

/// The checkpoint's trainer, else the beginning of the folder's name.
fn trainer_name(folder: &Path, told: &Value) -> Option<String> {
    if let Some(name) = told["trainer_name"].as_str() {
        return Some(name.to_owned());
    }
    let own = folder.file_name().unwrap_or_default().to_string_lossy();
    own.split_once("__").map(|(name, _)| name.to_owned())
}

/// What `nnUNetTrainerBN` does to the plans' network.
fn with_batch_norm(configuration: &mut Configuration) {
    let Some(architecture) = &mut configuration.architecture else {
        return;
    };
    let kwargs = &mut architecture.arch_kwargs;
    let dimensions = match kwargs.get("conv_op").and_then(Value::as_str) {
        Some(conv) if conv.ends_with("Conv2d") => 2,
        _ => 3,
    };
    let class = format!("torch.nn.modules.batchnorm.BatchNorm{dimensions}d");
    kwargs.insert("norm_op".to_owned(), class.into());
    let options = serde_json::json!({"eps": 1e-5, "affine": true});
    kwargs.insert("norm_op_kwargs".to_owned(), options);
}

/// The network's axes that may be mirrored: nnU-Net counts an array's. Without them nothing is mirrored.
fn mirror_axes(
    told: &Value,
    dimensions: usize,
    warnings: &mut Vec<Warning>,
) -> std::result::Result<Vec<Axis>, String> {
    let none = Vec::new();
    let told = match &told[MIRROR_AXES] {
        Value::Null => &none,
        Value::Array(axes) => axes,
        other => {
            return Err(format!(
                "`{MIRROR_AXES}` is {other}, expected a tuple of axes or None"
            ));
        }
    };
    let mut axes = Vec::new();
    for axis in told {
        let from_last = axis.as_u64().and_then(|axis| {
            dimensions
                .checked_sub(1)?
                .checked_sub(usize::try_from(axis).ok()?)
        });
        match from_last.and_then(|from_last| [Axis::X, Axis::Y, Axis::Z].get(from_last)) {
            Some(&axis) => axes.push(axis),
            None => warnings.push(Warning::MirrorAxisIgnored {
                axis: axis.to_string(),
                dimensions,
            }),
        }
    }
    axes.sort_by_key(|axis| axis.index());
    axes.dedup();
    Ok(axes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mirrored_axes_are_a_list_or_none() {
        let mut warnings = Vec::new();
        let mut axes = |told: Value| mirror_axes(&json!({ MIRROR_AXES: told }), 3, &mut warnings);
        assert_eq!(axes(json!([0, 2])).unwrap(), [Axis::X, Axis::Z]);
        assert_eq!(axes(Value::Null).unwrap(), []);
        assert_eq!(axes(json!([1, 3, u64::MAX])).unwrap(), [Axis::Y]);
        let refused = axes(json!({"object": "numpy.ndarray"})).unwrap_err();
        assert!(
            refused.contains(MIRROR_AXES) && refused.contains("numpy.ndarray"),
            "{refused}"
        );
        assert_eq!(warnings.len(), 2);
    }
}
