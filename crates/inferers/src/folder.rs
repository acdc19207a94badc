//! Opening a model folder of any kind, ours, nnU-Net's or a MONAI bundle, and turning any into ours.

use crate::bundle::BundleModel;
use crate::locate::{Located, is_bundle};
use crate::segmenter::{describe_union, refuse_union};
use crate::union::is_union;
use crate::{
    Error, MODEL_FILE, ModelDescription, NnUnetFolderOptions, NnUnetModelFolder, OpenOptions,
    Result, weights_path,
};
use std::path::{Path, PathBuf};
use vesalius_bundles::WeightsSpec;
use vesalius_networks::{Network, NetworkConfig, Weights};
use vesalius_tensor::{Device, on_device};
use vesalius_volume::{ErrorKind, Warning};

/// A model folder's description, the files of its weights, and the folder of its coarser stage.
#[derive(Debug)]
pub(crate) struct FoundModel {
    pub description: ModelDescription,
    pub weights: Vec<PathBuf>,
    pub previous_stage: Option<PathBuf>,
    /// Whose folder it is.
    pub kind: FolderKind,
    /// Settings of the folder that are not supported here.
    pub warnings: Vec<Warning>,
}

/// Whose folder a model is in.
#[derive(Debug)]
pub(crate) enum FolderKind {
    /// Ours, with a `model.yaml`.
    Ours,
    /// One that nnU-Net trained.
    NnUnet,
    /// A MONAI bundle, with how its file of weights is read.
    Bundle(Box<WeightsSpec>),
}

/// A file of weights that a model was loaded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightFile {
    /// Where it is.
    pub path: PathBuf,
    /// The BLAKE3 hash of its content, where loading compared it with the model's checksum.
    pub blake3: Option<String>,
}

/// A member's network, and the warnings about its weights.
pub(crate) struct Loaded {
    pub network: Box<Network>,
    pub file: WeightFile,
    pub warnings: Vec<Warning>,
}

/// The description of the model that a path means: a model folder of ours or nnU-Net's, one of its folds or
/// files, a MONAI bundle or its config, a folder that holds one, or an archive of one.
///
/// # Errors
/// [`Error::ModelFolder`] with what was expected and what was found; a description that cannot be read.
pub fn describe_model(path: impl AsRef<Path>) -> Result<ModelDescription> {
    let located = Located::find(path.as_ref())?;
    if is_union(&located.folder) {
        return describe_union(&located, &OpenOptions::default());
    }
    // User-defined types are only named in it.
    Ok(FoundModel::named(&located, &OpenOptions::default())?.description)
}

impl FoundModel {
    /// A model folder whose description is checked and has every user-defined type.
    pub fn read(located: &Located, options: &OpenOptions) -> Result<Self> {
        let mut found = Self::named(located, options)?;
        let description = &mut found.description;
        let path = located.folder.join(MODEL_FILE);
        description
            .resolve(&options.registry)
            .and_then(|()| description.check())
            .map_err(|e| Error::of_folder(e.kind(), path, e.to_string()))?;
        Ok(found)
    }

    /// A model folder whose description may name user-defined types that nothing has made.
    fn named(located: &Located, options: &OpenOptions) -> Result<Self> {
        let folder = located.folder.as_path();
        refuse_union(folder)?;
        let folds = chosen_folds(located, options)?;
        let checkpoint = chosen_checkpoint(located, options)?;
        let is_ours = folder.join(MODEL_FILE).is_file();
        if !is_ours && is_bundle(folder) {
            if folds.is_some() || checkpoint.is_some() {
                return Err(Error::model_folder(
                    folder,
                    "is a MONAI bundle, which has no folds and one file of weights; its config names that",
                ));
            }
            let mut found = Self::of_bundle(located, options)?;
            found.change(options)?;
            return Ok(found);
        }
        if let Some((id, _)) = options.settings.first() {
            return Err(Error::model_folder(
                folder,
                format!("is no MONAI bundle, so that there is no `{id}` to set; change its files"),
            ));
        }
        let mut found = match NnUnetModelFolder::is_one(folder) && !is_ours {
            true => {
                let chosen = NnUnetFolderOptions { folds, checkpoint };
                let folder = NnUnetModelFolder::read_with(folder, &chosen)?;
                Self {
                    kind: FolderKind::NnUnet,
                    warnings: folder.warnings,
                    description: folder.description,
                    weights: folder.checkpoints,
                    previous_stage: folder.previous_stage,
                }
            }
            false if checkpoint.is_some() && is_ours => {
                return Err(Error::ModelFolder {
 kind: ErrorKind::BadInput,
                        path: folder.join(MODEL_FILE),
                        reason: "has one file of weights a member; a checkpoint is chosen only in folders that nnU-Net trained"
                            .to_owned(),
                    });
            }
            false => Self::ours(folder, folds.as_deref())?,
        };
        found.change(options)?;
        Ok(found)
    }

    fn of_bundle(located: &Located, options: &OpenOptions) -> Result<Self> {
        let folder = located.folder.as_path();
        let bundle = BundleModel::read(folder, located.config.as_deref(), options)?;
        Ok(Self {
            description: bundle.description,
            weights: vec![bundle.weights],
            previous_stage: None,
            kind: FolderKind::Bundle(Box::new(bundle.entry)),
            warnings: bundle.warnings,
        })
    }

    fn ours(folder: &Path, folds: Option<&[String]>) -> Result<Self> {
        let mut description = ModelDescription::read(folder)?;
        if let Some(folds) = folds {
            let chosen = folds.iter().map(|fold| {
                let numbered = format!("fold_{fold}");
                let known = description.members.iter();
                let mut known = known.filter(|name| *name == fold || **name == numbered);
                known.next().cloned().ok_or_else(|| Error::ModelFolder {
                    kind: ErrorKind::BadInput,
                    path: folder.join(MODEL_FILE),
                    reason: format!(
                        "has no member `{fold}`; there are {}",
                        description.members.join(", ")
                    ),
                })
            });
            description.members = chosen.collect::<Result<_>>()?;
            let chosen = &description.members;
            description
                .checksums
                .retain(|member, _| chosen.contains(member));
        }
        Ok(Self {
            weights: description
                .members
                .iter()
                .map(|member| weights_path(folder, member))
                .collect(),
            previous_stage: description.previous_stage.as_ref().map(|s| folder.join(s)),
            kind: FolderKind::Ours,
            warnings: Vec::new(),
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
                windows.axis_overlap = None;
            }
        }
        if let (Some(size), Some(windows)) =
            (options.batch_size, self.description.inferer.windows_mut())
        {
            windows.batch_size = size;
        }
        match self.description.inferer.windows_mut() {
            Some(windows) => windows.check(),
            None => Ok(()),
        }
    }

    /// The hash of a member's weights, which the description names too, or a warning where it names none.
    /// Other frameworks' folders have no hashes.
    fn verify(&self, path: &Path) -> Result<(Option<String>, Option<Warning>)> {
        let index = self.weights.iter().position(|weights| weights == path);
        let member = index.and_then(|index| self.description.members.get(index));
        match member {
            Some(member) if matches!(self.kind, FolderKind::Ours) => {
                self.description.verified_hash(path, member)
            }
            _ => Ok((None, None)),
        }
    }

    /// The network of a member with its weights, and the warnings about them.
    pub fn load(&self, path: &Path, device: &Device) -> Result<Loaded> {
        let bad = |reason: String| Error::ModelFolder {
            kind: ErrorKind::BadInput,
            path: path.to_path_buf(),
            reason,
        };
        if !path.is_file() {
            return Err(match &self.kind {
                FolderKind::Bundle(entry) => BundleModel::without_weights(path, entry),
                _ => {
                    let reason = "is missing; copy the whole model folder";
                    Error::of_folder(ErrorKind::NotFound, path, reason)
                }
            });
        }
        let (blake3, warning) = self.verify(path)?;
        let damaged = |reason: String| Error::of_folder(ErrorKind::Corrupt, path, reason);
        let weights = Weights::open(path).map_err(|e| damaged(e.to_string()))?;
        let (network, entry) = (&self.description.network, self.entry());
        let weights = match entry.and_then(|entry| entry.key.as_deref()) {
            Some(key) => entry_or_whole(key, network, weights)?,
            None => weights,
        };
        let chosen = chosen_copy(path, network, &weights)?;
        let load = || match entry {
            Some(entry) if !entry.strict => network.load_among(&weights, device),
            _ => network.load(&weights, device),
        };
        let loaded = on_device(device, || load().map(Box::new))?;
        let network = loaded.map_err(|e| match e {
            vesalius_networks::Error::BadWeights { .. } => damaged(e.to_string()),
            vesalius_networks::Error::Tensor(failed) => Error::Tensor(failed),
            vesalius_networks::Error::WeightsMismatch(found) if entry.is_some() => bad(format!(
                "does not fit the network of the bundle, `{}`: {}",
                self.description.network.architecture().name(),
                found.first(MOST_DIFFERENCES)
            )),
            other => bad(format!("does not fit the network of the model: {other}")),
        })?;
        let file = WeightFile {
            path: path.to_path_buf(),
            blake3,
        };
        Ok(Loaded {
            network,
            file,
            warnings: warning.into_iter().chain(chosen).collect(),
        })
    }

    /// How a bundle's weights are read.
    fn entry(&self) -> Option<&WeightsSpec> {
        match &self.kind {
            FolderKind::Bundle(entry) => Some(entry),
            _ => None,
        }
    }
}

/// Differences between weights and network that an error lists.
const MOST_DIFFERENCES: usize = 3;

/// The entry of a file by its key, as MONAI's `CheckpointLoader` takes it, or the whole file where the entry is not the
/// network: the names of a network may begin with the key themselves, as those of MONAI's `UNet` with `model`.
fn entry_or_whole(key: &str, network: &NetworkConfig, weights: Weights) -> Result<Weights> {
    let Some(entry) = weights.entry(key) else {
        return Ok(weights);
    };
    let names = |weights: &Weights| network.wrapping(weights).map(|found| found.names);
    Ok(match names(&entry)? < names(&weights)? {
        true => weights,
        false => entry,
    })
}

/// A warning where a file has a network's weights several times.
fn chosen_copy(path: &Path, network: &NetworkConfig, weights: &Weights) -> Result<Option<Warning>> {
    let found = network.wrapping(weights)?;
    let named = |prefix: &str| match prefix {
        "" => "no prefix".to_owned(),
        prefix => prefix.trim_end_matches('.').to_owned(),
    };
    Ok((!found.others.is_empty()).then(|| Warning::WeightsChosen {
        path: path.to_path_buf(),
        taken: named(&found.prefix),
        others: found
            .others
            .iter()
            .map(|other| format!("`{}`", named(other)))
            .collect(),
    }))
}

/// The checkpoint that options or the path name.
fn chosen_checkpoint(located: &Located, options: &OpenOptions) -> Result<Option<String>> {
    match (&located.checkpoint, &options.checkpoint) {
        (Some(named), Some(other)) if named != other => Err(Error::ModelFolder {
            kind: ErrorKind::BadInput,
            path: located.folder.clone(),
            reason: format!("`{named}` is named by the path, but `{other}` is asked for"),
        }),
        (named, other) => Ok(named.clone().or_else(|| other.clone())),
    }
}

/// The folds that options or the path name.
fn chosen_folds(located: &Located, options: &OpenOptions) -> Result<Option<Vec<String>>> {
    let Some(named) = &located.fold else {
        return Ok(options.folds.clone());
    };
    let same = |fold: &String| fold == named || format!("fold_{fold}") == *named;
    match options.folds.as_deref() {
        None => Ok(Some(vec![named.clone()])),
        Some([fold]) if same(fold) => Ok(Some(vec![named.clone()])),
        Some(folds) => Err(Error::ModelFolder {
            kind: ErrorKind::BadInput,
            path: located.folder.join(named),
            reason: format!(
                "is one fold, but {} are asked for; name the folder around it",
                folds.join(", ")
            ),
        }),
    }
}
