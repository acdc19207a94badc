//! A trained-model folder of nnU-Net v2 (`plans.json`, `dataset.json`, `fold_k/checkpoint_final.pth`)
//! as a model description and the files of its weights.

use super::{NnUnetPipeline, pipeline, postprocessing};
use crate::{
    AxisOrder, Error, Inferer, ModelDescription, Provenance, Result, SlidingWindow, WindowRule,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use vesalius_networks::{NetworkConfig, read_pytorch_values};
use vesalius_planning::nnunet::{Configuration, DatasetJson, Plans, Resampling};
use vesalius_transforms::{Axis, ForegroundIntensity, NnUnetNormalization, NnUnetScheme};

/// What nnU-Net calls the weights of a finished fold.
const CHECKPOINT: &str = "checkpoint_final.pth";
/// nnU-Net's function that resamples, as it is known here.
const RESAMPLING: &str = "resample_data_or_seg_to_shape";

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
            network,
            axis_order: AxisOrder::Zyx,
            inferer: Inferer::SlidingWindow(plan.windows().map_err(bad)?),
            mirror_axes: mirror_axes(&told, plan.dimensions()),
            postprocessing: postprocessing::read(&folder.join("postprocessing.json"))?,
            members,
            companions: Vec::new(),
            combination: Default::default(),
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

/// `nnUNetTrainer__nnUNetPlans__3d_lowres` beside `…__3d_cascade_fullres`.
fn sibling(folder: &Path, name: &str, stage: &str) -> PathBuf {
    let own = folder.file_name().unwrap_or_default().to_string_lossy();
    let stem = own.strip_suffix(name).unwrap_or(&own);
    folder.with_file_name(format!("{stem}{stage}"))
}

/// The folds to use, as folder names.
fn members(folder: &Path, folds: Option<&[String]>) -> Result<Vec<String>> {
    let bad = |path: &Path, reason: String| Error::ModelFolder {
        path: path.to_path_buf(),
        reason,
    };
    let entries = std::fs::read_dir(folder).map_err(|e| bad(folder, e.to_string()))?;
    let mut there: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("fold_") && folder.join(name).join(CHECKPOINT).is_file())
        .collect();
    there.sort();
    // `fold_all` is a model of its own, not another fold.
    let usual: Vec<String> = match there.iter().any(|name| name != "fold_all") {
        true => there.iter().filter(|n| *n != "fold_all").cloned().collect(),
        false => there.clone(),
    };
    let available = || match there.is_empty() {
        true => "none has one".to_owned(),
        false => format!("there are {}", there.join(", ")),
    };
    let Some(folds) = folds else {
        return match usual.is_empty() {
            true => Err(bad(
                folder,
                format!("has no fold with a {CHECKPOINT}; finish the training of at least one"),
            )),
            false => Ok(usual),
        };
    };
    let named = |fold: &String| match fold.starts_with("fold_") {
        true => fold.clone(),
        false => format!("fold_{fold}"),
    };
    let wanted: Vec<String> = folds.iter().map(named).collect();
    match wanted.iter().find(|fold| !there.contains(fold)) {
        Some(missing) => Err(bad(
            &folder.join(missing),
            format!("has no {CHECKPOINT}; {}", available()),
        )),
        None if wanted.is_empty() => Err(bad(folder, "no fold was asked for".to_owned())),
        None => Ok(wanted),
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

/// One configuration with its surroundings.
struct Plan<'a> {
    plans: &'a Plans,
    dataset: &'a DatasetJson,
    configuration: &'a Configuration,
}

impl Plan<'_> {
    fn dimensions(&self) -> usize {
        self.configuration.patch_size.as_ref().map_or(3, Vec::len)
    }

    /// Nothing when every part is known here.
    fn check(&self) -> std::result::Result<(), String> {
        let c = self.configuration;
        let classes = [
            (
                "preprocessor_name",
                &c.preprocessor_name,
                "DefaultPreprocessor",
            ),
            ("resampling_fn_data", &c.resampling_fn_data, RESAMPLING),
            ("resampling_fn_seg", &c.resampling_fn_seg, RESAMPLING),
            (
                "resampling_fn_probabilities",
                &c.resampling_fn_probabilities,
                RESAMPLING,
            ),
        ];
        for (key, found, known) in classes {
            if let Some(found) = found.as_deref().filter(|found| *found != known) {
                return Err(format!(
                    "`{key}` is `{found}`; only `{known}` is known here"
                ));
            }
        }
        if self.plans.label_manager != "LabelManager" {
            let found = &self.plans.label_manager;
            return Err(format!(
                "`label_manager` is `{found}`; only `LabelManager` is known here"
            ));
        }
        Ok(())
    }

    fn pipeline(&self) -> std::result::Result<NnUnetPipeline, String> {
        let c = self.configuration;
        let spacing = c.spacing.as_deref().unwrap_or_default();
        let spacing = match *spacing {
            [y, x] => [x, y, 0.0],
            [z, y, x] => [x, y, z],
            _ => {
                return Err(format!(
                    "`spacing` is {spacing:?}, not two or three numbers"
                ));
            }
        };
        let forward = &self.plans.transpose_forward;
        let axes = match forward[..] {
            [z, y, x] if [x, y, z].iter().all(|&axis| axis < 3) => [2 - x, 2 - y, 2 - z],
            _ => {
                return Err(format!(
                    "`transpose_forward` is {forward:?}, not three axes"
                ));
            }
        };
        let order = |resampling: &Option<Resampling>, usual: u8| match resampling {
            Some(resampling) => (resampling.order, resampling.force_separate_z),
            None => (usual, None),
        };
        let (image, separate) = order(&c.resampling_fn_data_kwargs, 3);
        let (logits, separate_logits) = order(&c.resampling_fn_probabilities_kwargs, 1);
        if logits != 1 {
            return Err(format!(
                "`resampling_fn_probabilities_kwargs.order` is {logits}; only 1 is known here"
            ));
        }
        let reader = &self.plans.image_reader_writer;
        Ok(NnUnetPipeline {
            orientation: reader.ends_with("WithReorient").then(|| "RAS".to_owned()),
            axes,
            spacing,
            normalization: self.normalization()?,
            image: pipeline::NnUnetInterpolation {
                order: image,
                separate,
            },
            separate_logits,
        })
    }

    fn normalization(&self) -> std::result::Result<NnUnetNormalization, String> {
        let c = self.configuration;
        let names = c.normalization_schemes.as_deref().unwrap_or_default();
        let count = self.dataset.channels().len();
        if names.len() != count {
            return Err(format!(
                "`normalization_schemes` has {} entries, dataset.json {count} channel(s)",
                names.len()
            ));
        }
        let masked = c.use_mask_for_norm.as_deref().unwrap_or_default();
        let intensities = &self.plans.foreground_intensity_properties_per_channel;
        let channels = names.iter().enumerate().map(|(channel, name)| {
            let intensity = intensities.get(&channel.to_string());
            let intensity = intensity.map(|told| ForegroundIntensity {
                mean: told.mean,
                standard_deviation: told.std,
                percentile_00_5: told.percentile_00_5,
                percentile_99_5: told.percentile_99_5,
            });
            let masked = masked.get(channel).copied().unwrap_or(false);
            NnUnetScheme::named(name, masked, intensity).map_err(|e| e.to_string())
        });
        Ok(NnUnetNormalization {
            channels: channels.collect::<std::result::Result<_, String>>()?,
        })
    }

    fn windows(&self) -> std::result::Result<SlidingWindow, String> {
        let patch = self.configuration.patch_size.as_deref().unwrap_or_default();
        let patch_size = match *patch {
            [y, x] => [x as i64, y as i64, 1],
            [z, y, x] => [x as i64, y as i64, z as i64],
            _ => {
                return Err(format!(
                    "`patch_size` is {patch:?}, not two or three numbers"
                ));
            }
        };
        Ok(SlidingWindow {
            patch_size,
            overlap: 0.5,
            rule: WindowRule::Nnunet,
            // Slices are small, so several go through the network together.
            batch_size: if patch.len() == 2 { 4 } else { 1 },
            ..SlidingWindow::default()
        })
    }
}
