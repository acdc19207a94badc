//! One algorithm as a file that a person can read and change: the training config, and why it is so.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use vesalius_registry::Registry;
use vesalius_training::TrainingConfig;

/// A plan: `plans/NAME.yaml` in a work folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// A sentence for every choice; read by people, never by the program.
    #[serde(default, rename = "because")]
    pub reasons: Vec<String>,
    /// How the algorithm is trained; its `name` is the algorithm's.
    pub training: TrainingConfig,
}

/// How the name of a plan ends that a search made of another.
const TUNED: &str = "_tuned";

impl Plan {
    /// The algorithm's name.
    pub fn name(&self) -> &str {
        &self.training.name
    }

    /// What a search calls the plan that it makes of the one of this name.
    pub fn tuned_name(name: &str) -> String {
        format!("{name}{TUNED}")
    }

    /// Whether a search made this plan of another.
    pub fn is_tuned(&self) -> bool {
        self.name().ends_with(TUNED)
    }

    /// Where the plan of an algorithm lies in a folder of plans.
    pub fn path(folder: impl AsRef<Path>, name: &str) -> PathBuf {
        let folder = folder.as_ref();
        folder.join(format!("{name}.yaml"))
    }

    /// A hash of what is trained; the reasons, which people read, take no part.
    pub(crate) fn hash(&self) -> String {
        // A plan that was read or made is written without fail.
        let text = serde_json::to_string(&self.training).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }

    /// Reads a plan and checks it.
    ///
    /// # Errors
    /// [`Error::Plan`] with the line and the key.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::read_with(path, &Registry::default())
    }

    /// As [`Plan::read`], for a plan that names user-defined types.
    ///
    /// # Errors
    /// As [`Plan::read`]; a name that is not in the registry.
    pub fn read_with(path: impl AsRef<Path>, registry: &Registry) -> Result<Self> {
        let path = path.as_ref();
        let bad = |reason: String| Error::Plan {
            path: path.to_path_buf(),
            reason,
        };
        let text = vesalius_io::read_text(path).map_err(|source| Error::System {
            path: path.to_path_buf(),
            what: "read",
            source,
        })?;
        let mut plan: Self =
            vesalius_training::parse_yaml(&text).map_err(|e| bad(e.to_string()))?;
        let resolved = plan.training.resolve(registry);
        resolved.map_err(|e| bad(e.to_string()))?;
        plan.training.check().map_err(|e| bad(e.to_string()))?;
        if path.file_stem().is_none_or(|stem| stem != plan.name()) {
            return Err(bad(format!(
                "is the plan of `{}`; name the file {}.yaml or change `training.name`",
                plan.name(),
                plan.name()
            )));
        }
        Ok(plan)
    }

    /// Writes the plan into a folder, whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let path = Self::path(folder, self.name());
        let text = vesalius_planning::to_yaml(self).map_err(|reason| Error::Plan {
            path: path.clone(),
            reason,
        })?;
        Ok(vesalius_io::write_bytes_atomically(&path, text.as_bytes())?)
    }

    /// Every plan in a folder, by name.
    ///
    /// # Errors
    /// A plan that cannot be read; no plan at all.
    pub fn read_all(folder: impl AsRef<Path>) -> Result<Vec<Self>> {
        let folder = folder.as_ref();
        Self::read_all_with(folder, &Registry::default())
    }

    /// As [`Plan::read_all`], for plans that name user-defined types.
    ///
    /// # Errors
    /// As [`Plan::read_all`]; a name that is not in the registry.
    pub fn read_all_with(folder: impl AsRef<Path>, registry: &Registry) -> Result<Vec<Self>> {
        let folder = folder.as_ref();
        let bad = |reason: String| Error::Plan {
            path: folder.to_path_buf(),
            reason,
        };
        let entries = std::fs::read_dir(folder).map_err(|e| {
            bad(format!(
                "cannot be read ({e}); `workflow::auto::plan` makes plans"
            ))
        })?;
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
            .collect();
        paths.sort();
        if paths.is_empty() {
            return Err(bad(
                "holds no plan; `workflow::auto::plan` makes plans".to_owned()
            ));
        }
        let read = |path: &PathBuf| Self::read_with(path, registry);
        paths.iter().map(read).collect()
    }
}
