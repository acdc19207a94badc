//! Opening a model folder of any kind, ours or nnU-Net's, and turning any into ours.

use crate::{
    Error, MODEL_FILE, ModelDescription, NnUnetModelFolder, Result, SlidingWindow, weights_path,
};
use std::path::{Path, PathBuf};
use vesalius_networks::{Network, Weights};
use vesalius_tensor::Device;

/// What may be changed when a model is opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenOptions {
    /// The members (folds) to use, by name or number; none means all.
    pub folds: Option<Vec<String>>,
    /// Whether inputs are mirrored as the model says; none means as it says, `true` all its axes.
    pub mirror: Option<bool>,
    /// How far windows are apart, as a share of their size; none means as the model says.
    pub step: Option<f64>,
    /// Windows that go through the network together; none means as the model says.
    pub batch_size: Option<usize>,
}

/// A model folder's description, the files of its weights, and the folder of its coarser stage.
#[derive(Debug)]
pub(crate) struct FoundModel {
    pub description: ModelDescription,
    pub weights: Vec<PathBuf>,
    pub previous_stage: Option<PathBuf>,
}

impl FoundModel {
    pub fn read(folder: &Path, options: &OpenOptions) -> Result<Self> {
        let mut found =
            match NnUnetModelFolder::is_one(folder) && !folder.join(MODEL_FILE).is_file() {
                true => {
                    let folder = NnUnetModelFolder::read(folder, options.folds.as_deref())?;
                    Self {
                        description: folder.description,
                        weights: folder.checkpoints,
                        previous_stage: folder.previous_stage,
                    }
                }
                false => Self::ours(folder, options.folds.as_deref())?,
            };
        found.change(options)?;
        Ok(found)
    }

    fn ours(folder: &Path, folds: Option<&[String]>) -> Result<Self> {
        let mut description = ModelDescription::read(folder)?;
        if let Some(folds) = folds {
            let chosen = folds.iter().map(|fold| {
                let numbered = format!("fold_{fold}");
                let known = description.members.iter();
                let mut known = known.filter(|name| *name == fold || **name == numbered);
                known.next().cloned().ok_or_else(|| Error::ModelFolder {
                    path: folder.join(MODEL_FILE),
                    reason: format!(
                        "has no member `{fold}`; there are {}",
                        description.members.join(", ")
                    ),
                })
            });
            description.members = chosen.collect::<Result<_>>()?;
        }
        Ok(Self {
            weights: description
                .members
                .iter()
                .map(|member| weights_path(folder, member))
                .collect(),
            previous_stage: description.previous_stage.as_ref().map(|s| folder.join(s)),
            description,
        })
    }

    fn change(&mut self, options: &OpenOptions) -> Result<()> {
        if options.mirror == Some(false) {
            self.description.mirror_axes.clear();
        }
        let windows = |change: &dyn Fn(&mut SlidingWindow), model: &mut ModelDescription| {
            if let crate::Inferer::SlidingWindow(windows) = &mut model.inferer {
                change(windows);
            }
        };
        if let Some(step) = options.step {
            if !(step > 0.0 && step <= 1.0) {
                return Err(Error::BadValue {
                    key: "step",
                    found: step.to_string(),
                    expected: "a share of the window, above 0 and at most 1",
                });
            }
            windows(&|w| w.overlap = 1.0 - step, &mut self.description);
        }
        if let Some(size) = options.batch_size {
            windows(&|w| w.batch_size = size, &mut self.description);
        }
        self.description.inferer.check()
    }

    /// The network of a member with its weights.
    pub fn load(&self, path: &Path, device: &Device) -> Result<Network> {
        let bad = |reason: String| Error::ModelFolder {
            path: path.to_path_buf(),
            reason,
        };
        if !path.is_file() {
            return Err(bad("is missing; copy the whole model folder".to_owned()));
        }
        let weights = Weights::open(path).map_err(|e| bad(e.to_string()))?;
        let network = self.description.network.load(&weights, device);
        network.map_err(|e| bad(format!("does not fit the network of the model: {e}")))
    }
}

/// Writes any model folder as one of ours: `model.yaml` and `members/NAME/weights.safetensors`, a
/// cascade's coarser stage in a folder of its own.
///
/// # Errors
/// A folder that cannot be read, weights that do not fit, a folder that cannot be written or that
/// holds a model already.
pub fn convert_model(from: &Path, to: &Path, options: &OpenOptions) -> Result<ModelDescription> {
    let mut found = FoundModel::read(from, options)?;
    let bad = |path: &Path, reason: String| Error::ModelFolder {
        path: path.to_path_buf(),
        reason,
    };
    if to.join(MODEL_FILE).exists() {
        return Err(bad(
            to,
            "holds a model already; choose another folder".to_owned(),
        ));
    }
    let device = Device::flex();
    for name in &found.description.companions {
        convert_model(&from.join(name), &to.join(name), options)?;
    }
    for (member, path) in found.description.members.iter().zip(&found.weights) {
        let target = weights_path(to, member);
        let folder = target.parent().unwrap_or(to);
        std::fs::create_dir_all(folder).map_err(|e| bad(folder, format!("cannot be made: {e}")))?;
        let bytes = found.load(path, &device)?.weights().to_safetensors()?;
        vesalius_io::write_bytes_atomically(&target, &bytes)?;
    }
    if let Some(stage) = &found.previous_stage {
        let name = "previous_stage".to_owned();
        convert_model(stage, &to.join(&name), &OpenOptions::default())?;
        found.description.previous_stage = Some(name);
    }
    found.description.write(to)?;
    Ok(found.description)
}
