//! Opening a model folder of any kind, ours or nnU-Net's, and turning any into ours.

use crate::{Error, MODEL_FILE, ModelDescription, NnUnetModelFolder, Result, weights_path};
use std::path::{Path, PathBuf};
use vesalius_networks::{Network, Weights};
use vesalius_tensor::Device;

/// What may be changed when a model is opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenOptions {
    /// The members (folds) to use, by name or number; none means all.
    pub folds: Option<Vec<String>>,
    /// Whether inputs are mirrored, and augmented at test time, as the model says; `false` means never.
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
            self.description.inferer.without_test_time();
        }
        if let Some(step) = options.step {
            if !(step > 0.0 && step <= 1.0) {
                return Err(Error::BadValue {
                    key: "step",
                    found: step.to_string(),
                    expected: "a share of the window, above 0 and at most 1",
                });
            }
            if let Some(windows) = self.description.inferer.windows_mut() {
                windows.overlap = 1.0 - step;
            }
        }
        if let (Some(size), Some(windows)) =
            (options.batch_size, self.description.inferer.windows_mut())
        {
            windows.batch_size = size;
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
